package lang

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"golang.org/x/net/http/httpguts"
)

// pairs returns the entries of a map or object: texts, or lists of them. Null
// takes a name away.
func (a *assembly) pairs(f *field) map[string][]string {
	v := Plain(f.value)
	if t := v.Type(); !t.IsObjectType() && !t.IsMapType() {
		a.fail(f, "Wrong type", fmt.Sprintf("%s must be an object of strings, not %s.", f.role, typeName(t)))
		return nil
	}
	pairs := make(map[string][]string)
	for name, e := range v.AsValueMap() {
		elements := []cty.Value{e}
		if isSequence(e.Type()) && !e.IsNull() {
			elements = e.AsValueSlice()
		} else if e.IsNull() {
			elements = nil
		}
		pairs[name] = []string{}
		for _, e := range elements {
			text, err := convert.Convert(e, cty.String)
			if err != nil || text.IsNull() {
				a.fail(f, "Wrong type", fmt.Sprintf("%s of %s must be a string, not %s.", f.quote(name), f.role, typeName(e.Type())))
				continue
			}
			pairs[name] = append(pairs[name], text.AsString())
		}
	}
	return pairs
}

func (a *assembly) headers(f *field) {
	pairs := a.pairs(f)
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		if !httpguts.ValidHeaderFieldName(name) {
			a.fail(f, "Invalid header", fmt.Sprintf("%s is no name of a header.", f.quote(name)))
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		if framing(canonical) {
			a.fail(f, "Invalid header", fmt.Sprintf("%s is set by watchword itself.", canonical))
			continue
		}
		for i, value := range pairs[name] {
			value = strings.TrimSpace(value)
			pairs[name][i] = value
			if !httpguts.ValidHeaderFieldValue(value) {
				a.fail(f, "Invalid header", fmt.Sprintf("The value of header %s holds a line break or another control character.", f.quote(name)))
			}
		}
		if len(pairs[name]) == 0 {
			a.out.Header.Del(canonical)
			continue
		}
		if canonical == "Host" && !httpguts.ValidHostHeader(pairs[name][0]) {
			a.fail(f, "Invalid header", "Host must be a host name, with a port if need be.")
		}
		a.out.Header[canonical] = pairs[name]
	}
}

// framing reports whether a header belongs to the connection, not to the
// request.
func framing(name string) bool {
	switch name {
	case "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Trailer", "Upgrade", "Te", "Expect", "Http2-Settings":
		return true
	default:
		return strings.HasPrefix(name, "Proxy-")
	}
}
