package store

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"watchword/alerts"
	"watchword/alerts/alertstest"
)

var moment = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func open(t *testing.T, path string, o Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// reopened is a store, and a function that closes it and opens it again.
func reopened(t *testing.T) (alerts.Store, func(*testing.T) alerts.Store) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "watchword.db")
	db := open(t, path, Options{})
	return db, func(t *testing.T) alerts.Store {
		t.Helper()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		return open(t, path, Options{})
	}
}

func TestContract(t *testing.T) {
	alertstest.TestStore(t, reopened)
}

func put(t *testing.T, db *DB, key string, failing int, receivers ...string) {
	t.Helper()
	err := db.Update(t.Context(), key, func(alerts.State) alerts.Change {
		var list []alerts.Notification
		for _, r := range receivers {
			list = append(list, alerts.Notification{Receiver: r, Thread: key, Message: alerts.Message{Headline: key}})
		}
		return alerts.Change{State: alerts.State{Phase: alerts.Firing, Failing: failing}, Queue: list}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// end closes an incident.
func end(t *testing.T, db *DB, check string, number uint64) {
	t.Helper()
	err := db.Update(t.Context(), "check:"+check, func(s alerts.State) alerts.Change {
		over := alerts.ClosedIncident{Check: check, Incident: number, Since: moment, Until: moment.Add(time.Duration(number) * time.Second), Message: "status is 503, want 200"}
		return alerts.Change{State: s, Closed: &over}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func failing(t *testing.T, db *DB, key string) int {
	t.Helper()
	snap, err := db.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap.States[key].Failing
}

func TestConcurrentUpdatesShareCommits(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "s.db"), Options{})
	var wg sync.WaitGroup
	db.writing.Lock() // the disk is slow
	for i := range 200 {
		wg.Go(func() { put(t, db, strconv.Itoa(i), 1) })
	}
	for applied := uint64(0); applied < 200; {
		db.mu.Lock()
		applied = db.change
		db.mu.Unlock()
	}
	db.writing.Unlock()
	wg.Wait()
	if n := db.Stats().Commits; n != 1 {
		t.Errorf("200 updates that came together took %d commits, want 1", n)
	}
}

func TestSecondDaemonIsToldThePid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	open(t, path, Options{})
	_, err := Open(t.Context(), path, Options{})
	if err == nil || !strings.Contains(err.Error(), "pid "+strconv.Itoa(os.Getpid())) {
		t.Errorf("got %v, want an error with pid %d", err, os.Getpid())
	}
}

func TestQueueIsBounded(t *testing.T) {
	var log bytes.Buffer
	db := open(t, filepath.Join(t.TempDir(), "s.db"), Options{MaxQueue: 3, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for i := range 5 {
		put(t, db, strconv.Itoa(i), 1, "a")
	}
	q, err := db.Pending(t.Context(), "a", 10)
	if err != nil || q.Total != 3 || db.Stats().Dropped != 2 {
		t.Errorf("%d queued, %d dropped, %v; want 3 and 2", q.Total, db.Stats().Dropped, err)
	}
	if n := strings.Count(log.String(), "the queue is full"); n != 1 {
		t.Errorf("the log tells %d times that notifications are dropped:\n%s", n, log.String())
	}
	if failing(t, db, "4") != 1 {
		t.Error("the state was dropped with its notification")
	}
}

// TestClosedAreBoundedInAll ends more incidents than there is room for, each of
// another check, and finds the latest in memory and in the file.
func TestClosedAreBoundedInAll(t *testing.T) {
	const more = 25
	path := filepath.Join(t.TempDir(), "s.db")
	db := open(t, path, Options{})
	for i := range alerts.MaxClosedInAll + more {
		_, err := db.apply("check:"+strconv.Itoa(i), func(alerts.State) alerts.Change {
			return alerts.Change{Closed: &alerts.ClosedIncident{Check: strconv.Itoa(i), Incident: 1, Until: moment.Add(time.Duration(i) * time.Second)}}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if first, last := db.Closed(strconv.Itoa(more-1)), db.Closed(strconv.Itoa(more)); len(first) != 0 || len(last) != 1 {
			t.Errorf("kept are %v and %v", first, last)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if r, err := Check(t.Context(), path, nil); err != nil || r.Verdict != Sound || r.Closed != alerts.MaxClosedInAll {
			t.Errorf("got %+v, %v", r, err)
		}
		db = open(t, path, Options{})
	}
}

func TestDirectoryInItsPlace(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "it is a directory") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "no", "such.db"), Options{}); err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: got %v", err)
	}
}

func TestEmptyFileIsNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db := open(t, path, Options{})
	if db.Problems() != nil {
		t.Errorf("problems %v", db.Problems())
	}
	put(t, db, "k", 1)
}

func TestNewerFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db := open(t, path, Options{})
	put(t, db, "k", 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	setLedger(t, path, newer)
	before, _ := os.ReadFile(path)
	_, err := Open(t.Context(), path, Options{})
	if err == nil || !strings.Contains(err.Error(), "newer version of watchword") {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file was changed")
	}
}

// TestDiskFails closes the database under the store, so that every write
// fails: state and sending go on from memory.
func TestDiskFails(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "s.db"), Options{})
	put(t, db, "a", 1, "r")
	if err := db.bolt.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, db, "b", 2, "r2")
	if failing(t, db, "b") != 2 || db.Stats().WriteErrors != 1 {
		t.Errorf("state %d, %d write errors", failing(t, db, "b"), db.Stats().WriteErrors)
	}
	q, err := db.Pending(t.Context(), "r2", 1)
	if err != nil || len(q.Notifications) != 1 {
		t.Fatalf("from memory: %+v, %v", q, err)
	}
	if err := db.Ack(t.Context(), alerts.Receipt{ID: q.Notifications[0].ID, Stage: alerts.Taken}); err != nil {
		t.Fatal(err)
	}
	if q, _ := db.Pending(t.Context(), "r2", 1); q.Total != 0 {
		t.Errorf("taken, but %+v", q)
	}
	if err := db.Close(); err == nil || !strings.Contains(err.Error(), "could not be written") {
		t.Errorf("Close: %v", err)
	}
}

// TestDiskRecovers lets one write fail: the next one carries everything.
func TestDiskRecovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db := open(t, path, Options{})
	good := db.bolt
	db.bolt = nil
	put(t, db, "a", 1, "r")
	db.bolt, db.retry = good, time.Time{}
	put(t, db, "b", 2, "r")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, path, Options{})
	if failing(t, db, "a") != 1 || failing(t, db, "b") != 2 {
		t.Error("what could not be written at first was lost")
	}
	if q, _ := db.Pending(t.Context(), "r", 9); q.Total != 2 {
		t.Errorf("%d queued, want 2", q.Total)
	}
}

// TestCloseTriesOnceMore closes a file that could not be written a moment ago.
func TestCloseTriesOnceMore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db := open(t, path, Options{})
	good := db.bolt
	db.bolt = nil
	put(t, db, "a", 1, "r")
	db.bolt = good
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db = open(t, path, Options{}); failing(t, db, "a") != 1 {
		t.Error("what could be written at last was lost")
	}
}

// TestCloseAmidUpdates closes a file while others write: what Update took is
// in the file, and what it refused is not.
func TestCloseAmidUpdates(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "s.db")
		db := open(t, path, Options{})
		const workers = 8
		var wg sync.WaitGroup
		var taken [workers]int
		begun := make(chan struct{}, workers)
		for i := range workers {
			wg.Go(func() {
				for n := 1; ; n++ {
					err := db.Update(t.Context(), strconv.Itoa(i), func(s alerts.State) alerts.Change {
						s.Failing = n
						return alerts.Change{State: s}
					})
					if err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
						return
					}
					if taken[i] = n; n == 1 {
						begun <- struct{}{}
					}
				}
			})
		}
		for range workers {
			<-begun
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		db = open(t, path, Options{})
		for i, n := range taken {
			if got := failing(t, db, strconv.Itoa(i)); got != n {
				t.Errorf("%d updates were taken, and the file has %d", n, got)
			}
		}
	}
}

// TestSoundFilesStay cannot open a file for reasons that are not the file's.
func TestSoundFilesStay(t *testing.T) {
	dir := t.TempDir()
	path, loop := filepath.Join(dir, "s.db"), filepath.Join(dir, "loop.db")
	other, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{path: "another process has it open", loop: "too many"} {
		if _, err := Open(t.Context(), p, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if files, _ := filepath.Glob(p + ".damaged-*"); len(files) != 0 {
			t.Errorf("put aside: %v", files)
		}
	}
}

func TestClosed(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "s.db"), Options{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	err := db.Update(t.Context(), "k", func(s alerts.State) alerts.Change { return alerts.Change{State: s} })
	if err == nil {
		t.Error("Update of a closed file succeeded")
	}
}

func BenchmarkUpdateConcurrent(b *testing.B) {
	db, err := Open(b.Context(), filepath.Join(b.TempDir(), "s.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	const workers = 1000
	var wg sync.WaitGroup
	work := make(chan int)
	for range workers {
		wg.Go(func() {
			for i := range work {
				_ = db.Update(context.Background(), "check:"+strconv.Itoa(i%10000), func(s alerts.State) alerts.Change {
					s.Failing++
					s.Message = `step "order": status is 422, want 201`
					return alerts.Change{State: s}
				})
			}
		})
	}
	i := 0
	for b.Loop() {
		work <- i
		i++
	}
	close(work)
	wg.Wait()
	b.ReportMetric(float64(b.N)/float64(max(db.Stats().Commits, 1)), "updates/commit")
}

func TestCrashes(t *testing.T) {
	points := alertstest.TestCrashes(t, reopened)
	t.Logf("died at %d points", points)
}
