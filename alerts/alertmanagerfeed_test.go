package alerts_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/checks"
)

const failingA = "+CheckFailing a warning"

func TestFeedTellsAnIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a", "b"))
		defer w.stop()
		wait(10 * time.Second)
		w.want()
		began := time.Now()
		w.run("a", checks.Failed)
		wait(time.Second)
		first := w.want(failingA)[0]
		want := map[string]string{
			"alertname": "WatchwordCheckFailing", "check": "a", "group": "orders", "location": "fra1", "severity": "warning", "label_team": "orders",
		}
		if diff := cmp.Diff(want, first.Labels); diff != "" {
			t.Errorf("labels: -want +got\n%s", diff)
		}
		if !first.StartsAt.Equal(began) || first.EndsAt.Sub(first.at) != 4*time.Minute || first.GeneratorURL != "https://watch.test/checks/a" {
			t.Errorf("starts %v ends %v by %q", first.StartsAt.Sub(began), first.EndsAt.Sub(first.at), first.GeneratorURL)
		}
		if got := first.Annotations; got["summary"] != "a is failing: status is 422, want 201" || got["runbook_url"] != "https://wiki.test/run" ||
			!strings.HasPrefix(got["dashboard_url"], "https://grafana.test/") || !strings.Contains(got["description"], "last good run: none seen") {
			t.Errorf("annotations %q", got)
		}
		// Each minute again, with an end that moves on.
		wait(5 * time.Minute)
		again := w.want(failingA, failingA, failingA, failingA, failingA)
		for i, p := range again {
			if !p.StartsAt.Equal(began) || p.EndsAt.Sub(p.at) != 4*time.Minute || i > 0 && p.at.Sub(again[i-1].at) != time.Minute {
				t.Errorf("repeat %d: starts %v ends %v", i, p.StartsAt.Sub(began), p.EndsAt.Sub(p.at))
			}
		}
		ended := time.Now()
		w.run("a", checks.Passed)
		wait(time.Second)
		if over := w.want("-CheckFailing a warning")[0]; over.EndsAt.Sub(ended) > time.Second || over.Annotations["summary"] != first.Annotations["summary"] {
			t.Errorf("resolved %v after, %q", over.EndsAt.Sub(ended), over.Annotations)
		}
		wait(16 * time.Minute)
		rest := w.am.take(amURL)
		if n := len(rest); n < 14 || n > 15 || slices.ContainsFunc(rest, posted.firing) || rest[n-1].at.Sub(ended) > 15*time.Minute+time.Second {
			t.Errorf("resolved was sent %d times: %v", n, lines(rest))
		}
		if s := w.feed.Stats(); len(s) != 1 || s[0].Receiver != "alertmanager.main" || s[0].Sent != 2 || s[0].Failed != 0 || s[0].Pending != 0 || s[0].Blocked != "" {
			t.Errorf("stats %+v", s)
		}
		if n := len(w.store.Queued()); n != 0 {
			t.Errorf("%d notifications were queued", n)
		}
	})
}

func TestFeedFollowsStates(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*wire) // at the beginning, "a" fails and was sent
		want []string    // within a second after
	}{
		{"it recovers", func(w *wire) { w.run("a", checks.Passed) }, []string{"-CheckFailing a warning"}},
		{"it fails again", func(w *wire) {
			w.run("a", checks.Passed)
			wait(2 * time.Second)
			w.want("-CheckFailing a warning")
			w.run("a", checks.Failed)
		}, []string{failingA}},
		{"it gets better", func(w *wire) { w.run("a", checks.Degraded) }, []string{"+CheckDegraded a warning", "-CheckFailing a warning"}},
		{"another run fails", func(w *wire) { w.run("a", checks.Failed) }, nil},
		{"nothing is known", func(w *wire) { w.run("a", checks.Unknown) }, nil},
		{"it is removed", func(w *wire) {
			w.setup.Subjects = w.setup.Subjects[1:]
			w.load()
		}, []string{"-CheckFailing a warning"}},
		{"another severity", func(w *wire) {
			w.setup.Subjects[0].Policy.Severity = "critical"
			w.load()
		}, []string{"+CheckFailing a critical", "-CheckFailing a warning"}},
		{"a reload that changes nothing", func(w *wire) { w.load() }, []string{failingA}},
		{"another route", func(w *wire) {
			w.names["alertmanager.second"] = w.receiver(amOther)
			w.setup.Subjects[0].Receivers = []string{"alertmanager.second"}
			w.load()
			wait(time.Second)
			if diff := cmp.Diff([]string{failingA}, lines(w.am.take(amOther))); diff != "" {
				w.t.Errorf("the other one got: -want +got\n%s", diff)
			}
		}, []string{"-CheckFailing a warning"}},
		{"a mute goes on with what was sent", func(w *wire) {
			if _, err := w.engine.Mute(w.t.Context(), alerts.Mute{Pattern: "*", Until: time.Now().Add(time.Hour)}); err != nil {
				w.t.Fatal(err)
			}
			w.run("b", checks.Failed)
			wait(59 * time.Second)
			w.want(failingA)
		}, nil},
		{"the other receiver is removed", func(w *wire) {
			delete(w.names, "alertmanager.main")
			w.load()
		}, nil},
		{"what depends on it fails too", func(w *wire) {
			w.setup.Subjects[1].Parents = []string{"a"}
			w.load()
			wait(time.Second)
			w.want(failingA)
			w.run("b", checks.Failed)
			w.run("a", checks.Failed)
			w.run("b", checks.Failed)
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := startWire(t, subjects("a", "b"))
				defer w.stop()
				wait(time.Second)
				w.run("a", checks.Failed)
				wait(5 * time.Second)
				w.want(failingA)
				c.do(w)
				wait(time.Second)
				got := lines(w.am.take(amURL))
				slices.Sort(got)
				got = slices.Compact(got) // a reload sends all once more
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("posted: -want +got\n%s", diff)
				}
			})
		})
	}
}

func TestFeedDoesNotTellWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := subjects("a", "b", "c")
		setup.Receivers = []string{"slack.a"} // so that there are groups
		setup.GroupWait = 10 * time.Second
		setup.Subjects[0].Policy.After = 2
		w := startWire(t, setup)
		defer w.stop()
		if _, err := w.engine.Mute(t.Context(), alerts.Mute{Pattern: "b", Until: time.Now().Add(30 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		w.run("a", checks.Failed)
		w.run("b", checks.Failed)
		wait(2 * time.Second)
		w.want()
		w.run("a", checks.Failed)
		wait(time.Second)
		w.want(failingA)
		w.run("c", checks.Failed) // waits for its group
		wait(9 * time.Second)
		w.want("+CheckFailing c warning")
		wait(20 * time.Second)
		w.want("+CheckFailing b warning")
	})
}

// Whichever side begins again, what stands is there within a minute with the
// same start.
func TestFeedAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		w.run("a", checks.Failed)
		wait(30 * time.Second)
		first := w.want(failingA)[0]
		w.stop()
		wait(time.Minute)
		w.start()
		defer w.stop()
		wait(time.Second)
		if again := w.want(failingA)[0]; !again.StartsAt.Equal(first.StartsAt) || !cmp.Equal(again.Labels, first.Labels) {
			t.Errorf("%+v\nbefore the restart\n%+v", again, first)
		}
		w.run("a", checks.Passed)
		wait(time.Second)
		w.want("-CheckFailing a warning")
	})
}

// A clock that is set back amid an incident makes no alert that begins in the
// future, or ends before it begins: an Alertmanager would refuse it.
func TestFeedAfterTheClockWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		w.stop()
		w.skew.Store(int64(time.Hour))
		w.start()
		defer w.stop()
		w.run("a", checks.Failed)
		wait(time.Minute + time.Second)
		w.skew.Store(0)
		w.run("a", checks.Passed)
		wait(2 * time.Minute)
		got := w.want(failingA, failingA, "-CheckFailing a warning", "-CheckFailing a warning", "-CheckFailing a warning")
		for i, p := range got {
			if p.StartsAt.After(p.at) || p.EndsAt.Before(p.StartsAt) {
				t.Errorf("%d: at %v, from %v to %v", i, p.at, p.StartsAt, p.EndsAt)
			}
		}
	})
}

// active are the checks that an Alertmanager holds for failing that knows
// nothing but what it was posted.
func (m *manager) active(url string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	ends := make(map[string]posted)
	for _, list := range m.posts[url+"/api/v2/alerts"] {
		for _, p := range list {
			ends[p.Labels["alertname"]+" "+p.Labels["check"]] = p
		}
	}
	var out []string
	for name, p := range ends {
		if p.EndsAt.After(time.Now()) {
			out = append(out, strings.TrimPrefix(name, "WatchwordCheck")+" "+p.StartsAt.Format(time.RFC3339Nano))
		}
	}
	slices.Sort(out)
	return out
}

// open are the incidents that are open, in the same words.
func (w *wire) open() []string {
	var out []string
	for _, i := range w.engine.Incidents() {
		if !i.State.Open() {
			continue
		}
		name := "Failing "
		if i.State.Level == alerts.LevelDegraded {
			name = "Degraded "
		}
		out = append(out, name+i.Check+" "+i.State.Since.UTC().Format(time.RFC3339Nano))
	}
	slices.Sort(out)
	return out
}

// Whatever happens, a minute after an Alertmanager can be reached it has what
// the states say. What was over when neither could tell has ended by itself
// three minutes later.
func TestFeedConverges(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			w := startWire(t, subjects("a", "b", "c", "d"))
			w.names["alertmanager.main"] = w.receiver(amURL, amOther)
			w.load()
			outcomes := []checks.Outcome{checks.Passed, checks.Passed, checks.Failed, checks.Degraded, checks.Unknown}
			var done []string
			for range 30 {
				for range 1 + random.IntN(20) {
					what := random.IntN(20)
					done = append(done, fmt.Sprint(what))
					switch what {
					case 0:
						w.stop()
						wait(time.Duration(random.IntN(200)) * time.Second)
						w.start()
					case 1:
						broken := []int{0, 0, http.StatusServiceUnavailable, http.StatusUnauthorized, http.StatusBadRequest}[random.IntN(5)]
						half := random.IntN(2) == 0
						w.am.setFault(func(r *http.Request) (int, error) {
							if half && r.URL.Host != "am2.test:9093" {
								return 0, nil
							}
							return broken, nil
						})
					case 2:
						w.setup.Subjects[random.IntN(4)].Policy = alerts.Policy{After: 1 + random.IntN(2), RecoverAfter: 1 + random.IntN(2)}
						w.load()
					case 3:
						if _, err := w.engine.Mute(t.Context(), alerts.Mute{Pattern: "[ab]", Until: time.Now().Add(time.Minute)}); err != nil {
							t.Fatal(err)
						}
					default:
						w.run(string(rune('a'+random.IntN(4))), outcomes[random.IntN(len(outcomes))])
					}
					wait(time.Duration(random.IntN(3000)) * time.Millisecond)
				}
				w.am.setFault(nil)
				wait(61 * time.Second)
				for _, url := range []string{amURL, amOther} {
					has := w.am.active(url)
					for _, name := range w.open() {
						if !slices.Contains(has, name) {
							t.Fatalf("seed %d, after %v: %s has %q and lacks %s", seed, done, url, has, name)
						}
					}
				}
				wait(3*time.Minute + time.Second)
				for _, url := range []string{amURL, amOther} {
					if diff := cmp.Diff(w.open(), w.am.active(url)); diff != "" {
						t.Fatalf("seed %d, after %v: %s has, -want +got\n%s", seed, done, url, diff)
					}
				}
			}
			w.stop()
		})
	}
}
