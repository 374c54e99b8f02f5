package checks_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"watchword/checks"
)

func TestRedactorFindsEveryWriting(t *testing.T) {
	const secret = `p&ss/w"örd +1'x`
	r := checks.NewRedactor(secret)
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"raw":           secret,
		"query":         "https://h/?k=" + url.QueryEscape(secret) + "&x=1",
		"query, lower":  strings.ToLower(url.QueryEscape("/")) + url.QueryEscape(secret),
		"path":          "https://h/" + url.PathEscape(secret) + "/x",
		"JSON":          `{"a":` + string(quoted) + `}`,
		"base64":        base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 at 1":   base64.StdEncoding.EncodeToString([]byte("u" + secret + "zz")),
		"base64 at 2":   base64.StdEncoding.EncodeToString([]byte("u:" + secret + "z")),
		"base64 at 3":   base64.StdEncoding.EncodeToString([]byte("me:" + secret)),
		"base64url at1": base64.URLEncoding.EncodeToString([]byte(":" + secret)),
		"shell":         `curl '` + strings.ReplaceAll(secret, `'`, `'\''`) + `'`,
	} {
		t.Run(name, func(t *testing.T) {
			got := r.Redact("before " + text + " after")
			if !strings.Contains(got, checks.Mask) {
				t.Fatalf("Redact(%q) = %q, want a mask in it", text, got)
			}
			if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
				t.Errorf("Redact(%q) = %q, want what is around it kept", text, got)
			}
			for _, part := range []string{secret[3:9], "ss%2Fw", "ss/w"} {
				if strings.Contains(got, part) {
					t.Errorf("Redact(%q) = %q, still has %q", text, got, part)
				}
			}
		})
	}
}

func TestRedactor(t *testing.T) {
	tests := map[string]struct {
		secrets []string
		text    string
		want    string
	}{
		"none":                {nil, "text", "text"},
		"too short":           {[]string{"ab", ""}, "abab", "abab"},
		"twice":               {[]string{"hunter2"}, "hunter2 hunter2", "*** ***"},
		"side by side":        {[]string{"hunter2"}, "hunter2hunter2", "******"},
		"the longest wins":    {[]string{"abc", "abcdef"}, "abcdefg", "***g"},
		"overlapping":         {[]string{"abcd", "cdef"}, "xabcdefx", "x***x"},
		"at the end":          {[]string{"abc"}, "xxabc", "xx***"},
		"lines of a key":      {[]string{"first line\nsecond line\n"}, "it says second line!", "it says ***!"},
		"without its newline": {[]string{"hunter2\n"}, "x hunter2.", "x ***."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := checks.NewRedactor(tt.secrets...).Redact(tt.text); got != tt.want {
				t.Errorf("Redact(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestRedactorIsNilSafe(t *testing.T) {
	var r *checks.Redactor
	if got := r.Redact("x"); got != "x" {
		t.Errorf("Redact = %q, want x", got)
	}
	if got := r.With("hunter2").Redact("hunter2"); got != checks.Mask {
		t.Errorf("Redact = %q, want %q", got, checks.Mask)
	}
}

func TestRedactorWithLeavesTheFirstAlone(t *testing.T) {
	a := checks.NewRedactor("hunter2")
	b := a.With("swordfish")
	if got := a.Redact("hunter2 swordfish"); got != "*** swordfish" {
		t.Errorf("Redact = %q, want the first unchanged", got)
	}
	if got := b.Redact("hunter2 swordfish"); got != "*** ***" {
		t.Errorf("Redact = %q, want both", got)
	}
	if a.With("hunter2") != a {
		t.Error("With of what is known makes a new Redactor, want the same")
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("hunter2", "a hunter2 b")
	f.Add("abc", "abcabcab")
	f.Add("a\nb\nc long line", "x")
	f.Fuzz(func(t *testing.T, secret, text string) {
		got := checks.NewRedactor(secret).Redact(text)
		if len(secret) >= 4 && strings.Contains(got, secret) && !strings.Contains(checks.Mask, secret) &&
			!strings.Contains(secret, "***") {
			t.Errorf("Redact(%q) = %q, still has %q", text, got, secret)
		}
	})
}
