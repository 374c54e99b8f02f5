package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"watchword/cmd/internal/lang"
)

// A Replacement is new content for a file.
type Replacement struct {
	Path    string
	Content []byte

	// Before is what the file must still hold when it is replaced. Nil is
	// for a file that must not exist; one that holds Content already is fine.
	Before []byte

	// Mode is for a file that does not exist. Others keep theirs, and their
	// owner.
	Mode fs.FileMode
}

// Replace puts new contents in the places of files, one after the other and
// in their order. Each is replaced at once: a reader, or a crash, finds the
// old file or the new one, whole. Nothing is replaced before all contents are
// on disk and every file has been found to hold what it held before. Symbolic
// links are followed. The same path may come more than once.
//
// A file that may not be changed, or that has changed meanwhile, is an error,
// and so is another process that replaces the same file.
func Replace(list ...Replacement) error { return replacer{}.replace(list) }

// A replacer replaces files. Before each thing that it does to a disk it
// calls step, if there is one, and ends with its error; the zero value has
// none.
type replacer struct {
	step func(what, path string) error
}

func (r replacer) reach(what, path string) error {
	if r.step == nil {
		return nil
	}
	return r.step(what, path)
}

// A staged file is a replacement whose content is on disk, in a file of its
// own beside the one it is for.
type staged struct {
	Replacement
	target string // no symbolic link
	tmp    string
	file   *os.File // holds the lock
	fresh  bool     // the target does not exist
	done   bool     // it has taken the target's place
}

func (r replacer) replace(list []Replacement) (err error) {
	var all []*staged
	defer func() {
		for _, s := range all {
			_ = s.file.Close()
			if err != nil && s.tmp != "" {
				_ = os.Remove(s.tmp) // gone already if it has been renamed
			}
		}
	}()
	times := map[string]int{}
	for _, one := range list {
		s, err := prepared(one)
		if err != nil {
			return err
		}
		if s == nil {
			continue
		}
		times[s.target]++
		if err := r.stage(s, times[s.target]); err != nil {
			return fmt.Errorf("writing beside %s: %w", s.Path, plain(err))
		}
		all = append(all, s)
	}
	looked := map[string]bool{}
	for _, s := range all {
		if looked[s.target] {
			continue
		}
		looked[s.target] = true
		if err := s.unchanged(); err != nil {
			return err
		}
	}
	for _, s := range all {
		if err := r.commit(s); err != nil {
			return fmt.Errorf("replacing %s: %w%s", s.Path, plain(err), done(all))
		}
	}
	for _, s := range all {
		s.sweep()
	}
	return nil
}

// done names the files that have been replaced before an error.
func done(all []*staged) string {
	var names []string
	for _, s := range all {
		if s.done && !slices.Contains(names, s.Path) {
			names = append(names, s.Path)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s changed already: run the command again)", strings.Join(names, ", "))
}

// prepared finds the file that a replacement is for, and whether it may be
// replaced. It returns nil where the content is there already.
func prepared(one Replacement) (*staged, error) {
	s := &staged{Replacement: one, target: one.Path}
	target, err := filepath.EvalSymlinks(one.Path)
	if errors.Is(err, fs.ErrNotExist) && one.Before == nil {
		s.fresh = true
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("replacing %s: %w", one.Path, plain(err))
	}
	s.target = target
	if one.Before == nil {
		have, err := lang.ReadFile(target, lang.MaxFile)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading %s: %w", one.Path, err)
		case !bytes.Equal(have, one.Content):
			return nil, fmt.Errorf("%s exists already and holds something else: nothing is overwritten", one.Path)
		}
		return nil, nil //nolint:nilnil // as documented
	}
	info, err := os.Stat(target)
	switch {
	case err != nil:
		return nil, fmt.Errorf("replacing %s: %w", one.Path, plain(err))
	case mounted(one.Path):
		return nil, fmt.Errorf("%s is mounted by Kubernetes, which would undo a change: change the ConfigMap or the Secret that it comes from", one.Path)
	case info.Mode().Perm()&0o200 == 0:
		return nil, fmt.Errorf("%s is read-only (mode %04o): change it where it is made, or make it writable first", one.Path, info.Mode().Perm())
	}
	s.Mode = info.Mode().Perm()
	return s, nil
}

// mounted reports whether path leads through the link ..data, by which the
// kubelet swaps all files of a mount at once.
func mounted(path string) bool {
	for range 16 {
		if strings.Contains(path, "/..data/") || strings.HasPrefix(path, "..data/") {
			return true
		}
		next, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
	}
	_, err := os.Lstat(filepath.Join(filepath.Dir(path), "..data"))
	return err == nil
}

// beside is the nth file for contents of the target.
func (s *staged) beside(nth int) string {
	dir, base := filepath.Split(s.target)
	return filepath.Join(dir, fmt.Sprintf(".%s.watchword-%d", base, nth))
}

// sweep removes what a run that was killed has left of the target, unless
// another process is at it. A file is replaced twice at most.
func (s *staged) sweep() {
	for nth := 1; nth <= 2; nth++ {
		tmp := s.beside(nth)
		f, err := os.OpenFile(tmp, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if lockFile(f, tmp) == nil {
			_ = os.Remove(tmp)
		}
		_ = f.Close()
	}
}

// stage writes the content beside the target. The file has a name of its own,
// which a run that was killed leaves to the next, and is locked: of two
// processes that replace the same file one fails.
func (r replacer) stage(s *staged, nth int) error {
	tmp := s.beside(nth)
	if err := r.reach("create", tmp); err != nil {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	s.file = f
	if err := lockFile(f, tmp); err != nil {
		return errors.Join(err, f.Close())
	}
	s.tmp = tmp
	if err := r.fill(s); err != nil {
		return errors.Join(err, f.Close(), os.Remove(tmp))
	}
	return nil
}

func (r replacer) fill(s *staged) error {
	if err := s.file.Truncate(0); err != nil {
		return err
	}
	if err := r.reach("write", s.tmp); err != nil {
		return err
	}
	if _, err := s.file.Write(s.Content); err != nil {
		return err
	}
	if !s.fresh {
		if err := keepOwner(s.file, s.target); err != nil {
			return err
		}
	}
	if err := s.file.Chmod(s.Mode); err != nil {
		return err
	}
	if err := r.reach("sync", s.tmp); err != nil {
		return err
	}
	return s.file.Sync()
}

// unchanged fails unless the target holds what it held before.
func (s *staged) unchanged() error {
	changed := fmt.Errorf("%s has been changed by somebody else meanwhile: run the command again", s.Path)
	if s.fresh {
		if _, err := os.Lstat(s.target); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return changed
	}
	have, err := lang.ReadFile(s.target, lang.MaxFile)
	if err != nil {
		return fmt.Errorf("reading %s again: %w", s.Path, err)
	}
	if !bytes.Equal(have, s.Before) {
		return changed
	}
	return nil
}

// commit puts the staged file in place, and makes that last.
func (r replacer) commit(s *staged) error {
	if err := r.reach("rename", s.target); err != nil {
		return err
	}
	if err := os.Rename(s.tmp, s.target); err != nil {
		return err
	}
	s.done = true
	dir := filepath.Dir(s.target)
	if err := r.reach("sync folder", dir); err != nil {
		return err
	}
	return syncDir(dir)
}

// plain is err without operation and path, which stand beside it.
func plain(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	switch {
	case errors.Is(err, syscall.EROFS):
		return errors.New("the file system is mounted read-only")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("no permission: the folder must be writable")
	}
	return err
}
