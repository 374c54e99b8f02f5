package lang

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

const (
	maxKey     = 60  // bytes of a name in a message
	maxText    = 200 // bytes of a text in a message
	maxShown   = 20  // elements of a collection that is shown whole
	maxMessage = 1000
)

// A viewer makes values fit to be shown: without secrets, and bounded.
type viewer struct{ redactor *checks.Redactor }

// value returns v as JSON would hold it: a text that is cut, a number, or a
// small collection. Big collections become a summary.
func (w viewer) value(v cty.Value) any {
	if IsSensitive(v) {
		return checks.Mask
	}
	v = undecoded(Plain(v))
	switch t := v.Type(); {
	case !v.IsKnown():
		return "(not known)"
	case v.IsNull():
		return nil
	case t == cty.String:
		return w.text(v.AsString())
	case t == cty.Bool:
		return v.True()
	case t == cty.Number:
		return plainNumber(v.AsBigFloat())
	case !v.CanIterateElements():
		return t.FriendlyName()
	case t.IsObjectType() || t.IsMapType():
		return w.object(v)
	default:
		return w.list(v)
	}
}

// text redacts before it cuts: half a secret would not be found any more.
func (w viewer) text(s string) string { return cut(w.redactor.Redact(s), maxText) }

func (w viewer) object(v cty.Value) any {
	n := v.LengthInt()
	if n > maxShown {
		return fmt.Sprintf("(an object with %s)", count(n, "key"))
	}
	out := make(map[string]any, n)
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		out[w.text(k.AsString())] = w.value(e)
	}
	return small(out, fmt.Sprintf("(an object with %s)", count(n, "key")))
}

func (w viewer) list(v cty.Value) any {
	n := v.LengthInt()
	if n > maxShown {
		return fmt.Sprintf("(a list of %s)", count(n, "element"))
	}
	out := make([]any, 0, n)
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		out = append(out, w.value(e))
	}
	return small(out, fmt.Sprintf("(a list of %s)", count(n, "element")))
}

// small returns a collection, or its summary if it is too long to be read.
func small(v any, summary string) any {
	b, err := json.Marshal(v)
	if err != nil || len(b) > 2*maxText {
		return summary
	}
	return v
}

// show writes what value has returned for a sentence.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		if v == checks.Mask || strings.HasPrefix(v, "(") && strings.HasSuffix(v, ")") {
			return strings.Trim(v, "()")
		}
		return strconv.Quote(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case map[string]any, []any:
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return "a collection"
		}
		return strings.TrimSpace(b.String())
	default:
		return fmt.Sprint(v)
	}
}

// showValue writes a value that is no secret for a sentence.
func showValue(v cty.Value) string { return show(viewer{}.value(v)) }

// plainNumber is an int, or a float64 if it is none or too large.
func plainNumber(f *big.Float) any {
	if f.IsInt() {
		if n, accuracy := f.Int64(); accuracy == big.Exact {
			return int(n)
		}
	}
	n, _ := f.Float64()
	return n
}

// cut bounds a text, at the border of a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// typeName says what a type is, with its article.
func typeName(t cty.Type) string {
	switch {
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsListType() && t.ElementType() == cty.String:
		return "a list of strings"
	case t.IsMapType() && t.ElementType() == cty.String:
		return "a map of strings"
	case t.IsTupleType(), t.IsListType():
		return "a list"
	case t.IsSetType():
		return "a set"
	case t.IsMapType():
		return "a map"
	case t.IsObjectType():
		return "an object"
	default:
		return t.FriendlyName()
	}
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// phrase undoes sentence, for a part of a longer one.
func phrase(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && (s[1] < 'A' || s[1] > 'Z') {
		s = strings.ToLower(s[:1]) + s[1:]
	}
	return s
}
