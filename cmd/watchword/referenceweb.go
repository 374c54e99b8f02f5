package main

import (
	"fmt"
	"io"
	"strings"

	"watchword/cmd/internal/metrics"
)

// The texts about what the daemon serves.
const (
	metricsIntroduction = `
## Metrics

At ` + "`/metrics`" + `, with the metrics of Go and of the process. Series of a check exist from its first load on and go when it
goes; only those by reason appear with the first run that has it. The labels of a check stand, prefixed ` + "`label_`" + `, on
` + "`watchword_check_info`" + ` alone.

| metric | type | labels | |
|---|---|---|---|
`
	apiIntroduction = `
## Status page and API

` + "`/`" + ` shows every check, ` + "`/?status=failing`" + ` those of one status, ` + "`/checks/NAME`" + ` one of them. They show the latest
30 runs of each check, its open incident, and its latest 10 that are over (10,000 of all checks), also those of before
watchword was started; after a crash the runs of its last minutes are missing. They refresh themselves every 30 seconds,
unless ` + "`?refresh=off`" + ` stands behind. ` + "`/-/healthy`" + ` and ` + "`/-/ready`" + ` are for probes.

The same as JSON, read only: fields are added, never renamed. Times are in RFC 3339, durations in seconds, and what is not
known is null or empty.
`
)

// writeServed writes what the daemon serves: metrics and the API.
func writeServed(w io.Writer) {
	fmt.Fprint(w, metricsIntroduction)
	for _, d := range metrics.Descriptions() {
		writeRow(w, code(d.Name), d.Type, strings.Join(d.Labels, ", "), d.Help)
	}
	fmt.Fprint(w, apiIntroduction)
	for _, list := range apiLists() {
		fmt.Fprintf(w, "\n%s\n\n| field | |\n|---|---|\n", list.what)
		for _, f := range list.fields {
			writeRow(w, code(f[0]), f[1])
		}
	}
}

// An apiList is an answer of the API, or a part of one.
type apiList struct {
	what   string
	fields [][2]string
}

func apiLists() []apiList {
	return []apiList{
		{"`/api/v1/checks` is a list of all enabled checks, in the order of the configuration:", [][2]string{
			{"check", "Full name."},
			{"group", "Group, may be empty."},
			{"description", "As configured, like schedule, severity, labels and runbook."},
			{"schedule", "When it runs."},
			{"severity", "Of its alert."},
			{"labels", "An object of strings."},
			{"status", "passing, degraded, failing or unknown. Before the first run since a start: what its alert remembers."},
			{"alert_state", "ok, pending, firing or recovering."},
			{"since", "When it began to fail; null while it passes."},
			{"silences", "Why nothing is told of it, a list of: by (mute, maintenance or dependency), name (of the pattern, window or check), until, why, who."},
			{"reason", "Of the last run; one of the [reasons](#reasons), empty unless it failed."},
			{"message", "Of the last run, one line; empty if it passed."},
			{"last_run", "When it began, maybe before the start; null if none is known."},
			{"last_duration", "How long it took."},
			{"next_run", "When it is due; null if never."},
			{"runs", "The latest 30 runs, oldest first: started, duration, outcome (passed, degraded, failed or unknown), and gap, true for the first since a start: between it and the one before runs may be missing."},
			{"runbook", "URL."},
			{"file", "Where it is defined, with line."},
			{"line", ""},
		}},
		{"`/api/v1/incidents` is a list, those that are open first, then the latest:", [][2]string{
			{"check", "Full name."},
			{"incident", "Number, from 1 for each check."},
			{"level", "failed or degraded."},
			{"since", "Start of the first failing run."},
			{"until", "When it was over; null while it is open."},
			{"reason", "Of its last failing run, like message."},
			{"message", ""},
		}},
		{"`/api/v1/certificates` is an object of two lists, `client`:", [][2]string{
			{"certificate", "Name of its block."},
			{"hosts", "Patterns of the hosts that it goes along to."},
			{"subject", "Of the certificate, like issuer."},
			{"issuer", ""},
			{"not_after", "When it expires; null if it cannot be read."},
			{"days_left", "Days until then; negative afterwards."},
			{"primary", "Whether it is the primary one."},
			{"checks", "Names of those that use it."},
			{"error", "Why it cannot be used; empty if it can."},
		}},
		{"and `server`, a line for each host and certificate that checks have met:", [][2]string{
			{"host", "Name in the URL."},
			{"subject", "Common name or first DNS name."},
			{"fingerprint", "SHA-256 in hexadecimal."},
			{"not_after", "When the first certificate of its chain expires."},
			{"days_left", "Days until then; negative afterwards."},
			{"checks", "Names of those that met it."},
		}},
	}
}
