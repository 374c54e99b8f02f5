package certs

import (
	"errors"
	"time"
)

const (
	// rotationTime is how long the replacing of files may take: a pair that is
	// half written for less concerns nobody.
	rotationTime = 30 * time.Second
	// rotationRetry is how often files are read again that cannot be used for
	// longer than that, besides whenever they change.
	rotationRetry = 5 * time.Minute
)

// A Rotation says that files were replaced by ones that cannot be used, and
// that what was read before goes on in their place.
type Rotation struct {
	Err   error     // why they cannot be used; its causes are those of [Identity.Err]
	Since time.Time // when that was first found
}

// Lasts reports whether the files cannot be used for so long that it will not
// mend itself: someone is to be told.
func (r *Rotation) Lasts(now time.Time) bool {
	return now.Sub(r.Since) >= rotationTime || now.Before(r.Since) // the latter after a clock was set back
}

// Retry returns when the files are to be read again: soon at first, and then
// every few minutes.
func (r *Rotation) Retry(now time.Time) time.Time {
	for _, after := range []time.Duration{2 * time.Second, 7 * time.Second, 17 * time.Second, rotationTime} {
		if at := r.Since.Add(after); at.After(now) && !now.Before(r.Since) {
			return at
		}
	}
	return now.Add(rotationRetry)
}

// and returns what is to be said of both of two rotations, each of which may
// be nil.
func (r *Rotation) and(other *Rotation) *Rotation {
	switch {
	case r == nil:
		return other
	case other == nil:
		return r
	}
	both := &Rotation{Err: errors.Join(r.Err, other.Err), Since: r.Since}
	if other.Since.Before(both.Since) {
		both.Since = other.Since
	}
	return both
}

// Rotation tells whether files of the block were replaced by ones that cannot
// be used, so that the identity is still what was read before them. It is nil
// if not. A certificate goes on so until it expires; from then on it has an
// [Identity.Err], and only tells of itself.
func (id *Identity) Rotation() *Rotation { return id.rotation.and(id.caRotation) }

// RootsRotation is [Identity.Rotation] for a file that [Loader.Roots] was
// asked for.
func (l *Loader) RootsRotation(path string, system bool) *Rotation {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.kept.roots[rootsPath{path, system}]; k != nil {
		return k.rotation
	}
	return nil
}
