package alertstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

// TestCrashes lets the process die at every write that telling of incidents
// takes: right before it, and right after it. Some of the incidents are told
// alone, some in a group. With a store that remembers, every incident must
// then be told to begin and to end, and be kept once it is over, exactly once where the history can be
// read, else with at most one message more, which is marked. It returns at how
// many points it died. It is to be called outside of testing/synctest.
func TestCrashes(t *testing.T, open OpenStore) int {
	t.Helper()
	points := 0
	for _, history := range []bool{false, true} {
		for point := 0; ; point++ {
			died := false
			synctest.Test(t, func(t *testing.T) { died = crashAt(t, open, point, history) })
			if !died {
				break
			}
			points++
		}
	}
	return points
}

var errDied = errors.New("the process has died")

// mortal is a store whose process dies at a write.
type mortal struct {
	alerts.Store
	died context.CancelFunc

	mu    sync.Mutex
	left  int // writes until then, counted twice: before and after
	dead  bool
	never bool
}

// write does a write, unless the process dies before it.
func (m *mortal) write(do func() error) error {
	if m.dies() {
		return errDied
	}
	if err := do(); err != nil {
		return err
	}
	if m.dies() {
		return errDied
	}
	return nil
}

func (m *mortal) dies() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left--; m.left < 0 && !m.never && !m.dead {
		m.dead = true
		m.died()
	}
	return m.dead
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *mortal) Update(ctx context.Context, key string, fn func(alerts.State) alerts.Change) error {
	return m.write(func() error { return m.Store.Update(ctx, key, fn) })
}

func (m *mortal) Ack(ctx context.Context, r alerts.Receipt) error {
	return m.write(func() error { return m.Store.Ack(ctx, r) })
}

func (m *mortal) Pending(ctx context.Context, receiver string, limit int) (alerts.Queue, error) {
	if m.isDead() {
		return alerts.Queue{}, errDied
	}
	return m.Store.Pending(ctx, receiver, limit)
}

// life is one process: an engine and an outbox on a store.
type life struct {
	store  *mortal
	engine *alerts.Engine
	end    func()
}

const (
	crashChecks = 4
	crashToken  = "xoxb-crash" //nolint:gosec // of the fake
)

func begin(t *testing.T, s alerts.Store, slack *Slack, pacer *alerts.Pacer, left int, never bool) *life {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &life{store: &mortal{Store: s, died: cancel, left: left, never: never}}
	outbox := &alerts.Outbox{Store: l.store}
	outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": &alerts.Slack{
		Token: crashToken, Channel: "#c", APIURL: slack.APIURL(), Client: slack.Client(), Pacer: pacer,
	}})
	l.engine = &alerts.Engine{Store: l.store, Wake: outbox.Wake}
	setup := alerts.Setup{Receivers: []string{"slack.a"}, GroupWait: 5 * time.Second}
	for i := range crashChecks {
		setup.Subjects = append(setup.Subjects, alerts.Subject{Name: fmt.Sprintf("c%d", i)})
	}
	_ = l.engine.Load(ctx, setup) // an error is that of a process that dies
	var wg sync.WaitGroup
	wg.Go(func() { _ = outbox.Run(ctx) })
	wg.Go(func() { _ = l.engine.Run(ctx) })
	l.end = func() {
		cancel()
		wg.Wait()
	}
	return l
}

// crashAt says whether the process got as far as the point.
func crashAt(t *testing.T, open OpenStore, point int, history bool) (died bool) {
	t.Helper()
	tale := &tale{began: map[string]int{}, ended: map[string]int{}, maybe: map[string]bool{}, roots: map[string][]string{}}
	slack := &Slack{Token: crashToken, History: history, Channels: []string{"#c"}, OnMessage: tale.hear}
	pacer := &alerts.Pacer{}
	s, reopen := open(t)
	now := begin(t, s, slack, pacer, point, false)
	revive := func() {
		now.end()
		died = true
		if reopen != nil {
			s = reopen(t)
		}
		now = begin(t, s, slack, pacer, 0, true)
	}
	for _, outcome := range []checks.Outcome{checks.Failed, checks.Passed} {
		for i := range crashChecks {
			r := checks.Result{Check: fmt.Sprintf("c%d", i), Outcome: outcome, Reason: checks.ReasonExpectation, Message: "m"}
			r.Started = time.Now()
			err := now.engine.Handle(t.Context(), r)
			if now.store.isDead() {
				revive()
				if errors.Is(err, errDied) { // it runs again after the start
					err = now.engine.Handle(t.Context(), r)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 60 {
			<-time.After(time.Second)
			synctest.Wait()
			if now.store.isDead() {
				revive()
			}
		}
		tale.told(t, outcome)
	}
	now.end()
	tale.check(t, died && !history)
	checkClosed(t, s)
	if t.Failed() {
		t.Logf("died at point %d, history %v; sent were %q", point, history, tale.all)
	}
	return died
}

// checkClosed holds that the one incident of each check is kept, however the
// process died.
func checkClosed(t *testing.T, s alerts.Store) {
	t.Helper()
	kept := make(map[string]int)
	for _, c := range past(t, s) {
		kept[c.Check]++
		if c.Incident != 1 || c.Level != alerts.LevelFailed || c.Message != "m" || !c.Until.After(c.Since) {
			t.Errorf("kept is %+v", c)
		}
	}
	for i := range crashChecks {
		if name := fmt.Sprintf("c%d", i); kept[name] != 1 {
			t.Errorf("%d closed incidents of %s are kept, want 1", kept[name], name)
		}
	}
}

// tale is what people have read.
type tale struct {
	mu           sync.Mutex
	began, ended map[string]int
	marked       int
	maybe        map[string]bool     // checks that a marked message is about
	roots        map[string][]string // checks that a message is about, by ts
	wrong        []string
	all          []string
}

// hear takes note of a message.
func (h *tale) hear(m Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, m.Text)
	if m.Edited {
		return
	}
	text, marked := strings.CutSuffix(m.Text, " (possible repeat)")
	if marked {
		h.marked++
		if m.Thread == "" {
			h.roots[m.ID] = h.about(text, m.Reader)
		}
		for _, name := range append(h.roots[m.Thread], h.roots[m.ID]...) {
			h.maybe[name] = true
		}
		return
	}
	names := h.roots[m.Thread]
	if m.Thread == "" {
		names = h.about(text, m.Reader)
		h.roots[m.ID] = names
	}
	if len(names) == 0 {
		h.wrong = append(h.wrong, m.Text)
	}
	for _, name := range names {
		if m.Thread == "" {
			h.began[name]++
		}
		if strings.HasPrefix(text, "🟢 ") {
			h.ended[name]++
		}
	}
}

// about returns the checks that a message is about.
func (h *tale) about(text, reader string) []string {
	var names []string
	for i := range crashChecks {
		name := fmt.Sprintf("c%d", i)
		if strings.Contains(text, " "+name+" ") || strings.Contains(reader+"\n", " "+name+"\n") {
			names = append(names, name)
		}
	}
	return names
}

// told holds that the checks are known to be in this state, a minute after
// they are.
func (h *tale) told(t *testing.T, o checks.Outcome) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	told := h.began
	if o == checks.Passed {
		told = h.ended
	}
	for i := range crashChecks {
		// A message that was not sent before the process died is sent marked.
		if name := fmt.Sprintf("c%d", i); told[name] == 0 && !h.maybe[name] {
			t.Errorf("nobody knows that %s has %s", name, o)
		}
	}
}

// check holds that nothing was told twice, but for one marked message.
func (h *tale) check(t *testing.T, repeats bool) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	most := 0
	if repeats {
		most = 1
	}
	if h.marked > most {
		t.Errorf("%d messages are marked as possible repeats, want at most %d", h.marked, most)
	}
	for _, text := range h.wrong {
		t.Errorf("unexpected %q", text)
	}
	for i := range crashChecks {
		name := fmt.Sprintf("c%d", i)
		if h.began[name] > 1 || h.ended[name] > 1 {
			t.Errorf("%s was told %d times to fail and %d times to be well", name, h.began[name], h.ended[name])
		}
	}
}
