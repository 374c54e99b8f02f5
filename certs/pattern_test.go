package certs

import (
	"slices"
	"strings"
	"testing"
)

func TestHostPatternMatch(t *testing.T) {
	for _, test := range []struct{ pattern, matches, others string }{
		{"api.acme.com", "api.acme.com", "acme.com xapi.acme.com api.acme.com.evil"},
		{"API.Acme.com.", "api.acme.com", ""},
		{"*.acme.com", "a.acme.com a.b.acme.com", "acme.com evilacme.com a.acme.com.evil"},
		{"*.ACME.com.", "a.acme.com", "acme.com"},
		{"**.acme.com", "a.acme.com a.b.acme.com", "acme.com"},
		{"*acme.com", "acme.com evilacme.com a.acme.com", "acme.comx"},
		{"{,*.}acme.com", "acme.com a.acme.com a.b.acme.com", "evilacme.com"},
		{"{a,b}.acme.com", "a.acme.com b.acme.com", "c.acme.com ab.acme.com"},
		{"api-{1..3}.acme.com", "api-1.acme.com api-2.acme.com api-3.acme.com", "api-0.acme.com api-4.acme.com"},
		{"api-{3..1}.acme.com", "api-1.acme.com api-2.acme.com api-3.acme.com", "api-0.acme.com"},
		{"api{01..10}.acme.com", "api01.acme.com api10.acme.com", "api1.acme.com api11.acme.com"},
		{"api{1..9..4}.acme.com", "api1.acme.com api5.acme.com api9.acme.com", "api2.acme.com"},
		{"{a..c}.acme.com", "a.acme.com c.acme.com", "d.acme.com"},
		{"{A..C}.acme.com", "a.acme.com c.acme.com", "d.acme.com"},
		{"{a,{b,c{1,2}}}.acme.com", "a.acme.com b.acme.com c1.acme.com c2.acme.com", "c.acme.com"},
		{"{api,*.eu}.{acme,corp}.com", "api.acme.com x.eu.corp.com", "api.eu.com eu.acme.com"},
		{"api?.acme.com", "api1.acme.com api-.acme.com api..acme.com", "api.acme.com api12.acme.com"},
		{"[a-c]x.acme.com", "ax.acme.com cx.acme.com", "dx.acme.com x.acme.com"},
		{"[!a-c]x.acme.com", "dx.acme.com 1x.acme.com", "ax.acme.com x.acme.com"},
		{"[^a-c]x.acme.com", "dx.acme.com", "bx.acme.com"},
		{"[a-c0-2]x.acme.com", "ax.acme.com 2x.acme.com", "dx.acme.com 3x.acme.com"},
		{"[!a-c0-2]x.acme.com", "dx.acme.com 3x.acme.com -x.acme.com", "ax.acme.com 2x.acme.com"},
		{"[a-]x.acme.com", "ax.acme.com -x.acme.com", "bx.acme.com"},
		{"[-a]x.acme.com", "ax.acme.com -x.acme.com", "bx.acme.com"},
		{"[A-C]x.acme.com", "bx.acme.com", "dx.acme.com"},
		{"a[.]b.com", "a.b.com", "axb.com"},
		{"x[a]y.com", "xay.com", "xby.com"},
		{"*-api.*.acme.com", "x-api.eu.acme.com x-api.eu.fra.acme.com", "api.eu.acme.com x-api.acme.com"},
		{"*.*", "a.b a.b.c", "a"},
		{"*", "a a.b", ""},
		{"a*a", "aa aba", "a"},
		{"*?*?.com", "ab.com abc.com", "a.com"},
		{"bücher.example", "xn--bcher-kva.example", ""},
		{"*.bücher.example", "a.xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"{bü,ba}cher.example", "xn--bcher-kva.example bacher.example", "bcher.example"},
		{"10.0.0.1", "10.0.0.1", "10.0.0.11"},
		{"[2001:DB8::1]", "2001:db8::1", "2001:db8::2"},
		{"2001:db8::1", "2001:db8::1", ""},
		{"my_*.acme.com", "my_host.acme.com", "my-host.acme.com"},
		{"*", "", "10.0.0.1 2001:db8::1 fe80::1%eth0"},
		{"*.*.*.*", "a.b.c.d 1.2.3.x", "1.2.3.4"},
		{"?*1", "a1", "127.0.0.1 ::1"},
	} {
		p, err := ParseHost(test.pattern)
		if err != nil {
			if test.pattern != "?*1" {
				t.Errorf("ParseHost(%q): %v", test.pattern, err)
			}
			continue
		}
		for host := range strings.FieldsSeq(test.matches) {
			if !p.Match(host) {
				t.Errorf("%q does not match %q, want a match", test.pattern, host)
			}
		}
		for host := range strings.FieldsSeq(test.others) {
			if p.Match(host) {
				t.Errorf("%q matches %q, want no match", test.pattern, host)
			}
		}
		if p.String() != test.pattern {
			t.Errorf("String() = %q, want %q", p.String(), test.pattern)
		}
	}
}

func TestHostPatternExact(t *testing.T) {
	for pattern, want := range map[string]bool{
		"acme.com": true, "10.0.0.1": true, "[::1]": true, "bücher.example": true,
		"{a,b}.acme.com": false, "*.acme.com": false, "a[b].com": false,
	} {
		if p, err := ParseHost(pattern); err != nil || p.Exact() != want {
			t.Errorf("ParseHost(%q).Exact() = %v, %v, want %v", pattern, p.Exact(), err, want)
		}
	}
}

func TestParseHostMistakes(t *testing.T) {
	for _, test := range []struct{ host, want string }{
		{"", `host "" is empty`},
		{" acme.com", `host " acme.com" has white space in it: want one host name or pattern`},
		{"a.com,b.com", `host "a.com,b.com" has ',', which cannot stand in a host name`},
		{"*.a.com,b.com", `host "*.a.com,b.com" has a comma outside of braces: want {a,b}, or a list in hosts`},
		{"https://acme.com", `host "https://acme.com" has a scheme in it, want only the host: "acme.com"`},
		{"https://acme.com:8443/x", `host "https://acme.com:8443/x" has a scheme in it, want only the host: "acme.com"`},
		{"https://*.acme.com", `host "https://*.acme.com" has a scheme in it, want only the host: "*.acme.com"`},
		{"acme.com/path", `host "acme.com/path" has a path in it, want only the host: "acme.com"`},
		{"user@acme.com", `host "user@acme.com" has a user name in it, want only the host: "acme.com"`},
		{"acme.com:443", `host "acme.com:443" has a port in it, want only the host: "acme.com" (ports make no difference)`},
		{"*.acme.com:*", `host "*.acme.com:*" has a port in it, want only the host: "*.acme.com" (ports make no difference)`},
		{"[::1]:443", `host "[::1]:443" has a port in it, want only the host: "[::1]" (ports make no difference)`},
		{"10.0.0.0/8", `host "10.0.0.0/8" is a range of IP addresses, want single addresses or host names`},
		{"10.0.0.*", `host "10.0.0.*" is a pattern over IP addresses: they match exactly, so each needs a host of its own`},
		{"10.0.0.{1,2}", `host "10.0.0.{1,2}" stands for "10.0.0.1", which is a pattern over IP addresses: they match exactly, so each needs a host of its own`},
		{"10.0.0.[1-9]", `host "10.0.0.[1-9]" is a pattern over IP addresses: they match exactly, so each needs a host of its own`},
		{"2001:db8::*", `host "2001:db8::*" is a pattern over IP addresses: they match exactly, so each needs a host of its own`},
		{"2001:db8::zz", `host "2001:db8::zz" is neither a host name nor an IP address: a colon stands in IPv6 addresses only`},
		{"10.0.0.256", `host "10.0.0.256" is no IP address: want four numbers from 0 to 255 without leading zeros`},
		{"!*.acme.com", `host "!*.acme.com" begins with "!": negation and comments are not supported`},
		{"#acme.com", `host "#acme.com" begins with "#": negation and comments are not supported`},
		{"+(a|b).acme.com", `host "+(a|b).acme.com" has the extended form +(…), which is not supported: use braces, as in {a,b}`},
		{"@(a|b).acme.com", `host "@(a|b).acme.com" has the extended form @(…), which is not supported: use braces, as in {a,b}`},
		{"x!(a).acme.com", `host "x!(a).acme.com" has the extended form !(…), which is not supported: use braces, as in {a,b}`},
		{`.*\.acme\.com`, `host ".*\\.acme\\.com" looks like a regular expression, want a pattern such as *.acme.com`},
		{"^acme.com$", `host "^acme.com$" looks like a regular expression, want a pattern such as *.acme.com`},
		{"{a.acme.com", `host "{a.acme.com" has an opening brace without a closing one`},
		{"*.acme.com}", `host "*.acme.com}" has a closing brace without an opening one`},
		{"{a}.acme.com", `host "{a}.acme.com" has {a}, want alternatives as in {a,b} or a range as in {1..3}`},
		{"{{a,b}}.acme.com", `host "{{a,b}}.acme.com" has braces with a single alternative inside, want {a,b} or {1..3}`},
		{"{1..x}.acme.com", `host "{1..x}.acme.com" has {1..x}, want alternatives as in {a,b} or a range as in {1..3}`},
		{"{1..65}.acme.com", `host "{1..65}.acme.com" stands for more than 64 names: use * or several hosts`},
		{"{1..99999999999999999999}.acme.com", `host "{1..99999999999999999999}.acme.com" has {1..99999999999999999999}, want alternatives as in {a,b} or a range as in {1..3}`},
		{"{1..9}{1..9}.acme.com", `host "{1..9}{1..9}.acme.com" stands for more than 64 names: use * or several hosts`},
		{
			"{a,b,c}*-[0-9][0-9]-?????????????????????*.acme.com",
			`host "{a,b,c}*-[0-9][0-9]-?????????????????????*.acme.com" has 75 characters beside ? or classes between stars, over all its expansions, want at most 64`,
		},
		{"[ab.acme.com", `host "[ab.acme.com" has an opening bracket without a closing one`},
		{"*ab].acme.com", `host "*ab].acme.com" has a closing bracket without an opening one`},
		{"[].acme.com", `host "[].acme.com" has the class [], which holds no character of a host name`},
		{"[z-a].acme.com", `host "[z-a].acme.com" has the class [z-a] with the range z-a, which is empty`},
		{"[a/].acme.com", `host "[a/].acme.com" has a path in it, want only the host`},
		{"[a%].acme.com", `host "[a%].acme.com" has the class [a%], which holds other characters than host names do`},
		{"[[:alpha:]].acme.com", `host "[[:alpha:]].acme.com" has a named class, which is not supported: want [a-z0-9]`},
		{"*.bü*.example", `host "*.bü*.example" has a wildcard beside international characters in "bü*": hosts are compared in punycode, so that it would match nothing`},
		{".acme.com", `host ".acme.com" has an empty part: it begins with a dot, or two dots follow one another`},
		{"*..acme.com", `host "*..acme.com" has an empty part: it begins with a dot, or two dots follow one another`},
		{"*..", `host "*.." has an empty part: it begins with a dot, or two dots follow one another`},
		{"{,a}.acme.com", `host "{,a}.acme.com" stands for ".acme.com", which has an empty part: it begins with a dot, or two dots follow one another`},
		{"*.acme$.com", `host "*.acme$.com" looks like a regular expression, want a pattern such as *.acme.com`},
		{"*.acme%.com", `host "*.acme%.com" has '%', which cannot stand in a host name`},
		{strings.Repeat("a", 250) + "*.com", `has 255 characters, want at most 253`},
		{"a\x00*", `has a control character in it`},
		{"a\xff*", `is not valid UTF-8`},
	} {
		_, err := ParseHost(test.host)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("ParseHost(%q):\n got %v\nwant %s", test.host, err, test.want)
		}
	}
}

func TestHostPatternWarnings(t *testing.T) {
	for pattern, want := range map[string]string{
		"*":                `covers every host`,
		"**":               `covers every host`,
		"*acme.com":        `also covers "evilacme.com", want "*.acme.com" or "{,*.}acme.com"`,
		"*acme.co.uk":      `also covers "evilacme.co.uk"`,
		"api*acme.com":     `also covers "apievilacme.com"`,
		"*internal":        `also covers "evilinternal"`,
		"*corp.internal":   `also covers "evilcorp.internal"`,
		"acme.*":           `ends with a wildcard`,
		"api.acme.co?":     `ends with a wildcard`,
		"*.com":            `covers every host below ".com"`,
		"*.co.uk":          `covers every host below ".co.uk"`,
		"{a,b}*acme.com":   `also covers`,
		"{*.acme.com,a.*}": `ends with a wildcard`,
		"*.acme.com":       "",
		"*-api.acme.com":   "",
		"{,*.}acme.com":    "",
		"*.internal":       "",
		"*.svc.local":      "",
		"acme.com":         "",
		"10.0.0.1":         "",
	} {
		p, err := ParseHost(pattern)
		if err != nil {
			t.Errorf("ParseHost(%q): %v", pattern, err)
			continue
		}
		got := strings.Join(p.Warnings(), "\n")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("warnings of %q are %q, want %q", pattern, got, want)
		}
	}
}

func TestExpandBraces(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"a", []string{"a"}},
		{"a{b,c}d", []string{"abd", "acd"}},
		{"{a,b}{c,d}", []string{"ac", "ad", "bc", "bd"}},
		{"{,a}", []string{"", "a"}},
		{"{a,}", []string{"a", ""}},
		{"{a,b{c,d}}", []string{"a", "bc", "bd"}},
		{"{{a,b},c}", []string{"a", "b", "c"}},
		{"{1..3}", []string{"1", "2", "3"}},
		{"{3..1}", []string{"3", "2", "1"}},
		{"{1..10..3}", []string{"1", "4", "7", "10"}},
		{"{1..10..-3}", []string{"1", "4", "7", "10"}},
		{"{1..3..0}", []string{"1", "2", "3"}},
		{"{8..10}", []string{"8", "9", "10"}},
		{"{08..10}", []string{"08", "09", "10"}},
		{"{-1..1}", []string{"-1", "0", "1"}},
		{"{-01..1}", []string{"-01", "000", "001"}},
		{"{a..e..2}", []string{"a", "c", "e"}},
		{"{c..a}", []string{"c", "b", "a"}},
		{"{a,1..3}", []string{"a", "1..3"}},
		{"a,b", []string{"a,b"}},
	} {
		got, err := expandBraces(test.text)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("expandBraces(%q) = %q, %v, want %q", test.text, got, err, test.want)
		}
	}
	for _, bomb := range []string{
		"{1..9223372036854775807}", "{-9223372036854775808..9223372036854775807}", "{1..65}",
		strings.Repeat("{a,b}", 40), strings.Repeat("{", 120) + "a,b" + strings.Repeat(",c}", 120), strings.Repeat("{a,", 84),
	} {
		if got, err := expandBraces(bomb); err == nil {
			t.Errorf("expandBraces(%q) gives %d texts, want an error", bomb, len(got))
		}
	}
}
