package lang

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"watchword/checks"
)

const (
	maxSchema   = 1 << 20 // bytes of a JSON Schema
	maxProblems = 3       // places shown where a value is not valid
)

// noLoader follows no reference out of a schema.
type noLoader struct{}

// Load implements [jsonschema.URLLoader].
func (noLoader) Load(string) (any, error) {
	return nil, errors.New("references to other files are not followed")
}

// schemaPattern bounds the regular expressions of a schema as those of the
// language are.
type schemaPattern struct{ *pattern }

// MatchString implements [jsonschema.Regexp].
func (p schemaPattern) MatchString(s string) bool {
	if p.size*len(s) > maxMatching {
		panic(errWork)
	}
	return p.pattern.MatchString(s)
}

func compileSchema(text string) (*jsonschema.Schema, error) {
	tree, err := (&checks.Exchange{Body: []byte(text)}).JSON()
	if errors.Is(err, checks.ErrLimit) {
		return nil, err
	}
	if err != nil {
		return nil, errors.New("not JSON")
	}
	known := newPatterns()
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.UseRegexpEngine(func(expr string) (jsonschema.Regexp, error) {
		re, err := known.compile(expr)
		if err != nil {
			return nil, err
		}
		return schemaPattern{re}, nil
	})
	const place = "watchword:///schema"
	if err := c.AddResource(place, tree); err != nil {
		return nil, errors.New("not a JSON Schema")
	}
	schema, err := c.Compile(place)
	if err == nil {
		return schema, nil
	}
	if invalid, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if bad, ok := errors.AsType[*jsonschema.ValidationError](invalid.Err); ok {
			return nil, errors.New("not a JSON Schema: " + strings.Join(problems("schema", tree, bad), "; "))
		}
	}
	if _, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		return nil, errors.New("references to other files are not followed")
	}
	return nil, errors.New("not a JSON Schema: " + cut(oneLine(strings.ReplaceAll(err.Error(), place, "schema")), maxText))
}

// schemaText is a schema as text, whether it came as one or as an object.
func schemaText(v cty.Value) (string, error) {
	if v.Type() == cty.String {
		return v.AsString(), nil
	}
	if t := v.Type(); !t.IsObjectType() && !t.IsMapType() && t != cty.Bool {
		return "", errors.New("a schema is a text in JSON or an object")
	}
	text, err := stdlib.JSONEncodeFunc.Call([]cty.Value{v})
	if err != nil {
		return "", errors.New("a schema is a text in JSON or an object")
	}
	return text.AsString(), nil
}

func schemaFunction(schemas *compiler[*jsonschema.Schema]) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{anyArgument("value"), {Name: "schema", Type: cty.DynamicPseudoType, AllowDynamicType: true}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if args[1].IsWhollyKnown() && !args[1].IsNull() {
				if _, err := schemaOf(schemas, args[1]); err != nil {
					return cty.NilType, function.NewArgError(1, err)
				}
			}
			return cty.Bool, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() || !args[1].IsWhollyKnown() {
				return cty.UnknownVal(cty.Bool), nil
			}
			_, invalid, err := validate(schemas, args)
			if err != nil {
				return cty.NilVal, err
			}
			return cty.BoolVal(invalid == nil), nil
		},
	})
}

func schemaOf(schemas *compiler[*jsonschema.Schema], v cty.Value) (*jsonschema.Schema, error) {
	text, err := schemaText(v)
	if err != nil {
		return nil, err
	}
	return schemas.get(text)
}

// validate returns the value as decoded JSON and why it is not valid, or nil.
func validate(schemas *compiler[*jsonschema.Schema], args []cty.Value) (tree any, invalid *jsonschema.ValidationError, err error) {
	schema, err := schemaOf(schemas, args[1])
	if err != nil {
		return nil, nil, function.NewArgError(1, err)
	}
	if tree, err = toTree(args[0]); err != nil {
		return nil, nil, function.NewArgError(0, err)
	}
	defer func() {
		if recover() != nil {
			err = function.NewArgErrorf(1, "a pattern in the schema is too complex for this value")
		}
	}()
	bad, ok := errors.AsType[*jsonschema.ValidationError](schema.Validate(tree))
	if !ok {
		return tree, nil, nil
	}
	return tree, bad, nil
}

// explainSchema tells where a value is not valid: json.items[3].price: want
// number, got string.
func explainSchema(schemas *compiler[*jsonschema.Schema]) func(args []cty.Value, written []string) string {
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
