package lang

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// setBody takes a body, the only one. It is of the type unless headers say
// otherwise.
func (a *assembly) setBody(f *field, body []byte, contentType string) {
	if a.hasBody {
		a.fail(f, "Two bodies", "A request has one of body, body_file, json and form.")
	}
	a.out.Body, a.hasBody = body, true
	if contentType != "" && a.out.Header.Get("Content-Type") == "" {
		a.out.Header.Set("Content-Type", contentType)
	}
}

// form makes a body of fields, as browsers send a form, sorted by name.
func (a *assembly) form(f *field) {
	fields := a.pairs(f)
	for name := range fields {
		if strings.TrimSpace(name) == "" {
			a.fail(f, "Invalid form", "A field of a form needs a name.")
		}
	}
	a.setBody(f, []byte(url.Values(fields).Encode()), "application/x-www-form-urlencoded")
}

// file makes a body of what a file holds.
func (a *assembly) file(file *File) {
	a.setBody(&field{role: roleFile, at: file.At}, file.Text, "")
	a.out.File = file.Path
}

// bodyWithoutMethod warns of a body that the method has no use for.
func (a *assembly) bodyWithoutMethod(fields []field) {
	if !a.hasBody || a.out.Method != http.MethodGet && a.out.Method != http.MethodHead {
		return
	}
	for i := range fields {
		switch fields[i].role {
		case roleBody, roleJSON, roleForm, roleFile:
			a.warn(&fields[i], "Body without method", fmt.Sprintf("A %s request has no use for a body. Did you mean method = \"POST\"?", a.out.Method))
		default:
		}
	}
}
