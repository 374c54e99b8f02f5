package alerts

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"watchword/checks"
)

// maxMembers is how many checks a message about several lists.
const maxMembers = 20

// groupMessage is what is told of a group. open are the members that fail.
func (e *Engine) groupMessage(kind TransitionKind, st *State, open []*subject, now time.Time) Message {
	n := len(st.Members.List)
	m := Message{
		Topic: AboutGroup, Kind: kind, Level: st.Level, Text: st.Members.Shared, Location: e.location(), Severity: severest(open),
		At: now, Since: st.Since, Links: e.links().overview(),
	}
	m.Members, m.More = members(open, st.Members.List)
	m.Detail = sameText(m.Members)
	what, who := count(n, "check"), some(len(open), n)
	if n == 1 {
		what = st.Members.List[0].Check
		who = what + " is"
	}
	mark, verb := "🔴", "failing"
	if st.Level == LevelDegraded {
		mark, verb = "🟡", "degraded"
	}
	about := ""
	if st.Members.Shared != "" {
		about = ": " + st.Members.Shared
	}
	below := depending(len(belowAll(open)), "them")
	if kind.Closes() {
		m.Severity = severest(e.subjectsOf(st.Members.List))
	}
	switch kind {
	case Recovered:
		m.Headline = fmt.Sprintf("🟢 %s recovered after %s%s", what, FormatDuration(now.Sub(st.Since)), about)
		m.Detail = "were " + verb + " from " + span(st.Since, now)
	case Withdrawn:
		m.Headline = fmt.Sprintf("⚪ %s %s removed, disabled or told by themselves while %s%s", what, wasOrWere(n), verb, about)
	case Reminded:
		m.Headline = fmt.Sprintf("%s %s still %s after %s%s%s", mark, who, verb, FormatDuration(now.Sub(st.Since)), about, below)
	default:
		m.Headline = fmt.Sprintf("%s %s %s%s%s", mark, who, verb, about, below)
	}
	return m
}

// some counts the checks that still fail: `27 checks are`, `1 of 27 checks is`.
func some(open, all int) string {
	is := "are"
	if open == 1 {
		is = "is"
	}
	if open == all {
		return count(all, "check") + " " + is
	}
	return fmt.Sprintf("%d of %s %s", open, count(all, "check"), is)
}

func wasOrWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// subjectsOf returns the checks of members that are still configured.
func (e *Engine) subjectsOf(list []Member) []*subject {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []*subject
	for _, m := range list {
		if s := e.subjects[m.Check]; s != nil {
			out = append(out, s)
		}
	}
	return out
}

// severest is the most severe of the severities, as far as their order is
// known; else the first.
func severest(list []*subject) string {
	order := []string{"critical", "error", "warning", "info"}
	best := ""
	for _, s := range list {
		sev := s.place.Load().severity()
		i, j := slices.Index(order, sev), slices.Index(order, best)
		if best == "" || i >= 0 && (j < 0 || i < j) {
			best = sev
		}
	}
	return cmp.Or(best, "warning")
}

// belowAll returns the checks that are not told because they depend on one of
// the list.
func belowAll(list []*subject) map[*subject]struct{} {
	out := make(map[*subject]struct{})
	for _, s := range list {
		for _, c := range dependents(s.place.Load()) {
			out[c] = struct{}{}
		}
	}
	return out
}

// members lists the first checks: those that fail, then those that are well
// again.
func members(open []*subject, all []Member) (lines []MemberLine, more int) {
	failing := make(map[string]bool, len(open))
	for _, s := range open {
		st := s.state()
		failing[s.name] = true
		if len(lines) < maxMembers {
			lines = append(lines, MemberLine{Check: s.name, Level: cmp.Or(st.Level, st.Seen), Text: shorten(st.Message, maxMemberText)})
		}
	}
	n := len(open)
	for _, m := range all {
		if failing[m.Check] {
			continue
		}
		if n++; len(lines) < maxMembers {
			lines = append(lines, MemberLine{Check: m.Check})
		}
	}
	return lines, n - len(lines)
}

// sameText takes the explanation off the lines if all that fail have the same
// one, and returns it.
func sameText(lines []MemberLine) string {
	text := ""
	for _, l := range lines {
		if l.Level == NoLevel {
			continue
		}
		if l.Text == "" || text != "" && l.Text != text {
			return ""
		}
		text = l.Text
	}
	for i := range lines {
		lines[i].Text = ""
	}
	return text
}

// maxMemberText is how much of a check's explanation stands beside its name,
// in runes.
const maxMemberText = 120

// shared says what checks have in common: `all on *.acme.com, all
// tls_unknown_ca`. If it is nothing, the reasons are counted.
func shared(list []*subject) string {
	var parts []string
	if on := commonHost(list); on != "" {
		parts = append(parts, "all on "+on)
	}
	reasons := make(map[string]int)
	for _, s := range list {
		st := s.state()
		reasons[cmp.Or(string(st.Reason), string(st.Seen))]++
	}
	if len(reasons) == 1 && reasons[string(LevelDegraded)] == 0 { // which the headline says already
		for r := range reasons {
			parts = append(parts, sharedReason(list, r))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, commonLabels(list)...)
	}
	if len(reasons) > 1 && len(parts) < 2 {
		parts = append(parts, tally(reasons))
	}
	return strings.Join(parts, ", ")
}

// maxSharedText is how much of the explanation that all checks have stands in
// a headline, in runes.
const maxSharedText = 60

// sharedReason is the reason of all checks, for a headline. That of an
// expectation says nothing: what was found does, if it is the same.
func sharedReason(list []*subject, reason string) string {
	if reason != string(checks.ReasonExpectation) {
		return "all " + reason
	}
	text := list[0].state().Message
	for _, s := range list[1:] {
		if s.state().Message != text {
			return "all answer, but not as expected"
		}
	}
	return "all say " + shorten(text, maxSharedText)
}

// commonHost is the host that all checks ask, or the domain that their hosts
// are in, as a pattern; empty if there is none.
func commonHost(list []*subject) string {
	common := ""
	for i, s := range list {
		at := s.place.Load()
		if len(at.Hosts) == 0 {
			return ""
		}
		for j, host := range at.Hosts {
			if i == 0 && j == 0 {
				common = host
				continue
			}
			common = commonDomain(common, host)
		}
		if common == "" {
			return ""
		}
	}
	return common
}

// commonDomain is the host or pattern that covers both, of at least two
// labels.
func commonDomain(a, b string) string {
	if a == b {
		return a
	}
	x, y := strings.Split(strings.TrimPrefix(a, "*."), "."), strings.Split(b, ".")
	n := 0
	for n < len(x) && n < len(y) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	if n < 2 || isAddress(a) || isAddress(b) {
		return ""
	}
	return "*." + strings.Join(x[len(x)-n:], ".")
}

// isAddress says whether a host is an IP address, whose digits form no domain.
func isAddress(host string) bool {
	return strings.ContainsRune(host, ':') || strings.Trim(host, "0123456789.") == ""
}

// commonLabels are the group and the user's labels that all checks share.
func commonLabels(list []*subject) []string {
	first := list[0].place.Load()
	labels, group := maps.Clone(first.Labels), first.Group
	for _, s := range list[1:] {
		at := s.place.Load()
		if at.Group != group {
			group = ""
		}
		maps.DeleteFunc(labels, func(name, value string) bool { return at.Labels[name] != value })
	}
	if group != "" {
		return []string{"all in " + group}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if len(out) < 2 {
			out = append(out, "all "+name+"="+labels[name])
		}
	}
	return out
}

// tally counts reasons, the most frequent first: `14 connect_timeout, 13
// tls_unknown_ca`.
func tally(reasons map[string]int) string {
	names := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), strings.Compare(a, b))
	})
	var parts []string
	for _, name := range names[:min(len(names), 3)] {
		parts = append(parts, fmt.Sprintf("%d %s", reasons[name], name))
	}
	if more := len(names) - 3; more > 0 {
		parts = append(parts, "and others")
	}
	return strings.Join(parts, ", ")
}
