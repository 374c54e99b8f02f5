package lang

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

const (
	maxPattern  = 1000      // bytes of a regular expression
	maxProgram  = 2000      // its size once compiled
	maxMatching = 128 << 20 // size of the program times bytes of the text
	maxPatterns = 20_000    // patterns kept compiled
)

// patterns compiles regular expressions, each once. The first ones, those of
// the configuration, are kept.
type patterns struct {
	mu       sync.RWMutex
	compiled map[string]*pattern
}

type pattern struct {
	*regexp.Regexp

	size int
	dfa  dfaPool
}

// MatchString reports whether the pattern matches a part of text.
func (p *pattern) MatchString(text string) bool {
	if len(text) >= fromDFA {
		if matched, ok := p.dfa.matches(text); ok {
			return matched
		}
	}
	return p.Regexp.MatchString(text)
}

func newPatterns() *patterns { return &patterns{compiled: make(map[string]*pattern)} }

// compile returns the pattern for RE2 syntax. Its errors are short and can be
// shown: they do not hold the pattern.
func (p *patterns) compile(expr string) (*pattern, error) {
	p.mu.RLock()
	known, ok := p.compiled[expr]
	p.mu.RUnlock()
	if ok {
		return known, nil
	}
	if len(expr) > maxPattern {
		return nil, errors.New("a regular expression has at most 1,000 characters")
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		if bad, ok := errors.AsType[*syntax.Error](err); ok {
			return nil, errors.New("not a regular expression of RE2: " + bad.Code.String())
		}
		return nil, errors.New("not a regular expression of RE2")
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return nil, errors.New("the regular expression is too complex")
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, errors.New("not a regular expression of RE2")
	}
	compiled := &pattern{Regexp: re, size: len(program.Inst), dfa: newDFAPool(program)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.compiled) < maxPatterns {
		p.compiled[expr] = compiled
	}
	return compiled, nil
}

// use compiles an argument for a text.
func (p *patterns) use(args []cty.Value, at int, text string) (*pattern, error) {
	re, err := p.compile(args[at].AsString())
	if err != nil {
		return nil, function.NewArgError(at, err)
	}
	if re.size*len(text) > maxMatching {
		return nil, function.NewArgErrorf(at, "the regular expression is too complex for a text of %s bytes", grouped(len(text)))
	}
	return re, nil
}

func patternFunctions(p *patterns) []fn {
	return []fn{
		{signature: "matches(text, re2)", doc: "Whether a regular expression (RE2 syntax) matches a part of text; ^ and $ bind it to the ends.", f: p.matches()},
		{signature: "regex(re2, text)", doc: "What the regular expression matches first: a text, or the list or object of its groups. An error if nothing does.", f: p.regex(false)},
		{signature: "regexall(re2, text)", doc: "List of everything that the regular expression matches.", f: p.regex(true)},
		{signature: "replace(text, old, new)", doc: "Text with old replaced by new; /old/ is a regular expression, and $1 in new its first group.", f: p.replace()},
	}
}

func (p *patterns) matches() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "re2", Type: cty.String}},
		Type:   p.checked(1, func(*pattern) cty.Type { return cty.Bool }, cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text := args[0].AsString()
			re, err := p.use(args, 1, text)
			if err != nil {
				return cty.NilVal, err
			}
			return cty.BoolVal(re.MatchString(text)), nil
		},
	})
}

// checked returns a type function that compiles a pattern that is known, so
// that mistakes in it are found at load.
func (p *patterns) checked(at int, of func(*pattern) cty.Type, unknown cty.Type) function.TypeFunc {
	return func(args []cty.Value) (cty.Type, error) {
		expr, ok := stringArg(args, at)
		if !ok {
			return unknown, nil
		}
		re, err := p.compile(expr)
		if err != nil {
			return cty.NilType, function.NewArgError(at, err)
		}
		return of(re), nil
	}
}

func (p *patterns) regex(all bool) function.Function {
	result := func(re *pattern) cty.Type {
		if all {
			return cty.List(groupType(re))
		}
		return groupType(re)
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "re2", Type: cty.String}, {Name: "text", Type: cty.String}},
		Type:   p.checked(0, result, cty.DynamicPseudoType),
		Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
			text := args[1].AsString()
			re, err := p.use(args, 0, text)
			if err != nil {
				return cty.NilVal, err
			}
			if !all {
				var at []int
				if len(text) < fromDFA || re.MatchString(text) {
					at = re.FindStringSubmatchIndex(text)
				}
				if at == nil {
					return cty.NilVal, errors.New("the pattern does not match")
				}
				return groups(re, text, at, t), nil
			}
			var found [][]int
			if len(text) < fromDFA || re.MatchString(text) {
				found = re.FindAllStringSubmatchIndex(text, 10_000)
			}
			if len(found) == 0 {
				return cty.ListValEmpty(t.ElementType()), nil
			}
			matches := make([]cty.Value, 0, len(found))
			for _, at := range found {
				matches = append(matches, groups(re, text, at, t.ElementType()))
			}
			return cty.ListVal(matches), nil
		},
	})
}

// groupType is a text without groups, a tuple of unnamed groups, and an
// object of named ones.
func groupType(re *pattern) cty.Type {
	names := re.SubexpNames()[1:]
	if len(names) == 0 {
		return cty.String
	}
	attrs := make(map[string]cty.Type, len(names))
	types := make([]cty.Type, 0, len(names))
	for _, n := range names {
		if n != "" {
			attrs[n] = cty.String
		}
		types = append(types, cty.String)
	}
	if len(attrs) > 0 {
		return cty.Object(attrs)
	}
	return cty.Tuple(types)
}

// groups returns one match. A group that did not take part is null.
func groups(re *pattern, text string, at []int, t cty.Type) cty.Value {
	group := func(i int) cty.Value {
		if at[2*i] < 0 {
			return cty.NullVal(cty.String)
		}
		return cty.StringVal(text[at[2*i]:at[2*i+1]])
	}
	switch {
	case t == cty.String:
		return group(0)
	case t.IsObjectType():
		attrs := make(map[string]cty.Value)
		for i, n := range re.SubexpNames() {
			if n != "" {
				attrs[n] = group(i)
			}
		}
		return cty.ObjectVal(attrs)
	default:
		all := make([]cty.Value, 0, len(at)/2)
		for i := 1; i < len(at)/2; i++ {
			all = append(all, group(i))
		}
		return cty.TupleVal(all)
	}
}

func (p *patterns) replace() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "old", Type: cty.String}, {Name: "new", Type: cty.String}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if old, ok := stringArg(args, 1); ok && isPattern(old) {
				if _, err := p.compile(old[1 : len(old)-1]); err != nil {
					return cty.NilType, function.NewArgError(1, err)
				}
			}
			return cty.String, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, old, with := args[0].AsString(), args[1].AsString(), args[2].AsString()
			if !isPattern(old) {
				if strings.Count(text, old)*len(with) > maxResult {
					return cty.NilVal, errTooLong
				}
				return stdlib.ReplaceFunc.Call(args)
			}
			re, err := p.use([]cty.Value{cty.StringVal(old[1 : len(old)-1])}, 0, text)
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "%v", err)
			}
			if (len(text)+1)*len(with) > maxResult && len(re.FindAllStringIndex(text, -1))*len(with) > maxResult {
				return cty.NilVal, errTooLong
			}
			return cty.StringVal(re.ReplaceAllString(text, with)), nil
		},
	})
}

func isPattern(old string) bool {
	return len(old) > 2 && strings.HasPrefix(old, "/") && strings.HasSuffix(old, "/")
}
