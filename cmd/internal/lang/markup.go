package lang

import (
	"encoding/xml"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"weak"

	"github.com/antchfx/htmlquery"
	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"
	"golang.org/x/net/html"
)

// A markup is a text as nodes.
type markup struct {
	xml   *xmlquery.Node
	html  *html.Node
	sizes map[any]int // nodes below each one that has any
}

func (d *markup) navigator() xpath.NodeNavigator {
	if d.html != nil {
		return htmlquery.CreateXPathNavigator(d.html)
	}
	return xmlquery.CreateXPathNavigator(d.xml)
}

func (d *markup) size(at xpath.NodeNavigator) int {
	switch n := at.(type) {
	case *xmlquery.NodeNavigator:
		return 1 + d.sizes[n.Current()]
	case *htmlquery.NodeNavigator:
		return 1 + d.sizes[n.Current()]
	default:
		return 1
	}
}

// documents keeps what texts have been read as for as long as the garbage
// collector lets it: all conditions of an answer share one.
type documents struct {
	mu   sync.Mutex
	seed maphash.Seed
	kept map[documentKey]weak.Pointer[markup]
}

type documentKey struct {
	hash   uint64
	length int
}

func (d *documents) get(text string) (*markup, error) {
	d.mu.Lock()
	if d.kept == nil {
		d.seed, d.kept = maphash.MakeSeed(), make(map[documentKey]weak.Pointer[markup])
	}
	key := documentKey{maphash.String(d.seed, text), len(text)}
	known := d.kept[key].Value()
	d.mu.Unlock()
	if known != nil {
		return known, nil
	}
	doc, err := readDocument(text)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) >= 64 {
		clear(d.kept)
	}
	d.kept[key] = weak.Make(doc)
	return doc, nil
}

// readDocument reads XML, or HTML if the text says that it is.
func readDocument(text string) (*markup, error) {
	if err := scanXML(text, isHTML(text)); err != nil {
		return nil, err
	}
	d := &markup{sizes: make(map[any]int)}
	if isHTML(text) {
		top, err := html.Parse(strings.NewReader(text))
		if err != nil {
			return nil, errors.New("not HTML, or nested too deeply")
		}
		d.html = top
		_, err = d.measureHTML(top, 0)
		return d, err
	}
	top, err := xmlquery.Parse(strings.NewReader(text))
	if bad, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return nil, fmt.Errorf("not XML (line %d)", bad.Line)
	}
	if err != nil || top.FirstChild == nil {
		return nil, errors.New("not XML")
	}
	d.xml = top
	d.measureXML(top)
	return d, nil
}

func isHTML(text string) bool {
	text = strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n")
	for strings.HasPrefix(text, "<!--") {
		_, rest, _ := strings.Cut(text, "-->")
		text = strings.TrimLeft(rest, " \t\r\n")
	}
	start := strings.ToLower(text[:min(len(text), 14)])
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html")
}

// scanXML refuses a text with more tags or deeper ones than are read, before
// anything is built of it. The end tags of HTML may be left out: its parser
// bounds the depth.
func scanXML(text string, anyDepth bool) error {
	depth := 0
	for tags := 0; ; tags++ {
		at := strings.IndexByte(text, '<')
		if at < 0 {
			return nil
		}
		text = text[at:]
		end := ">"
		switch {
		case strings.HasPrefix(text, "<!--"):
			end = "-->"
		case strings.HasPrefix(text, "<![CDATA["):
			end = "]]>"
		case strings.HasPrefix(text, "<?"), strings.HasPrefix(text, "<!"):
		case strings.HasPrefix(text, "</"):
			depth--
		default:
			depth++
		}
		inside, rest, _ := strings.Cut(text[1:], end)
		if strings.HasSuffix(inside, "/") && end == ">" {
			depth--
		}
		if text = rest; tags >= maxXMLTags {
			return fmt.Errorf("over the limit of %s tags", grouped(maxXMLTags))
		}
		if depth > maxXMLDepth && !anyDepth {
			return fmt.Errorf("nested deeper than the limit of %d", maxXMLDepth)
		}
	}
}

func (d *markup) measureXML(n *xmlquery.Node) int {
	size := 0
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		size += 1 + d.measureXML(c)
	}
	if size > 0 {
		d.sizes[n] = size
	}
	return size
}

func (d *markup) measureHTML(n *html.Node, depth int) (size int, err error) {
	if depth > 2*maxXMLDepth {
		return 0, fmt.Errorf("nested deeper than the limit of %d", 2*maxXMLDepth)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		below, err := d.measureHTML(c, depth+1)
		if err != nil {
			return 0, err
		}
		size += 1 + below
	}
	if size > 0 {
		d.sizes[n] = size
	}
	return size, nil
}
