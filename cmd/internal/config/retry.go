package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

const (
	maxAttempts       = 100
	defaultRetryDelay = time.Second
)

// A retryLayer is what one retry block says.
type retryLayer struct {
	at       hcl.Range
	attempts opt[int]
	delay    opt[time.Duration]
	backoff  opt[checks.Backoff]
	onlyOn   opt[[]checks.Reason]
}

// retry evaluates a retry block.
func (l *loader) retry(b *block) retryLayer {
	return retryLayer{
		at: b.at,
		attempts: decode(l, b, "attempts", cty.Number, func(v cty.Value) (int, error) {
			return wholeNumber(v, 1, maxAttempts)
		}),
		delay: l.duration(b, "delay", 0),
		backoff: parsed(l, b, "backoff", func(s string) (checks.Backoff, error) {
			if known := checks.Backoff(s); slices.Contains(checks.Backoffs(), known) {
				return known, nil
			}
			names := make([]string, 0, len(checks.Backoffs()))
			for _, known := range checks.Backoffs() {
				names = append(names, string(known))
			}
			if near := lang.Suggest(s, names); near != "" {
				return "", fmt.Errorf("%q may be meant as %q", clip(s), near)
			}
			return "", fmt.Errorf("%q is none of them", clip(s))
		}),
		onlyOn: l.reasonPrefixes(b, "only_on"),
	}
}

// over is r where it says something, and outer elsewhere.
func (r retryLayer) over(outer retryLayer) retryLayer {
	m := retryLayer{
		at:       r.at,
		attempts: r.attempts.or(outer.attempts),
		delay:    r.delay.or(outer.delay),
		backoff:  r.backoff.or(outer.backoff),
		onlyOn:   r.onlyOn.or(outer.onlyOn),
	}
	if r.at.Filename == "" {
		m.at = outer.at
	}
	return m
}

// value is what it comes to.
func (r retryLayer) value() checks.Retry {
	if r.attempts.otherwise(1) == 1 {
		return checks.Retry{}
	}
	return checks.Retry{
		Attempts: r.attempts.value,
		Delay:    r.delay.otherwise(defaultRetryDelay),
		Backoff:  r.backoff.otherwise(checks.Constant),
		OnlyOn:   r.onlyOn.value,
	}
}

// retriesFit warns of retries that take longer than the interval, or that
// there are none.
func (l *loader) retriesFit(m *Monitor, y *layer, interval time.Duration) {
	r := y.retry
	if r.at.Filename != "" && !r.attempts.set && !y.broken {
		l.warnf(r.at, "Nothing is tried again", "Without attempts a run is tried once: add attempts = 2 or more.")
	}
	longest := m.Check.Retry.Longest(m.Check.Timeout)
	if m.Check.Timeout <= interval && longest > interval {
		l.warnf(r.attempts.at, "Retries longer than the interval",
			"A run of %d attempts may take %s, and the next is due after %s: runs that overlap are skipped.",
			m.Check.Retry.Attempts, formatDuration(longest), formatDuration(interval))
	}
}
