package certs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// maxFile bounds a certificate, key or CA file, in bytes.
const maxFile = 4 << 20

// What the attributes of a certificate block expect of their files.
const (
	wantPEM    = "PEM with the certificate, its chain and its private key"
	wantCerts  = "PEM certificates, the client certificate and its chain"
	wantKey    = "one PEM private key"
	wantPKCS12 = "a PKCS#12 bundle (.p12 or .pfx) with the certificate, its chain and its private key"
	wantCA     = "PEM certificates of authorities"
)

// A FileError says why a file of a certificate block cannot be used: what it
// is, and what was expected. It never holds contents of the file.
type FileError struct {
	Attribute string // of the block: "pem", "cert", "key", "pkcs12", "ca" or "passphrase"
	Path      string
	Found     string // what it is, to follow the path: "is a directory"
	Want      string // what was expected; may be empty
	Hint      string // what mends it, a sentence; may be empty
	Command   string // for a POSIX shell, mends it; may be empty
	Err       error  // the cause; may be nil
}

// Error returns one line.
func (e *FileError) Error() string {
	text := e.Path + " " + e.Found
	if e.Want != "" {
		text += ", want " + e.Want
	}
	switch {
	case e.Hint != "" && e.Command != "":
		text += " (" + e.Hint + ": " + e.Command + ")"
	case e.Hint+e.Command != "":
		text += " (" + e.Hint + e.Command + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// A file is what was read for an attribute.
type file struct {
	attribute, path, want string
	data                  []byte
	mode                  fs.FileMode
}

// fail returns an error about the file.
func (f *file) fail(found, hint string) *FileError {
	return &FileError{Attribute: f.attribute, Path: f.path, Found: found, Want: f.want, Hint: hint}
}

// readFile reads a plain file, or a symbolic link to one, of bounded size.
// Nothing else is opened: a named pipe would hang, a device could do anything.
func readFile(attribute, path, want string) (*file, error) {
	f := &file{attribute: attribute, path: path, want: want}
	if path == "" {
		return nil, &FileError{Attribute: attribute, Found: "is missing", Path: attribute, Want: "a file with " + want}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, f.unreadable(err)
	}
	if err := f.checkKind(info); err != nil {
		return nil, err
	}
	// The file may have been replaced since: neither wait for a pipe's writer
	// nor believe the size.
	in, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, f.unreadable(err)
	}
	defer in.Close()
	if info, err = in.Stat(); err != nil {
		return nil, f.unreadable(err)
	}
	if err := f.checkKind(info); err != nil {
		return nil, err
	}
	f.mode = info.Mode()
	var b bytes.Buffer
	b.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(in, maxFile+1)); err != nil {
		return nil, f.unreadable(err)
	}
	if b.Len() > maxFile {
		return nil, f.tooLarge()
	}
	f.data = b.Bytes()
	return f, nil
}

// checkKind refuses everything but plain files of bounded size.
func (f *file) checkKind(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return f.fail("is a directory", "")
	case mode&fs.ModeNamedPipe != 0:
		return f.fail("is a named pipe", "")
	case mode&fs.ModeSocket != 0:
		return f.fail("is a socket", "")
	case mode&fs.ModeDevice != 0:
		return f.fail("is a device", "")
	case !mode.IsRegular():
		return f.fail("is not a plain file", "")
	case info.Size() > maxFile:
		return f.tooLarge()
	}
	return nil
}

func (f *file) tooLarge() error {
	return f.fail(fmt.Sprintf("has more than %d MiB", maxFile>>20), "")
}

func (f *file) unreadable(err error) error {
	e := f.fail("", "")
	e.Err = err
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Found = "does not exist"
	case errors.Is(err, fs.ErrPermission):
		e.Found, e.Hint = "may not be read by this process", "give its user read permission"
	default:
		e.Found = "cannot be read: " + plainCause(err)
	}
	return e
}

// plainCause returns what went wrong without the operation and the path.
func plainCause(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}

// shellWord returns s as one word for a POSIX shell.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+,:@%=", r)
	}
	if s != "" && strings.TrimFunc(s, plain) == "" && !strings.HasPrefix(s, "-") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
