package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// envPrefix begins the names of environment variables that set a variable.
const envPrefix = "WATCHWORD_VAR_"

// A variable is a `variable` block.
type variable struct {
	name      string
	block     *block
	is        cty.Type
	defaults  *typeexpr.Defaults
	sensitive bool
	value     cty.Value // cty.NilVal until one is given
}

// A given is a value from outside for a variable: text from the command line
// or the environment, or an expression from a var file.
type given struct {
	text string
	expr hcl.Expression
	from string // --var, WATCHWORD_VAR_x; empty for a file
}

// variables evaluates all variable blocks to the object `var`.
func (l *loader) variables(blocks []*block) cty.Value {
	declared := map[string]*variable{}
	for _, b := range blocks {
		v := l.variable(b)
		declared[v.name] = v
	}
	outside := l.outside(declared)
	values := make(map[string]cty.Value, len(declared))
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		v := declared[name]
		if g, ok := outside[name]; ok {
			v.value = l.accept(v, g)
		}
		if v.value == cty.NilVal {
			v.value = cty.UnknownVal(v.is)
			if !v.block.broken {
				l.errorf(v.block.at, "No value for variable "+name,
					"It has no default. Set it with --var %s=VALUE, in a --var-file or as %s%s in the environment.", name, envPrefix, name)
			}
		}
		if v.sensitive && v.value.IsWhollyKnown() {
			v.value = lang.Sensitive(v.value, "var."+name)
			l.keep(name, lang.Secrets(v.value)...)
		}
		values[name] = v.value
	}
	return cty.ObjectVal(values)
}

// keep makes the redactor know values, under a name that a curl command can
// show in their place.
func (l *loader) keep(name string, values ...string) {
	for _, v := range values {
		l.secrets = append(l.secrets, checks.Secret{Name: name, Value: v})
	}
}

// variable reads one variable block.
func (l *loader) variable(b *block) *variable {
	v := &variable{name: b.label(), block: b, is: cty.DynamicPseudoType, value: cty.NilVal}
	l.text(b, "description")
	v.sensitive = l.flag(b, "sensitive").otherwise(false)
	if expr := b.attr("type"); expr != nil {
		is, defaults, diags := typeexpr.TypeConstraintWithDefaults(expr)
		l.add(diags)
		if diags.HasErrors() {
			b.broken = true
			return v
		}
		v.is, v.defaults = is, defaults
	}
	expr := b.attr("default")
	if expr == nil {
		return v
	}
	if v.sensitive {
		l.mask(expr.Range())
	}
	value, diags := l.scope.Value(expr)
	l.add(diags)
	if diags.HasErrors() {
		b.broken = true
		return v
	}
	converted, err := v.convert(value)
	if err != nil {
		b.broken = true
		l.errorf(expr.Range(), "Wrong type", "The default of variable %s must be of type %s: %s.", v.name, typeexpr.TypeString(v.is), err)
		return v
	}
	v.value = converted
	return v
}

// convert makes value what the variable's type says.
func (v *variable) convert(value cty.Value) (cty.Value, error) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	return convert.Convert(value, v.is)
}

// outside collects the values given from outside, the strongest for each
// name: --var, then var files, the last first, then the environment.
func (l *loader) outside(declared map[string]*variable) map[string]given {
	found := map[string]given{}
	if l.opts.Environ != nil {
		for name := range declared {
			if text, ok := l.opts.Environ(envPrefix + name); ok {
				found[name] = given{text: text, from: envPrefix + name}
			}
		}
	}
	names := slices.Sorted(maps.Keys(declared))
	for _, path := range l.opts.VarFiles {
		for _, attr := range inOrder(l.varFile(path)) {
			name := attr.Name
			if declared[name] == nil {
				l.errorf(attr.NameRange, "Unknown variable", "There is no variable %q.%s", clip(name), lang.DidYouMean(name, names))
				continue
			}
			found[name] = given{expr: attr.Expr}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.opts.Vars)) {
		if declared[name] == nil {
			l.errorf(hcl.Range{}, "Unknown variable", "There is no variable %q, which --var sets.%s", clip(name), lang.DidYouMean(name, names))
			continue
		}
		found[name] = given{text: l.opts.Vars[name], from: "--var"}
	}
	return found
}

// varFile reads the attributes of a var file.
func (l *loader) varFile(name string) hcl.Attributes {
	abs, err := absolute(name, l.opts.WorkDir)
	if err != nil {
		l.errorf(hcl.Range{}, "Var file cannot be read", "%s.", err)
		return nil
	}
	f := &file{name: "var file " + name, shown: name, path: abs, order: len(l.files)}
	l.watch(abs)
	src, err := lang.ReadFile(abs, lang.MaxFile)
	if err != nil {
		l.errorf(hcl.Range{}, "Var file cannot be read", "%s: %s.", abs, err)
		return nil
	}
	f.src = src
	l.files[f.name] = f
	l.sources[f.name] = lang.Source{Name: filepath.ToSlash(name), Dir: f.dir(), Text: src}
	if !l.parse(f) {
		return nil
	}
	attrs, diags := f.parsed.Body.JustAttributes()
	l.add(diags)
	return attrs
}

// accept evaluates a value from outside. What is wrong with it is told
// without showing it if the variable is sensitive.
func (l *loader) accept(v *variable, g given) cty.Value {
	at, value := v.block.at, cty.StringVal(g.text)
	if g.expr != nil {
		at = g.expr.Range()
		if v.sensitive {
			l.mask(at)
		}
		got, diags := l.scope.Value(g.expr)
		l.add(diags)
		if diags.HasErrors() {
			return cty.UnknownVal(v.is)
		}
		value = got
	} else if v.is != cty.String && v.is != cty.DynamicPseudoType && !v.is.IsPrimitiveType() {
		got, err := literalValue(g.text)
		if err != nil {
			l.errorf(at, "Wrong type", "The value of variable %s from %s must be of type %s, written as in a file.", v.name, g.from, typeexpr.TypeString(v.is))
			return cty.UnknownVal(v.is)
		}
		value = got
	}
	converted, err := v.convert(value)
	if err == nil {
		return converted
	}
	from, why := "", ""
	if g.from != "" {
		from = " from " + g.from
	}
	if !v.sensitive {
		why = fmt.Sprintf(": %s", err)
	}
	l.errorf(at, "Wrong type", "The value of variable %s%s must be of type %s%s.", v.name, from, typeexpr.TypeString(v.is), why)
	return cty.UnknownVal(v.is)
}

// literalValue evaluates text from the command line as a literal.
func literalValue(text string) (cty.Value, error) {
	const name = "value"
	if diags := lang.Guard(name, []byte("("+text+")")); diags.HasErrors() { // line breaks do not end it
		return cty.NilVal, diags
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	value, diags := expr.Value(nil)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return value, nil
}

// parse parses f after checking that the parser survives it.
func (l *loader) parse(f *file) bool {
	diags := f.parse()
	l.add(diags)
	return !diags.HasErrors() && f.parsed != nil
}
