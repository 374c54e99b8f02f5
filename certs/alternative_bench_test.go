package certs

import (
	"strings"
	"testing"
)

// The slowest patterns within the limits, on the hosts that keep them busy
// longest: none comes near a millisecond.
func BenchmarkSlowPattern(b *testing.B) {
	host := strings.Repeat(strings.Repeat("a", 62)+".", 4)[:251] + "a"
	alternatives := "{" + strings.Repeat("*,", 63) + "}"
	for name, pattern := range map[string]string{
		"64 expansions": alternatives + "[bc]*a",
		"classes":       "*" + strings.Repeat("[.a]", 58) + "[bc]*a",
		"stars":         strings.Repeat("*a", 124) + "b*",
	} {
		p, err := ParseHost(pattern)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Match(host)
			}
		})
	}
}
