package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"watchword/alerts"
	"watchword/cmd/internal/store/storetest"
)

var full = flag.Bool("full", false, "run the long proofs with their whole counts")

const (
	childInspects = "WATCHWORD_TEST_CHILD_INSPECTS"
	childHangs    = "WATCHWORD_TEST_CHILD_HANGS"
)

// child makes this test binary the process that looks at a file.
func child(ctx context.Context, path string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childInspects+"="+path)
	return cmd, nil
}

// history makes a file by many commits. It returns what it was like after each
// of the last ones, the latest at the end.
func history(t *testing.T, commits, keep int) [][]byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	db := open(t, path, Options{})
	var out [][]byte
	for i := range commits {
		r := alerts.Receipt{Stage: alerts.Taken, Reference: alerts.Reference{Channel: "C1", ID: fmt.Sprint(i)}}
		if line := db.queue.lines["a"]; len(line) > 0 {
			r.ID = line[0].id
		}
		switch i % 6 {
		case 4:
			r.Stage = alerts.Begun
			fallthrough
		case 5:
			if err := db.Ack(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		case 3:
			end(t, db, strconv.Itoa(i%2), uint64(i))
		default:
			put(t, db, fmt.Sprintf("check:%d", i*7%120), i+1, "a", "b")
		}
		if i < commits-keep {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, raw)
	}
	return out
}

// known is everything that a DB knows.
type known struct {
	States map[string]alerts.State
	Queues map[string][]alerts.Notification
	Closed []alerts.ClosedIncident
}

func everything(t *testing.T, db *DB) known {
	t.Helper()
	snap, err := db.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k := known{snap.States, make(map[string][]alerts.Notification), snap.Closed}
	for _, r := range snap.Receivers {
		q, err := db.Pending(t.Context(), r, alerts.MaxQueue)
		if err != nil {
			t.Fatal(err)
		}
		k.Queues[r] = q.Notifications
	}
	return k
}

// knownIn is everything that stands in a sound file.
func knownIn(t *testing.T, file []byte) known {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	db := open(t, path, Options{Child: child})
	defer db.Close()
	if p := db.Problems(); p != nil {
		t.Fatalf("a sound file has problems: %v", p)
	}
	return everything(t, db)
}

// TestDamagedFiles damages a file in many ways and opens it: either every
// record is as it was, or the file is put aside and a new one begun. The one
// exception is a disk that lost the latest commit and nothing else.
func TestDamagedFiles(t *testing.T) {
	count := 160
	if *full {
		count = 4_000
	}
	files := history(t, 150, 12)
	latest := files[len(files)-1]
	want, before := knownIn(t, latest), knownIn(t, files[len(files)-2])
	var tried, aside, sound, lost atomic.Int64
	kinds := storetest.Kinds()
	t.Run("at random", func(t *testing.T) {
		for i := range count {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(1, uint64(i)))
				v := storetest.Victim{File: latest, Earlier: files[rng.IntN(len(files)-1)], PageSize: os.Getpagesize()}
				kind := kinds[i%len(kinds)]
				file, how := v.Damage(rng, kind)
				tried.Add(1)
				got, quarantined := openDamaged(t, file, how)
				switch {
				case quarantined:
					aside.Add(1)
				case cmp.Equal(got, want):
					sound.Add(1)
				case kind == "old pages replayed" && onlyMetaDiffers(file, latest) && cmp.Equal(got, before):
					lost.Add(1)
				default:
					t.Errorf("%s: taken for sound, and what is known differs:\n%s", how, cmp.Diff(want, got))
				}
			})
		}
	})
	t.Logf("%d damaged files of %d KiB: %d put aside, %d with every record as it was, %d as they were before the latest commit",
		tried.Load(), len(latest)>>10, aside.Load(), sound.Load(), lost.Load())
	if aside.Load() < tried.Load()/3 {
		t.Error("damage is hardly noticed")
	}
}

// onlyMetaDiffers: the latest commit was written, and then its page of the
// first two was lost.
func onlyMetaDiffers(a, b []byte) bool {
	const two = 2 * 4096
	return len(a) == len(b) && bytes.Equal(a[two:], b[two:])
}

// openDamaged opens a damaged file and holds that it is known as it says.
func openDamaged(t *testing.T, file []byte, how string) (got known, quarantined bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), path, Options{Child: child})
	if err != nil {
		t.Fatalf("%s: Open: %v", how, err)
	}
	defer db.Close()
	got = everything(t, db)
	copies, _ := filepath.Glob(path + ".damaged-*")
	if quarantined = db.Stats().Quarantined > 0; !quarantined {
		if db.Problems() != nil || len(copies) != 0 {
			t.Errorf("%s: problems %v, put aside %v", how, db.Problems(), copies)
		}
		put(t, db, "k", 1, "a")
		return got, false
	}
	if len(db.Problems()) != 1 || !strings.Contains(db.Problems()[0].Text, "put aside as "+path+".damaged-") {
		t.Errorf("%s: problems %v", how, db.Problems())
	}
	if len(copies) != 1 {
		t.Errorf("%s: put aside: %v", how, copies)
	} else if raw, err := os.ReadFile(copies[0]); err != nil || !bytes.Equal(raw, file) {
		t.Errorf("%s: what is put aside is not the file (%v)", how, err)
	}
	if len(got.States)+len(got.Queues)+len(got.Closed) != 0 {
		t.Errorf("%s: put aside, but not begun empty", how)
	}
	put(t, db, "k", 1, "a")
	return got, true
}

// TestHostileFiles are damaged so that the database crashes, hangs or eats all
// memory.
func TestHostileFiles(t *testing.T) {
	files := history(t, 150, 1)
	pages := func(file []byte, kind uint16, change func(page []byte, number int)) []byte {
		file = bytes.Clone(file)
		for at := 2 * 4096; at < len(file); at += 4096 {
			if binary.NativeEndian.Uint16(file[at+8:]) == kind {
				change(file[at:at+4096], at/4096)
			}
		}
		return file
	}
	const branch, leaf, freelist = 0x01, 0x02, 0x10
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"branches in a circle": {pages(files[0], branch, func(p []byte, n int) { binary.NativeEndian.PutUint64(p[pageHeader+8:], uint64(n)) }), "multiple references"},
		"a page that is not there": {pages(files[0], branch, func(p []byte, _ int) {
			binary.NativeEndian.PutUint64(p[pageHeader+8:], 1<<30)
		}), "crashed"},
		"endless pages":                    {pages(files[0], leaf, func(p []byte, _ int) { binary.NativeEndian.PutUint32(p[12:], 0xffffff00) }), ""},
		"endless free list":                {pages(files[0], freelist, func(p []byte, _ int) { binary.NativeEndian.PutUint16(p[10:], 0xfffe) }), ""},
		"a free list of what is not there": {pages(files[0], freelist, func(p []byte, _ int) { binary.NativeEndian.PutUint64(p[pageHeader:], 1<<40) }), ""},
		"an enormous free list": {pages(files[0], freelist, func(p []byte, _ int) {
			binary.NativeEndian.PutUint16(p[10:], 0xffff)
			binary.NativeEndian.PutUint64(p[pageHeader:], 1<<34)
		}), ""},
		"text":      {bytes.Repeat([]byte("this is no database\n"), 1000), "no state file"},
		"short":     {[]byte("x"), "no state file"},
		"all zeros": {make([]byte, len(files[0])), "no state file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, quarantined := openDamaged(t, tc.file, name); !quarantined {
				t.Error("taken for sound")
			}
			path := filepath.Join(t.TempDir(), "s.db")
			if err := os.WriteFile(path, tc.file, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Check(t.Context(), path, child)
			t.Logf("%s: %s (%v)", r.Verdict, r.Problem, err)
			if err != nil || r.Verdict != Damaged && r.Verdict != Foreign || !strings.Contains(r.Problem, tc.want) {
				t.Errorf("got %+v, %v, want %q", r, err, tc.want)
			}
			if strings.Contains(name, "free list") { // found where no process can be started, too
				if r, err := Check(t.Context(), path, nil); err != nil || r.Verdict != Damaged {
					t.Errorf("within this process: got %+v, %v", r, err)
				}
			}
		})
	}
}

// TestPowerLoss lets power fail while a commit is written: any of its pages
// may have reached the disk, but not yet the one that makes it count. That is
// the file of the commit before, and not damaged.
func TestPowerLoss(t *testing.T) {
	files := history(t, 60, 8)
	rng := rand.New(rand.NewPCG(3, 4))
	for i, after := range files[1:] {
		before := files[i]
		want := knownIn(t, before)
		for range 6 {
			file := bytes.Clone(before)
			if len(after) > len(file) { // it has grown first
				file = append(file, make([]byte, len(after)-len(file))...)
			}
			for at := 2 * 4096; at < len(after); at += 4096 {
				if rng.IntN(2) == 0 {
					copy(file[at:at+4096], after[at:])
				}
			}
			if diff := cmp.Diff(want, knownIn(t, file)); diff != "" {
				t.Fatalf("commit %d: %s", i, diff)
			}
		}
	}
}

// TestWrongAnswers are children that do not do what they should, which says
// nothing of the file.
func TestWrongAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if err := os.WriteFile(path, history(t, 30, 1)[0], 0o600); err != nil {
		t.Fatal(err)
	}
	missing := func(context.Context, string) (*exec.Cmd, error) { return nil, errors.New("no such program") }
	run := func(name string, args ...string) Child {
		return func(ctx context.Context, _ string) (*exec.Cmd, error) {
			return exec.CommandContext(ctx, name, args...), nil
		}
	}
	killed := 0
	for name, tc := range map[string]struct {
		child   Child
		partial string
	}{
		"there is none":       {missing, "no such program"},
		"it cannot be run":    {run(path), "permission denied"},
		"another program":     {run("true"), "no process"},
		"no threads are left": {run("sh", "-c", "echo 'runtime: failed to create new OS thread'; echo 'fatal error: newosproc' >&2; exit 2"), "newosproc"},
		"it is killed once": {func(ctx context.Context, path string) (*exec.Cmd, error) {
			if killed++; killed == 1 {
				return exec.CommandContext(ctx, "sh", "-c", "kill -KILL $$"), nil
			}
			return child(ctx, path)
		}, ""},
		"one that knows less":  {run("sh", "-c", "echo unknown flag >&2; exit 2"), "unknown flag"},
		"as it should be done": {child, ""},
	} {
		r, err := Check(t.Context(), path, tc.child)
		if err != nil || r.Verdict != Sound || !strings.Contains(r.Partial, tc.partial) || tc.partial == "" && r.Partial != "" {
			t.Errorf("%s: got %+v, %v, want it sound and %q", name, r, err, tc.partial)
		}
	}
	for _, death := range []string{"echo examining; echo 'fatal error: out of memory' >&2; exit 2", "echo examining; exit 66", "kill -KILL $$"} {
		if r, err := Check(t.Context(), path, run("sh", "-c", death)); err != nil || r.Verdict != Damaged {
			t.Errorf("%s: got %+v, %v, want it damaged", death, r, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r, err := Check(ctx, path, run("sleep", "100")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("told to stop: got %+v, %v", r, err)
	}
}

// TestHangs tells a database that never ends from a disk that does not answer:
// only in the first case something is wrong with the file.
func TestHangs(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context, _ string) (*exec.Cmd, error) {
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), childHangs+"=1")
		return cmd, nil
	}
	// Of its second, as the system counts, it may have had less than a second.
	r, err := ask(t.Context(), "", hang, limits{processor: 1200 * time.Millisecond, wait: time.Hour})
	if err != nil || r.Verdict != Damaged || !strings.Contains(r.Problem, "still busy") {
		t.Errorf("got %+v, %v, want it damaged", r, err)
	}

	path := filepath.Join(t.TempDir(), "s.db")
	sound := history(t, 30, 1)[0]
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	slow := func(ctx context.Context, _ string) (*exec.Cmd, error) {
		return exec.CommandContext(ctx, "sleep", "1000"), nil
	}
	db := open(t, path, Options{Child: slow})
	if p := db.Problems(); len(p) != 1 || !strings.Contains(p[0].Text, "cannot be read (the disk is too slow") {
		t.Errorf("problems %v", p)
	}
	if raw, err := db.LoadRuns(); raw != nil || err != nil || !errors.Is(saveRuns(db, "in vain"), errNoDisk) {
		t.Errorf("the disk was asked for runs: %q, %v", raw, err)
	}
	put(t, db, "k", 1, "a")
	if q, err := db.Pending(t.Context(), "a", 1); err != nil || len(q.Notifications) != 1 || db.Stats().Quarantined != 0 {
		t.Errorf("queue %+v, %v, stats %+v", q, err, db.Stats())
	}
	_ = db.Close()
	if raw, err := os.ReadFile(path); err != nil || !bytes.Equal(raw, sound) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// TestEarlierFormats opens files of the formats before, and finds them in this
// one.
func TestEarlierFormats(t *testing.T) {
	for format, name := range []string{firstFormat: "first-format.db", secondFormat: "second-format.db"} {
		if name != "" {
			t.Run(name, func(t *testing.T) { openEarlier(t, name, format) })
		}
	}
}

func openEarlier(t *testing.T, name string, was int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(want Report) {
		t.Helper()
		r, err := Check(t.Context(), path, child)
		want.Verdict, want.Size = Sound, r.Size
		if diff := cmp.Diff(want, r); diff != "" || err != nil {
			t.Error(err, diff)
		}
	}
	want := Report{Format: was, Records: 8, States: 3, Incidents: 3, Queued: 3, Threads: 1}
	check(want)
	for range 2 {
		db := open(t, path, Options{Child: child})
		got := everything(t, db)
		if db.Problems() != nil || len(got.States) != 3 || got.States["check:1"].Failing != 2 || len(got.Queues["a"]) != 3 {
			t.Errorf("problems %v, known %+v", db.Problems(), got)
		}
		if first := got.Queues["a"][0]; !first.Attempted || first.Thread != "check:1" {
			t.Errorf("the first is %+v", first)
		}
		end(t, db, "1", 1)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		want.Format, want.Records, want.Closed = format, 9, 1
		check(want)
	}
	raw = bytes.ReplaceAll(raw, []byte(`"failing":2`), []byte(`"failing":3`))
	if _, quarantined := openDamaged(t, raw, "a value changed"); !quarantined {
		t.Error("taken for sound")
	}
}

// setLedger makes a file that says something else of its contents.
func setLedger(t *testing.T, path string, change func(tx *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(metaBucket))
		raw := bytes.Clone(meta.Get([]byte(ledgerKey))[:ledgerSize])
		binary.BigEndian.PutUint64(raw[8:], uint64(tx.ID()))
		return change(tx, meta, raw)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLostRecords loses records as a whole, changes the ledger and nothing
// else, and claims another format.
func TestLostRecords(t *testing.T) {
	sealed := func(raw []byte) []byte { return seal(slot{metaBucket, ledgerKey}, raw) }
	for name, tc := range map[string]struct {
		change func(tx *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error
		want   string
		is     Verdict
	}{
		"a record is lost": {func(tx *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error {
			return errors.Join(tx.Bucket([]byte(statesBucket)).Delete([]byte("check:7")), meta.Put([]byte(ledgerKey), sealed(raw)))
		}, "records of", Damaged},
		"a record is that of another": {func(tx *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error {
			b := tx.Bucket([]byte(statesBucket))
			return errors.Join(b.Put([]byte("check:7"), b.Get([]byte("check:14"))), meta.Put([]byte(ledgerKey), sealed(raw)))
		}, `value "check:7" of states: checksum does not match`, Damaged},
		"a record is an earlier one": {func(tx *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error {
			old, err := encode(slot{statesBucket, "check:7"}, alerts.State{Failing: 1})
			return errors.Join(err, tx.Bucket([]byte(statesBucket)).Put([]byte("check:7"), old), meta.Put([]byte(ledgerKey), sealed(raw)))
		}, "those of an earlier commit", Damaged},
		"a commit without its ledger": {func(tx *bbolt.Tx, _ *bbolt.Bucket, _ []byte) error {
			return tx.Bucket([]byte(statesBucket)).Delete([]byte("check:7"))
		}, "it is as commit", Damaged},
		"the queue is gone": {func(tx *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error {
			return errors.Join(tx.DeleteBucket([]byte(queueBucket)), meta.Put([]byte(ledgerKey), sealed(raw)))
		}, "it has no queue", Damaged},
		"the closed incidents are gone": {func(tx *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error {
			return errors.Join(tx.DeleteBucket([]byte(closedBucket)), meta.Put([]byte(ledgerKey), sealed(raw)))
		}, "it has no closed", Damaged},
		"a closed incident is that of another check": {func(tx *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error {
			place := closedSlot(&alerts.ClosedIncident{Check: "1", Incident: 3})
			value, err := encode(place, alerts.ClosedIncident{Check: "2", Incident: 3})
			return errors.Join(err, tx.Bucket([]byte(closedBucket)).Put([]byte(place.key), value), meta.Put([]byte(ledgerKey), sealed(raw)))
		}, "stands in the wrong place", Damaged},
		"everything is gone":    {func(tx *bbolt.Tx, _ *bbolt.Bucket, _ []byte) error { return tx.DeleteBucket([]byte(metaBucket)) }, "no state file", Foreign},
		"the ledger is gone":    {func(_ *bbolt.Tx, meta *bbolt.Bucket, _ []byte) error { return meta.Delete([]byte(ledgerKey)) }, "does not say what it contains", Damaged},
		"the ledger is changed": {func(_ *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error { return meta.Put([]byte(ledgerKey), raw) }, "checksum", Damaged},
		"the format is changed": {func(_ *bbolt.Tx, meta *bbolt.Bucket, _ []byte) error {
			return meta.Put([]byte(versionKey), []byte("2"))
		}, "its format is 2 and 3", Damaged},
		"the format is no number": {func(_ *bbolt.Tx, meta *bbolt.Bucket, _ []byte) error {
			return meta.Put([]byte(versionKey), []byte("x"))
		}, "no number", Damaged},
		"it is of a newer version": {newer, "newer version of watchword", Newer},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.db")
			if err := os.WriteFile(path, history(t, 30, 1)[0], 0o600); err != nil {
				t.Fatal(err)
			}
			setLedger(t, path, tc.change)
			for _, c := range []Child{child, nil} {
				r, err := Check(t.Context(), path, c)
				if err != nil || r.Verdict != tc.is || !strings.Contains(r.Problem, tc.want) {
					t.Errorf("got %+v, %v, want %s: %s", r, err, tc.is, tc.want)
				}
			}
		})
	}
}

// newer makes a file that a later version might have written.
func newer(_ *bbolt.Tx, meta *bbolt.Bucket, raw []byte) error {
	raw[7]++
	raw = append(raw, "more"...)
	return errors.Join(meta.Put([]byte(versionKey), []byte("4")), meta.Put([]byte(ledgerKey), seal(slot{metaBucket, ledgerKey}, raw)))
}

// TestCheckChangesNothing checks files that are sound, empty, missing, held by
// a daemon, and no files.
func TestCheckChangesNothing(t *testing.T) {
	dir := t.TempDir()
	path, held, empty := filepath.Join(dir, "s.db"), filepath.Join(dir, "held.db"), filepath.Join(dir, "empty.db")
	sound := history(t, 30, 1)[0]
	for p, raw := range map[string][]byte{path: sound, empty: nil} {
		if err := os.WriteFile(p, raw, 0o400); err != nil {
			t.Fatal(err)
		}
	}
	open(t, held, Options{})
	for p, want := range map[string]Report{
		path:                          {Verdict: Sound},
		empty:                         {Verdict: Sound},
		held:                          {Verdict: Unreadable, Problem: fmt.Sprintf("another watchword has it open: the process with pid %d", os.Getpid())},
		dir:                           {Verdict: Unreadable, Problem: "directory"},
		filepath.Join(dir, "missing"): {Verdict: Unreadable, Problem: "no such file"},
		os.DevNull:                    {Verdict: Unreadable, Problem: "special file"},
	} {
		r, err := Check(t.Context(), p, child)
		if err != nil || r.Verdict != want.Verdict || !strings.Contains(r.Problem, want.Problem) {
			t.Errorf("%s: got %+v, %v, want %+v", p, r, err, want)
		}
	}
	if raw, err := os.ReadFile(path); err != nil || !bytes.Equal(raw, sound) {
		t.Errorf("the file was changed (%v)", err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 4 { // the three and the daemon's lock
		t.Errorf("there are %v", entries)
	}
}

// TestMetaPages damages what says which commit is the latest.
func TestMetaPages(t *testing.T) {
	sound := history(t, 30, 1)[0]
	set := func(file []byte, page int, change func(raw []byte)) []byte {
		file = bytes.Clone(file)
		raw := file[page*4096+pageHeader : page*4096+pageHeader+metaSize]
		change(raw)
		h := fnv.New64a()
		_, _ = h.Write(raw[:metaSize-8])
		binary.NativeEndian.PutUint64(raw[metaSize-8:], h.Sum64())
		return file
	}
	grown := func(raw []byte) { raw[42]++ }
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"a commit that cannot be":   {set(sound, 0, func(raw []byte) { raw[48] += 4 }), "does not follow"},
		"more pages than there are": {set(set(sound, 0, grown), 1, grown), "pages of"},
		"the pages change size":     {set(sound, 1, func(raw []byte) { raw[9] *= 2 }), "pages have"},
		"the first has no checksum": {append(append(bytes.Clone(sound[:60]), sound[60]+1), sound[61:]...), "page 0 cannot"},
		"the second is gone":        {append(append(bytes.Clone(sound[:4096]), make([]byte, 4096)...), sound[2*4096:]...), "page 1 cannot"},
	} {
		path := filepath.Join(t.TempDir(), "s.db")
		if err := os.WriteFile(path, tc.file, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := Check(t.Context(), path, nil); err != nil || r.Verdict != Damaged || !strings.Contains(r.Problem, tc.want) {
			t.Errorf("%s: got %+v, %v, want %q", name, r, err, tc.want)
		}
	}
}

// BenchmarkCheck is what the examination adds to a start: with as many states
// as a large configuration has, and with a queue that is full.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []struct{ states, queued int }{{0, 0}, {10_000, 0}, {10_000, alerts.MaxQueue}} {
		b.Run(fmt.Sprintf("states=%d/queued=%d", n.states, n.queued), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "s.db")
			db, err := Open(b.Context(), path, Options{})
			if err != nil {
				b.Fatal(err)
			}
			for i := range n.states {
				_, err := db.apply(fmt.Sprintf("check:orders/checkout-%d", i), func(alerts.State) alerts.Change {
					s := alerts.State{Phase: alerts.Firing, Since: time.Now(), Message: `step "order": status is 422, want 201`}
					return alerts.Change{State: s, Queue: slices.Repeat([]alerts.Notification{{
						Receiver: "slack.oncall", Thread: strconv.Itoa(i), Queued: time.Now(),
						Message: alerts.Message{Headline: strings.Repeat("x", 1000)},
					}}, n.queued/n.states)}
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if r, err := Check(b.Context(), path, child); err != nil || r.Verdict != Sound || r.Partial != "" || r.Queued != n.queued {
					b.Fatal(r, err)
				}
			}
			b.ReportMetric(float64(info.Size())/(1<<20), "MiB")
		})
	}
}
