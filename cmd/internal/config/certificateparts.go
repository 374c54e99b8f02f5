package config

import "watchword/certs"

// parts says which attributes of a certificate block are given.
type parts struct {
	pem, cert, key, pkcs12, ca, passphrase bool
}

// brings reports whether the block names a certificate.
func (p parts) brings() bool { return p.pem || p.cert || p.key || p.pkcs12 }

// passphrase reads passphrase. A secret that cannot be read spoils only this
// certificate, if its key needs it.
func (l *loader) passphrase(c *certificate) opt[string] {
	o, err := l.secretText(c.block, "passphrase")
	if o.ok() {
		text := o.value
		c.source.Passphrase = certs.NewPassphrase(func() (string, error) { return text, err })
	}
	return o
}

// pairing reports pem, cert, key, pkcs12, ca and passphrase that do not go
// together.
func (l *loader) pairing(c *certificate, p parts) {
	b := c.block
	l.exclusion(b, p)
	switch {
	case p.cert && !p.key && !b.broken:
		l.errorf(b.attrAt("cert"), "A certificate without key", "Add key, or name a file that holds both with pem or pkcs12.")
	case p.key && !p.cert && !p.pem && !p.pkcs12 && !b.broken:
		l.errorf(b.attrAt("key"), "A key without certificate", "Add cert, or name a file that holds both with pem or pkcs12.")
	case !p.brings() && !p.ca && !b.broken:
		l.errorf(b.at, "No certificate", "Write pem, or cert and key, or pkcs12, or (for a CA alone) ca.")
	}
	_, named := b.attrs["host"]
	_, listed := b.attrs["hosts"]
	switch {
	case b.broken:
	case c.source.Primary && !p.brings():
		l.errorf(b.attrAt("primary"), "Nothing to present", "The primary certificate needs pem, or cert and key, or pkcs12.")
	case p.ca && !p.brings() && !named && !listed:
		l.errorf(b.attrAt("ca"), "A CA for no host", "Add host: for whose servers is this CA?")
	}
	if p.passphrase && !p.brings() && !b.broken {
		l.errorf(b.attrAt("passphrase"), "A passphrase for nothing", "It opens a private key: add pem, or cert and key, or pkcs12.")
	}
	if c.source.ExcludeSystemRoots && !p.ca && !b.broken {
		l.errorf(b.attrAt("system_roots"), "No CA left", "Without the system's CAs no server can be verified: add ca.")
	}
}

// exclusion reports several ways to name a certificate in one block.
func (l *loader) exclusion(b *block, p parts) {
	other := ""
	switch {
	case p.pem && p.pkcs12:
		other = "pem"
	case p.cert:
		other = "cert"
	case p.key:
		other = "key"
	}
	switch {
	case other == "":
	case p.pkcs12:
		l.errorf(b.attrAt(other), "pkcs12 together with "+other, "pkcs12 holds the chain and the key in one file; write one of pem, cert and key, and pkcs12.")
	case p.pem:
		l.errorf(b.attrAt(other), "pem together with "+other, "pem holds the chain and the key in one file; write either pem, or cert and key.")
	}
}
