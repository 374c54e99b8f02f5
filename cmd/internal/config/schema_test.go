package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// What the schema says holds for the loader: each attribute is evaluated, so
// that a wrong one is a mistake at its place.
func TestSchemaIsDecoded(t *testing.T) {
	var visit func(is *blockType, header, footer string)
	visit = func(is *blockType, header, footer string) {
		if strings.Count(header, "group ") > 2 { // a group holds groups
			return
		}
		if is.doc == "" {
			t.Errorf("%s is not documented", is.name)
		}
		for _, a := range is.attrs {
			if a.doc == "" || !strings.HasSuffix(a.doc, ".") {
				t.Errorf("%s.%s is not documented by a sentence", is.name, a.name)
			}
			src := header + a.name + " = no_such_function()\n" + footer
			_, err := Load(t.Context(), write(t, "a.hcl", src), Options{})
			e, ok := errors.AsType[*Error](err)
			if !ok || !slices.ContainsFunc(e.Diagnostics, func(d Diagnostic) bool { return d.Line == strings.Count(header, "\n")+1 }) {
				t.Errorf("%s.%s: nothing is wrong with %q: %v", is.name, a.name, src, err)
			}
		}
		for _, c := range is.blocks {
			for _, kind := range c.every() { // NAME, the label of most, is a name, too
				visit(kind, header+quoted(kind.name, kind.labels)+" {\n", "}\n"+footer)
			}
		}
	}
	for _, is := range language().blocks {
		visit(&blockType{doc: "x", blocks: []*blockType{is}}, "", "")
	}
}
