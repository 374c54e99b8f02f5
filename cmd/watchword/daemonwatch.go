package main

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// watchQuiet is how long files must have been left alone before they are
	// read: an editor, a git checkout or a copy takes a moment.
	watchQuiet = 2 * time.Second
	// watchPoll is how often files are compared all the same: some file
	// systems tell nothing, and neither does what stands behind a symbolic link.
	watchPoll = 30 * time.Second
)

// A watcher tells when the files of a configuration have changed and been
// quiet since. Folders are watched rather than files, because files are
// replaced, and Kubernetes swaps a whole folder by its link `..data`.
type watcher struct {
	changed chan struct{}   // receives when it is time to read the files again
	list    func() []string // names of the configuration's files now, for the comparison; nil: those that were set
	logger  *slog.Logger
	stale   chan struct{}     // receives when a file had changed before it was watched
	notify  *fsnotify.Watcher // nil: files are only compared

	mu    sync.Mutex
	files map[string]bool
	seen  uint64 // what the files looked like when they were last told of
	seed  maphash.Seed
}

// newWatcher makes one that only compares files where the system lets none be
// watched: it gives each user a few.
func newWatcher(logger *slog.Logger) *watcher {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		logger.Warn("cannot watch folders, comparing their files instead", "error", err)
		notify = nil
	}
	return &watcher{
		changed: make(chan struct{}, 1), stale: make(chan struct{}, 1),
		logger: logger, notify: notify, seed: maphash.MakeSeed(),
	}
}

// Close lets go of all folders.
func (w *watcher) Close() error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Close()
}

// Set replaces what is watched. Files that have changed since they were read
// count as changed. A folder that cannot be watched is compared every
// watchPoll only.
func (w *watcher) Set(files, dirs []string, read time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = setOf(files)
	if w.notify != nil {
		w.watch(setOf(dirs))
	}
	w.seen = w.fingerprint()
	for file := range w.files {
		if info, err := os.Stat(file); err == nil && info.ModTime().After(read) {
			tell(w.stale)
			return
		}
	}
}

// watch watches these folders and no others.
func (w *watcher) watch(dirs map[string]bool) {
	watched := setOf(w.notify.WatchList()) // a folder that was deleted and made again is not in it
	for dir := range dirs {
		if watched[dir] {
			continue
		}
		if err := w.notify.Add(dir); err != nil {
			w.logger.Warn("cannot watch a folder, comparing its files instead", "folder", dir, "error", err)
		}
	}
	for dir := range watched {
		if !dirs[dir] {
			_ = w.notify.Remove(dir) // it may be gone already
		}
	}
}

// Run tells of changes until ctx ends.
func (w *watcher) Run(ctx context.Context) error {
	quiet := time.NewTimer(0)
	<-quiet.C
	poll := time.NewTicker(watchPoll)
	defer poll.Stop()
	var events <-chan fsnotify.Event
	var lost <-chan error
	if w.notify != nil {
		events, lost = w.notify.Events, w.notify.Errors
	}
	for {
		select {
		case <-ctx.Done():
			quiet.Stop()
			return nil
		case event := <-events:
			if w.concerns(event.Name) {
				quiet.Reset(watchQuiet)
			}
		case err := <-lost:
			// Events were lost, so anything may have changed.
			w.logger.WarnContext(ctx, "lost sight of changed files, reading all again", "error", err)
			quiet.Reset(watchQuiet)
		case <-poll.C:
			if w.differs() {
				quiet.Reset(watchQuiet)
			}
		case <-w.stale:
			quiet.Reset(watchQuiet)
		case <-quiet.C:
			tell(w.changed)
		}
	}
}

// tell sends unless that has been told already and not yet heard.
func tell(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// concerns tells whether a change of the file name may change the
// configuration. The state file, for one, may stand in the same folder.
func (w *watcher) concerns(name string) bool {
	base := filepath.Base(name)
	if base == "..data" || strings.HasSuffix(base, ".hcl") || strings.HasSuffix(base, ".hcl.json") {
		return true
	}
	w.mu.Lock()
	known := w.files[name]
	w.mu.Unlock()
	if known || strings.HasPrefix(base, ".") {
		return known
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// differs tells whether files look different from when they were set.
func (w *watcher) differs() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.fingerprint()
	changed := now != w.seen
	w.seen = now
	return changed
}

// fingerprint condenses size and time of all files, links followed, and the
// names of those of the configuration. Their order does not matter.
func (w *watcher) fingerprint() uint64 {
	var sum uint64
	if w.list != nil {
		for _, name := range w.list() {
			sum += maphash.String(w.seed, name)
		}
	}
	for file := range w.files {
		line := file
		if info, err := os.Stat(file); err == nil {
			line = fmt.Sprintf("%s\x00%d\x00%d", file, info.Size(), info.ModTime().UnixNano())
		}
		sum += maphash.String(w.seed, line)
	}
	return sum
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}
