package alerts

import (
	"context"
	"slices"
	"time"
)

// followGroup edits what was told of a group as its checks recover, reminds
// of it, and ends it.
func (e *Engine) followGroup(ctx context.Context, key string, st State, now time.Time) {
	open, left, gone := e.membersOf(key, st.Members)
	next := st
	members := *st.Members
	next.Members = &members
	if len(left) > 0 {
		members.List = slices.DeleteFunc(slices.Clone(members.List), func(m Member) bool { return slices.Contains(left, m) })
	}
	members.Open = len(open)
	if len(open) > 1 {
		members.Shared = shared(open) // they may fail otherwise by now
	}
	kind := TransitionKind("")
	switch {
	case len(open) == 0 && len(gone) == len(members.List): // none has recovered
		kind = Withdrawn
	case len(open) == 0:
		kind = Recovered
	case e.remindsOf(open, st, now):
		kind = Reminded
		next.Told = now
		next.Reminders++
	case (members.Open != st.Members.Open || len(left) > 0) && now.Sub(st.Edited) >= amendEvery:
		kind, next.Edited = Amended, now
	default:
		return
	}
	to := e.stillThere(st.Receivers)
	m := e.groupMessage(kind, &next, open, now)
	if kind.Closes() {
		next = State{}
	}
	e.storeGroup(ctx, key, next, notifications(to, thread(key, st.Incident), m, now))
}

// membersOf sorts the members of a group: those whose incident is still
// open, those that are told by themselves since, and those that were removed
// before they recovered.
func (e *Engine) membersOf(key string, m *Members) (open []*subject, left, gone []Member) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, member := range m.List {
		s := e.subjects[member.Check]
		if s == nil {
			gone = append(gone, member)
			continue
		}
		st := s.state()
		switch {
		case !st.Open() || st.Incident != member.Incident:
		case st.Group == key:
			open = append(open, s)
		default:
			left = append(left, member)
		}
	}
	return open, left, gone
}

// remindsOf says whether it is time to remind of a group: by the shortest
// time of those members that are not silenced.
func (e *Engine) remindsOf(open []*subject, st State, now time.Time) bool {
	every, most := time.Duration(0), 0
	for _, s := range open {
		at, state := s.place.Load(), s.state()
		if p := at.Policy; p.RemindEvery > 0 && (every == 0 || p.RemindEvery < every) && !s.quiet.Load() && e.hold(s, at, state, now) == NotHeld {
			every, most = p.RemindEvery, p.MaxReminders
		}
	}
	return every > 0 && now.Sub(st.Told) >= every && (most <= 0 || st.Reminders < most)
}

// stillThere leaves those of the receivers that are configured; if none is,
// everyone is told. What nobody was told of ends without a word.
func (e *Engine) stillThere(told []string) []string {
	if len(told) == 0 {
		return nil
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	return audience(told, e.setup.Receivers, e.setup.Receivers)
}
