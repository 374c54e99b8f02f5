package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"watchword/cmd/internal/lang"
)

// A jsonString is a string of a JSON file.
type jsonString struct {
	at   span     // without the quotes
	path []string // the keys that lead to it, its own included if it is a key; lists do not count
	key  bool
	text string
}

// jsonStrings are all strings of f, keys included.
func (f *edited) jsonStrings() ([]jsonString, error) {
	w := &jsonWalk{src: f.src, dec: json.NewDecoder(bytes.NewReader(f.src))}
	if err := w.value(nil); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s as JSON: %w", f.shown, err)
	}
	return w.found, nil
}

type jsonWalk struct {
	src   []byte
	dec   *json.Decoder
	found []jsonString
}

// value reads one value.
func (w *jsonWalk) value(path []string) error {
	from := int(w.dec.InputOffset())
	token, err := w.dec.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case string:
		w.keep(from, t, path, false)
	case json.Delim:
		for w.dec.More() {
			inner := path
			if t == '{' {
				from := int(w.dec.InputOffset())
				key, err := w.dec.Token()
				if err != nil {
					return err
				}
				name, _ := key.(string)
				inner = append(slices.Clone(path), name)
				w.keep(from, name, inner, true)
			}
			if err := w.value(inner); err != nil {
				return err
			}
		}
		_, err = w.dec.Token()
	}
	return err
}

// keep notes the string that ends where the decoder is; it begins after from.
func (w *jsonWalk) keep(from int, text string, path []string, key bool) {
	end := int(w.dec.InputOffset())
	start := from + bytes.IndexByte(w.src[from:end], '"')
	w.found = append(w.found, jsonString{at: span{start + 1, end - 1}, path: path, key: key, text: text})
}

// offsets are for each byte of the text its place in the file, and for the
// end of the text one more.
func (s jsonString) offsets(src []byte) []int {
	var out []int
	raw := src[s.at.start:s.at.end]
	for i := 0; i < len(raw); {
		size := escapeSize(raw[i:])
		var one string
		end := min(i+size, len(raw))
		if err := json.Unmarshal(slices.Concat([]byte{'"'}, raw[i:end], []byte{'"'}), &one); err != nil {
			one = string(raw[i:end])
		}
		for range len(one) {
			out = append(out, s.at.start+i)
		}
		i = end
	}
	return append(out, s.at.end)
}

// escapeSize is how many bytes make the first character, which may be escaped.
func escapeSize(raw []byte) int {
	switch {
	case raw[0] != '\\' || len(raw) == 1:
		_, size := utf8.DecodeRune(raw)
		return size
	case raw[1] != 'u':
		return 2
	case len(raw) >= 12 && isSurrogate(raw[:12]):
		return 12
	default:
		return 6
	}
}

// isSurrogate reports whether twelve bytes are a pair of escapes that make
// one character.
func isSurrogate(raw []byte) bool {
	var one string
	if err := json.Unmarshal(slices.Concat([]byte{'"'}, raw, []byte{'"'}), &one); err != nil {
		return false
	}
	r, size := utf8.DecodeRuneInString(one)
	return size == len(one) && r > 0xffff
}

func (f *edited) jsonCertificates() ([]*certificatePlace, error) {
	all, err := f.jsonStrings()
	if err != nil {
		return nil, err
	}
	var out []*certificatePlace
	for _, s := range all {
		if s.key && len(s.path) == 2 && s.path[0] == "certificate" && s.text != "//" {
			out = append(out, &certificatePlace{file: f, name: s.text, label: s.at})
		}
	}
	return out, nil
}

// jsonPrimary reports whether the block has an attribute `primary` that is
// not a plain false.
func (f *edited) jsonPrimary(name string) bool {
	all, err := f.jsonStrings()
	if err != nil {
		return false
	}
	for _, s := range all {
		if s.key && slices.Equal(s.path, []string{"certificate", name, "primary"}) {
			value := bytes.TrimLeft(f.src[s.at.end+1:], " \t\r\n:")
			return !bytes.HasPrefix(value, []byte("false")) && !bytes.HasPrefix(value, []byte("null"))
		}
	}
	return false
}

// jsonReferences are the spans of name as nativeReferences finds them, where
// strings of JSON are expressions or templates.
func (f *edited) jsonReferences(name string) ([]span, error) {
	all, err := f.jsonStrings()
	if err != nil {
		return nil, err
	}
	var out []span
	for _, s := range all {
		if len(s.path) == 0 || slices.Contains(s.path, "//") || !strings.Contains(s.text, name) {
			continue
		}
		at := s.offsets(f.src)
		for _, hit := range s.references(name) {
			if hit.end < len(at) {
				out = append(out, span{at[hit.start], at[hit.end]})
			}
		}
	}
	return out, nil
}

// references are the spans of name in the text of s, which has a path.
func (s jsonString) references(name string) []span {
	last := s.path[len(s.path)-1]
	if kind := s.path[0]; last == "certificate" && !s.key && len(s.path) == 3 && s.path[1] == "match" && (kind == "route" || kind == "maintenance") {
		if s.text != name {
			return nil
		}
		return []span{{0, len(name)}}
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(s.text), "", hcl.InitialPos)
	if !s.key && slices.Contains([]string{"certificate", "expect", "degraded_if"}, last) && !strings.HasPrefix(s.text, "${") {
		if lang.Guard("", []byte("("+s.text+")")).HasErrors() { // line breaks do not end it
			return nil
		}
		expr, diags = hclsyntax.ParseExpression([]byte(s.text), "", hcl.InitialPos)
	}
	if diags.HasErrors() {
		return nil
	}
	var out []span
	for _, trav := range hclsyntax.Variables(expr) {
		if hit, ok := certificateName([]byte(s.text), trav, name); ok {
			out = append(out, hit)
		}
	}
	slices.SortFunc(out, func(a, b span) int { return a.start - b.start })
	return slices.Compact(out)
}
