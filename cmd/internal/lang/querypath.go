package lang

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/registry"
	"github.com/theory/jsonpath/spec"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxPathWork bounds what a JSONPath may look at: about half a second.
const maxPathWork = 10_000_000

// A pathQuery is a compiled JSONPath (RFC 9535).
type pathQuery struct {
	*jsonpath.Path

	singular bool // selects one value at most
	wide     int  // selectors of all segments, multiplied
	deep     int  // descendant segments
	filters  []filter
}

// A filter is what may be costly in a filter selector: queries inside it that
// look at more than one value.
type filter struct {
	deep, nested      int
	absolute, matches bool
}

// queryFunctions look into a value by an expression of another language.
func queryFunctions() []fn {
	paths := newCompiler(maxQuery, compilePath)
	filters := newCompiler(maxQuery, compileJQ)
	expressions := newCompiler(maxQuery, compileXPath)
	schemas := newCompiler(maxSchema, poolSchema)
	documents := &documents{}
	return []fn{
		{
			signature: "jsonpath(value, path)", extracts: true, f: jsonpathFunction(paths),
			doc: `What a JSONPath (RFC 9535) selects. A path of names and indexes alone, such as "$.a[0]", gives that value, and an error if there is none; any other path the list of what it selects, which may be empty.`,
		},
		{
			signature: "jq(value, filter)", extracts: true, f: jqFunction(filters),
			doc: `The one value that a jq filter makes of a value; write [ … ] around a filter that makes several. Assignment, recursion without end and input are not available.`,
		},
		{
			signature: "xpath(text, expression)", extracts: true, f: xpathFunction(expressions, documents),
			doc: `What an XPath 1.0 expression finds in XML, or in HTML that begins with a doctype or <html>: a list of texts for nodes, else a text, number or bool, as of string(), count() or a comparison. Prefixes are those that the document writes.`,
		},
		{
			signature: "valid_schema(value, schema)", f: schemaFunction(schemas), explain: explainSchema(schemas),
			doc: `Whether a value is valid by a JSON Schema (draft 4 to 2020-12), a text such as file("order.schema.json") or an object. A failure shows the places that are not. References to other files are not followed.`,
		},
	}
}

func compilePath(text string) (*pathQuery, error) {
	path, err := pathParser().Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "jsonpath: "))
	}
	q := &pathQuery{Path: path, singular: path.Query().Singular() != nil, wide: 1}
	for _, segment := range path.Query().Segments() {
		q.wide = min(q.wide*max(len(segment.Selectors()), 1), math.MaxInt32)
		if segment.IsDescendant() {
			q.deep++
		}
		for _, selector := range segment.Selectors() {
			f, ok := selector.(*spec.FilterSelector)
			if !ok {
				continue
			}
			text := withoutTexts(f.String())
			cost := filter{
				deep:     strings.Count(text, "..") + strings.Count(text, "*"),
				nested:   strings.Count(text, "?"),
				absolute: strings.Contains(text, "$"),
				matches:  strings.Contains(text, "match(") || strings.Contains(text, "search("),
			}
			q.filters = append(q.filters, cost)
		}
	}
	return q, nil
}

// withoutTexts takes the quoted texts out of a path.
func withoutTexts(path string) string {
	return regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`).ReplaceAllString(path, `""`)
}

// pathParser knows the functions of RFC 9535, bounded, and without the panics
// of the library where there is nothing to call them with.
func pathParser() *jsonpath.Parser {
	known := registry.New()
	patterns := newPatterns()
	for _, name := range []string{"length", "match", "search"} {
		slot := known.Get(name)
		original := *slot
		*slot = *spec.Extension(name, original.ReturnType(), original.Validate, func(args []spec.PathValue) spec.PathValue {
			return calledInPath(&original, name, args, patterns)
		})
	}
	return jsonpath.NewParser(jsonpath.WithRegistry(known))
}

// calledInPath calls a function unless there is nothing to call it with. Of
// nothing the length is nothing, and it matches no pattern.
func calledInPath(f *spec.FuncExtension, name string, args []spec.PathValue, patterns *patterns) spec.PathValue {
	texts := make([]string, 0, len(args))
	for _, a := range args {
		v := spec.ValueFrom(a)
		if v == nil && name == "length" {
			return nil
		}
		if v == nil {
			return spec.LogicalFalse
		}
		if s, ok := v.Value().(string); ok {
			texts = append(texts, s)
		}
	}
	if len(texts) == 2 {
		re, err := patterns.compile(texts[1])
		if err != nil {
			return spec.LogicalFalse // as RFC 9535 has it
		}
		if re.size*len(texts[0]) > maxMatching {
			panic(errWork)
		}
	}
	return f.Evaluate(args)
}

// work estimates, from above, how many values the path looks at in a tree of
// some values and depth: one is reached by each of its ancestors, once for
// each selector.
func (q *pathQuery) work(values, depth int) float64 {
	n, d := float64(values), float64(max(depth, 2))
	visits := n * float64(q.wide) * math.Pow(d, float64(q.deep))
	each := 1.0
	for _, f := range q.filters {
		cost := 4.0
		switch wide := f.deep + f.nested; {
		case wide > 0 && f.absolute: // all of the tree for each value
			cost += math.Pow(d, float64(f.deep)) * math.Pow(n, float64(f.nested+1))
		case wide > 0: // what is below each value: on average no more than the depth
			cost += math.Pow(d, float64(wide+1))
		}
		if f.matches {
			cost += 100
		}
		each += cost
	}
	return visits * each
}

// panicked is what a panic in the evaluation of a query or schema says.
func panicked(why any) error {
	if why == errWork { //nolint:errorlint // the very value of the panic
		return errWork
	}
	return errors.New("it cannot be evaluated")
}

// selected returns what the path selects.
func (q *pathQuery) selected(tree any) (nodes []any, err error) {
	defer func() {
		if why := recover(); why != nil {
			err = panicked(why)
		}
	}()
	return q.Select(tree), nil
}

func jsonpathFunction(paths *compiler[*pathQuery]) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{anyArgument("value"), {Name: "path", Type: cty.String}},
		Type:   checkedText(1, "JSONPath", paths),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.DynamicVal, nil
			}
			text := args[1].AsString()
			q, err := paths.get(text)
			if err != nil {
				return cty.NilVal, queryError(1, "JSONPath", text, err)
			}
			tree, err := toTree(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			values, depth := extent(tree)
			if q.work(values, depth) > maxPathWork {
				return cty.NilVal, queryError(1, "JSONPath", text, errors.New("too complex for a value of this size"))
			}
			nodes, err := q.selected(tree)
			switch {
			case err != nil:
				return cty.NilVal, queryError(1, "JSONPath", text, err)
			case !q.singular:
				return resultOf("JSONPath", text, nodes)
			case len(nodes) == 0:
				return cty.NilVal, queryError(1, "JSONPath", text, errors.New("nothing is there"))
			default:
				return resultOf("JSONPath", text, nodes[0])
			}
		},
	})
}

// anyArgument is a parameter for any value, null included.
func anyArgument(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}
}

// checkedText returns a type function that compiles the argument where it is
// known, so that mistakes in it are found at load.
func checkedText[T any](at int, language string, c *compiler[T]) function.TypeFunc {
	return func(args []cty.Value) (cty.Type, error) {
		text, ok := stringArg(args, at)
		if !ok {
			return cty.DynamicPseudoType, nil
		}
		if _, err := c.get(text); err != nil {
			return cty.NilType, queryError(at, language, text, err)
		}
		return cty.DynamicPseudoType, nil
	}
}

// queryError tells what is wrong with an expression, and which it is.
func queryError(at int, language, text string, err error) error {
	return function.NewArgErrorf(at, "%s %s: %w", language, inBackquotes(text), err)
}

func inBackquotes(text string) string { return "`" + cut(oneLine(text), maxKey) + "`" }

func resultOf(language, text string, tree any) (cty.Value, error) {
	v, err := found(tree)
	if err != nil {
		return cty.NilVal, fmt.Errorf("%s %s: %w", language, inBackquotes(text), err)
	}
	return v, nil
}

// extent counts the values of a tree, and how deep they stand.
func extent(tree any) (values, depth int) {
	inside := func(e any) {
		n, d := extent(e)
		values += n
		depth = max(depth, d)
	}
	switch t := tree.(type) {
	case []any:
		for _, e := range t {
			inside(e)
		}
	case map[string]any:
		for _, e := range t {
			inside(e)
		}
	}
	return values + 1, depth + 1
}
