package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// unit is one of those that durations or sizes are written in.
type unit struct {
	name string
	size int64
}

func durationUnits() []unit { // longer names before those they end with
	return []unit{
		{"ms", int64(time.Millisecond)},
		{"s", int64(time.Second)},
		{"m", int64(time.Minute)},
		{"h", int64(time.Hour)},
		{"d", 24 * int64(time.Hour)},
	}
}

func sizeUnits() []unit {
	return []unit{
		{"GiB", 1 << 30},
		{"MiB", 1 << 20},
		{"KiB", 1 << 10},
		{"GB", 1e9},
		{"MB", 1e6},
		{"kB", 1e3},
		{"KB", 1e3},
		{"B", 1},
	}
}

// parseDuration reads "500ms", "10s", "1h30m" or "30d".
func parseDuration(s string) (time.Duration, error) {
	n, err := parseUnits(s, durationUnits())
	return time.Duration(n), err
}

// formatDuration is the shortest form that parseDuration reads.
func formatDuration(d time.Duration) string {
	if d%(24*time.Hour) == 0 && d > 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// parseSize reads "512KiB" or "1MiB" as bytes.
func parseSize(s string) (int64, error) {
	return parseUnits(s, sizeUnits())
}

// formatSize is the shortest exact form of n bytes.
func formatSize(n int64) string {
	for _, u := range sizeUnits() {
		if n >= u.size && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// parseUnits adds up numbers with units. An error begins with what was given.
func parseUnits(s string, units []unit) (int64, error) {
	given := strconv.Quote(clip(s))
	if strings.HasPrefix(s, "-") {
		return 0, fmt.Errorf("%s is negative", given)
	}
	total, rest := 0.0, s
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		number, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, fmt.Errorf("%s is not one", given)
		}
		rest = rest[digits:]
		letters := strings.IndexAny(rest, "0123456789.")
		if letters < 0 {
			letters = len(rest)
		}
		size := int64(0)
		for _, u := range units {
			if u.name == rest[:letters] {
				size = u.size
				break
			}
		}
		switch {
		case size == 0 && letters == 0:
			return 0, fmt.Errorf("%s has no unit", given)
		case size == 0:
			return 0, fmt.Errorf("%s has the unknown unit %q", given, clip(rest[:letters]))
		}
		total += number * float64(size)
		rest = rest[letters:]
	}
	switch {
	case s == "":
		return 0, errors.New("it is empty")
	case total >= math.MaxInt64/2:
		return 0, fmt.Errorf("%s is too large", given)
	}
	return int64(math.Round(total)), nil
}

// parseZone loads a time zone by its IANA name.
func parseZone(s string) (*time.Location, error) {
	if s == "" || s == "Local" {
		return nil, fmt.Errorf(`%q does not mean the same everywhere`, s)
	}
	loc, err := time.LoadLocation(s)
	if err != nil {
		return nil, fmt.Errorf(`%q is not known`, clip(s))
	}
	return loc, nil
}

// parseHostPort checks host:port. The host may be missing if anyHost is set,
// and the port may be 0 then.
func parseHostPort(s string, anyHost bool) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		why := "not host:port"
		if addr, ok := errors.AsType[*net.AddrError](err); ok {
			why = addr.Err
		}
		return "", fmt.Errorf(`%q is not (%s)`, clip(s), why)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil, n == 0 && !anyHost:
		return "", fmt.Errorf("%q has no port between 1 and 65535", clip(s))
	case host == "" && !anyHost:
		return "", fmt.Errorf("%q has no host before the colon", clip(s))
	case strings.ContainsAny(host, " /@"):
		return "", fmt.Errorf("%q has a space, a slash or an @ in its host", clip(s))
	}
	return s, nil
}

// errCredentials is a URL with a password in it, which must not be shown.
var errCredentials = errors.New("it has credentials inside; leave out the part before the @")

// parseWebURL checks an http or https URL.
func parseWebURL(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil && strings.Contains(s, "@"):
		return "", errCredentials
	case err != nil:
		return "", fmt.Errorf("%q is not a URL", clip(s))
	case u.User != nil:
		return "", errCredentials
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf(`%q does not begin with "https://" or "http://"`, clip(s))
	case u.Hostname() == "":
		return "", fmt.Errorf("%q has no host", clip(s))
	}
	return s, nil
}

// parseMoment reads a timestamp (RFC 3339) or a date, which means midnight UTC.
func parseMoment(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(`%q is neither`, clip(s))
}
