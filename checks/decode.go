package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"
)

// The limits within which [Exchange.JSON] decodes a body. A target that
// answers with more gets [ReasonDecode], whatever the size of its answer:
// a megabyte of brackets or an exponent of ten digits takes seconds and
// gigabytes in whoever computes with it.
const (
	MaxJSONDepth    = 64     // arrays and objects inside one another
	MaxJSONValues   = 50_000 // values of all kinds, keys not counted
	MaxJSONDigits   = 64     // digits of one number, its exponent not counted
	MaxJSONExponent = 308    // of one number, with either sign
)

// ErrLimit is found by [errors.Is] in errors about answers that are beyond
// what watchword is willing to decode.
var ErrLimit = errors.New("beyond the limits for JSON")

// onceJSON is a body decoded at most once, and what was made of it.
type onceJSON struct {
	once  sync.Once
	value any
	err   error

	derive  sync.Once
	derived any
}

// Derived returns what compute makes of the body decoded as JSON, which is asked
// once only: all expressions of an answer share the result. Call it after
// [Exchange.JSON] has returned no error, with one kind of result.
func (x *Exchange) Derived(compute func(any) any) any {
	x.json.derive.Do(func() { x.json.derived = compute(x.json.value) })
	return x.json.derived
}

// JSON returns the body decoded as JSON, numbers as [json.Number]. It is
// decoded at the first call, within the limits of this package, and the same
// value is returned by each call: do not modify it. Errors are the body's
// (not JSON, empty) or wrap [ErrLimit].
func (x *Exchange) JSON() (any, error) {
	x.json.once.Do(func() {
		x.json.value, x.json.err = decodeJSON(x.Body)
	})
	return x.json.value, x.json.err
}

// decodeJSON decodes one JSON text within the limits.
func decodeJSON(body []byte) (any, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) // some servers send a byte order mark
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, errors.New("the body is empty, want JSON")
	}
	if err := scanJSON(body); err != nil {
		return nil, fmt.Errorf("decoding the body: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("the body is not JSON: %w", jsonError(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the body is not JSON: more follows after the first value, at byte %d", dec.InputOffset())
	}
	return v, nil
}

// jsonError replaces errors that say nothing to a reader.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("it ends too early")
	case errors.As(err, &syntax):
		return fmt.Errorf("%w at byte %d", err, syntax.Offset)
	default:
		return err
	}
}

// scanJSON looks for what is beyond the limits without building anything. It
// takes text that is not JSON for something within them: the decoder will
// have its say.
func scanJSON(b []byte) error {
	depth, values := 0, 0
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '{' || c == '[':
			depth++
			values++
			i++
		case c == '}' || c == ']':
			depth--
			i++
		case c == '"':
			end := skipString(b, i)
			if !isKey(b, end) {
				values++
			}
			i = end
		case c == '-' || isDigit(c):
			end, err := skipNumber(b, i)
			if err != nil {
				return err
			}
			values++
			i = end
		case c == 't' || c == 'f' || c == 'n':
			values++
			for i < len(b) && b[i] >= 'a' && b[i] <= 'z' {
				i++
			}
		default:
			i++
		}
		if depth > MaxJSONDepth {
			return fmt.Errorf("nested deeper than %d at byte %d: %w", MaxJSONDepth, i, ErrLimit)
		}
		if values > MaxJSONValues {
			return fmt.Errorf("more than %d values: %w", MaxJSONValues, ErrLimit)
		}
	}
	return nil
}

// skipString returns the index after the string that begins at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// isKey reports whether what ends at i is the key of an object.
func isKey(b []byte, i int) bool {
	for ; i < len(b); i++ {
		switch b[i] {
		case ' ', '\t', '\r', '\n':
		default:
			return b[i] == ':'
		}
	}
	return false
}

// skipNumber returns the index after the number that begins at i, or an error
// if it is beyond the limits.
func skipNumber(b []byte, i int) (int, error) {
	start, digits := i, 0
	for ; i < len(b); i++ {
		switch {
		case isDigit(b[i]):
			digits++
		case b[i] == '-' && i == start, b[i] == '.':
		case b[i] == 'e', b[i] == 'E':
			end := i + 1
			for end < len(b) && (isDigit(b[end]) || end == i+1 && (b[end] == '+' || b[end] == '-')) {
				end++
			}
			exp, err := strconv.ParseInt(string(b[i+1:min(end, i+24)]), 10, 64)
			if errors.Is(err, strconv.ErrRange) || math.Abs(float64(exp)) > MaxJSONExponent || end > i+24 {
				return 0, fmt.Errorf("a number with an exponent beyond %d at byte %d: %w", MaxJSONExponent, start, ErrLimit)
			}
			return end, nil
		default:
			return i, checkDigits(digits, start)
		}
		if digits > MaxJSONDigits {
			return 0, checkDigits(digits, start)
		}
	}
	return i, checkDigits(digits, start)
}

func checkDigits(digits, at int) error {
	if digits > MaxJSONDigits {
		return fmt.Errorf("a number of more than %d digits at byte %d: %w", MaxJSONDigits, at, ErrLimit)
	}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
