package web

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"watchword/checks"
)

// savedHead is how what [Board.Save] writes begins.
const savedHead = "watchword runs 1\n"

var errSaved = errors.New("it is not what this version writes")

// Save writes the latest runs of every check: when they began, how long they
// took and what came of them, and the phases of the last one. That is about
// 300 bytes a check, and holds no text of a target.
func (b *Board) Save(w io.Writer) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString(savedHead)
	v := b.view()
	var raw []byte
	for _, c := range v.setup.Checks {
		h := v.runs[c.Name]
		h.mu.Lock()
		raw = h.save(raw[:0], c.Name)
		h.mu.Unlock()
		_, _ = out.Write(raw) // what fails here fails in the end
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the latest runs: %w", err)
	}
	return nil
}

// lastMoment is the end of the times that JSON can say, in milliseconds.
const lastMoment = 253_402_300_799_999

// gapBit marks an outcome of a run that there is a gap before.
const gapBit = 0x80

func (h *history) save(raw []byte, name string) []byte {
	if len(h.runs) == 0 {
		return raw
	}
	raw = appendText(raw, name)
	raw = append(raw, byte(len(h.runs))) //nolint:gosec // at most keptRuns
	before := int64(0)
	for _, r := range h.runs {
		raw = binary.AppendVarint(raw, r.started-before)
		raw = binary.AppendUvarint(raw, uint64(r.took))
		outcome := r.outcome
		if r.gap {
			outcome |= gapBit
		}
		raw = append(raw, outcome)
		before = r.started
	}
	raw = binary.AppendUvarint(raw, uint64(len(h.last.steps)))
	for _, st := range h.last.steps {
		raw = appendText(raw, st.Step)
		raw = binary.AppendUvarint(raw, uint64(max(0, st.Status)))
		for _, phase := range timings(&st.Timing) {
			raw = binary.AppendUvarint(raw, uint64(max(0, *phase/time.Microsecond)))
		}
	}
	return raw
}

func appendText(raw []byte, text string) []byte {
	return append(binary.AppendUvarint(raw, uint64(len(text))), text...)
}

func timings(t *checks.Timing) [6]*time.Duration {
	return [...]*time.Duration{&t.DNS, &t.Connect, &t.TLS, &t.Wait, &t.Transfer, &t.Total}
}

// Restore takes back what [Board.Save] wrote before watchword was started, of
// checks that are configured and have not run since. What a check was like
// then says nothing of its status now. An error says that raw is something
// else; nothing of it is taken then.
func (b *Board) Restore(raw []byte) error {
	rest, ok := bytes.CutPrefix(raw, []byte(savedHead))
	if !ok {
		return errSaved
	}
	v := b.view()
	saved := make(map[*history]*history)
	s := saving{rest: rest}
	for len(s.rest) > 0 && !s.bad {
		name := s.text()
		then := s.history()
		if h := v.runs[string(name)]; h != nil {
			saved[h] = then
		}
	}
	if s.bad {
		return errSaved
	}
	for h, then := range saved {
		h.mu.Lock()
		if len(h.runs) == 0 {
			h.runs, h.last = then.runs, then.last
		}
		h.mu.Unlock()
	}
	return nil
}

// saving reads what was saved.
type saving struct {
	rest []byte
	bad  bool // something did not fit
}

func (s *saving) history() *history {
	h := new(history)
	n := int(s.byte())
	if n == 0 || n > keptRuns {
		s.bad = true
		return h
	}
	h.runs = make([]run, 0, keptRuns)
	started := int64(0)
	for range n {
		delta, size := binary.Varint(s.rest)
		s.skip(size)
		started += delta
		r := run{started: started, took: uint32(s.number(1 << 32))} //nolint:gosec // below that
		outcome := s.byte()
		r.gap, r.outcome = outcome&gapBit != 0, outcome&^gapBit
		s.bad = s.bad || r.outcome > lastOutcome || started < 0 || started > lastMoment
		if s.bad {
			return h
		}
		h.runs = append(h.runs, r)
	}
	last := h.runs[n-1].status()
	h.last = lastRun{started: last.Started, duration: time.Duration(h.runs[n-1].took) * ticket, outcome: last.Outcome}
	for range s.number(uint64(len(s.rest)) + 1) { // a step takes more than a byte
		var st lastStep
		st.Step = string(s.text())
		st.Status = int(s.number(1 << 16)) //nolint:gosec // below that
		for _, phase := range timings(&st.Timing) {
			*phase = time.Duration(s.number(1<<40)) * time.Microsecond //nolint:gosec // below that
		}
		if s.bad {
			break
		}
		h.last.steps = append(h.last.steps, st)
	}
	return h
}

// number reads one that must be less than below.
func (s *saving) number(below uint64) uint64 {
	n, size := binary.Uvarint(s.rest)
	s.skip(size)
	if s.bad = s.bad || n >= below; s.bad {
		return 0
	}
	return n
}

// text reads a text, which is part of what is read from.
func (s *saving) text() []byte {
	n := s.number(uint64(len(s.rest)) + 1)
	if n > uint64(len(s.rest)) {
		s.bad = true
	}
	if s.bad {
		return nil
	}
	text := s.rest[:n]
	s.rest = s.rest[n:]
	return text
}

func (s *saving) byte() byte {
	if len(s.rest) == 0 {
		s.bad = true
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

// skip goes on behind a number of this size, which is not positive for none.
func (s *saving) skip(size int) {
	if size <= 0 {
		s.bad, size = true, 0
	}
	s.rest = s.rest[size:]
}
