package alerts

import (
	"sync"
	"time"
)

// Maintenance is a time in which nothing is told of certain checks. A check
// that still fails when it ends is told then, and so is one that has
// recovered from an incident that people know of; an incident that began and
// ended inside is not told at all.
type Maintenance struct {
	Name  string
	Spec  string             // changes when the windows do: a reload that changes it tells nothing by itself
	Match map[string]Pattern // label to pattern, as in a [Route]; empty matches every check

	// Next returns the first window that ends after t, or is open at t:
	// from ≤ time < to. Both are zero if there is none any more.
	Next func(t time.Time) (from, to time.Time)
}

// calendar answers whether a maintenance window is open; it remembers the
// window that comes next.
type calendar struct {
	Maintenance

	mu       sync.Mutex // guards the following
	asked    time.Time  // the window was looked for from here on
	from, to time.Time
	known    bool
}

func calendars(list []Maintenance) []*calendar {
	out := make([]*calendar, len(list))
	for i := range list {
		out[i] = &calendar{Maintenance: list[i]}
	}
	return out
}

// open says whether now lies in a window, and when that ends.
func (c *calendar) open(now time.Time) (until time.Time, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known || now.Before(c.asked) || !c.to.IsZero() && !now.Before(c.to) {
		c.asked, c.known = now, true
		c.from, c.to = c.Next(now)
	}
	return c.to, !c.to.IsZero() && !now.Before(c.from) && now.Before(c.to)
}

// matching returns those that concern a check with these labels.
func matching(list []*calendar, labels map[string]string) []*calendar {
	var out []*calendar
	for _, c := range list {
		if (Route{Match: c.Match}).Matches(labels) {
			out = append(out, c)
		}
	}
	return out
}

// sameWindows says whether two lists are open at the same times.
func sameWindows(a, b []*calendar) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || a[i].Spec != b[i].Spec {
			return false
		}
	}
	return true
}
