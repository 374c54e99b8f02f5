package lang

import (
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"watchword/checks"
)

// A Source is the text of one configuration file.
type Source struct {
	Name string // as explanations show it; empty means the name that places have
	Dir  string // where relative paths in it begin; empty means the folder of that name
	Text []byte
}

// Options are what a [Scope] needs of its surroundings.
type Options struct {
	Sources map[string]Source           // by the file name in hcl.Range; read when an expression is used, so it may grow until then
	Environ func(string) (string, bool) // for env(); nil means os.LookupEnv
}

// A Scope says what names and functions mean in expressions. It is safe for
// concurrent use.
type Scope struct {
	names    map[string]cty.Value
	shared   *shared
	redactor func() *checks.Redactor // of every secret in names
	outer    *Scope                  // of which this one is a part, for one instance or step; nil for none
	steps    *Steps                  // nil outside of a check with steps

	conditions sync.Map // *compiled by conditionKey
}

// shared belongs to all scopes of one configuration.
type shared struct {
	o         Options
	functions map[string]fn
	values    []value
	patterns  *patterns

	mu       sync.Mutex // guards what follows
	files    map[string]fileText
	contexts map[string]*hcl.EvalContext // functions, by the folder where file() begins
}

// NewScope returns a scope in which names are the roots of references, such
// as "var" and "local", each an object of what is declared.
func NewScope(names map[string]cty.Value, o Options) *Scope {
	if o.Environ == nil {
		o.Environ = os.LookupEnv
	}
	sh := &shared{
		o: o, values: exchangeValues(), patterns: newPatterns(),
		files: make(map[string]fileText), contexts: make(map[string]*hcl.EvalContext),
	}
	sh.functions = functionTable(sh)
	return newScope(maps.Clone(names), sh)
}

func newScope(names map[string]cty.Value, sh *shared) *Scope {
	return &Scope{names: names, shared: sh, redactor: sync.OnceValue(func() *checks.Redactor {
		var secrets []string
		for _, v := range names {
			secrets = append(secrets, Secrets(v)...)
		}
		return checks.NewRedactor(secrets...)
	})}
}

// With returns a scope that has these names too, or instead.
func (s *Scope) With(names map[string]cty.Value) *Scope {
	all := maps.Clone(s.names)
	if all == nil {
		all = make(map[string]cty.Value, len(names))
	}
	maps.Copy(all, names)
	return newScope(all, s.shared)
}

// Files returns the absolute paths of the files that file() has read so far,
// sorted. All scopes that come from one NewScope share them.
func (s *Scope) Files() []string {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	return slices.Sorted(maps.Keys(s.shared.files))
}

// Value evaluates an expression at load. Functions that change with each
// call, and values of an exchange, are mistakes in it. A result that depends
// on a secret that cannot be read is unknown; [Reason] tells why.
func (s *Scope) Value(expr hcl.Expression) (cty.Value, hcl.Diagnostics) {
	if v, ok := constant(expr); ok {
		return v, nil
	}
	x, diags := s.read(expr)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return s.value(x)
}

// value evaluates an expression that has been read.
func (s *Scope) value(x *expression) (cty.Value, hcl.Diagnostics) {
	n := s.lookup(x, uses{})
	v, more := x.node.Value(s.context(x.dir))
	diags := within(merge(n.diags, conceal(more)), x.at)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	if tooBig(v) {
		return cty.DynamicVal, errorAt(x.at, "Value too large", "The result has over 100,000 elements or 8 MiB of text.")
	}
	return n.explainUnknown(v), diags
}

// constant is the value of a number, a bool, null or a text in native syntax
// without anything in it to compute. It is as most attributes are.
func constant(expr hcl.Expression) (cty.Value, bool) {
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.Val, true
	case *hclsyntax.TemplateExpr:
		if e.IsStringLiteral() {
			v, diags := e.Value(nil)
			return v, len(diags) == 0
		}
	}
	return cty.NilVal, false
}

// Typed evaluates an expression as [Scope.Value] does, and converts the
// result to the wanted type. Null is a value of every type.
func (s *Scope) Typed(expr hcl.Expression, want cty.Type) (cty.Value, hcl.Diagnostics) {
	v, diags := s.Value(expr)
	if diags.HasErrors() {
		return cty.UnknownVal(want), diags
	}
	if v.Type().Equals(want) {
		return v, diags
	}
	got, err := convert.Convert(v, want)
	if err != nil {
		return cty.UnknownVal(want), append(diags, errorAt(expr.Range(), "Wrong type", wrongType(v.Type(), want, err))...)
	}
	return got, diags
}

// Check reports names and functions in an expression that do not exist, also
// where evaluation would not come by.
func (s *Scope) Check(expr hcl.Expression) hcl.Diagnostics {
	x, diags := s.read(expr)
	if diags.HasErrors() {
		return diags
	}
	return within(s.lookup(x, uses{}).diags, x.at)
}

// context returns what hcl needs to evaluate an expression of a file in dir.
func (s *Scope) context(dir string) *hcl.EvalContext {
	ctx := s.shared.context(dir).NewChild()
	ctx.Variables = s.names
	if ctx.Variables == nil {
		ctx.Variables = map[string]cty.Value{}
	}
	return ctx
}

func (sh *shared) context(dir string) *hcl.EvalContext {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if ctx, ok := sh.contexts[dir]; ok {
		return ctx
	}
	ctx := &hcl.EvalContext{Functions: implementations(sh.functions, dir)}
	sh.contexts[dir] = ctx
	return ctx
}

// explainUnknown adds to an unknown result the reasons of what went into it,
// for functions that lose them.
func (n *lookup) explainUnknown(v cty.Value) cty.Value {
	if v.IsWhollyKnown() || Reason(v) != nil {
		return v
	}
	for _, r := range n.refs {
		if why := Reason(r.value); why != nil {
			_, marks := r.value.UnmarkDeep()
			return v.WithMarks(marks)
		}
	}
	return v
}

// tooBig bounds what an expression may make, so that values made of one
// another do not grow without end.
func tooBig(v cty.Value) bool {
	elements, text := 100_000, 8<<20
	return !spend(v, &elements, &text)
}

func spend(v cty.Value, elements, text *int) bool {
	*elements--
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return *elements >= 0
	}
	switch t := v.Type(); {
	case t == cty.String:
		*text -= len(v.AsString())
	case !t.IsPrimitiveType() && v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if !spend(e, elements, text) {
				return false
			}
		}
	}
	return *elements >= 0 && *text >= 0
}
