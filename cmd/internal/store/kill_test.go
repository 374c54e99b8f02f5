package store

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

var kills = flag.Int("kills", 6, "how many times TestKill kills the process")

const (
	childFile = "WATCHWORD_TEST_CHILD_FILE"
	childAPI  = "WATCHWORD_TEST_CHILD_API"
	childLoad = "WATCHWORD_TEST_CHILD_LOAD"
)

// load is how much happens in a burst.
type load struct{ checks, incidents int }

func (l load) String() string { return fmt.Sprintf("%d checks of %d incidents", l.checks, l.incidents) }

func TestMain(m *testing.M) {
	if path := os.Getenv(childInspects); path != "" {
		if err := Inspect(path, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(childHangs) != "" {
		confine(limits{processor: time.Second, memory: 1 << 30})
		for !time.Now().IsZero() {
		}
	}
	if path := os.Getenv(childFile); path != "" {
		var l load
		_, err := fmt.Sscanf(os.Getenv(childLoad), "%d checks of %d incidents", &l.checks, &l.incidents)
		if err = cmp.Or(err, burst(path, os.Getenv(childAPI), l)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// burst is the process that is killed: checks that fail and recover as fast
// as they can, until each has had its incidents.
func burst(path, api string, l load) error {
	db, err := Open(context.Background(), path, Options{Child: child})
	if err != nil {
		return err
	}
	defer db.Close()
	if p := db.Problems(); p != nil {
		return fmt.Errorf("the state file has problems: %v", p)
	}
	outbox := &alerts.Outbox{Store: db}
	outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": &alerts.Slack{
		Token: "xoxb-burst", Channel: "#c", APIURL: api, Pacer: &alerts.Pacer{Post: time.Nanosecond, Edit: time.Nanosecond},
	}})
	engine := &alerts.Engine{Store: db, Wake: outbox.Wake}
	setup := alerts.Setup{Receivers: []string{"slack.a"}}
	for i := range l.checks {
		setup.Subjects = append(setup.Subjects, alerts.Subject{Name: fmt.Sprintf("c%d", i), Policy: alerts.Policy{After: 2}})
	}
	if err := engine.Load(context.Background(), setup); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { _ = outbox.Run(ctx) })

	var running sync.WaitGroup
	for _, s := range setup.Subjects {
		running.Go(func() {
			for {
				st := engine.State(s.Name)
				r := checks.Result{Check: s.Name, Outcome: checks.Failed, Message: fmt.Sprintf("incident %d", st.Incident+1), Started: time.Now()}
				if st.Open() {
					r.Outcome = checks.Passed
				} else if st.Incident == uint64(l.incidents) {
					return
				}
				if err := engine.Handle(ctx, r); err != nil {
					panic(err)
				}
			}
		})
	}
	running.Wait()
	return outbox.Flush(ctx)
}

// TestKill kills a process with SIGKILL amid a burst of transitions, again
// and again, and starts it anew. Every incident must be told, in order, and the
// latest ones be kept; what is told twice must be marked, and be at most one
// message for each kill.
func TestKill(t *testing.T) {
	var posts alertstest.Posts
	slack := &alertstest.Slack{Token: "xoxb-burst", OnMessage: posts.Add}
	if err := slack.Start(); err != nil {
		t.Fatal(err)
	}
	defer slack.Close()
	l := load{checks: 20, incidents: 15}
	killed, rounds, twice := 0, 0, 0
	for killed < *kills {
		if rounds++; rounds > *kills+10 { // on a slow machine some bursts are over before they can be killed
			t.Fatalf("%d kills in %d bursts", killed, rounds)
		}
		dir := t.TempDir()
		posts.Clear()
		n := burstAndKill(t, filepath.Join(dir, "s.db"), slack.APIURL(), l, min(*kills-killed, 6))
		repeats := checkPosted(t, posts.All(), l)
		checkClosed(t, filepath.Join(dir, "s.db"), l)
		if repeats > n {
			t.Errorf("%d messages were repeated by %d kills", repeats, n)
		}
		killed, twice = killed+n, twice+repeats
		if t.Failed() {
			break
		}
	}
	t.Logf("%d kills in %d bursts of %d incidents, %d messages repeated, 0 lost", killed, rounds, l.checks*l.incidents, twice)
}

// burstAndKill runs a burst to its end, with up to n kills on the way. It
// returns how many there were.
func burstAndKill(t *testing.T, path, api string, l load, n int) int {
	t.Helper()
	for killed := 0; ; {
		var out bytes.Buffer
		cmd := burstCommand(t, os.Args[0], path, api, l)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		kill := make(<-chan time.Time)
		if killed < n {
			kill = time.After(time.Duration(20+rand.IntN(150)) * time.Millisecond)
		}
		select {
		case <-kill:
			_ = cmd.Process.Kill()
			<-ended
			killed++
		case err := <-ended:
			if err != nil {
				t.Fatalf("the process failed: %v\n%s", err, out.String())
			}
			return killed
		}
	}
}

// burstCommand runs a burst as a process.
func burstCommand(t *testing.T, program, path, api string, l load) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), childFile+"="+path, childAPI+"="+api, childLoad+"="+l.String())
	return cmd
}

// checkClosed looks at which closed incidents a file holds: the latest of each
// check.
func checkClosed(t *testing.T, path string, l load) {
	t.Helper()
	db := open(t, path, Options{Child: child})
	defer db.Close()
	for i := range l.checks {
		var got, want []string
		for n := max(1, l.incidents-alerts.MaxClosed+1); n <= l.incidents; n++ {
			want = append(want, fmt.Sprintf("%d: incident %d", n, n))
		}
		for _, c := range db.Closed(fmt.Sprintf("c%d", i)) {
			got = append(got, fmt.Sprintf("%d: %s", c.Incident, c.Message))
		}
		if !slices.Equal(got, want) {
			t.Errorf("c%d: the closed incidents are %q, want %q", i, got, want)
		}
	}
}

// checkPosted looks at what arrived in the channel and returns how much of it
// was there twice.
func checkPosted(t *testing.T, posted []alertstest.Message, l load) int {
	t.Helper()
	repeats := 0
	roots := map[string]string{}                       // ts to check
	begun, ended := map[string]int{}, map[string]int{} // by check
	for _, m := range posted {
		text, marked := strings.CutSuffix(m.Text, " (possible repeat)")
		if m.Thread == "" {
			var check string
			var n int
			if name, rest, ok := strings.Cut(strings.TrimPrefix(text, "🟢 "), " was failing from "); ok { // it was over before it could be told
				_, number, _ := strings.Cut(rest, ": incident ")
				n, _ = strconv.Atoi(number)
				switch {
				case n == begun[name]+1 && ended[name] == begun[name]:
					begun[name], ended[name] = n, n
				case n == begun[name] && ended[name] == n && marked:
					repeats++
				default:
					t.Errorf("%q after %d begun and %d ended", m.Text, begun[name], ended[name])
				}
				continue
			}
			if _, err := fmt.Sscanf(text, "🔴 %s is failing: incident %d", &check, &n); err != nil {
				t.Errorf("unexpected %q: %v", m.Text, err)
				continue
			}
			roots[m.ID] = check
			switch {
			case n == begun[check]+1 && ended[check] == begun[check]:
				begun[check]++
			case n == begun[check] && ended[check] == n-1 && marked:
				repeats++
			default:
				t.Errorf("%q after %d begun and %d ended", m.Text, begun[check], ended[check])
			}
			continue
		}
		check := roots[m.Thread]
		switch {
		case !strings.HasPrefix(text, "🟢 "+check+" recovered after"):
			t.Errorf("unexpected %q in a thread of %s", m.Text, check)
		case ended[check] == begun[check]-1:
			ended[check]++
		case ended[check] == begun[check] && marked:
			repeats++
		default:
			t.Errorf("%q after %d begun and %d ended", m.Text, begun[check], ended[check])
		}
	}
	for i := range l.checks {
		if c := fmt.Sprintf("c%d", i); begun[c] != l.incidents || ended[c] != l.incidents {
			t.Errorf("%s: %d incidents begun, %d ended, want %d", c, begun[c], ended[c], l.incidents)
		}
	}
	return repeats
}
