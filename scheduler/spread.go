package scheduler

import (
	"cmp"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"time"
)

// hash returns a number that follows from the name alone, evenly distributed.
func hash(name string) uint64 {
	sum := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(sum[:8])
}

// fraction returns d times x/2^64.
func fraction(d time.Duration, x uint64) time.Duration {
	high, _ := bits.Mul64(uint64(d), x) //nolint:gosec // intervals are positive
	return time.Duration(high)          //nolint:gosec // less than d
}

// place gives the entries, whose schedules are new or have changed, their
// offsets. The caller holds mu.
//
// Jobs at @every stand in the order of their hashes and evenly apart, for a
// hash alone leaves clusters: of a hundred arrivals a second, some 10 ms would
// have six. Where jobs with the same interval are there already, they stay,
// and the new ones go into the largest gaps.
func (s *Scheduler) place(changed []*entry) {
	groups := make(map[time.Duration][]*entry) // by interval
	for _, e := range changed {
		e.offset = 0
		switch {
		case e.job.Schedule == nil:
		case e.job.Schedule.every > 0:
			groups[e.job.Schedule.every] = append(groups[e.job.Schedule.every], e)
		case e.job.Splay > 0:
			e.offset = fraction(e.job.Splay, hash(e.job.Name))
		}
	}
	if len(groups) == 0 {
		return
	}
	isNew := make(map[*entry]bool, len(changed))
	for _, e := range changed {
		isNew[e] = true
	}
	taken := make(map[time.Duration][]time.Duration)
	for _, it := range s.queue {
		e := it.entry
		if !e.removed && !isNew[e] && e.job.Schedule != nil && groups[e.job.Schedule.every] != nil {
			taken[e.job.Schedule.every] = append(taken[e.job.Schedule.every], e.offset)
		}
	}
	for every, group := range groups {
		arrange(every, group, taken[every])
	}
}

// arrange gives the entries of one interval their phases, beside those that
// are taken.
func arrange(every time.Duration, group []*entry, taken []time.Duration) {
	hashes := make(map[*entry]uint64, len(group))
	for _, e := range group {
		hashes[e] = hash(e.job.Name)
	}
	slices.SortFunc(group, func(a, b *entry) int { return cmp.Compare(hashes[a], hashes[b]) })
	if len(taken) == 0 {
		step := math.MaxUint64 / uint64(len(group))
		first := hashes[group[0]] % step // all of the hash if there is one job alone
		for i, e := range group {
			e.offset = fraction(every, first+uint64(i)*step)
		}
		return
	}
	gaps := gapsBetween(every, taken)
	for _, e := range group {
		e.offset = gaps.halve() % every
	}
}

// A gap is a stretch of an interval without a phase; its end may lie beyond
// the interval's.
type gap struct{ start, length time.Duration }

// gaps is a heap with the largest gap first, of equal ones the earliest.
type gaps []gap

// gapsBetween returns the gaps between phases, round the end of the interval.
func gapsBetween(every time.Duration, phases []time.Duration) *gaps {
	slices.Sort(phases)
	g := make(gaps, len(phases))
	for i, p := range phases {
		end := phases[0] + every
		if i+1 < len(phases) {
			end = phases[i+1]
		}
		g[i] = gap{p, end - p}
	}
	heap.Init(&g)
	return &g
}

// halve puts a phase into the middle of the largest gap and returns it.
func (g *gaps) halve() time.Duration {
	largest := &(*g)[0]
	middle, end := largest.start+largest.length/2, largest.start+largest.length
	largest.length /= 2
	heap.Fix(g, 0)
	heap.Push(g, gap{middle, end - middle})
	return middle
}

func (g *gaps) Len() int      { return len(*g) }
func (g *gaps) Swap(i, k int) { (*g)[i], (*g)[k] = (*g)[k], (*g)[i] }
func (g *gaps) Push(x any)    { *g = append(*g, x.(gap)) }
func (g *gaps) Pop() any      { panic("gaps only become more") }

func (g *gaps) Less(i, k int) bool {
	a, b := (*g)[i], (*g)[k]
	return cmp.Or(cmp.Compare(b.length, a.length), cmp.Compare(a.start, b.start)) < 0
}
