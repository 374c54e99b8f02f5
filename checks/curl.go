package checks

import (
	"bytes"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a curl command, in bytes.
const (
	maxCurlBody = 2 << 10
	maxCurl     = 6 << 10
)

// credentials returns the values of a request that authenticate it, whether
// or not the configuration calls them secrets.
func credentials(header http.Header) []string {
	var out []string
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		for _, value := range header[name] {
			out = append(out, value)
			scheme, token, ok := strings.Cut(value, " ")
			if !ok || name == "Cookie" {
				continue
			}
			out = append(out, token)
			if plain, err := base64.StdEncoding.DecodeString(token); err == nil && strings.EqualFold(scheme, "basic") {
				if _, password, ok := strings.Cut(string(plain), ":"); ok {
					out = append(out, password)
				}
			}
		}
	}
	return out
}

// curl returns a command for a POSIX shell that repeats the hop, with secrets
// as variables and key and certificate as names of files. It does not follow
// redirects: curl would take the certificate along.
func (h *hop) curl(red *Redactor) string {
	words := []string{"curl", "-sS", "-i"}
	add := func(option, value string) {
		words = append(words, option, quote(red, value))
	}
	if h.method == http.MethodHead {
		words = append(words, "--head")
	} else if h.method != http.MethodGet || len(h.body) > 0 {
		add("--request", h.method)
	}
	names := make([]string, 0, len(h.header))
	for name := range h.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range h.header[name] {
			add("--header", name+": "+value)
		}
	}
	switch {
	case len(h.body) == 0:
	case h.file != "":
		add("--data-binary", "@"+filepath.Base(h.file))
	case len(h.body) > maxCurlBody, !utf8.Valid(h.body), bytes.ContainsRune(h.body, 0):
		words = append(words, "--data-binary", "@body")
	case h.body[0] == '@': // would name a file
		add("--data-raw", string(h.body))
	default:
		add("--data-binary", string(h.body))
	}
	words = append(words, h.curlTLS(red)...)
	words = append(words, h.curlVersions()...)
	words = append(words, h.proxyCurl(red)...)
	target, connect := h.curlTarget()
	if connect != "" {
		add("--connect-to", connect)
	}
	if target.Host != h.url.Host && h.header["Host"] == nil {
		add("--header", "Host: "+h.url.Host)
	}
	words = append(words, quote(red, target.String()))
	return cut(strings.Join(words, " "), maxCurl)
}

// curlTLS returns the options for certificates.
func (h *hop) curlTLS(red *Redactor) []string {
	if h.url.Scheme != "https" {
		return nil
	}
	var words []string
	file := func(option, path string) {
		if path != "" {
			words = append(words, option, quote(red, filepath.Base(path)))
		}
	}
	if id := h.choice.Identity; id != nil {
		src := id.Source()
		file("--cert", src.PEM)
		file("--cert", src.Cert)
		file("--key", src.Key)
		if src.PKCS12 != "" {
			words = append(words, "--cert-type", "P12")
			file("--cert", src.PKCS12)
		}
		if !src.Passphrase.IsZero() {
			words = append(words, "--pass", `"$PASSPHRASE"`)
		}
		if h.request.Roots == nil {
			file("--cacert", src.CA)
		}
	}
	file("--cacert", h.request.RootsFile)
	if h.insecure() {
		words = append(words, "--insecure")
	}
	return words
}

// curlVersions returns the options for the versions of HTTP and IP.
func (h *hop) curlVersions() []string {
	var words []string
	switch h.request.HTTPVersion {
	case "1.1":
		words = append(words, "--http1.1")
	case "2":
		words = append(words, "--http2")
	}
	switch h.request.IPVersion {
	case 4:
		words = append(words, "--ipv4")
	case 6:
		words = append(words, "--ipv6")
	}
	return words
}

// curlTarget returns the URL to give to curl and its --connect-to. curl takes
// the SNI from the URL, so a server_name stands there in the host's place.
func (h *hop) curlTarget() (*url.URL, string) {
	target := h.url
	if h.url.Scheme == "https" && h.name != h.host {
		renamed := *h.url
		renamed.Host = net.JoinHostPort(h.name, h.port)
		target = &renamed
	}
	if target == h.url && h.connectTo == net.JoinHostPort(h.host, h.port) {
		return target, ""
	}
	return target, net.JoinHostPort(target.Hostname(), h.port) + ":" + h.connectTo
}

// quote returns s as one word for a POSIX shell. A secret becomes a variable
// in double quotes, named as the secret is, with what is around it quoted.
func quote(red *Redactor, s string) string {
	const mark = "\x00" // cannot stand in an argument
	s = red.replace(strings.ReplaceAll(s, mark, ""), func(name string) string {
		return mark + variable(name) + mark
	})
	var b strings.Builder
	for i, part := range strings.Split(s, mark) {
		switch {
		case i%2 == 1:
			b.WriteString(`"$` + part + `"`)
		case part != "":
			b.WriteString("'" + strings.ReplaceAll(printable(part, maxCurl), "'", `'\''`) + "'")
		}
	}
	if b.Len() == 0 {
		return "''"
	}
	return b.String()
}

// variable returns the shell variable for the secret of this name.
func variable(name string) string {
	upper := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		default:
			return '_'
		}
	}, name)
	if upper == "" || upper[0] >= '0' && upper[0] <= '9' {
		return "SECRET" + upper
	}
	return upper
}
