package lang

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"watchword/checks"
)

// RequestExprs are the expressions of a request block. Nil means that an
// attribute is absent.
type RequestExprs struct {
	Range       hcl.Range // of the block, for what is missing in it
	URL, Method hcl.Expression
	Headers     []hcl.Expression // outermost first: a later one replaces names of an earlier one
	Query       []hcl.Expression // as Headers; joined with the query in URL
	Body, JSON  hcl.Expression
	Form        hcl.Expression // fields, each a text or a list of them
	File        *File          // the body as it is
	BasicAuth   hcl.Expression // { username, password }
	BearerToken hcl.Expression
}

// A File is one that was read at load.
type File struct {
	Path string
	Text []byte    // not changed
	At   hcl.Range // of the attribute that names it
}

// A Request is a compiled request. What does not change between runs is
// evaluated once, at load.
type Request struct {
	fields      []field          // nil if nothing changes between runs
	fixed       *checks.Rendered // instead of fields
	file        *File            // the body; nil unless there is one
	unavailable error
	host, url   string
	scheme      string
}

var _ checks.Template = (*Request)(nil)

// CompileRequest compiles the expressions of a request. A mistake in what is
// known at load, such as a URL without scheme, is found here; in what is not,
// it becomes an error of [Request.Render].
func CompileRequest(r RequestExprs, s *Scope) (*Request, hcl.Diagnostics) {
	req := &Request{file: r.File}
	var diags hcl.Diagnostics
	parts := r.parts()
	fields := make([]field, 0, len(parts))
	for _, part := range parts {
		f, more := s.field(part)
		diags = append(diags, more...)
		if !more.HasErrors() {
			fields = append(fields, f)
		}
	}
	if r.URL == nil {
		diags = append(diags, errorAt(r.Range, "URL missing", "A request needs a url.")...)
	}
	whole := !diags.HasErrors()
	rendered, mistakes := assemble(fields, req.file)
	for _, m := range mistakes {
		switch {
		case m.why != nil:
			req.unavailable = m.why
		case !m.warning:
			diags = append(diags, errorAt(m.at, m.summary, m.detail)...)
		case whole: // else what is missing may be the reason
			diags = append(diags, warningAt(m.at, m.summary, m.detail)...)
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}
	changes := false
	for _, f := range fields {
		changes = changes || f.x != nil
		if f.role == roleURL {
			req.host, req.url = f.known(rendered)
			req.scheme = f.scheme(rendered)
		}
	}
	switch {
	case req.unavailable != nil: // there is nothing to render
	case changes:
		req.fields = fields
	default:
		req.fixed = rendered
	}
	return req, diags
}

func (r *RequestExprs) parts() []part {
	parts := make([]part, 0, 4+len(r.Headers)+len(r.Query)) // few have more
	add := func(role role, exprs ...hcl.Expression) {
		for _, e := range exprs {
			if e != nil {
				parts = append(parts, part{role, e})
			}
		}
	}
	add(roleURL, r.URL)
	add(roleMethod, r.Method)
	add(roleHeaders, r.Headers...)
	add(roleQuery, r.Query...)
	add(roleBody, r.Body)
	add(roleJSON, r.JSON)
	add(roleForm, r.Form)
	add(roleBasicAuth, r.BasicAuth)
	add(roleBearerToken, r.BearerToken)
	return parts
}

// Render implements [checks.Template]. Its errors hold no secrets; one that
// wraps an [*UnavailableError] is due to a secret that cannot be read, a
// [*checks.ValueError] to the answer of an earlier step.
func (r *Request) Render(_ context.Context, vars *checks.Vars) (*checks.Rendered, error) {
	if r.fixed != nil {
		return r.fixed, nil
	}
	if r.unavailable != nil {
		return nil, fmt.Errorf("rendering the request: %w", r.unavailable)
	}
	fields, steps := make([]field, len(r.fields)), false
	for i, f := range r.fields {
		fields[i] = f
		if f.x == nil {
			continue
		}
		steps = steps || len(f.names) > 0
		if err := fields[i].evaluate(vars); err != nil {
			return nil, fmt.Errorf("rendering the request: %s: %w", f.role, err)
		}
	}
	rendered, mistakes := assemble(fields, r.file)
	for _, m := range mistakes {
		if m.why != nil {
			return nil, fmt.Errorf("rendering the request: %w", m.why)
		}
		if !m.warning {
			err := fmt.Errorf("rendering the request: %s", phrase(m.detail))
			if steps { // without their values, this was found at load
				err = &checks.ValueError{Err: err}
			}
			return nil, err
		}
	}
	return rendered, nil
}

// Host returns the host of the URL in lower case, without port, or "" where
// it is known at run time only.
func (r *Request) Host() string { return r.host }

// Scheme returns "http", "https", or "" where it is known at run time only.
func (r *Request) Scheme() string { return r.scheme }

// URL returns the URL, or "" where it is known at run time only or holds a
// secret.
func (r *Request) URL() string { return r.url }

// Unavailable returns why the request cannot be made: a secret in it cannot
// be read. It wraps an [*UnavailableError].
func (r *Request) Unavailable() error { return r.unavailable }
