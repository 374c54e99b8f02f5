package certs

import (
	"strings"
	"testing"
)

func TestNormalizeHost(t *testing.T) {
	long := strings.Repeat("abcdefg.", 31) + "abcde" // 253 characters
	for _, test := range []struct{ host, want, err string }{
		{"api.acme.com", "api.acme.com", ""},
		{"API.Acme.COM", "api.acme.com", ""},
		{"api.acme.com.", "api.acme.com", ""},
		{"api.acme.com..", "", "two dots"},
		{"localhost", "localhost", ""},
		{"_sip.acme.com", "_sip.acme.com", ""},
		{"my_host", "my_host", ""},
		{"r3---sn-abc.acme.com", "r3---sn-abc.acme.com", ""},
		{"web.1", "web.1", ""},
		{"Bücher.example", "xn--bcher-kva.example", ""},
		{"BÜCHER.example.", "xn--bcher-kva.example", ""},
		{"xn--BCHER-kva.example", "xn--bcher-kva.example", ""},
		{"my_bücher.example", "xn--my_bcher-95a.example", ""},
		{"例え。テスト", "xn--r8jz45g.xn--zckzah", ""},
		{"faß.de", "xn--fa-hia.de", ""},
		{"10.0.0.1", "10.0.0.1", ""},
		{"10.0.0.1.", "10.0.0.1", ""},
		{"::1", "::1", ""},
		{"[::1]", "::1", ""},
		{"2001:DB8:0:0::1", "2001:db8::1", ""},
		{"[2001:db8::0001]", "2001:db8::1", ""},
		{"fe80::1%eth0", "fe80::1%eth0", ""},
		{"::ffff:10.0.0.1", "::ffff:10.0.0.1", ""},
		{long, long, ""},
		{long + "f", "", "has 254 characters, want at most 253"},
		{strings.Repeat("a", 64) + ".com", "", "a part of 64 characters"},
		{"", "", "is empty"},
		{".", "", "is only a dot"},
		{"a..b", "", "two dots"},
		{".acme.com", "", "begins with a dot"},
		{"10.0.0.256", "", "is no IP address"},
		{"10.1", "", "is no IP address"},
		{"010.0.0.1", "", "is no IP address"},
		{"acme.com:443", "", "a colon stands in IPv6 addresses only"},
		{"[10.0.0.1]", "", `has '['`},
		{"acme com", "", `has ' '`},
		{"*.acme.com", "", `has '*'`},
		{"a\x00b", "", `has '\x00'`},
		{"a\xffb.com", "", "is not valid UTF-8"},
	} {
		got, err := NormalizeHost(test.host)
		if test.err == "" && (err != nil || got != test.want) {
			t.Errorf("NormalizeHost(%q) = %q, %v, want %q", test.host, got, err, test.want)
		}
		if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("NormalizeHost(%q) = %q, %v, want an error with %q", test.host, got, err, test.err)
		}
		if err != nil {
			continue
		}
		if again, err := NormalizeHost(got); again != got || err != nil {
			t.Errorf("NormalizeHost(%q) = %q, %v: not stable", got, again, err)
		}
	}
}

func TestNormalizeHostAllocatesNothing(t *testing.T) {
	for _, host := range []string{"api.acme.com", "10.0.0.1", "2001:db8::1"} {
		allocs := testing.AllocsPerRun(100, func() { _, _ = NormalizeHost(host) })
		if allocs != 0 {
			t.Errorf("NormalizeHost(%q) allocates %v times, want 0", host, allocs)
		}
	}
}
