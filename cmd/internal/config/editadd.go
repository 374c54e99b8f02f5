package config

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// A NewCertificate is a `certificate` block to add. What is empty is left out;
// paths are written as they are.
type NewCertificate struct {
	Name                   string
	Hosts                  []string
	PEM, Cert, Key, PKCS12 string
	Secret                 string // name of the secret that holds the passphrase
	CA                     string
	Added                  time.Time
	Primary                bool
}

// CertificateFile is where a new block goes: the file with the most blocks,
// else the only file there is, or certificates.hcl. With a path it is that
// file, which must be a part of the configuration or become one.
func (e *Edit) CertificateFile(path string) (string, error) {
	if path != "" {
		return e.chosenFile(path)
	}
	all, err := e.blocks()
	if err != nil {
		return "", err
	}
	counts := map[*edited]int{}
	var best *edited
	for _, b := range all {
		counts[b.file]++
		if b.native != nil && (best == nil || counts[b.file] > counts[best]) {
			best = b.file
		}
	}
	if best != nil {
		return best.shown, nil
	}
	if root := e.folder(); root != "" {
		return filepath.Join(e.tree.root, "certificates.hcl"), nil
	}
	if only := e.files[0]; !only.json() {
		return only.shown, nil
	}
	return "", fmt.Errorf("%s is in JSON, where no block is added: put the configuration into a folder, and the block will go to a file of its own", e.files[0].shown)
}

func (e *Edit) chosenFile(path string) (string, error) {
	abs, err := absolute(path, e.opts.WorkDir)
	if err != nil {
		return "", err
	}
	for _, f := range e.files {
		if f.path == abs {
			if f.json() {
				return "", fmt.Errorf("%s is in JSON, where no block is added: name a file *.hcl", path)
			}
			return f.shown, nil
		}
	}
	root := e.folder()
	switch rel, err := filepath.Rel(root, abs); {
	case root == "":
		return "", fmt.Errorf("%s is no part of the configuration, which is the file %s", path, e.tree.root)
	case err != nil || !insideFolder(root, abs):
		return "", fmt.Errorf("%s is no part of the configuration in %s", path, e.tree.root)
	case filepath.Ext(abs) != ".hcl":
		return "", fmt.Errorf("%s would not be read: name a file *.hcl", path)
	case slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), func(part string) bool { return strings.HasPrefix(part, ".") }):
		return "", fmt.Errorf("%s would not be read: names with a dot in front are passed over", path)
	}
	return path, nil
}

// folder is the folder of the configuration, or "" where that is one file.
func (e *Edit) folder() string {
	if len(e.files) == 1 && e.files[0].path != "" {
		if abs, err := absolute(e.tree.root, e.opts.WorkDir); err == nil && abs == e.files[0].path {
			return ""
		}
	}
	return e.tree.dirs[0]
}

// AddCertificate appends a block to file, which [Edit.CertificateFile] told.
// It takes the mark from another primary if the new one has it.
func (e *Edit) AddCertificate(file string, c NewCertificate) error {
	if err := CheckCertificateName(c.Name); err != nil {
		return err
	}
	if there, err := e.block(c.Name); err != nil {
		return err
	} else if there != nil {
		at := there.place()
		return fmt.Errorf("there is a certificate %q already, at %s:%d: certificates are replaced by new blocks, not edited; choose another name", c.Name, at.File, at.Line)
	}
	if c.Primary {
		if _, err := e.unmarkOthers(c.Name); err != nil {
			return err
		}
	}
	f, err := e.fileAt(file)
	if err != nil {
		return err
	}
	nl := newline(f.src)
	text := strings.ReplaceAll(string(c.block()), "\n", nl)
	if len(f.src) > 0 {
		text = nl + text
		if !bytes.HasSuffix(f.src, []byte("\n")) {
			text = nl + text
		}
	}
	return e.change(f, splice{len(f.src), len(f.src), text})
}

// fileAt is the file of that path, a new one if there is none.
func (e *Edit) fileAt(path string) (*edited, error) {
	abs, err := absolute(path, e.opts.WorkDir)
	if err != nil {
		return nil, err
	}
	for _, f := range e.files {
		if f.path == abs {
			return f, nil
		}
	}
	rel, err := filepath.Rel(e.tree.dirs[0], abs)
	if err != nil {
		return nil, errors.New("the file is no part of the configuration")
	}
	f := &edited{file: &file{name: filepath.ToSlash(rel), shown: path, path: abs}}
	e.files = append(e.files, f)
	if diags := f.parse(); diags.HasErrors() {
		return nil, diags
	}
	return f, nil
}

// block is the certificate as HCL.
func (c NewCertificate) block() []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body().AppendNewBlock("certificate", []string{c.Name}).Body()
	text := func(name, value string) {
		if value != "" {
			body.SetAttributeValue(name, cty.StringVal(value))
		}
	}
	if len(c.Hosts) == 1 {
		text("host", c.Hosts[0])
	} else if len(c.Hosts) > 1 {
		var list []cty.Value
		for _, h := range c.Hosts {
			list = append(list, cty.StringVal(h))
		}
		body.SetAttributeValue("hosts", cty.TupleVal(list))
	}
	text("pem", c.PEM)
	text("cert", c.Cert)
	text("key", c.Key)
	text("pkcs12", c.PKCS12)
	if c.Secret != "" {
		body.SetAttributeTraversal("passphrase", hcl.Traversal{hcl.TraverseRoot{Name: "secret"}, hcl.TraverseAttr{Name: c.Secret}})
	}
	text("ca", c.CA)
	if !c.Added.IsZero() {
		text("added", c.Added.UTC().Format(time.RFC3339))
	}
	if c.Primary {
		body.SetAttributeValue("primary", cty.True)
	}
	return hclwrite.Format(f.Bytes())
}
