package lang

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// A fn is one entry of the table of functions.
type fn struct {
	signature string // name(argument, …)
	doc       string
	f         function.Function
	volatile  bool                                            // gives another value with each call
	inDir     func(dir string) function.Function              // instead of f: depends on the folder of the file
	extracts  bool                                            // explanations show its result rather than what it looked into
	explain   func(args []cty.Value, written []string) string // tells why it is false; "" if it cannot
}

func (f *fn) name() string {
	name, _, _ := strings.Cut(f.signature, "(")
	return name
}

// Functions documents the functions of the language, by name.
func Functions() []Doc {
	table := functionTable(&shared{patterns: newPatterns()})
	docs := make([]Doc, 0, len(table))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		f := table[name]
		docs = append(docs, Doc{Name: name, Signature: f.signature, Doc: f.doc, Example: example(name), Volatile: f.volatile})
	}
	return docs
}

// functionTable returns all functions by name.
func functionTable(sh *shared) map[string]fn {
	table := make(map[string]fn)
	for _, group := range [][]fn{
		stringFunctions(), patternFunctions(sh.patterns), queryFunctions(), numberFunctions(), collectionFunctions(), setFunctions(),
		typeFunctions(), encodingFunctions(), hashFunctions(), timeFunctions(), addressFunctions(), placeFunctions(sh),
	} {
		for _, f := range group {
			table[f.name()] = f
		}
	}
	return table
}

func implementations(table map[string]fn, dir string) map[string]function.Function {
	all := make(map[string]function.Function, len(table))
	for name, f := range table {
		if f.inDir != nil {
			all[name] = f.inDir(dir)
			continue
		}
		all[name] = f.f
	}
	return all
}

func stringFunctions() []fn {
	return []fn{
		{signature: "chomp(text)", doc: "Text without line breaks at its end.", f: stdlib.ChompFunc},
		{signature: "endswith(text, end)", doc: "Whether text ends so.", f: predicate(strings.HasSuffix, "text", "end")},
		{signature: "format(spec, values...)", doc: "Text made of a specification like \"%s has %d\" and values.", f: bounded(stdlib.FormatFunc, narrow)},
		{signature: "formatlist(spec, values...)", doc: "format for each element of lists.", f: bounded(stdlib.FormatListFunc, narrow)},
		{signature: "indent(spaces, text)", doc: "Text with spaces before each line but the first.", f: bounded(stdlib.IndentFunc, fewSpaces)},
		{signature: "join(separator, list)", doc: "Elements of a list with a separator between them.", f: bounded(stdlib.JoinFunc, shortJoin)},
		{signature: "lower(text)", doc: "Text in lower case.", f: stdlib.LowerFunc},
		{signature: "split(separator, text)", doc: "Parts of text between separators, as a list.", f: stdlib.SplitFunc},
		{signature: "startswith(text, start)", doc: "Whether text begins so.", f: predicate(strings.HasPrefix, "text", "start")},
		{signature: "strcontains(text, part)", doc: "Whether part stands in text.", f: predicate(strings.Contains, "text", "part")},
		{signature: "strlen(text)", doc: "Number of characters in text.", f: stdlib.StrlenFunc},
		{signature: "strrev(text)", doc: "Text backwards.", f: stdlib.ReverseFunc},
		{signature: "substr(text, offset, length)", doc: "Part of text, counted in characters; a length of -1 takes all.", f: stdlib.SubstrFunc},
		{signature: "title(text)", doc: "Text with each word capitalised.", f: stdlib.TitleFunc},
		{signature: "trim(text, characters)", doc: "Text without these characters at both ends.", f: stdlib.TrimFunc},
		{signature: "trimprefix(text, start)", doc: "Text without this beginning.", f: stdlib.TrimPrefixFunc},
		{signature: "trimspace(text)", doc: "Text without white space at both ends.", f: stdlib.TrimSpaceFunc},
		{signature: "trimsuffix(text, end)", doc: "Text without this end.", f: stdlib.TrimSuffixFunc},
		{signature: "upper(text)", doc: "Text in upper case.", f: stdlib.UpperFunc},
	}
}

func numberFunctions() []fn {
	return []fn{
		{signature: "abs(number)", doc: "Number without its sign.", f: stdlib.AbsoluteFunc},
		{signature: "ceil(number)", doc: "Next whole number above.", f: stdlib.CeilFunc},
		{signature: "floor(number)", doc: "Next whole number below.", f: stdlib.FloorFunc},
		{signature: "log(number, base)", doc: "Logarithm.", f: bounded(stdlib.LogFunc, hasLogarithm)},
		{signature: "max(numbers...)", doc: "Largest of the numbers.", f: stdlib.MaxFunc},
		{signature: "min(numbers...)", doc: "Smallest of the numbers.", f: stdlib.MinFunc},
		{signature: "parseint(text, base)", doc: "Whole number written in a base of 2 to 62.", f: bounded(stdlib.ParseIntFunc, fewDigits)},
		{signature: "pow(number, power)", doc: "Number raised to a power.", f: bounded(stdlib.PowFunc, hasPower)},
		{signature: "signum(number)", doc: "-1, 0 or 1: the sign of a number.", f: stdlib.SignumFunc},
		{signature: "sum(list)", doc: "Sum of the numbers in a list.", f: sumFunction()},
	}
}

func collectionFunctions() []fn {
	return []fn{
		{signature: "alltrue(list)", doc: "Whether all elements are true; so for an empty list.", f: allFunction(true)},
		{signature: "anytrue(list)", doc: "Whether an element is true.", f: allFunction(false)},
		{signature: "chunklist(list, size)", doc: "List cut into lists of this size.", f: stdlib.ChunklistFunc},
		{signature: "coalesce(values...)", doc: "First of the values that is not null.", f: stdlib.CoalesceFunc},
		{signature: "coalescelist(lists...)", doc: "First of the lists that is not empty.", f: stdlib.CoalesceListFunc},
		{signature: "compact(list)", doc: "List of texts without empty ones.", f: stdlib.CompactFunc},
		{signature: "concat(lists...)", doc: "Lists one after the other.", f: stdlib.ConcatFunc},
		{signature: "contains(list, value)", doc: "Whether a list holds a value; strcontains looks into a text.", f: overList(stdlib.ContainsFunc)},
		{signature: "distinct(list)", doc: "List without repeated elements.", f: stdlib.DistinctFunc},
		{signature: "element(list, index)", doc: "Element of a list; an index beyond its end starts again.", f: stdlib.ElementFunc},
		{signature: "flatten(list)", doc: "List of lists as one list.", f: overList(stdlib.FlattenFunc)},
		{signature: "index(list, value)", doc: "Place of a value in a list, from 0.", f: indexFunction()},
		{signature: "keys(map)", doc: "Keys of a map or object, sorted.", f: stdlib.KeysFunc},
		{signature: "length(value)", doc: "Number of elements of a list, map or object, or of characters of a text.", f: lengthFunction()},
		{signature: "lookup(map, key, default)", doc: "Value of a key in a map, or the default.", f: stdlib.LookupFunc},
		{signature: "matchkeys(values, keys, wanted)", doc: "Values whose key, at the same place of another list, is one of those wanted.", f: matchkeysFunction()},
		{signature: "merge(maps...)", doc: "Maps or objects as one; the last of equal keys wins.", f: stdlib.MergeFunc},
		{signature: "one(list)", doc: "The only element of a list, or null for an empty one.", f: oneFunction()},
		{signature: "range(numbers...)", doc: "List of numbers: range(limit), range(start, limit) or range(start, limit, step); at most 1,024.", f: stdlib.RangeFunc},
		{signature: "reverse(list)", doc: "List backwards.", f: stdlib.ReverseListFunc},
		{signature: "slice(list, start, end)", doc: "Elements from start up to, but not including, end.", f: stdlib.SliceFunc},
		{signature: "sort(list)", doc: "List of texts, sorted.", f: stdlib.SortFunc},
		{signature: "transpose(map)", doc: "Map of lists of texts turned round: each text with the list of its keys.", f: transposeFunction()},
		{signature: "values(map)", doc: "Values of a map or object, in the order of its keys.", f: stdlib.ValuesFunc},
		{signature: "zipmap(keys, values)", doc: "Map made of a list of keys and one of values.", f: stdlib.ZipmapFunc},
	}
}

func setFunctions() []fn {
	return []fn{
		{signature: "setintersection(sets...)", doc: "Elements that are in all sets.", f: stdlib.SetIntersectionFunc},
		{signature: "setproduct(sets...)", doc: "All combinations of elements, one of each set.", f: bounded(stdlib.SetProductFunc, fewProducts)},
		{signature: "setsubtract(set, other)", doc: "Elements of a set that are not in the other.", f: stdlib.SetSubtractFunc},
		{signature: "setunion(sets...)", doc: "Elements of all sets.", f: stdlib.SetUnionFunc},
	}
}

func typeFunctions() []fn {
	return []fn{
		{signature: "can(expression)", doc: "Whether an expression can be evaluated without error.", f: tryfunc.CanFunc},
		{signature: "sensitive(value)", doc: "Value that no output shows.", f: sensitiveFunction()},
		{signature: "issensitive(value)", doc: "Whether a value is, or holds, a secret.", f: issensitiveFunction()},
		{signature: "tobool(value)", doc: "Value as a bool.", f: stdlib.MakeToFunc(cty.Bool)},
		{signature: "tolist(value)", doc: "Value as a list.", f: stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType))},
		{signature: "tomap(value)", doc: "Value as a map.", f: stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType))},
		{signature: "tonumber(value)", doc: "Value as a number.", f: stdlib.MakeToFunc(cty.Number)},
		{signature: "toset(value)", doc: "Value as a set: without order and repetition.", f: stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType))},
		{signature: "tostring(value)", doc: "Value as text.", f: stdlib.MakeToFunc(cty.String)},
		{signature: "try(expressions...)", doc: "First of the expressions that can be evaluated without error.", f: tryfunc.TryFunc},
	}
}
