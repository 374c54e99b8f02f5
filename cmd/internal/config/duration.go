package config

import "time"

// ParseDuration reads a duration as attributes take them: "90s", "2h",
// "1d12h". An error is a sentence's part for the user.
func ParseDuration(s string) (time.Duration, error) { return parseDuration(s) }
