package checks

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// acceptEncoding is sent unless a request has its own.
const acceptEncoding = "gzip, deflate, br"

// A coding is one content coding of HTTP (RFC 9110, section 8.4.1), under the
// name by which people know it.
type coding string

const (
	codingNone    coding = "" // of a body that stays as it is
	codingGzip    coding = "gzip"
	codingDeflate coding = "deflate"
	codingBrotli  coding = "brotli"
)

// codingOf returns the coding of the body. Several, or one that is not known,
// are left to whoever asked for them.
func codingOf(header http.Header) coding {
	values := header["Content-Encoding"]
	if len(values) == 0 {
		return codingNone
	}
	switch strings.ToLower(strings.TrimSpace(strings.Join(values, ","))) {
	case "gzip", "x-gzip":
		return codingGzip
	case "deflate":
		return codingDeflate
	case "br":
		return codingBrotli
	default:
		return codingNone
	}
}

// A damagedError says that a body is not what its coding says.
type damagedError struct{ coding coding }

func (e damagedError) Error() string { return "the body is not valid " + string(e.coding) }

// coders are what decodes, to be used again.
type coders struct {
	gzips   sync.Pool // of *gzip.Reader
	zlibs   sync.Pool // of io.ReadCloser that is a zlib.Resetter
	flates  sync.Pool // of io.ReadCloser that is a flate.Resetter
	brotlis brotlis
}

// inflate reads all of body, which is gzip or deflate, at most limit bytes
// after decompression.
func (r *Runner) inflate(body io.Reader, coding coding, limit int64) ([]byte, error) {
	plain := &plainError{r: body}
	z, done, err := r.coders.reader(plain, coding)
	if err == nil {
		var all []byte
		all, err = r.readAll(z, limit)
		done()
		if err == nil {
			return all, nil
		}
	}
	switch {
	case errors.Is(err, errTooLarge):
		return nil, err
	case plain.err != nil && !errors.Is(plain.err, io.EOF):
		return nil, plain.err
	case errors.Is(err, io.EOF) && !plain.some: // nothing at all, as in answers to HEAD
		return nil, nil
	default:
		return nil, damagedError{coding}
	}
}

// reader returns a reader of what body holds decompressed, and what gives it
// back. Only without an error is there something to give back.
func (c *coders) reader(body io.Reader, coding coding) (io.Reader, func(), error) {
	if coding == codingGzip {
		z, _ := c.gzips.Get().(*gzip.Reader)
		if z == nil {
			z = new(gzip.Reader)
		}
		if err := z.Reset(body); err != nil {
			c.gzips.Put(z)
			return nil, nil, err
		}
		return z, func() { c.gzips.Put(z) }, nil
	}
	// The name deflate means zlib (RFC 1950), and some servers send what is
	// inside of that alone (RFC 1951). Zlib begins with two bytes of a kind.
	buf := bufio.NewReaderSize(body, 4<<10)
	head, err := buf.Peek(2)
	if err != nil && len(head) == 0 {
		return nil, nil, err
	}
	const method, deflated = 0x0f, 8
	if len(head) == 2 && head[0]&method == deflated && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return resetReader(&c.zlibs, buf, zlib.NewReader)
	}
	return resetReader(&c.flates, buf, func(r io.Reader) (io.ReadCloser, error) { return flate.NewReader(r), nil })
}

// resetReader makes a pool's reader, or a new one, read from body.
func resetReader(pool *sync.Pool, body io.Reader, fresh func(io.Reader) (io.ReadCloser, error)) (io.Reader, func(), error) {
	z, _ := pool.Get().(io.ReadCloser)
	var err error
	if again, ok := z.(flate.Resetter); ok { // zlib.Resetter is the same
		err = again.Reset(body, nil)
	} else {
		z, err = fresh(body)
	}
	if err != nil {
		return nil, nil, err
	}
	return z, func() { pool.Put(z) }, nil
}

// plainError keeps the error of what is decompressed, to tell a connection
// that broke from data that is damaged.
type plainError struct {
	r    io.Reader
	some bool
	err  error
}

func (p *plainError) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.some = p.some || n > 0
	if err != nil {
		p.err = err
	}
	return n, err
}
