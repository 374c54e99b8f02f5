package alerts

import (
	"cmp"
	"strings"
)

// CompareSeverity orders severities, the worst first. They are words of the
// user's: those that are usual elsewhere (Prometheus, PagerDuty, syslog) have
// their place, all others that of a warning.
func CompareSeverity(a, b string) int { return cmp.Compare(severityRank(a), severityRank(b)) }

func severityRank(word string) int {
	switch strings.ToLower(word) {
	case "emergency", "fatal", "disaster", "page", "p0", "sev0":
		return 0
	case "critical", "crit", "alert", "p1", "sev1":
		return 1
	case "error", "high", "major", "urgent", "p2", "sev2":
		return 2
	case "minor", "low", "notice", "p4", "sev4":
		return 4
	case "info", "informational", "debug", "none", "p5", "sev5":
		return 5
	}
	return 3
}
