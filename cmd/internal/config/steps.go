package config

import (
	"slices"

	"watchword/cmd/internal/lang"
)

// maxSteps bounds the steps of a check.
const maxSteps = 100

// steps builds the steps of a check from its effective layer and the blocks
// in it.
func (l *loader) steps(m *Monitor, y *layer, b *block, blocks []*block) {
	for _, name := range []string{"expect", "degraded_if", "expect_failure", "show_body"} {
		if a := b.attrs[name]; a != nil {
			l.errorf(a.Range, name+" beside steps", "A check with steps has %s in its steps, each its own.", name)
		}
	}
	if own := b.nested("request"); own != nil {
		l.errorf(own.at, "Both request and steps", "A check has either one request or steps: put this request into a step.")
	}
	if len(blocks) > maxSteps {
		l.errorf(blocks[maxSteps].at, "Too many steps", "There are %d steps; a check has at most %d.", len(blocks), maxSteps)
		return
	}
	blocks = l.duplicates(blocks)
	names := make([]string, len(blocks))
	for i, s := range blocks {
		names[i] = s.label()
	}
	around := l.scope
	defer func() { l.scope = around }()
	place := func(i int, proofs []lang.Proof, unanswered []string) {
		l.scope = around.WithSteps(lang.Steps{Name: names[i], Earlier: names[:i], Later: names[i+1:], Secrets: proofs, Unanswered: unanswered})
	}
	requests := make([]*requestLayer, len(blocks))
	for i, s := range blocks {
		place(i, nil, nil)
		if r := s.nested("request"); r != nil {
			requests[i] = l.request(r)
		}
		requests[i] = requests[i].over(y.request)
	}
	proofs := l.proofs(b, requests)
	var unanswered []string
	for i, s := range blocks {
		place(i, proofs, unanswered)
		if always := l.flag(s, "always"); always.otherwise(false) { // it cleans up after a success that was not to be
			place(i, proofs, nil)
		}
		own := l.layer(s.without("request"))
		own.request = requests[i]
		own.broken = own.broken || y.broken || s.nested("request") != nil && s.nested("request").broken
		if own.withoutAnswer() {
			unanswered = append(unanswered, names[i])
		}
		step := l.step(m, own, s)
		step.Name = names[i]
		step.Secrets = l.scope.Extract(names[i], proofs)
		m.Check.Steps = append(m.Check.Steps, step)
	}
}

// proofs finds the values of answers with which the steps of a check
// authenticate. Unless some are computed, they are the same for each of its
// instances.
func (l *loader) proofs(b *block, requests []*requestLayer) []lang.Proof {
	if known, again := l.proofsOf[b]; again {
		return known
	}
	var found []lang.Proof
	for _, q := range requests {
		if q != nil {
			found = append(found, l.scope.Proofs(q.exprs())...)
		}
	}
	if !slices.ContainsFunc(found, lang.Proof.Computed) {
		l.proofsOf[b] = found
	}
	return found
}

// without is a copy of b that lacks the nested blocks of a kind.
func (b *block) without(kind string) *block {
	c := *b
	c.blocks = slices.DeleteFunc(slices.Clone(b.blocks), func(n *block) bool { return n.is.name == kind })
	return &c
}
