package scheduler

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	// MinEvery is the shortest interval that "@every" takes.
	MinEvery = time.Second
	// MaxEvery is the longest interval that "@every" takes.
	MaxEvery = 365 * 24 * time.Hour

	maxSpec = 512 // bytes; all sixty minutes in a list take 169
)

// Parse reads a schedule: five cron fields (minute, hour, day of month, month,
// day of week), six with seconds in front, one of @yearly, @annually,
// @monthly, @weekly, @daily, @midnight and @hourly, or "@every" and a
// duration from [MinEvery] to [MaxEvery] such as "90s" or "1d12h".
//
// A field is "*", "?" (the same), a value, a range "1-5", any of them with a
// step "*/5", or a list of these. Months and days of the week may be given by
// three letters; Sunday is 0 or 7. If both day fields are restricted, a day
// that matches either will do.
//
// Fields are read on the wall clock of loc; nil means UTC. Errors are
// sentences for the author of the schedule: what is wrong, and what would be
// right. A schedule that would never fire is an error too.
func Parse(spec string, loc *time.Location) (*Schedule, error) {
	if loc == nil {
		loc = time.UTC
	}
	if len(spec) > maxSpec {
		return nil, fmt.Errorf("schedule is %d characters long, want %d at most", len(spec), maxSpec)
	}
	words := strings.Fields(spec)
	text := strings.Join(words, " ")
	s := &Schedule{text: text, loc: loc}
	if len(words) == 0 {
		return nil, errors.New(`schedule is empty, want five cron fields such as "*/5 * * * *", or "@every 1m"`)
	}
	if err := refuseZone(text, words[0]); err != nil {
		return nil, err
	}
	if words[0] == "@every" {
		every, err := parseEvery(text, words[1:])
		if err != nil {
			return nil, err
		}
		s.every, s.interval = every, every
		return s, nil
	}
	if strings.HasPrefix(text, "@") {
		fields, ok := descriptor(text)
		if !ok {
			return nil, fmt.Errorf("schedule %q is unknown, want @yearly, @monthly, @weekly, @daily, @hourly, "+
				`or "@every" and a duration such as "@every 5m"`, text)
		}
		words = strings.Fields(fields)
	}
	if err := s.parseFields(words); err != nil {
		return nil, fmt.Errorf("schedule %q: %w", text, err)
	}
	return s, nil
}

// refuseZone returns an error if the schedule names a time zone, which the
// library would take, and which panics it in many forms.
func refuseZone(text, first string) error {
	name, zone, ok := strings.Cut(first, "=")
	if upper := strings.ToUpper(name); !ok || upper != "TZ" && upper != "CRON_TZ" {
		return nil
	}
	return fmt.Errorf("schedule %q names a time zone, want it beside the schedule: timezone = %q", text, zone)
}

// descriptor returns the cron fields that a word such as @daily stands for.
func descriptor(word string) (string, bool) {
	switch word {
	case "@yearly", "@annually":
		return "0 0 1 1 *", true
	case "@monthly":
		return "0 0 1 * *", true
	case "@weekly":
		return "0 0 * * 0", true
	case "@daily", "@midnight":
		return "0 0 * * *", true
	case "@hourly":
		return "0 * * * *", true
	default:
		return "", false
	}
}

// parseEvery reads the duration of @every.
func parseEvery(text string, words []string) (time.Duration, error) {
	if len(words) != 1 {
		return 0, fmt.Errorf(`schedule %q has no single duration, want one such as "@every 30s" or "@every 1h30m"`, text)
	}
	every, err := parseDuration(words[0])
	if err != nil {
		return 0, fmt.Errorf(`schedule %q: interval is %q, want a duration such as "30s", "5m", "1h30m" or "1d"`, text, words[0])
	}
	if every < MinEvery || every > MaxEvery {
		return 0, fmt.Errorf("schedule %q: interval is %s, want 1s at least and 365d at most", text, words[0])
	}
	return every, nil
}

// parseDuration is time.ParseDuration with whole days in front.
func parseDuration(text string) (time.Duration, error) {
	head, rest, ok := strings.Cut(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	days, err := strconv.ParseUint(head, 10, 16)
	if err != nil {
		return 0, err
	}
	d := time.Duration(days) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err == nil && (more < 0 || more > MaxEvery) {
		return 0, errors.New("out of range")
	}
	return d + more, err
}

// parseFields fills in the cron part of s. The library does the parsing;
// the fields are checked before, because it takes much that means nothing
// (*/61, *-5, an empty list, on which it then searches for seconds).
func (s *Schedule) parseFields(words []string) error {
	switch len(words) {
	case 5:
		words = append([]string{"0"}, words...)
	case 6:
	default:
		return fmt.Errorf("number of fields is %d, want 5 (minute, hour, day of month, month, day of week), "+
			`6 with seconds in front, or a form such as "@every 5m"`, len(words))
	}
	given := make([]string, len(words))
	var errs []error
	for i, f := range cronFields() {
		checked, err := f.check(words[i])
		given[i] = checked
		errs = append(errs, err)
	}
	if err := oneLine(errs); err != nil {
		return err
	}

	parser := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := parser.Parse(strings.Join(given, " "))
	if err != nil {
		return fmt.Errorf("reading the fields: %w", err)
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return fmt.Errorf("fields are read as %T, want a cron schedule", parsed)
	}
	fields.Location = time.UTC
	s.cron = fields
	s.fixed = !startsWithStar(words[1]) && !startsWithStar(words[2])
	return s.checkFires(words)
}

// checkFires refuses a schedule without slots and samples its interval.
func (s *Schedule) checkFires(words []string) error {
	from := time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
	if s.nextWall(from).IsZero() {
		return fmt.Errorf("it never fires: month %q has no day %q; want a day that the month has", words[4], words[3])
	}
	if s.Next(from).IsZero() {
		return fmt.Errorf("it never fires: the clock of %s is always changed at that time", s.loc)
	}
	s.interval = s.sampleInterval()
	return nil
}

func startsWithStar(field string) bool { return field[0] == '*' || field[0] == '?' }

// oneLine joins the errors that are there with semicolons; nil if none is.
func oneLine(errs []error) error {
	var texts []string
	for _, err := range errs {
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	if texts == nil {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}
