package checks

import (
	"crypto/x509"
	"net/http"
)

// An Exchange is one request and its answer, as expressions see it.
type Exchange struct {
	Method        string
	RequestURL    string
	RequestHeader http.Header
	RequestBody   []byte

	URL         string // after redirects
	Status      int
	Header      http.Header
	Body        []byte // decompressed, complete
	HTTPVersion string // "1.0", "1.1" or "2"
	Redirects   int
	RemoteIP    string
	Timing      Timing
	TLS         *TLS // nil for http

	json onceJSON
}

// TLS is what an expression may ask of the connection that gave the answer.
type TLS struct {
	Version         string // "1.2", "1.3"
	Cipher          string
	Leaf            *x509.Certificate
	Chain           []*x509.Certificate // as presented
	Certificate     string              // name of the identity presented; empty for none
	ClientRequested bool                // the server asked for a client certificate
}
