package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"watchword/alerts"
)

// Verdict is what becomes of a state file.
type Verdict string

// The verdicts.
const (
	Sound      Verdict = "sound"
	Damaged    Verdict = "damaged"    // a daemon puts it aside
	Foreign    Verdict = "foreign"    // no state file; a daemon puts it aside
	Newer      Verdict = "newer"      // written by a newer version, not to be touched
	Unreadable Verdict = "unreadable" // the system refuses it, or another process has it open
)

// Report says what is in a state file, and whether it can be used.
type Report struct {
	Verdict   Verdict `json:"verdict"`
	Problem   string  `json:"problem,omitempty"` // unless it is sound
	Format    int     `json:"format,omitempty"`  // 0: it is empty
	Size      int64   `json:"size"`              // bytes
	Records   int     `json:"records"`
	States    int     `json:"states"`
	Incidents int     `json:"incidents"` // that are open
	Queued    int     `json:"queued"`    // notifications
	Closed    int     `json:"closed"`    // incidents that are over
	Threads   int     `json:"threads"`   // messages that can be answered to

	// Partial says why only the records were checked and not the database's
	// pages; usually it is empty.
	Partial string `json:"-"`
}

// begun is what Inspect says first: what happens from then on is the file's
// doing.
const begun = "examining\n"

// Inspect examines a state file, and writes the [Report] as JSON. It is made
// for a process that does nothing else, whose processor time and memory it
// limits to what a sound file needs: on a damaged one the database may crash
// that process, hang, or eat all memory. See [Child].
func Inspect(path string, out io.Writer) error {
	if _, err := io.WriteString(out, begun); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil { //nolint:gosec // the path is the operator's
		confine(limitsFor(info.Size()))
	}
	return json.NewEncoder(out).Encode(inspect(path, true))
}

// inspect examines a file. With pages, the database checks all of its pages,
// in a goroutine of its own where nothing catches a fault.
func inspect(path string, pages bool) Report {
	r := Report{Verdict: Sound}
	err := guarded(func() error { return r.inspect(path, pages) })
	var refused syscall.Errno
	switch {
	case err == nil:
		return r
	case errors.Is(err, errNewer):
		r.Verdict = Newer
	case errors.Is(err, errForeign):
		r.Verdict = Foreign
	case errors.Is(err, bolterrors.ErrTimeout):
		r.Verdict, err = Unreadable, errors.New("another process has it open")
	case errors.Is(err, errNoFile):
		r.Verdict = Unreadable
	case errors.As(err, &refused) && refused != syscall.EIO: // which says nothing of the file
		r.Verdict, err = Unreadable, refused
	default:
		r.Verdict = Damaged
	}
	const most = 400 // bytes; it may quote what stands in the file
	if r.Problem = err.Error(); len(r.Problem) > most {
		r.Problem = strings.ToValidUTF8(r.Problem[:most], "") + "…"
	}
	return r
}

func (r *Report) inspect(path string, pages bool) error {
	file, err := openPlain(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if r.Size = info.Size(); r.Size == 0 {
		return nil // a new one
	}
	if err := checkMetaPages(file, r.Size); err != nil {
		return err
	}
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{Timeout: lockPatience, FreelistType: bbolt.FreelistMapType, ReadOnly: true})
	if err != nil {
		return err
	}
	tx, err := db.Begin(false)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if pages {
		for err := range tx.Check() {
			return err // its goroutine goes on to use the file, which stays open until the process ends
		}
	}
	defer db.Close()
	defer func() { _ = tx.Rollback() }()
	l, err := readContents(tx, r.count)
	r.Format, r.Records = int(l.format), int(l.records) //nolint:gosec // counts
	return err
}

var errNoFile = errors.New("not a file")

// openPlain opens a file for reading, and nothing that is none: a pipe would
// be waited for.
func openPlain(path string) (*os.File, error) {
	info, err := os.Stat(path) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is a %s, %w", kind(info.Mode()), errNoFile)
	}
	return os.Open(path) //nolint:gosec // as above
}

func kind(m fs.FileMode) string {
	if m.IsDir() {
		return "directory"
	}
	return "special file"
}

func (r *Report) count(s slot, payload []byte) error {
	switch s.bucket {
	case statesBucket:
		var state alerts.State
		if err := fromJSON(payload, &state); err != nil {
			return err
		}
		r.States++
		if state.Open() {
			r.Incidents++
		}
	case queueBucket:
		r.Queued++
	case threadBucket:
		r.Threads++
	case closedBucket:
		r.Closed++
		_, err := closedIncident(s, payload)
		return err
	}
	return nil
}
