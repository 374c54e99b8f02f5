package checks_test

import (
	"testing"
	"time"

	"watchword/checks"
)

func TestTimingString(t *testing.T) {
	for want, timing := range map[string]checks.Timing{
		"": {},
		"connect 120µs · tls 1.09ms · wait 180µs · total 1.39ms": {
			Connect: 123 * time.Microsecond, TLS: 1088 * time.Microsecond, Wait: 181 * time.Microsecond, Total: 1392 * time.Microsecond,
		},
		"dns 48ms · wait 1.23s · transfer 40µs · total 1.28s": {
			DNS: 48_400 * time.Microsecond, Wait: 1_234 * time.Millisecond, Transfer: 44 * time.Microsecond, Total: 1_282 * time.Millisecond,
		},
	} {
		if got := timing.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}
