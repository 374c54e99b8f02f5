package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"watchword/certs"
)

// rotating notes that files were replaced by ones that cannot be used and
// that those before go on, certificates among them until the moment until;
// zero says that nothing ends. Who replaces files needs a moment for that, and
// is told of it only if it lasts.
func (l *loader) rotating(n Notice, r *certs.Rotation) {
	l.readAgain(r.Retry(l.now))
	if r.Lasts(l.now) {
		l.notices = append(l.notices, n)
	} else {
		l.unsettled = append(l.unsettled, n)
	}
}

// readAgain notes that the configuration is to be loaded again at the latest at
// the moment at.
func (l *loader) readAgain(at time.Time) {
	if l.reloadAt.IsZero() || at.Before(l.reloadAt) {
		l.reloadAt = at
	}
}

// rotation tells of the files of a certificate block that were replaced by
// ones that cannot be used.
func (l *loader) rotation(c *certificate) {
	r := c.identity.Rotation()
	if r == nil {
		return
	}
	if c.identity.Err() != nil { // what was read before has ended too, and that is told
		l.readAgain(r.Retry(l.now))
		return
	}
	n := Notice{Kind: "certificate", Name: c.source.Name, Err: oneLine(r.Err), Kept: true, Source: sourceAt(placeOf(c.block, r.Err))}
	if leaf := c.identity.Leaf(); leaf != nil {
		n.Until = leaf.NotAfter
		if leaf.NotAfter.After(l.now) {
			l.readAgain(leaf.NotAfter.Add(time.Second))
		}
	}
	l.rotating(n, r)
}

// placeOf is the attribute of the block whose file err is about.
func placeOf(b *block, err error) hcl.Range {
	if file, ok := errors.AsType[*certs.FileError](err); ok {
		return b.attrAt(file.Attribute)
	}
	return b.at
}

// oneLine is err with its causes, if there are several, on one line.
func oneLine(err error) error {
	text := err.Error()
	if !strings.Contains(text, "\n") {
		return err
	}
	return errors.New(strings.ReplaceAll(text, "\n", "; "))
}

// Text is the notice in a sentence, from the kind on.
func (n Notice) Text() string {
	what := fmt.Sprintf("%s %s", n.Kind, n.Name)
	switch {
	case !n.Since.IsZero():
		return fmt.Sprintf("%s cannot be renewed, and its value of %s goes on: %v", what, n.Since.UTC().Format("2006-01-02 15:04:05 MST"), n.Err)
	case !n.Kept:
		return fmt.Sprintf("%s cannot be used, and the checks that need it fail: %v", what, n.Err)
	case n.Until.IsZero():
		return fmt.Sprintf("%s was replaced by files that cannot be used, and those before go on: %v", what, n.Err)
	default:
		return fmt.Sprintf("%s was replaced by files that cannot be used, and those before go on until %s: %v",
			what, n.Until.UTC().Format("2006-01-02 15:04 MST"), n.Err)
	}
}
