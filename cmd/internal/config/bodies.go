package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"watchword/cmd/internal/lang"
)

// maxBodyFile bounds the file of a body, in bytes.
const maxBodyFile = 16 << 20

// A bodyLayer is the body of a request block: at most one of its fields is set.
type bodyLayer struct {
	body, json, form hcl.Expression
	file             *lang.File
	set              bool // there is one, be it only one with a mistake
}

// A bodyFile is the file of a body, or why it cannot be read.
type bodyFile struct {
	text []byte
	err  error
}

// bodies evaluates the bodies of a request block, and reports all but one.
func (l *loader) bodies(b *block) bodyLayer {
	y := bodyLayer{
		body: given1(b, "body"),
		json: b.attr("json"), // null is a value here
		form: given1(b, "form"),
	}
	file := l.path(b, "body_file")
	if file.ok() {
		y.file = l.bodyFile(file)
	}
	first := ""
	for _, a := range []struct {
		name string
		set  bool
		drop func()
	}{
		{"body", y.body != nil, func() { y.body = nil }},
		{"body_file", file.set, func() { y.file = nil }},
		{"json", y.json != nil, func() { y.json = nil }},
		{"form", y.form != nil, func() { y.form = nil }},
	} {
		switch {
		case !a.set:
		case first == "":
			first = a.name
		default:
			l.errorf(b.attrs[a.name].Range, "Two bodies", "A request has one body: write either %s or %s.", first, a.name)
			a.drop()
		}
	}
	y.set = first != ""
	return y
}

// bodyFile reads the file of a body, each once.
func (l *loader) bodyFile(path opt[string]) *lang.File {
	l.watch(path.value)
	known, again := l.bodyFiles[path.value]
	if !again {
		known.text, known.err = lang.ReadFile(path.value, maxBodyFile)
		l.bodyFiles[path.value] = known
	}
	if known.err != nil {
		l.errorf(path.at, "Body cannot be read", "%s.", capital(fmt.Sprintf("%s: %v", path.value, known.err)))
		return nil
	}
	return &lang.File{Path: path.value, Text: known.text, At: path.at}
}

// over is y if it is a body, and outer elsewhere.
func (y bodyLayer) over(outer bodyLayer) bodyLayer {
	if y.set {
		return y
	}
	return outer
}
