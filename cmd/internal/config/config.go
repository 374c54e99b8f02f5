package config

import (
	"net/netip"
	"time"

	"watchword/alerts"
	"watchword/certs"
	"watchword/checks"
	"watchword/scheduler"
)

// A Config is everything that a configuration says, resolved: no name in it
// has to be looked up, and nothing in it changes after [Load].
type Config struct {
	Settings     Settings
	Monitors     []*Monitor    // in order of declaration
	Certificates *certs.Set    // all `certificate` blocks, in order of declaration
	Sources      []Certificate // the same, with their places and the checks that use them
	CAs          []CA          // that requests and receivers bring themselves
	Receivers    []Receiver    // in order of declaration
	Routes       alerts.Routes // empty: every receiver gets everything
	Maintenance  []alerts.Maintenance
	Redactor     *checks.Redactor

	// Files are the absolute paths of everything that was read or should
	// have been: HCL files, var files, secret, certificate, key and ca
	// files. Dirs are the folders to watch for them, those of the
	// configuration itself included. Both are sorted and free of duplicates.
	Files []string
	Dirs  []string

	// Warnings do not keep anything from running.
	Warnings Diagnostics

	// Unreadable are the secrets and certificates that could not be read.
	// Only the checks and receivers that need them fail, or what was read
	// before goes on.
	Unreadable []Notice

	Secrets []string // names of the `secret` blocks, in order of declaration
	// Unsettled are the certificates whose files cannot be used at the
	// moment, so that those before go on: they are being replaced. Again is
	// when to load once more, whatever happens until then; zero: never.
	Unsettled []Notice
	Again     time.Time
}

// Settings holds the `settings` block with its defaults filled in.
type Settings struct {
	Listen            string // host:port
	State             string // absolute path of the state file
	Location          string // label on every metric and message; may be empty
	Timezone          *time.Location
	ExternalURL       string          // of this daemon, for links; may be empty
	GrafanaURL        string          // may be empty
	SourceURL         string          // where the configuration's files can be read; may be empty
	MaxConcurrent     int             // runs in flight
	MaxPerHost        int             // runs in flight that ask one host first; 0 for no limit
	AllowNetworks     []netip.Prefix  // the only ones that checks may ask; empty for all
	DenyNetworks      []netip.Prefix  // that checks never ask
	CertificateExpiry []time.Duration // thresholds, longest first
}

// A Monitor is a check together with its schedule, its alert policy and the
// receivers that are told of it.
type Monitor struct {
	Check     *checks.Check
	Schedule  *scheduler.Schedule
	Spec      string // the schedule as written
	Splay     time.Duration
	Policy    alerts.Policy
	Receivers []string // full names such as "slack.oncall", its own or by the routes
	Enabled   bool
	Parents   []string // full names of the checks it depends on
	Hosts     []string // normalized hosts of its requests, each once, where known at load
	StepHosts []string // the same by step; empty where it is known only when it runs
}

// A Certificate is the place of a `certificate` block and who uses it.
type Certificate struct {
	Identity *certs.Identity
	Source   checks.Source
	Checks   []string // names of the enabled checks that present it, as far as hosts are known at load
	Verifies []string // likewise of those whose servers are verified by its ca

	Receivers []string // full names of the receivers that present it
	Trusting  []string // and of those whose servers are verified by its ca
}

// A CA is a file that requests and receivers name by `ca`, and could be read.
type CA struct {
	Path   string
	Roots  *certs.Roots
	Checks []string // names of the enabled checks that verify servers by it

	Receivers []string // full names of the receivers that do
}

// A Receiver is somewhere to send messages to.
type Receiver struct {
	Type   string // "slack", "webhook" or "alertmanager": the field of its own is set
	Name   string // name of the block
	Err    error  // why it cannot be used: its secret cannot be read
	Hosts  []Host // that it is reached at by https, as far as they are known
	Source checks.Source

	Slack        *SlackReceiver
	Webhook      *WebhookReceiver
	Alertmanager *AlertmanagerReceiver
}

// FullName is the name in routes, metrics and messages, such as "slack.oncall".
func (r Receiver) FullName() string { return r.Type + "." + r.Name }

// SlackReceiver holds either a bot token and a channel, or a webhook.
type SlackReceiver struct {
	Token      string
	Channel    string // name with # or id
	WebhookURL string
	APIURL     string // empty: Slack's own
	Mention    string // in Slack's form; may be empty
}

// A Notice tells of a secret or certificate that could not be read, or not
// read again.
type Notice struct {
	Kind   string // "secret" or "certificate"
	Name   string
	Err    error     // free of secrets
	Since  time.Time // from when the value is that goes on in place of a newer one; zero: there is none
	Source checks.Source

	Kept  bool      // what was read before goes on
	Until time.Time // and ends then; zero: it does not
}
