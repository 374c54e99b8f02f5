package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"watchword/cmd/internal/config"
)

// inPlace is the block with the files where they are now.
func (add *addition) inPlace() (config.NewCertificate, error) {
	block := add.block()
	for _, path := range []*string{&block.PEM, &block.Cert, &block.Key, &block.PKCS12, &block.CA} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return block, fmt.Errorf("finding %s: %w", *path, err)
		}
		if _, err := os.Stat(abs); err != nil {
			return block, fmt.Errorf("adding certificate %q: %w", add.name, err)
		}
		*path = abs
	}
	return block, nil
}

func (add *addition) block() config.NewCertificate {
	return config.NewCertificate{
		Name: add.name, Hosts: add.hosts, PEM: add.pem, Cert: add.cert, Key: add.key, PKCS12: add.pkcs12,
		CA: add.ca, Secret: add.secret, Primary: add.primary,
	}
}

// placed is the block with its files in the folder certs beside file, and
// what has to be copied there. Files that are there already stay as they are.
func (add *addition) placed(file string) (config.NewCertificate, []config.Replacement, error) {
	block := add.block()
	dir := filepath.Join(filepath.Dir(file), "certs")
	var copies []config.Replacement
	for _, f := range []struct {
		path *string
		name string
	}{
		{&block.PEM, add.name + ".pem"},
		{&block.Cert, add.name + ".crt"},
		{&block.Key, add.name + ".key"},
		{&block.PKCS12, add.name + ".p12"},
		{&block.CA, add.name + "-ca.pem"},
	} {
		if *f.path == "" {
			continue
		}
		if sameFolder(filepath.Dir(*f.path), dir) {
			*f.path = "certs/" + filepath.Base(*f.path)
			continue
		}
		content, err := readCertificateFile(*f.path)
		if err != nil {
			return block, nil, err
		}
		copies = append(copies, config.Replacement{Path: filepath.Join(dir, f.name), Content: content, Mode: 0o600})
		*f.path = "certs/" + f.name
	}
	return block, copies, nil
}

func sameFolder(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	two, err := os.Stat(b)
	return err == nil && os.SameFile(one, two)
}

// readCertificateFile reads what has been loaded as a certificate before,
// which bounds it.
func readCertificateFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a plain file")
	}
	if err != nil {
		return nil, fmt.Errorf("copying %s: %w", path, err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("copying %s: %w", path, err)
	}
	return content, nil
}

// commitWithFiles copies the files of a certificate and makes the edit.
func (a *app) commitWithFiles(e *config.Edit, dryRun bool, copies []config.Replacement) error {
	if dryRun {
		for _, c := range copies {
			fmt.Fprintf(a.stdout, "would write %s\n", c.Path)
		}
		return a.commit(e, true)
	}
	if len(copies) > 0 {
		dir := filepath.Dir(copies[0].Path)
		if err := os.Mkdir(dir, 0o700); err == nil {
			defer func() { _ = os.Remove(dir) }() // if it is still empty
		} else if !os.IsExist(err) {
			return fmt.Errorf("copying the certificate: %w", err)
		}
	}
	if err := a.commit(e, false, copies...); err != nil {
		return err
	}
	for _, c := range copies {
		fmt.Fprintf(a.stdout, "wrote %s (mode 0600)\n", c.Path)
	}
	return nil
}
