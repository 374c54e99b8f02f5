package checks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// chunkSize is how much of a body is read at once, in bytes.
const chunkSize = 32 << 10

// read reads the body of an answer into x, decompressed and within its limit.
func (h *hop) read(ctx context.Context, x *Exchange, answer *http.Response, src *source) *failure {
	h.status = answer.StatusCode
	x.Status, x.Header = answer.StatusCode, answer.Header
	x.HTTPVersion = "1.1"
	switch {
	case answer.ProtoMajor == 2:
		x.HTTPVersion = "2"
	case answer.ProtoMinor == 0:
		x.HTTPVersion = "1.0"
	}
	limit := h.request.MaxBody
	if limit <= 0 {
		limit = DefaultMaxBody
	}
	coding := codingOf(answer.Header)
	if coding == codingNone && answer.ContentLength > limit && h.method != http.MethodHead {
		return failf(ReasonBodyTooLarge, "the body has %d bytes, max_body is %d", answer.ContentLength, limit)
	}
	body, err := h.readBody(ctx, answer.Body, coding, limit)
	if err != nil {
		return h.bodyFailure(ctx, src, err, limit)
	}
	x.Body = body
	return nil
}

var errTooLarge = errors.New("the body is too large")

// readBody reads all of body, at most limit bytes after decompression.
func (h *hop) readBody(ctx context.Context, body io.Reader, coding coding, limit int64) ([]byte, error) {
	switch coding {
	case codingNone:
		return h.runner.readAll(body, limit)
	case codingBrotli:
		return h.runner.readBrotli(ctx, body, limit)
	default:
		return h.runner.inflate(body, coding, limit)
	}
}

// readAll reads at most limit bytes. It reads into pieces that are used
// again, so that many answers that are too large do not add up.
func (r *Runner) readAll(from io.Reader, limit int64) ([]byte, error) {
	var pieces []*[chunkSize]byte
	defer func() {
		for _, p := range pieces {
			r.chunks.Put(p)
		}
	}()
	for total := 0; ; {
		piece, _ := r.chunks.Get().(*[chunkSize]byte)
		if piece == nil {
			piece = new([chunkSize]byte)
		}
		pieces = append(pieces, piece)
		n, err := fill(from, piece[:])
		total += n
		switch {
		case int64(total) > limit:
			return nil, errTooLarge
		case err == nil:
		case errors.Is(err, io.EOF):
			return gather(pieces, total), nil
		default:
			return nil, err
		}
	}
}

// fill is as [io.ReadFull], but leaves the error as it is: a body that was
// cut short is not one that ends within a piece.
func fill(from io.Reader, piece []byte) (n int, err error) {
	for n < len(piece) && err == nil {
		var m int
		m, err = from.Read(piece[n:])
		n += m
	}
	if n == len(piece) {
		return n, nil
	}
	return n, err
}

func gather(pieces []*[chunkSize]byte, total int) []byte {
	if total == 0 {
		return nil
	}
	all := bytes.NewBuffer(make([]byte, 0, total))
	for _, p := range pieces {
		all.Write(p[:min(chunkSize, total-all.Len())])
	}
	return all.Bytes()
}
