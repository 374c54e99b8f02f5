package alerts_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

// FuzzSlackLimits makes messages of every shape and sends them in every way:
// Slack takes each as it is, with its blocks, at the first attempt.
func FuzzSlackLimits(f *testing.F) {
	for i, text := range []string{"", "a", "<!channel> & `x`", strings.Repeat("🔥", 1000), strings.Repeat("&<>", 1000), "\x00\xff\u202e", "\n\n\n", strings.Repeat("a\n", 1500)} {
		f.Add(uint64(i), text)
	}
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		fake := &alertstest.Slack{}
		quick := &alerts.Pacer{Post: time.Nanosecond, Edit: time.Nanosecond}
		for _, s := range []*alerts.Slack{
			{Token: token, Channel: "#oncall", APIURL: fake.APIURL(), Mention: "<!here>", Client: fake.Client(), Pacer: quick},
			{WebhookURL: fake.WebhookURL(), Client: fake.Client(), Pacer: quick},
		} {
			m := anyMessage(rand.New(rand.NewPCG(seed, 1)), text)
			ref, err := s.Send(t.Context(), alerts.Delivery{ID: "id", Message: m})
			if err != nil {
				t.Fatal(err)
			}
			if ref == (alerts.Reference{}) {
				continue
			}
			m.Kind = alerts.Escalated
			if _, err := s.Send(t.Context(), alerts.Delivery{ID: "id", Message: m, Reference: ref}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range fake.Calls() {
			if c.Result != "ok" {
				t.Errorf("%s is answered by %s", c.Method, c.Result)
			}
		}
		for _, m := range fake.Messages() {
			if len(m.Blocks) == 0 {
				t.Errorf("a message without blocks: %q", m.Text)
			}
		}
	})
}

// anyMessage is a message of any shape. Its texts are made of text.
func anyMessage(rng *rand.Rand, text string) alerts.Message {
	text = text[:min(len(text), 4000)]
	some := func() string { return strings.Repeat(text, rng.IntN(3)) }
	many := func(most int) int { return rng.IntN(rng.IntN(most) + 1) }
	m := alerts.Message{
		Topic: pick(rng, alerts.AboutCheck, alerts.AboutCertificate, alerts.AboutGroup, alerts.AboutWatchword),
		Kind:  alerts.Fired, Level: pick(rng, alerts.NoLevel, alerts.LevelDegraded, alerts.LevelFailed),
		Headline: "🔴 " + some(), Detail: some(), Text: some(), Check: some(), Location: some(), Severity: some(),
		Runbook: pick(rng, "", some(), "https://wiki.example/"+some()), Source: checks.Source{File: some(), Line: rng.IntN(9)},
		At: time.Unix(1_700_000_000, 0), Since: time.Unix(1_600_000_000, 0), Runs: rng.IntN(3), More: rng.IntN(2) * rng.IntN(10_000),
	}
	for range many(200) {
		m.Labels = append(m.Labels, alerts.Label{Name: some(), Value: some()})
	}
	for range many(6) {
		m.Links = append(m.Links, alerts.Link{Name: pick(rng, "dashboard", "status", "source"), URL: "https://x.example/" + some()})
	}
	for range pick(rng, 0, many(30), 10_000) {
		m.Members = append(m.Members, alerts.MemberLine{Check: "c" + some(), Level: pick(rng, alerts.NoLevel, alerts.LevelFailed), Text: some()})
	}
	for range many(40) {
		fl := alerts.Failure{
			Step: some(), Reason: checks.Reason(some()), Message: some(), Advice: some(), Method: some(), URL: some(), Status: rng.IntN(600),
			Certificate: some(), Rule: some(), RemoteIP: some(), Body: some(), Curl: some(),
		}
		for range many(10) {
			fl.Conditions = append(fl.Conditions, alerts.Condition{
				Expression: some(), File: some(), Line: 1, Message: some(), Values: []alerts.Label{{Name: some(), Value: some()}},
			})
		}
		m.Failures = append(m.Failures, fl)
	}
	return m
}

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }
