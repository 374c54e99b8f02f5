package lang

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"sync"
	"unicode/utf8"
)

// A regular expression that begins with no fixed text costs package regexp
// some 50 ns a byte: a hundred of them over an answer of 1 MiB would take
// seconds. Whether one matches at all is found here by an automaton whose
// states are made as they are met, for a tenth of that.

const (
	fromDFA   = 4 << 10 // bytes of a text from which on it is worth it
	maxStates = 1000    // kept for one pattern; a pattern that needs more is left to regexp
)

// A dfa answers whether a pattern matches somewhere in a text. Its states are
// kept from one text to the next.
type dfa struct {
	prog    *syntax.Prog
	classes [utf8.RuneSelf]uint8 // runes of one class are the same to the pattern
	count   int                  // of classes
	states  map[string]*dfaState
	first   *dfaState

	mark  []uint32 // by instruction: the round of follow that has seen it
	round uint32
	stack []uint32
}

// A dfaState is a set of instructions to go on from, and the kind of the rune
// before.
type dfaState struct {
	pcs   []uint32
	prev  rune
	match bool        // reached the end of the pattern
	next  []*dfaState // by class
}

func newDFA(prog *syntax.Prog) *dfa {
	d := &dfa{prog: prog, states: make(map[string]*dfaState), mark: make([]uint32, len(prog.Inst))}
	known := make(map[string]uint8)
	for r := range d.classes {
		signature := []byte(string(kindOfRune(rune(r))))
		for i := range prog.Inst {
			if in := &prog.Inst[i]; isRune(in.Op) && in.MatchRune(rune(r)) {
				signature = binary.AppendUvarint(signature, uint64(i))
			}
		}
		class, ok := known[string(signature)]
		if !ok {
			class = uint8(len(known)) //nolint:gosec // at most 128
			known[string(signature)] = class
		}
		d.classes[r] = class
	}
	d.count = len(known)
	d.first = d.state(nil, -1)
	return d
}

func isRune(op syntax.InstOp) bool {
	switch op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	default:
		return false
	}
}

// kindOfRune is a rune that stands for all that are the same to ^, $ and \b.
func kindOfRune(r rune) rune {
	switch {
	case r == '\n' || r < 0:
		return r
	case syntax.IsWordChar(r):
		return 'a'
	default:
		return ' '
	}
}

// matches reports whether the pattern matches in a text, and whether it could
// be found out.
func (d *dfa) matches(text string) (matched, ok bool) {
	at := d.first
	for i := 0; i < len(text); {
		var next *dfaState
		if c := text[i]; c < utf8.RuneSelf {
			i++
			if next = at.next[d.classes[c]]; next == nil {
				if next = d.step(at, rune(c)); next != nil {
					at.next[d.classes[c]] = next
				}
			}
		} else {
			r, size := utf8.DecodeRuneInString(text[i:])
			i += size
			next = d.step(at, r)
		}
		if next == nil {
			return false, false
		}
		if next.match {
			return true, true
		}
		at = next
	}
	end := d.step(at, -1)
	return end != nil && end.match, end != nil
}

// step returns the state after a rune, or after the end of the text for -1.
// It returns nil if there are too many.
func (d *dfa) step(at *dfaState, r rune) *dfaState {
	flags := syntax.EmptyOpContext(at.prev, kindOfRune(r))
	if d.round++; d.round == 0 { // once in four billion
		clear(d.mark)
		d.round = 1
	}
	var out []uint32
	matched := false
	visit := func(pc uint32) {
		d.stack = append(d.stack[:0], pc)
		for len(d.stack) > 0 {
			pc := d.stack[len(d.stack)-1]
			d.stack = d.stack[:len(d.stack)-1]
			if d.mark[pc] == d.round {
				continue
			}
			d.mark[pc] = d.round
			switch in := &d.prog.Inst[pc]; in.Op {
			case syntax.InstMatch:
				matched = true
			case syntax.InstAlt, syntax.InstAltMatch:
				d.stack = append(d.stack, in.Out, in.Arg)
			case syntax.InstCapture, syntax.InstNop:
				d.stack = append(d.stack, in.Out)
			case syntax.InstEmptyWidth:
				if syntax.EmptyOp(in.Arg)&^flags == 0 { //nolint:gosec // a few bits
					d.stack = append(d.stack, in.Out)
				}
			default:
				if isRune(in.Op) && r >= 0 && in.MatchRune(r) {
					out = append(out, in.Out)
				}
			}
		}
	}
	visit(uint32(d.prog.Start)) //nolint:gosec // an index
	for _, pc := range at.pcs {
		visit(pc)
	}
	if matched {
		return &dfaState{match: true}
	}
	return d.state(out, kindOfRune(r))
}

// state returns the state of a set, or nil if there are too many.
func (d *dfa) state(pcs []uint32, prev rune) *dfaState {
	slices.Sort(pcs)
	pcs = slices.Compact(pcs)
	key := make([]byte, 0, 2*len(pcs)+4)
	key = append(key, string(prev)...)
	key = append(key, 0)
	for _, pc := range pcs {
		key = binary.AppendUvarint(key, uint64(pc))
	}
	if prev < 0 {
		key = append(key, 'b')
	}
	if known, ok := d.states[string(key)]; ok {
		return known
	}
	if len(d.states) >= maxStates {
		return nil
	}
	s := &dfaState{pcs: pcs, prev: prev, next: make([]*dfaState, d.count)}
	d.states[string(key)] = s
	return s
}

// A dfaPool lends automata of one pattern to those who match at the same time.
type dfaPool struct{ pool *sync.Pool }

func newDFAPool(prog *syntax.Prog) dfaPool {
	return dfaPool{&sync.Pool{New: func() any { return newDFA(prog) }}}
}

// matches is as for a dfa.
func (p dfaPool) matches(text string) (matched, ok bool) {
	d, _ := p.pool.Get().(*dfa)
	if matched, ok = d.matches(text); ok {
		p.pool.Put(d)
	}
	return matched, ok
}
