package checks

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// A wire is the TCP connection of a hop, below TLS. It ends with the context,
// counts, and reads along so far as TLS is still in the clear.
type wire struct {
	net.Conn

	stop func() bool // of the watch over the context

	read       atomic.Int64 // bytes
	localAlert int          // number of the alert that we have sent in the clear, or -1
}

// newWire makes conn end with ctx.
func newWire(ctx context.Context, conn net.Conn) *wire {
	w := &wire{Conn: conn, localAlert: -1}
	w.stop = context.AfterFunc(ctx, func() {
		_ = conn.SetDeadline(time.Unix(1, 0)) // long ago: whoever reads or writes is told
	})
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.read.Add(int64(n))
	return n, err
}

// Write notes an alert of ours: crypto/tls tells about it by text alone.
func (w *wire) Write(p []byte) (int, error) {
	const recordAlert, header, length = 21, 5, 7
	if len(p) == length && p[0] == recordAlert {
		w.localAlert = int(p[header+1])
	}
	return w.Conn.Write(p)
}

// close ends the connection at once.
func (w *wire) close() {
	w.stop()
	_ = w.Close()
}

// A source is where an answer is read from. It bounds the headers, and keeps
// the error of the connection itself: readers above wrap or replace it.
type source struct {
	r     io.Reader
	limit int64 // bytes that may still come; negative for no limit
	err   atomic.Pointer[error]
}

func (s *source) Read(p []byte) (int, error) {
	if s.limit == 0 {
		return 0, s.fail(errHeaders)
	}
	if s.limit > 0 && int64(len(p)) > s.limit {
		p = p[:s.limit]
	}
	n, err := s.r.Read(p)
	if s.limit > 0 {
		s.limit -= int64(n)
	}
	if err != nil {
		return n, s.fail(err)
	}
	return n, nil
}

// fail keeps the first error.
func (s *source) fail(err error) error {
	s.err.CompareAndSwap(nil, &err)
	return err
}

// failed returns the first error, or nil.
func (s *source) failed() error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}
