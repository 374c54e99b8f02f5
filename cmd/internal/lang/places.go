package lang

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

func timeFunctions() []fn {
	return []fn{
		{signature: "formatdate(spec, time)", doc: "Time in a format like \"YYYY-MM-DD\"; times are texts of RFC 3339.", f: stdlib.FormatDateFunc},
		{signature: "now()", doc: "Seconds since 1970, with fractions.", volatile: true, f: generator(cty.Number, func() cty.Value {
			return cty.NumberFloatVal(float64(time.Now().UnixMicro()) / 1e6)
		})},
		{signature: "timeadd(time, duration)", doc: "Time of RFC 3339 moved by a duration like \"1h30m\" or \"-10s\".", f: stdlib.TimeAddFunc},
		{signature: "timecmp(a, b)", doc: "-1, 0 or 1: whether time a is before, at or after time b.", f: timecmpFunction()},
		{signature: "timestamp()", doc: "Time of the call, as a text of RFC 3339.", volatile: true, f: generator(cty.String, func() cty.Value {
			return cty.StringVal(time.Now().UTC().Format(time.RFC3339))
		})},
		{signature: "unixtime(time)", doc: "Seconds since 1970 of a time of RFC 3339, or of HTTP as in the header Date: now() - unixtime(…) is an age.", f: unixtimeFunction()},
		{signature: "uuid()", doc: "Random UUID (RFC 9562, version 4).", volatile: true, f: generator(cty.String, func() cty.Value {
			return cty.StringVal(uuid.NewString())
		})},
		{signature: "random_string(length)", doc: "Random text of letters and digits.", volatile: true, f: randomFunction()},
	}
}

// placeFunctions depend on where watchword runs.
func placeFunctions(sh *shared) []fn {
	return []fn{
		{signature: "env(name)", doc: "Value of an environment variable. An error if it is not set.", f: sh.envFunction()},
		{signature: "file(path)", doc: "Text of a file; a relative path begins at the folder of the file it stands in.", inDir: sh.fileFunction},
	}
}

func generator(t cty.Type, next func() cty.Value) function.Function {
	return function.New(&function.Spec{
		Type: function.StaticReturnType(t),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) { return next(), nil },
	})
}

func randomFunction() function.Function {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "length", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			n, accuracy := args[0].AsBigFloat().Int64()
			if accuracy != big.Exact || n < 1 || n > 1024 {
				return cty.NilVal, function.NewArgErrorf(0, "a whole number from 1 to 1,024 is required")
			}
			text := make([]byte, n)
			for i := range text {
				at, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
				if err != nil {
					return cty.NilVal, fmt.Errorf("reading random bytes: %w", err)
				}
				text[i] = letters[at.Int64()]
			}
			return cty.StringVal(string(text)), nil
		},
	})
}

func timecmpFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "a", Type: cty.String}, {Name: "b", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			var times [2]time.Time
			for i, a := range args {
				t, err := time.Parse(time.RFC3339, a.AsString())
				if err != nil {
					return cty.NilVal, function.NewArgErrorf(i, "a time of RFC 3339 is required")
				}
				times[i] = t
			}
			return cty.NumberIntVal(int64(times[0].Compare(times[1]))), nil
		},
	})
}

func unixtimeFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "time", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			t, err := time.Parse(time.RFC3339, args[0].AsString())
			if err != nil {
				t, err = http.ParseTime(args[0].AsString())
			}
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "a time of RFC 3339 or HTTP is required")
			}
			return cty.NumberFloatVal(float64(t.UnixMicro()) / 1e6), nil
		},
	})
}

func (sh *shared) envFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, marks := args[0].Unmark()
			text, ok := sh.o.Environ(name.AsString())
			switch {
			case ok:
				return cty.StringVal(text).WithMarks(marks), nil
			case len(marks) > 0:
				return cty.NilVal, errors.New("the environment variable is not set")
			default:
				return cty.NilVal, fmt.Errorf("the environment variable %s is not set", cut(name.AsString(), maxKey))
			}
		},
	})
}

// fileText is what file() has read.
type fileText struct {
	text string
	err  error
}

func (sh *shared) fileFunction(dir string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path, marks := args[0].Unmark()
			text, err := sh.readFile(dir, path.AsString())
			if err != nil && len(marks) > 0 {
				return cty.NilVal, errors.New("the file cannot be read")
			}
			if err != nil {
				return cty.NilVal, fmt.Errorf("%s: %w", cut(path.AsString(), maxKey), err)
			}
			return cty.StringVal(text).WithMarks(marks), nil
		},
	})
}

// readFile reads a file once; later calls get the same answer.
func (sh *shared) readFile(dir, path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	sh.mu.Lock()
	known, ok := sh.files[path]
	sh.mu.Unlock()
	if ok {
		return known.text, known.err
	}
	text, err := readText(path)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.files[path] = fileText{text, err}
	return text, err
}

// readText reads a plain file of UTF-8, of at most MaxFile bytes.
func readText(path string) (string, error) {
	b, err := ReadFile(path, MaxFile)
	if err == nil && !utf8.Valid(b) {
		err = errors.New("not UTF-8")
	}
	return string(b), err
}

// ReadFile reads a plain file of at most limit bytes, whole MiB. It waits on
// no pipe and no device. Its errors do not hold the path.
func ReadFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, cause(err)
	}
	if !info.Mode().IsRegular() { // opening a device may do something
		return nil, errors.New("not a plain file")
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, cause(err)
	}
	defer func() { _ = f.Close() }() // only read
	if info, err = f.Stat(); err != nil {
		return nil, cause(err)
	} else if !info.Mode().IsRegular() { // another one by now
		return nil, errors.New("not a plain file")
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, cause(err)
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("larger than %d MiB", limit>>20)
	}
	return b, nil
}

func cause(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}
