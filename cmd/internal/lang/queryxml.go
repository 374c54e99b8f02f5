package lang

import (
	"errors"
	"math"
	"regexp"
	"sync"

	"github.com/antchfx/xpath"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// What xpath() takes of a document, and how much work an expression may make:
// moves from node to node, nodes whose text is asked for.
const (
	maxXMLDepth  = 256
	maxXMLTags   = 100_000
	maxXPathWork = 2_000_000
)

// A pathPool holds the compiled forms of one XPath expression: each is used by
// one evaluation at a time.
type pathPool struct{ pool *sync.Pool }

func compileXPath(text string) (pathPool, error) {
	if regexp.MustCompile(`\b(matches|replace)\s*\(`).MatchString(withoutTexts(text)) {
		return pathPool{}, errors.New("matches() and replace() are not of XPath 1.0: use those of the language on the result")
	}
	first, err := parseXPath(text)
	if err != nil {
		return pathPool{}, err
	}
	pool := &sync.Pool{New: func() any {
		again, _ := parseXPath(text)
		return again
	}}
	pool.Put(first)
	return pathPool{pool}, nil
}

func parseXPath(text string) (expr *xpath.Expr, err error) {
	defer func() {
		if recover() != nil {
			expr, err = nil, errors.New("not an expression of XPath 1.0")
		}
	}()
	expr, err = xpath.Compile(text)
	if err != nil {
		return nil, errors.New(cut(oneLine(err.Error()), maxText))
	}
	return expr, nil
}

func xpathFunction(expressions *compiler[pathPool], docs *documents) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "expression", Type: cty.String}},
		Type:   checkedText(1, "XPath", expressions),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text := args[1].AsString()
			expr, err := expressions.get(text)
			if err != nil {
				return cty.NilVal, queryError(1, "XPath", text, err)
			}
			doc, err := docs.get(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			result, err := expr.evaluate(doc)
			if err != nil {
				return cty.NilVal, queryError(1, "XPath", text, err)
			}
			return resultOf("XPath", text, result)
		},
	})
}

// evaluate returns a text, number or bool, or the texts of nodes.
func (p pathPool) evaluate(doc *markup) (result any, err error) {
	expr, ok := p.pool.Get().(*xpath.Expr)
	if !ok || expr == nil {
		return nil, errors.New("not an expression of XPath 1.0")
	}
	defer func() {
		switch why := recover(); {
		case why == errWork: //nolint:errorlint // the very value that spend panics with
			err = errWork
		case why != nil:
			err = errors.New("it cannot be evaluated")
		default:
			p.pool.Put(expr)
		}
	}()
	top := &navigator{NodeNavigator: doc.navigator(), doc: doc, left: new(int)}
	*top.left = maxXPathWork
	switch v := expr.Evaluate(top).(type) {
	case *xpath.NodeIterator:
		texts := []any{}
		for v.MoveNext() {
			texts = append(texts, v.Current().Value())
		}
		return texts, nil
	case float64:
		if math.IsNaN(v) {
			return nil, errors.New("it is not a number")
		}
		return v, nil
	default:
		return v, nil
	}
}

// A navigator counts the moves of an evaluation, and ends it with a panic once
// they are used up.
type navigator struct {
	xpath.NodeNavigator

	doc  *markup
	left *int
}

func (n *navigator) spend(work int) {
	if *n.left -= work; *n.left < 0 {
		panic(errWork)
	}
}

// Value is the text of the node and of all below it.
func (n *navigator) Value() string {
	n.spend(n.doc.size(n.NodeNavigator))
	v := n.NodeNavigator.Value()
	n.spend(len(v) / 64)
	return v
}

// Copy returns a navigator of the same evaluation.
func (n *navigator) Copy() xpath.NodeNavigator {
	n.spend(1)
	return &navigator{n.NodeNavigator.Copy(), n.doc, n.left}
}

// MoveTo moves to where another navigator is.
func (n *navigator) MoveTo(other xpath.NodeNavigator) bool {
	n.spend(1)
	o, ok := other.(*navigator)
	return ok && n.NodeNavigator.MoveTo(o.NodeNavigator)
}

// NamespaceURL is what namespace-uri() asks for.
func (n *navigator) NamespaceURL() string {
	if named, ok := n.NodeNavigator.(interface{ NamespaceURL() string }); ok {
		return named.NamespaceURL()
	}
	return ""
}

// MoveToRoot moves to the document.
func (n *navigator) MoveToRoot() { n.spend(1); n.NodeNavigator.MoveToRoot() }

// MoveToParent moves to the node around it.
func (n *navigator) MoveToParent() bool { n.spend(1); return n.NodeNavigator.MoveToParent() }

// MoveToNextAttribute moves to the next attribute.
func (n *navigator) MoveToNextAttribute() bool {
	n.spend(1)
	return n.NodeNavigator.MoveToNextAttribute()
}

// MoveToChild moves to the first node inside.
func (n *navigator) MoveToChild() bool { n.spend(1); return n.NodeNavigator.MoveToChild() }

// MoveToFirst moves to the first of the nodes beside it.
func (n *navigator) MoveToFirst() bool { n.spend(4); return n.NodeNavigator.MoveToFirst() }

// MoveToNext moves to the node after it.
func (n *navigator) MoveToNext() bool { n.spend(1); return n.NodeNavigator.MoveToNext() }

// MoveToPrevious moves to the node before it.
func (n *navigator) MoveToPrevious() bool { n.spend(1); return n.NodeNavigator.MoveToPrevious() }
