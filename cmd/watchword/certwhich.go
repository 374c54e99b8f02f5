package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"watchword/certs"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/lang"
)

func (a *app) certWhichCommand() *cobra.Command {
	var (
		output string
		mtls   bool
	)
	cmd := &cobra.Command{
		Use:   "which URL|CHECK",
		Short: "Tell which certificate goes with a request, and why",
		Long: `which answers for the host of a URL (or a bare host name) which certificate would be presented,
which others matched, why each of them lost, and which checks and receivers use
the winner there. With the name of a check it answers for the requests of that check, its
explicit choices included; so it does for all checks of a group, or of a check
with for_each.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("want one URL or the name of a check, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			answers, err := which(cfg, args[0], mtls)
			if err != nil {
				return err
			}
			a.meantCheck(cfg, args[0], answers)
			return a.writeWhich(answers, output, mtls)
		},
	}
	outputFlag(cmd, &output, "text", "json")
	cmd.Flags().BoolVar(&mtls, "mtls", false, "ask as a request with mtls = true would")
	return cmd
}

// whichAnswer is the answer of `cert which -o json`.
type whichAnswer struct {
	Host        string           `json:"host"`
	Certificate *string          `json:"certificate"` // null: none
	Rule        certs.Rule       `json:"rule"`
	Candidates  []whichCandidate `json:"candidates"`
	Checks      []string         `json:"checks"`
	Receivers   []string         `json:"receivers"`

	identity *certs.Identity
}

type whichCandidate struct {
	Certificate string     `json:"certificate"`
	Rule        certs.Rule `json:"rule"`
	Added       *time.Time `json:"added"` // null: by order of declaration
	Lost        string     `json:"lost"`
}

// which answers for a check of that name, else for the URL or host.
func which(cfg *config.Config, subject string, mtls bool) ([]whichAnswer, error) {
	for _, m := range cfg.Monitors {
		if m.Check.Name == subject {
			return whichOfCheck(cfg, m, mtls)
		}
	}
	if answers, err := whichOfSeveral(cfg, subject, mtls); len(answers) > 0 || err != nil {
		return answers, err
	}
	host, err := hostOf(subject)
	if err != nil {
		return nil, err
	}
	want := certs.Want{}
	if mtls {
		want.Mode = certs.ModeRequired
	}
	return []whichAnswer{explain(cfg, host, want)}, nil
}

// whichOfSeveral answers for the checks that a check with for_each or a group
// stands for; none: there is neither of that name.
func whichOfSeveral(cfg *config.Config, name string, mtls bool) ([]whichAnswer, error) {
	var all []whichAnswer
	for _, m := range cfg.Monitors {
		if !strings.HasPrefix(m.Check.Name, name+"[") && !strings.HasPrefix(m.Check.Name, name+"/") {
			continue
		}
		answers, err := whichOfCheck(cfg, m, mtls)
		if err != nil {
			return nil, err
		}
		for _, answer := range answers {
			same := func(other whichAnswer) bool {
				return other.Host == answer.Host && other.Rule == answer.Rule && other.identity == answer.identity
			}
			if !slices.ContainsFunc(all, same) {
				all = append(all, answer)
			}
		}
	}
	return all, nil
}

func whichOfCheck(cfg *config.Config, m *config.Monitor, mtls bool) ([]whichAnswer, error) {
	if len(m.Hosts) == 0 {
		return nil, fmt.Errorf("check %q computes its host at each run: ask for a URL instead", m.Check.Name)
	}
	type question struct {
		host string
		want certs.Want
	}
	var answers []whichAnswer
	asked := make(map[question]bool)
	for i, host := range m.StepHosts {
		request := m.Check.Steps[i].Request
		want := certs.Want{Mode: request.MTLS, Explicit: request.Certificate}
		if mtls {
			want.Mode = certs.ModeRequired
		}
		if q := (question{host, want}); host != "" && !asked[q] {
			asked[q] = true
			answers = append(answers, explain(cfg, host, want))
		}
	}
	return answers, nil
}

// meantCheck asks whether a host that no check asks was meant as the name of a
// check.
func (a *app) meantCheck(cfg *config.Config, subject string, answers []whichAnswer) {
	if len(answers) != 1 || len(answers[0].Checks) > 0 || answers[0].Certificate != nil || strings.Contains(subject, "://") {
		return
	}
	var names []string
	for _, m := range cfg.Monitors {
		names = append(names, m.Check.Name)
	}
	if near := lang.Suggest(subject, names); near != "" && near != subject {
		fmt.Fprintf(a.stderr, "watchword: there is no check %q, so it is taken as a host; did you mean %q?\n", subject, near)
	}
}

// hostOf takes a URL, or a host with or without a port.
func hostOf(subject string) (string, error) {
	text := subject
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return "", usagef("%q is neither the name of a check nor a URL", subject)
	}
	host, err := certs.NormalizeHost(u.Hostname())
	if err != nil {
		return "", usageError{fmt.Errorf("%q: %w", subject, err)}
	}
	return host, nil
}

func explain(cfg *config.Config, host string, want certs.Want) whichAnswer {
	e := cfg.Certificates.Explain(host, want)
	answer := whichAnswer{
		Host: host, Rule: e.Choice.Rule, identity: e.Choice.Identity,
		Candidates: []whichCandidate{}, Checks: []string{}, Receivers: []string{},
	}
	for _, c := range e.Candidates {
		candidate := whichCandidate{Certificate: c.Identity.Name(), Rule: c.Rule, Lost: c.Lost}
		if added := c.Identity.Added(); !added.IsZero() {
			candidate.Added = &added
		}
		answer.Candidates = append(answer.Candidates, candidate)
	}
	if e.Choice.Identity == nil {
		return answer
	}
	name := e.Choice.Identity.Name()
	answer.Certificate = &name
	for _, m := range cfg.Monitors {
		if m.Enabled && presents(cfg, m, host, e.Choice.Identity) {
			answer.Checks = append(answer.Checks, m.Check.Name)
		}
	}
	for _, r := range cfg.Receivers {
		goesAlong := func(h config.Host) bool {
			return h.Name == host && cfg.Certificates.Select(host, h.Want).Identity == e.Choice.Identity
		}
		if slices.ContainsFunc(r.Hosts, goesAlong) {
			answer.Receivers = append(answer.Receivers, r.FullName())
		}
	}
	return answer
}

// presents tells whether a request of m to host goes along with id.
func presents(cfg *config.Config, m *config.Monitor, host string, id *certs.Identity) bool {
	for i, h := range m.StepHosts {
		request := m.Check.Steps[i].Request
		if h == host && cfg.Certificates.Select(h, certs.Want{Mode: request.MTLS, Explicit: request.Certificate}).Identity == id {
			return true
		}
	}
	return false
}

func (a *app) writeWhich(answers []whichAnswer, output string, mtls bool) error {
	none := false
	for _, answer := range answers {
		none = none || answer.Certificate == nil
		if output == "json" {
			if err := a.writeJSON(answer); err != nil {
				return err
			}
			continue
		}
		a.writeAnswer(answer)
	}
	if mtls && none {
		return codeError(exitFailed)
	}
	return nil
}

func (a *app) writeAnswer(answer whichAnswer) {
	s := a.screenOf(a.stdout)
	if answer.identity == nil {
		fmt.Fprintf(a.stdout, "%s: %s\n", s.bold(answer.Host), s.yellow("no certificate goes along"))
	} else {
		fmt.Fprintf(a.stdout, "%s: %s\n", s.bold(answer.Host), s.green(describe(answer.identity)))
		fmt.Fprintf(a.stdout, "  chosen by %s\n", ruleText(answer.Rule))
	}
	for _, c := range answer.Candidates {
		fmt.Fprintf(a.stdout, "  not %s (%s): %s\n", s.bold(c.Certificate), c.Rule, c.Lost)
	}
	if len(answer.Checks) > 0 {
		fmt.Fprintf(a.stdout, "  used here by %s\n", strings.Join(answer.Checks, ", "))
	}
	if len(answer.Receivers) > 0 {
		fmt.Fprintf(a.stdout, "  used here to tell %s\n", strings.Join(answer.Receivers, ", "))
	}
}

// describe names a certificate with what identifies it.
func describe(id *certs.Identity) string {
	leaf := id.Leaf()
	if leaf == nil {
		return fmt.Sprintf("%s (its files cannot be read: %v)", id.Name(), id.Err())
	}
	return fmt.Sprintf("%s (%s, issued by %s, expires %s)", id.Name(), leaf.Subject, leaf.Issuer, leaf.NotAfter.UTC().Format(time.DateOnly))
}

func ruleText(rule certs.Rule) string {
	switch rule {
	case certs.RuleExplicit:
		return "the request's own `certificate`"
	case certs.RuleExact:
		return "exact host: an exact host beats every pattern, then the most recently added wins"
	case certs.RulePattern:
		return "pattern: no exact host matches, and the most recently added pattern wins"
	case certs.RulePrimary:
		return "primary: no host matches, and the request demands a certificate"
	default:
		return string(rule)
	}
}
