package lang

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// maxProblems bounds the places that are shown where a value is not valid.
const maxProblems = 3

// explainSchema tells where a value is not valid: json.items[3].price: want
// number, got string.
func explainSchema(schemas *compiler[schemaPool]) func(args []cty.Value, written []string) string {
	return func(args []cty.Value, written []string) string {
		if len(args) != 2 || IsSensitive(args[0]) || !args[0].IsWhollyKnown() || !args[1].IsWhollyKnown() {
			return ""
		}
		tree, invalid, err := validate(schemas, []cty.Value{Plain(args[0]), Plain(args[1])})
		if err != nil || invalid == nil {
			return ""
		}
		return strings.Join(problems(written[0], tree, invalid), "; ")
	}
}

// problems writes the first places where a tree is not valid.
func problems(root string, tree any, invalid *jsonschema.ValidationError) []string {
	printer := message.NewPrinter(language.English)
	var told []string
	leaves := leavesOf(invalid)
	for _, leaf := range leaves {
		text := instancePlace(root, tree, leaf.InstanceLocation) + ": " + problem(leaf.ErrorKind, printer)
		if !slices.Contains(told, text) {
			told = append(told, text)
		}
	}
	if more := len(told) - maxProblems; more > 0 {
		told = append(told[:maxProblems], fmt.Sprintf("and %d more", more))
	}
	return told
}

// leavesOf are the failures that others are made of. Of alternatives none of
// which fits, the one that came furthest into the value is told, or one whose
// type is right.
func leavesOf(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all, best []*jsonschema.ValidationError
	furthest := 0
	want := &kind.Type{}
	for _, cause := range e.Causes {
		leaves := leavesOf(cause)
		all = append(all, leaves...)
		far := 2*len(leaves[0].InstanceLocation) + 2
		if t, ok := leaves[0].ErrorKind.(*kind.Type); ok {
			want.Got = t.Got
			want.Want = append(want.Want, t.Want...)
			far--
		}
		if far > furthest {
			best, furthest = leaves, far
		}
	}
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
	default:
		return all
	}
	if furthest <= 2*len(e.InstanceLocation)+1 { // none has the type
		return []*jsonschema.ValidationError{{InstanceLocation: e.InstanceLocation, ErrorKind: want}}
	}
	return best
}

// problem says what is wrong at a place.
func problem(what jsonschema.ErrorKind, printer *message.Printer) string {
	switch k := what.(type) {
	case *kind.Type:
		return fmt.Sprintf("want %s, got %s", strings.Join(k.Want, " or "), k.Got)
	case *kind.Required:
		return "missing " + strings.Join(quoteAll(k.Missing), ", ")
	case *kind.AdditionalProperties:
		return "not allowed: " + strings.Join(quoteAll(k.Properties), ", ")
	case *kind.OneOf:
		return "fits more than one of the alternatives of oneOf"
	case *kind.FalseSchema:
		return "nothing is allowed here"
	default:
		return cut(oneLine(what.LocalizedString(printer)), maxText)
	}
}

// instancePlace writes a place as an expression that leads there.
func instancePlace(root string, tree any, path []string) string {
	var b strings.Builder
	b.WriteString(root)
	for _, key := range path {
		switch t := tree.(type) {
		case []any:
			i, err := strconv.Atoi(key)
			if err == nil && i < len(t) {
				tree = t[i]
			}
			fmt.Fprintf(&b, "[%s]", key)
		case map[string]any:
			tree = t[key]
			if hclsyntax.ValidIdentifier(key) {
				fmt.Fprintf(&b, ".%s", cut(key, maxKey))
			} else {
				fmt.Fprintf(&b, "[%q]", cut(key, maxKey))
			}
		default:
			fmt.Fprintf(&b, "[%q]", cut(key, maxKey))
		}
	}
	return b.String()
}
