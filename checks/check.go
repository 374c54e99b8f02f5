package checks

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"watchword/certs"
)

// A Check is one thing to watch: a request, or several steps, and what is
// expected of the answers. It is built once at load, is not changed after
// that, and holds no names that would have to be looked up.
type Check struct {
	Name        string            // full name, such as "orders/health"; unique
	Group       string            // the part of Name before the last slash; may be empty
	Description string            //
	Labels      map[string]string // the user's labels
	Timeout     time.Duration     // bounds one attempt with all its steps
	Steps       []*Step           // at least one; a check without step blocks has one without a name
	Retry       Retry             // further attempts of a run that fails
	Redactor    *Redactor         // knows every secret value that the configuration holds; nil redacts nothing
	Runbook     string            // URL for whoever is alerted; may be empty
	Source      Source            // where the check stands in its file
}

// Source is a place in a configuration file.
type Source struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// A Step is one request of a [Check] and the judgement of its answer.
type Step struct {
	Name          string // empty in a check without steps
	Request       Request
	Expect        []Condition // all must hold; never empty unless ExpectFailure is set
	DegradedIf    []Condition // any that holds makes a passed run degraded
	ExpectFailure []Reason    // the step passes only if it fails with one of these
	ShowBody      bool        // a failure may show the beginning of the body
	Always        bool        // runs even when an earlier step failed, if the values that its request needs are known

	// Secrets returns the values of an answer that a later step proves
	// itself with, such as a token: no text of the run shows them. It may be
	// nil.
	Secrets func(*Exchange) []string
}

// MTLS says whether a request goes along with a client certificate.
type MTLS = certs.Mode

// A Request is the static part of what is sent. What may depend on
// expressions comes from Template.
type Request struct {
	Template           Template
	MTLS               MTLS
	Certificate        *certs.Identity // explicit choice; nil lets the host decide
	Roots              *certs.Roots    // the request's own ca; nil lets the host decide
	RootsErr           error           // the request's own ca could not be loaded: every run fails with client_cert_local
	RootsFile          string          // the file of Roots, for the curl command
	Proxy              *Proxy          // asked instead of the targets, on every hop; nil asks none, whatever the environment says
	ProxyErr           error           // the proxy's address could not be read: every run ends with internal
	IPVersion          int             // 4 or 6: the family of the addresses that are dialled; 0 means both
	HTTPVersion        string          // "1.1" or "2": the only version that is offered; empty offers both
	ConnectTo          string          // host:port dialled instead of the first hop's; may be empty
	ServerName         string          // SNI and verified name for the first hop's host; may be empty
	InsecureSkipVerify bool
	MaxRedirects       int   // 0 follows none: the 3xx answer is judged itself
	MaxBody            int64 // bytes after decompression; 0 means DefaultMaxBody
}

// DefaultMaxBody bounds a body after decompression, in bytes.
const DefaultMaxBody = 1 << 20

// DefaultMaxRedirects is how many redirects are followed unless a request says otherwise.
const DefaultMaxRedirects = 5

// A Template makes the variable part of a request. It is evaluated at each
// run; a request without computed parts returns the same value every time.
type Template interface {
	// Render returns the request to send. A [*ValueError] means that an
	// answer of an earlier step does not hold what the request needs; any
	// other error that the configuration cannot be evaluated (an unreadable
	// secret, say): the run's outcome is then unknown with ReasonInternal.
	Render(ctx context.Context, vars *Vars) (*Rendered, error)
}

// A ValueError says that an answer of an earlier step does not hold what a
// request needs, or holds what no request can be made of.
type ValueError struct{ Err error }

func (e *ValueError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }

// Rendered is a request ready to be sent. It must not be modified: a static
// template returns the same pointer for each run.
type Rendered struct {
	Method  string
	URL     *url.URL // absolute, http or https, no userinfo
	Header  http.Header
	Body    []byte
	File    string   // the file that Body came from; empty if none did
	Secrets []string // values to redact beyond those the check's Redactor knows
}

// A Condition judges the answer of a step.
type Condition interface {
	// Judge returns whether the condition holds and, if it does not (or
	// could not be evaluated), the explanation. Values in it are already
	// free of secrets. It evaluates only what it names.
	Judge(vars *Vars) Verdict
}

// A Verdict is what a [Condition] says of an answer.
type Verdict struct {
	Holds       bool
	Err         error       // set when the expression could not be evaluated; Holds is false then
	Explanation Explanation // valid for both values of Holds: a degraded_if that holds is explained too
}

// Vars are the values that expressions of one run may name.
type Vars struct {
	Exchange *Exchange            // the current step's exchange; nil while its request is rendered
	Steps    map[string]*Exchange // exchanges of earlier steps by name, of those that got an answer; may be nil
	Redactor *Redactor            // of this run: the check's, and what its requests held so far
}

// Explanation tells why an expectation failed (or a degraded_if held): the expression, its place and the
// values that went into it, all of them free of secrets.
type Explanation struct {
	Expression string  `json:"expression"` // as it stands in the file
	File       string  `json:"file"`
	Line       int     `json:"line"`
	Message    string  `json:"-"`      // one line: "status is 422, want 201"
	Values     []Value `json:"values"` // marshalled as an object, in this order
}

// A Value is one named value of an expression.
type Value struct {
	Name  string // as written: `status`, `json.items[0].id`
	Value any    // string, float64, int, bool, nil, or JSON composed of them; bounded in size
}
