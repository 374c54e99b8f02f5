package checks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
)

// brotlis decode one body at a time: what they need for one is up to twice
// max_body, and a body is decoded from memory, so that nobody waits for a slow
// server of another check.
type brotlis struct {
	once   sync.Once
	turn   chan struct{}
	reader *brotli.Reader // of whoever has the turn
}

// readBrotli reads all of body, at most limit bytes after decompression.
func (r *Runner) readBrotli(ctx context.Context, body io.Reader, limit int64) ([]byte, error) {
	packed, err := r.readAll(body, limit+limit/8+1024) // what does not shrink grows by a few bytes
	if err != nil || len(packed) == 0 {
		return nil, err
	}
	narrow(packed, limit)
	b := &r.coders.brotlis
	b.once.Do(func() { b.turn = make(chan struct{}, 1) })
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-b.turn }()

	source := bytes.NewReader(packed)
	if b.reader == nil {
		b.reader = brotli.NewReader(source)
	} else {
		_ = b.reader.Reset(source) // always nil, as documented
	}
	all, err := r.readAll(&whileAlive{ctx, b.reader}, limit)
	switch {
	case err == nil, errors.Is(err, errTooLarge), ctx.Err() != nil:
		return all, err
	default:
		return nil, damagedError{codingBrotli}
	}
}

// Windows of brotli (RFC 7932, section 9.1): those from narrowest on are
// written in the lowest four bits of a stream, as the bit 1 and then the
// difference to base.
const (
	windowBase      = 17
	windowNarrowest = 18
	windowWidest    = 24
	windowGap       = 16 // bytes by which a window is smaller than a power of two
)

// narrow makes the window of a stream no wider than limit bytes of output
// need: the decoder allocates what the stream asks for. No distance can reach
// further back than what has been put out, so that up to limit bytes the
// result is the same.
func narrow(packed []byte, limit int64) {
	bits := packed[0] & 0x0f
	if bits&1 == 0 || bits>>1 == 0 {
		return // of 64 KiB or less, or 128 KiB
	}
	need := byte(windowNarrowest)
	for need < windowWidest && int64(1)<<need-windowGap <= limit {
		need++
	}
	if windowBase+bits>>1 > need {
		packed[0] = packed[0]&0xf0 | (need-windowBase)<<1 | 1
	}
}

// whileAlive reads until ctx ends.
type whileAlive struct {
	ctx context.Context //nolint:containedctx // of one call
	r   io.Reader
}

func (w *whileAlive) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}
