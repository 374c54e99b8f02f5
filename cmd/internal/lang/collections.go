package lang

import (
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// predicate makes a function of two texts that answers yes or no.
func predicate(holds func(a, b string) bool, first, second string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: first, Type: cty.String}, {Name: second, Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(holds(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// mapper makes a function of one text.
func mapper(of func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := of(args[0].AsString())
			return cty.StringVal(s), err
		},
	})
}

// ofList is the type of a function whose first argument must be a list.
func ofList(result cty.Type) function.TypeFunc {
	return func(args []cty.Value) (cty.Type, error) {
		if t := args[0].Type(); t != cty.DynamicPseudoType && !isSequence(t) {
			return cty.NilType, function.NewArgErrorf(0, "a list is required")
		}
		return result, nil
	}
}

// overList returns f with a check of its first argument that needs no value
// of it.
func overList(f function.Function) function.Function {
	return function.New(&function.Spec{
		Params:   f.Params(),
		VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if t, err := ofList(cty.Bool)(args); err != nil {
				return t, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

func sumFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   ofList(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			total := cty.Zero
			for it := args[0].ElementIterator(); it.Next(); {
				_, e := it.Element()
				n, err := convert.Convert(e, cty.Number)
				if err != nil || n.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "the elements must be numbers")
				}
				if !n.IsKnown() {
					return cty.UnknownVal(cty.Number), nil
				}
				total = total.Add(n)
			}
			return total, nil
		},
	})
}

// allFunction is alltrue, or anytrue if want is false.
func allFunction(want bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   ofList(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			unknown := false
			for it := args[0].ElementIterator(); it.Next(); {
				_, e := it.Element()
				b, err := convert.Convert(e, cty.Bool)
				switch {
				case err != nil:
					return cty.NilVal, function.NewArgErrorf(0, "the elements must be true or false")
				case !b.IsKnown():
					unknown = true
				case b.IsNull() && want:
					return cty.False, nil
				case !b.IsNull() && b.True() != want:
					return cty.BoolVal(!want), nil
				}
			}
			if unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.BoolVal(want), nil
		},
	})
}

func indexFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "list", Type: cty.DynamicPseudoType},
			{Name: "value", Type: cty.DynamicPseudoType},
		},
		Type: func(args []cty.Value) (cty.Type, error) {
			if args[0].Type().IsSetType() {
				return cty.NilType, function.NewArgErrorf(0, "a list is required, not a set")
			}
			return ofList(cty.Number)(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for it := args[0].ElementIterator(); it.Next(); {
				i, e := it.Element()
				same := e.Equals(args[1])
				if !same.IsKnown() {
					return cty.UnknownVal(cty.Number), nil
				}
				if same.True() {
					return i, nil
				}
			}
			return cty.NilVal, errors.New("the value is not in the list")
		},
	})
}

func lengthFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
		Type: func(args []cty.Value) (cty.Type, error) {
			t := args[0].Type()
			if t != cty.DynamicPseudoType && t != cty.String && !t.IsCollectionType() && !t.IsTupleType() && !t.IsObjectType() {
				return cty.NilType, function.NewArgErrorf(0, "a list, map, object or text is required")
			}
			return cty.Number, nil
		},
		RefineResult: func(r *cty.RefinementBuilder) *cty.RefinementBuilder {
			return r.NotNull().NumberRangeLowerBound(cty.Zero, true)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v := args[0]
			switch t := v.Type(); {
			case t == cty.DynamicPseudoType:
				return cty.UnknownVal(cty.Number), nil
			case t == cty.String && !v.IsKnown():
				return cty.UnknownVal(cty.Number), nil
			case t == cty.String:
				return cty.NumberIntVal(int64(utf8.RuneCountInString(v.AsString()))), nil
			case t.IsObjectType():
				return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
			default:
				return stdlib.LengthFunc.Call([]cty.Value{v})
			}
		},
	})
}

func oneFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type: func(args []cty.Value) (cty.Type, error) {
			t := args[0].Type()
			switch {
			case t == cty.DynamicPseudoType:
				return t, nil
			case t.IsListType() || t.IsSetType():
				return t.ElementType(), nil
			case t.IsTupleType() && t.Length() == 1:
				return t.TupleElementType(0), nil
			case t.IsTupleType() && t.Length() == 0:
				return cty.DynamicPseudoType, nil
			}
			return cty.NilType, function.NewArgErrorf(0, "a list of one element, or none, is required")
		},
		Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
			switch args[0].LengthInt() {
			case 0:
				return cty.NullVal(t), nil
			case 1:
				it := args[0].ElementIterator()
				it.Next()
				_, e := it.Element()
				return e, nil
			default:
				return cty.NilVal, function.NewArgErrorf(0, "a list of one element, or none, is required")
			}
		},
	})
}

func matchkeysFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "values", Type: cty.List(cty.DynamicPseudoType)},
			{Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
			{Name: "wanted", Type: cty.List(cty.DynamicPseudoType)},
		},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
			if args[0].LengthInt() != args[1].LengthInt() {
				return cty.NilVal, function.NewArgErrorf(1, "there must be as many keys as values")
			}
			if args[1].LengthInt()*args[2].LengthInt() > 1_000_000 {
				return cty.NilVal, errors.New("at most 1,000,000 comparisons")
			}
			var found []cty.Value
			keys, wanted := args[1].AsValueSlice(), args[2].AsValueSlice()
			for i, v := range args[0].AsValueSlice() {
				if slices.ContainsFunc(wanted, func(w cty.Value) bool {
					same := w.Equals(keys[i])
					return same.IsKnown() && same.True()
				}) {
					found = append(found, v)
				}
			}
			if len(found) == 0 {
				return cty.ListValEmpty(t.ElementType()), nil
			}
			return cty.ListVal(found), nil
		},
	})
}

func transposeFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "map", Type: cty.Map(cty.List(cty.String))}},
		Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
		Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
			turned := make(map[string][]cty.Value)
			for it := args[0].ElementIterator(); it.Next(); {
				key, list := it.Element()
				if list.IsNull() || !list.IsWhollyKnown() {
					return cty.UnknownVal(t), nil
				}
				for _, v := range list.AsValueSlice() {
					if v.IsNull() {
						return cty.NilVal, function.NewArgErrorf(0, "the lists must not hold null")
					}
					turned[v.AsString()] = append(turned[v.AsString()], key)
				}
			}
			if len(turned) == 0 {
				return cty.MapValEmpty(t.ElementType()), nil
			}
			lists := make(map[string]cty.Value, len(turned))
			for k, keys := range turned {
				lists[k] = cty.ListVal(keys)
			}
			return cty.MapVal(lists), nil
		},
	})
}

func isSequence(t cty.Type) bool { return t.IsListType() || t.IsTupleType() || t.IsSetType() }
