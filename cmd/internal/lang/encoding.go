package lang

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // checksums that APIs ask for
	"crypto/sha1" //nolint:gosec // checksums that APIs ask for
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"watchword/checks"
)

func encodingFunctions() []fn {
	return []fn{
		{signature: "base64decode(text)", doc: "Text that base64 stands for; it must be UTF-8.", f: mapper(fromBase64)},
		{signature: "base64encode(text)", doc: "Text in base64 (RFC 4648).", f: mapper(func(s string) (string, error) {
			return base64.StdEncoding.EncodeToString([]byte(s)), nil
		})},
		{signature: "csvdecode(text)", doc: "Lines of CSV as a list of objects; the first line names their attributes.", f: stdlib.CSVDecodeFunc},
		{signature: "hex(text)", doc: "Bytes of a text in hexadecimal.", f: mapper(func(s string) (string, error) { return hex.EncodeToString([]byte(s)), nil })},
		{signature: "jsondecode(text)", doc: "Value that a text in JSON stands for, within the limits for answers.", f: jsonDecodeFunction()},
		{signature: "jsonencode(value)", doc: "Value as JSON.", f: stdlib.JSONEncodeFunc},
		{signature: "jwt(token)", doc: "Object with the header and the claims of a JSON Web Token. The signature is not checked.", f: jwtFunction()},
		{signature: "urldecode(text)", doc: "Text without the escapes of a query.", f: mapper(fromQuery)},
		{signature: "urlencode(text)", doc: "Text escaped for a query.", f: mapper(func(s string) (string, error) { return url.QueryEscape(s), nil })},
	}
}

func hashFunctions() []fn {
	return []fn{
		{signature: "base64sha256(text)", doc: "SHA-256 in base64.", f: mapper(func(s string) (string, error) {
			return base64.StdEncoding.EncodeToString(digest(sha256.New(), s)), nil
		})},
		{signature: "base64sha512(text)", doc: "SHA-512 in base64.", f: mapper(func(s string) (string, error) {
			return base64.StdEncoding.EncodeToString(digest(sha512.New(), s)), nil
		})},
		{signature: "hmac_sha256(key, text)", doc: "HMAC with SHA-256 (RFC 2104), in hexadecimal.", f: hmacFunction()},
		{signature: "md5(text)", doc: "MD5 in hexadecimal.", f: hexHash(md5.New)},
		{signature: "sha1(text)", doc: "SHA-1 in hexadecimal.", f: hexHash(sha1.New)},
		{signature: "sha256(text)", doc: "SHA-256 in hexadecimal.", f: hexHash(sha256.New)},
		{signature: "sha512(text)", doc: "SHA-512 in hexadecimal.", f: hexHash(sha512.New)},
	}
}

func digest(h hash.Hash, s string) []byte {
	h.Write([]byte(s))
	return h.Sum(nil)
}

func hexHash(h func() hash.Hash) function.Function {
	return mapper(func(s string) (string, error) { return hex.EncodeToString(digest(h(), s)), nil })
}

func hmacFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "key", Type: cty.String}, {Name: "text", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			h := hmac.New(sha256.New, []byte(args[0].AsString()))
			return cty.StringVal(hex.EncodeToString(digest(h, args[1].AsString()))), nil
		},
	})
}

func fromBase64(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", errors.New("not base64")
	}
	if !utf8.Valid(b) {
		return "", errors.New("the result is not UTF-8")
	}
	return string(b), nil
}

func fromQuery(s string) (string, error) {
	text, err := url.QueryUnescape(s)
	if err != nil {
		return "", errors.New("not escaped as in a query")
	}
	return text, nil
}

// decodeJSON reads JSON within the limits that hold for answers.
func decodeJSON(text string) (cty.Value, error) {
	tree, err := (&checks.Exchange{Body: []byte(text)}).JSON()
	if errors.Is(err, checks.ErrLimit) {
		return cty.NilVal, err
	}
	if err != nil {
		return cty.NilVal, errors.New("not JSON")
	}
	return fromTree(tree), nil
}

func jsonDecodeFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}},
		Type: func(args []cty.Value) (cty.Type, error) {
			text, ok := stringArg(args, 0)
			if !ok {
				return cty.DynamicPseudoType, nil
			}
			v, err := decodeJSON(text)
			if err != nil {
				return cty.NilType, function.NewArgError(0, err)
			}
			return v.Type(), nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return decodeJSON(args[0].AsString()) },
	})
}

func jwtFunction() function.Function {
	of := func(token string) (cty.Value, error) {
		parts := strings.Split(strings.TrimPrefix(strings.TrimSpace(token), "Bearer "), ".")
		if len(parts) != 3 {
			return cty.NilVal, errors.New("not a JSON Web Token: it has no three parts")
		}
		var decoded [2]cty.Value
		for i := range decoded {
			raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[i], "="))
			if err != nil {
				return cty.NilVal, errors.New("not a JSON Web Token: a part is not base64")
			}
			if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
				return cty.NilVal, errors.New("not a JSON Web Token: a part is not an object of JSON")
			}
			if decoded[i], err = decodeJSON(string(raw)); err != nil {
				return cty.NilVal, errors.New("not a JSON Web Token: a part is not JSON")
			}
		}
		return cty.ObjectVal(map[string]cty.Value{"header": decoded[0], "claims": decoded[1]}), nil
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "token", Type: cty.String}},
		Type: func(args []cty.Value) (cty.Type, error) {
			token, ok := stringArg(args, 0)
			if !ok {
				return cty.Object(map[string]cty.Type{"header": cty.DynamicPseudoType, "claims": cty.DynamicPseudoType}), nil
			}
			v, err := of(token)
			if err != nil {
				return cty.NilType, function.NewArgError(0, err)
			}
			return v.Type(), nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return of(args[0].AsString()) },
	})
}
