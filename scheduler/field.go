package scheduler

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A field describes one of the six columns of a cron schedule.
type field struct {
	name     string
	min, max int      // of values in the result
	top      int      // highest value that may be written: 7 is Sunday again
	names    []string // of the values from min on; nil if there are none
	want     string   // the values, for people
}

// cronFields returns the columns in their order.
func cronFields() []field {
	months := []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	days := []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	return []field{
		{name: "second", max: 59, top: 59, want: "0 to 59"},
		{name: "minute", max: 59, top: 59, want: "0 to 59"},
		{name: "hour", max: 23, top: 23, want: "0 to 23"},
		{name: "day of month", min: 1, max: 31, top: 31, want: "1 to 31"},
		{name: "month", min: 1, max: 12, top: 12, names: months, want: "1 to 12 or JAN to DEC"},
		{name: "day of week", max: 6, top: 7, names: days, want: "0 to 7 or SUN to SAT"},
	}
}

// check returns the field as the library is to read it, or says what is wrong.
func (f field) check(text string) (string, error) {
	items := strings.Split(text, ",")
	for i, item := range items {
		checked, err := f.checkItem(item)
		if err != nil {
			return "", err
		}
		items[i] = checked
	}
	return strings.Join(items, ","), nil
}

// checkItem handles one item of a list: a star, a value or a range, each
// perhaps with a step.
func (f field) checkItem(item string) (string, error) {
	base, stepText, hasStep := strings.Cut(item, "/")
	lowText, highText, isRange := strings.Cut(base, "-")
	if base == "*" || base == "?" {
		_, err := f.step(stepText, hasStep, f.max-f.min+1)
		return item, err
	}
	low, ok := f.value(lowText)
	high := low
	if ok && isRange {
		high, ok = f.value(highText)
	}
	if !ok {
		return "", fmt.Errorf("%s is %q, want %s", f.name, item, f.want)
	}
	if high == 0 && low > 0 && f.top > f.max {
		high = f.top // FRI-SUN
	}
	if low > high {
		return "", fmt.Errorf("%s is %q, want a range that ascends: \"%s-%d,%d-%s\"", f.name, item, lowText, f.max, f.min, highText)
	}
	span := high - low + 1
	if !isRange {
		span = f.max - f.min + 1
	}
	step, err := f.step(stepText, hasStep, span)
	if err != nil || high <= f.max {
		return item, err
	}
	// Sundays as 7, which the library does not know, one by one.
	var values []string
	for v := low; v <= high; v += step {
		values = append(values, strconv.Itoa(v%f.top))
	}
	return strings.Join(values, ","), nil
}

// value reads one value, a number or a name.
func (f field) value(text string) (int, bool) {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return f.min + i, true
	}
	n, ok := digits(text)
	return n, ok && n >= f.min && n <= f.top
}

// step reads a step that may be at most span, above which it would never step.
func (f field) step(text string, given bool, span int) (int, error) {
	if !given {
		return 1, nil
	}
	n, ok := digits(text)
	if !ok || n < 1 || n > span {
		return 0, fmt.Errorf("step of the %s is %q, want 1 to %d", f.name, text, span)
	}
	return n, nil
}

// digits reads up to four digits and nothing else.
func digits(text string) (int, bool) {
	if text == "" || len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}
