package lang

import (
	"errors"
	"reflect"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"watchword/checks"
)

const (
	maxSchema     = 1 << 20 // bytes of a JSON Schema
	maxSchemaWork = 200_000 // values looked at by schemas, once for each that does
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

// A schemaPool holds the compiled forms of one schema: each counts the work of
// one validation at a time.
type schemaPool struct{ pool *sync.Pool }

// A countedSchema is a schema all parts of which count how often they are
// asked: alternatives that refer to one another can double the work with each
// level of a value.
type countedSchema struct {
	*jsonschema.Schema

	count *schemaCount
}

// schemaCount implements [jsonschema.SchemaExt].
type schemaCount struct{ left int }

// Validate takes one off, and ends the validation with a panic at last.
func (c *schemaCount) Validate(*jsonschema.ValidatorContext, any) {
	if c.left--; c.left < 0 {
		panic(errWork)
	}
}

func poolSchema(text string) (schemaPool, error) {
	counted := func() (*countedSchema, error) {
		schema, err := compileSchema(text)
		if err != nil {
			return nil, err
		}
		c := &countedSchema{schema, &schemaCount{}}
		c.count.join(reflect.ValueOf(schema), make(map[*jsonschema.Schema]bool))
		return c, nil
	}
	first, err := counted()
	if err != nil {
		return schemaPool{}, err
	}
	pool := &sync.Pool{New: func() any {
		again, _ := counted() // what has compiled does so again
		return again
	}}
	pool.Put(first)
	return schemaPool{pool}, nil
}

// join adds the count to all schemas that v leads to.
func (c *schemaCount) join(v reflect.Value, seen map[*jsonschema.Schema]bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if s, ok := reflect.TypeAssert[*jsonschema.Schema](v); ok {
			if seen[s] {
				return
			}
			seen[s] = true
			s.Extensions = append(s.Extensions, c)
		}
		if k := v.Elem().Kind(); k == reflect.Struct || k == reflect.Slice || v.Kind() == reflect.Interface {
			c.join(v.Elem(), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "Extensions" {
				c.join(v.Field(i), seen)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			c.join(v.Index(i), seen)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			c.join(it.Value(), seen)
		}
	default:
	}
}

// validate returns why a tree is not valid, or nil.
func (p schemaPool) validate(tree any) (invalid *jsonschema.ValidationError, err error) {
	c, ok := p.pool.Get().(*countedSchema)
	if !ok || c == nil {
		return nil, errors.New("not a JSON Schema")
	}
	defer func() {
		if why := recover(); why != nil {
			err = panicked(why)
			return
		}
		p.pool.Put(c)
	}()
	c.count.left = maxSchemaWork
	if bad, ok := errors.AsType[*jsonschema.ValidationError](c.Validate(tree)); ok {
		return bad, nil
	}
	return nil, nil //nolint:nilnil // valid
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

func schemaFunction(schemas *compiler[schemaPool]) function.Function {
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

func schemaOf(schemas *compiler[schemaPool], v cty.Value) (schemaPool, error) {
	text, err := schemaText(v)
	if err != nil {
		return schemaPool{}, err
	}
	return schemas.get(text)
}

// validate returns the value as decoded JSON and why it is not valid, or nil.
func validate(schemas *compiler[schemaPool], args []cty.Value) (tree any, invalid *jsonschema.ValidationError, err error) {
	schema, err := schemaOf(schemas, args[1])
	if err != nil {
		return nil, nil, function.NewArgError(1, err)
	}
	if tree, err = toTree(args[0]); err != nil {
		return nil, nil, function.NewArgError(0, err)
	}
	if invalid, err = schema.validate(tree); err != nil {
		return nil, nil, function.NewArgError(1, err)
	}
	return tree, invalid, nil
}
