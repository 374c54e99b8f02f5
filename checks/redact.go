package checks

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Mask stands where a secret's value was.
const Mask = "***"

// minSecret is the length in bytes from which on a value is looked for.
// Shorter ones would redact half of every text, and are no secrets.
const minSecret = 3

// A Secret is a value that must not appear in any text, and the name under
// which people know it.
type Secret struct {
	Name  string // may be empty
	Value string
}

// A Redactor replaces the values of secrets in texts by [Mask]. It finds them
// as they are, encoded for a URL's path or query, in base64 (standard and
// URL alphabet, at any offset, so inside of basic authentication too), and
// escaped as in JSON or Go. Of a value with several lines, each line of at
// least 8 bytes is found as well. Values of under 3 bytes are ignored. A nil
// Redactor changes nothing. It is safe for concurrent use.
type Redactor struct {
	forms   map[[minSecret]byte][]form // by their first bytes, the longest first
	secrets []Secret
}

// form is one way to write a secret.
type form struct {
	text string
	name string
}

// NewRedactor returns a Redactor of these values.
func NewRedactor(secrets ...string) *Redactor {
	return (*Redactor)(nil).With(secrets...)
}

// NewNamedRedactor returns a Redactor of secrets with names, which a curl
// command shows as shell variables.
func NewNamedRedactor(secrets ...Secret) *Redactor {
	return (*Redactor)(nil).add(secrets)
}

// With returns a Redactor that knows these values too. It returns the
// receiver if there is nothing new in them.
func (r *Redactor) With(more ...string) *Redactor {
	named := make([]Secret, 0, len(more))
	for _, v := range more {
		named = append(named, Secret{Value: v})
	}
	return r.add(named)
}

func (r *Redactor) add(more []Secret) *Redactor {
	var known []Secret
	if r != nil {
		known = r.secrets
	}
	all := slices.Clip(known)
	for _, s := range more {
		if len(s.Value) >= minSecret && !slices.ContainsFunc(all, func(k Secret) bool { return k.Value == s.Value }) {
			all = append(all, s)
		}
	}
	if len(all) == len(known) && (r != nil || len(all) == 0) {
		return r
	}
	next := &Redactor{secrets: all, forms: make(map[[minSecret]byte][]form)}
	if r != nil {
		for k, v := range r.forms {
			next.forms[k] = slices.Clone(v)
		}
	}
	for _, s := range all[len(known):] {
		for _, text := range writings(s.Value) {
			key := [minSecret]byte([]byte(text[:minSecret]))
			next.forms[key] = append(next.forms[key], form{text: text, name: s.Name})
		}
	}
	for _, forms := range next.forms {
		slices.SortStableFunc(forms, func(a, b form) int { return len(b.text) - len(a.text) })
	}
	return next
}

// Redact returns s with every secret replaced by [Mask]. Secrets that overlap
// are replaced together.
func (r *Redactor) Redact(s string) string {
	return r.replace(s, func(string) string { return Mask })
}

// replace replaces each secret by what with returns for its name.
func (r *Redactor) replace(s string, with func(name string) string) string {
	if r == nil || len(r.forms) == 0 || len(s) < minSecret {
		return s
	}
	var b strings.Builder
	done := 0 // s[:done] is in b
	for i := 0; i+minSecret <= len(s); i++ {
		f, ok := r.match(s[i:])
		if !ok {
			continue
		}
		b.WriteString(s[done:i])
		b.WriteString(with(f.name))
		end := i + len(f.text)
		for i++; i < end && i+minSecret <= len(s); i++ { // what overlaps goes too
			if f, ok := r.match(s[i:]); ok {
				end = max(end, i+len(f.text))
			}
		}
		done, i = end, end-1
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// match returns the longest form with which s begins.
func (r *Redactor) match(s string) (form, bool) {
	for _, f := range r.forms[[minSecret]byte{s[0], s[1], s[2]}] {
		if strings.HasPrefix(s, f.text) {
			return f, true
		}
	}
	return form{}, false
}

// redactValue returns v with every text in it redacted, made visible and
// bounded. It leaves v itself alone.
func (r *Redactor) redactValue(v any) any {
	switch v := v.(type) {
	case string:
		return oneLine(r.Redact(v), maxValue)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[oneLine(r.Redact(k), maxValue)] = r.redactValue(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = r.redactValue(e)
		}
		return out
	default: // a number may be a secret too
		if text := fmt.Sprint(v); r.Redact(text) != text {
			return Mask
		}
		return v
	}
}

// writings returns the ways in which a value may be met, without duplicates.
func writings(value string) []string {
	values := []string{value}
	if trimmed := strings.TrimSpace(value); trimmed != value && len(trimmed) >= minSecret {
		values = append(values, trimmed)
	}
	if strings.ContainsAny(value, "\r\n") {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= 8 {
				values = append(values, line)
			}
		}
	}
	var out []string
	for _, v := range values {
		out = append(out, v, url.QueryEscape(v), url.PathEscape(v), (&url.URL{Path: v}).EscapedPath(),
			(&url.URL{Fragment: v}).EscapedFragment(), lowerEscapes(url.QueryEscape(v)), lowerEscapes(url.PathEscape(v)))
		out = append(out, quotings(v)...)
		out = append(out, base64Forms(v)...)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(s string) bool { return len(s) < minSecret })
}

// quotings returns value as it stands between the quotes of JSON, with and
// without HTML's characters escaped, of Go, and of a shell's single quotes.
func quotings(value string) []string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value) // of a string, into memory
	plain := strings.TrimSpace(b.String())
	html, _ := json.Marshal(value)
	return []string{
		plain[1 : len(plain)-1], string(html[1 : len(html)-1]),
		Visible(value, ""), strings.ReplaceAll(value, `'`, `'\''`),
	}
}

// lowerEscapes turns %2F into %2f.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// base64Forms returns the characters that value alone decides where it
// stands in a longer text in base64, for each of the three offsets, and the
// whole text for one that stands alone.
func base64Forms(value string) []string {
	var out []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		out = append(out, enc.EncodeToString([]byte(value)))
		for offset := range 3 {
			text := enc.EncodeToString(append(make([]byte, offset), value...))
			core := text[(offset*8+5)/6 : (offset+len(value))*8/6]
			if len(core) >= 4 {
				out = append(out, core)
			}
		}
	}
	return out
}
