package checks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// maxHeaders bounds the headers of an answer, in bytes, interim answers
// included.
const maxHeaders = 64 << 10

// errHeaders says that an answer's headers are larger than maxHeaders.
var errHeaders = errors.New("the headers are too large")

// buffers are what one HTTP/1.1 exchange reads and writes through.
type buffers struct {
	r *bufio.Reader
	w *bufio.Writer
}

// smallBody is a request body, in bytes, that is written before the answer is
// read: no server can be kept from answering by it.
const smallBody = 16 << 10

// http1 writes the request and reads the answer up to its body. The caller
// reads the body and then calls done.
func (h *hop) http1(ctx context.Context, conn net.Conn, req *http.Request) (*http.Response, *source, *failure, func()) {
	buf, _ := h.runner.bufs.Get().(*buffers)
	if buf == nil {
		buf = &buffers{bufio.NewReader(nil), bufio.NewWriter(nil)}
	}
	src := &source{r: conn, limit: maxHeaders + int64(buf.r.Size())}
	buf.r.Reset(src)
	buf.w.Reset(conn)
	var writing sync.WaitGroup
	done := func() {
		h.wire.close() // ends the writer as well
		writing.Wait()
		buf.r.Reset(nil)
		buf.w.Reset(nil)
		h.runner.bufs.Put(buf)
	}
	req.Close = true
	write := func() error {
		form := req.Write
		if h.absolute() {
			form = req.WriteProxy
		}
		if err := form(buf.w); err != nil {
			return err
		}
		return buf.w.Flush()
	}
	// What becomes of the writing shows in what can be read: a server may
	// answer, or send the alert that says why not, and then close.
	if req.ContentLength <= smallBody {
		if err := write(); err != nil && !isNetwork(err) {
			return nil, src, failf(ReasonInternal, "the request cannot be written: %v", err), done
		}
	} else {
		writing.Go(func() { _ = write() })
	}
	if _, err := buf.r.Peek(1); err != nil {
		return nil, src, h.noAnswer(ctx, err), done
	}
	h.answered = true
	for {
		answer, err := http.ReadResponse(buf.r, req)
		if err != nil {
			return nil, src, h.headerFailure(ctx, src, err), done
		}
		if answer.StatusCode >= http.StatusOK || answer.StatusCode == http.StatusSwitchingProtocols {
			src.limit = -1
			return answer, src, nil, done
		}
	}
}

// http2 sends the request on a connection of its own that has agreed to
// HTTP/2, and returns the answer up to its body.
func (h *hop) http2(ctx context.Context, conn net.Conn, req *http.Request) (*http.Response, *source, *failure) {
	src := &source{r: conn, limit: -1}
	maker, _ := h.runner.http2s.Get().(*http2Maker)
	if maker == nil {
		maker = newHTTP2Maker()
	}
	maker.conn = &stream{conn, src}
	client, err := maker.transport.NewClientConn(ctx, "http", h.connectTo)
	h.runner.http2s.Put(maker)
	if err != nil {
		return nil, src, h.noAnswer(ctx, h.cause(src, err))
	}
	if err := client.Reserve(); err != nil {
		return nil, src, h.noAnswer(ctx, h.cause(src, err))
	}
	answer, err := client.RoundTrip(req)
	if err == nil {
		h.answered = true
		return answer, src, nil
	}
	return nil, src, h.http2Failure(ctx, src, err)
}

// An http2Maker makes a client of a connection that is there already. It is
// used by one hop at a time, and keeps nothing of it: the clients it makes
// belong to no pool.
type http2Maker struct {
	transport *http.Transport
	conn      net.Conn // for the next client
}

func newHTTP2Maker() *http2Maker {
	m := new(http2Maker)
	var only http.Protocols
	only.SetUnencryptedHTTP2(true) // net/http sees a connection; that it is encrypted is ours to know
	m.transport = &http.Transport{
		Protocols:              &only,
		DialContext:            m.dial,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaders,
		IdleConnTimeout:        time.Second, // how long net/http holds on to what is left
	}
	return m
}

// dial hands out the connection, once.
func (m *http2Maker) dial(context.Context, string, string) (net.Conn, error) {
	conn := m.conn
	m.conn = nil
	if conn == nil {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// A stream is a connection whose reads go through a source.
type stream struct {
	net.Conn

	source *source
}

func (s *stream) Read(p []byte) (int, error) { return s.source.Read(p) }

// cause returns the connection's own error if it has one: HTTP/2 replaces it
// by others.
func (h *hop) cause(src *source, err error) error {
	_ = h.wire.Close() // whoever still reads ends, so that src can be looked at
	if own := src.failed(); own != nil && !errors.Is(own, net.ErrClosed) {
		return own
	}
	return err
}

// isNetwork reports whether err came from the connection.
func isNetwork(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}

// validHeader reports the first header that must not go over the wire. Its
// value may be a secret, so it is not shown.
func validHeader(header http.Header) error {
	for name, values := range header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("the header name %q is not valid", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return fmt.Errorf("the value of header %q has characters that are not allowed there", name)
			}
		}
	}
	return nil
}
