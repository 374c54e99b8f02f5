package config

import "slices"

// A blockType says what may stand in a block. The tables below are the only
// schema: the loader decodes by them, suggestions come from them, and so
// does the reference.
type blockType struct {
	name   string
	labels []string // names of its labels
	doc    string   // one sentence
	single bool     // at most one in its parent
	open   bool     // any attribute may stand in it
	attrs  []attrType
	blocks []*blockType
	kinds  []*blockType // by its first label, which is theirs too; it has nothing else then
}

// An attrType is one attribute of a block.
type attrType struct {
	name     string
	is       valueType
	doc      string // one sentence
	fallback string // what holds without it, as it would be written; empty for nothing
	required bool
	secret   bool // a secret may stand in it
}

// A valueType is what an attribute's value must be.
type valueType int

// The types of attributes.
const (
	anyValue       valueType = iota
	text                     // a string
	truth                    // true or false
	count                    // a whole number of at least 1
	duration                 // "10s"
	thresholds               // a list of durations
	byteSize                 // "1MiB"
	texts                    // a list of strings
	textMap                  // strings by name
	globMap                  // globs by label
	labelMap                 // strings by valid label name
	schedule                 // cron or @every
	zone                     // IANA time zone
	hostName                 // "api.example.com"
	hostPort                 // "127.0.0.1:9780"
	webURL                   // http or https
	path                     // file, relative to the folder of the configuration file
	moment                   // timestamp or date
	mention                  // @here, @channel, an id
	localMoment              // the same, or a time of the day in a time zone
	hops                     // number of redirects, or a bool
	reasons                  // a list of failure reasons
	typeName                 // string, list(string), …
	conditions               // a list of expressions over the answer
	computed                 // a string, computed at each run
	computedMap              // strings by name, computed at each run
	computedAny              // any value, computed at each run
	certificateRef           // certificate.NAME
	receiverRefs             // a list of receiver.TYPE.NAME
	checkRefs                // a list of check.NAME
	instances                // a map, or a set or list of strings
	reasonPrefixes           // a list of failure reasons, or what several begin with
	backoff                  // how a delay grows
	cidrs                    // a list of networks
	proxyURL                 // http, https or socks5, or false
	ipFamily                 // 4 or 6
	httpFamily               // "1.1" or "2"
	signingSecrets           // a string, or a short list of them
)

// describe says what the type wants, to follow "must be".
func (v valueType) describe() string {
	switch v {
	case text, computed:
		return "a string"
	case truth:
		return "true or false"
	case count:
		return "a whole number of at least 1"
	case duration:
		return `a duration such as "500ms", "10s", "4h" or "30d"`
	case thresholds:
		return `a list of durations such as ["30d", "7d"]`
	case byteSize:
		return `a size such as "64KiB" or "1MiB"`
	case texts:
		return `a list of strings`
	case textMap, globMap, labelMap, computedMap:
		return "an object of strings, such as { name = \"value\" }"
	case schedule:
		return `a schedule such as "*/5 * * * *", "@hourly" or "@every 30s"`
	case zone:
		return `a time zone such as "UTC" or "Europe/Berlin"`
	case hostName:
		return `a host name such as "api.example.com"`
	case hostPort:
		return `host:port, such as "127.0.0.1:9780"`
	case webURL:
		return `a URL such as "https://grafana.example.com"`
	case path:
		return "the path of a file"
	case moment:
		return `a timestamp or date, such as "2026-03-01T09:00:00Z" or "2026-03-01"`
	case mention:
		return `"@here", "@channel", "@everyone", or the id of a user or user group such as "U012AB3CD" or "S012AB3CD"`
	case localMoment:
		return `a time such as "2026-03-01 22:00" or "2026-03-01T22:00:00Z"`
	case hops:
		return "a number of redirects, or false for none"
	case reasons:
		return `a list of reasons such as ["client_cert_required"]`
	default:
		return v.describeStructure()
	}
}

// describeStructure is describe for expressions, and for what ties blocks together.
func (v valueType) describeStructure() string {
	switch v {
	case typeName:
		return "a type such as string, number, bool or list(string)"
	case conditions:
		return "a list of conditions such as [status == 200]"
	case certificateRef:
		return "a certificate such as certificate.acme"
	case receiverRefs:
		return "a list of receivers such as [receiver.slack.oncall]"
	case checkRefs:
		return "a list of checks such as [check.orders.health]"
	case instances:
		return `an object such as { fra = "fra.example.com" }, or a list or set of strings`
	case reasonPrefixes:
		return `a list of reasons or of what they begin with, such as ["connect", "tls_timeout"]`
	case backoff:
		return `"constant", "linear" or "exponential"`
	default:
		return v.describeConnection()
	}
}

// attr finds an attribute by name.
func (b *blockType) attr(name string) (attrType, bool) {
	i := slices.IndexFunc(b.attrs, func(a attrType) bool { return a.name == name })
	if i < 0 {
		return attrType{}, false
	}
	return b.attrs[i], true
}

// block finds a nested block type by name.
func (b *blockType) block(name string) *blockType {
	i := slices.IndexFunc(b.blocks, func(c *blockType) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return b.blocks[i]
}

// kind returns the schema of a block with these labels. One whose kind is
// unknown takes anything: what it should have been is reported later.
func (b *blockType) kind(labels []string) *blockType {
	if b.kinds == nil {
		return b
	}
	i := slices.Index(b.kindNames(), labels[0])
	if i < 0 {
		return &blockType{name: b.name, labels: b.labels, open: true}
	}
	return b.kinds[i]
}

// every is each kind that the block may be of: itself, unless it has some.
func (b *blockType) every() []*blockType {
	if b.kinds == nil {
		return []*blockType{b}
	}
	return b.kinds
}

// kindNames are the first labels that a block may have.
func (b *blockType) kindNames() []string {
	names := make([]string, len(b.kinds))
	for i, k := range b.kinds {
		names[i] = k.labels[0]
	}
	return names
}

// attrNames are the names of all attributes.
func (b *blockType) attrNames() []string {
	names := make([]string, len(b.attrs))
	for i, a := range b.attrs {
		names[i] = a.name
	}
	return names
}

// blockNames are the names of all nested blocks.
func (b *blockType) blockNames() []string {
	names := make([]string, len(b.blocks))
	for i, c := range b.blocks {
		names[i] = c.name
	}
	return names
}

// language is the whole configuration as one block.
func language() *blockType {
	request, alert, retry := requestBlock(), alertBlock(), retryBlock()
	check := checkBlock(request, retry, alert)
	return &blockType{
		name: "configuration",
		doc:  "All files together; blocks may stand in any of them.",
		blocks: []*blockType{
			settingsBlock(), variableBlock(), localsBlock(), secretBlock(), certificateBlock(),
			checkLike("defaults", nil, "What every check has unless it says otherwise.", request, retry, alert),
			groupBlock(check, request, retry, alert), check,
			receiverBlock(), routeBlock(), maintenanceBlock(),
		},
	}
}

func settingsBlock() *blockType {
	return &blockType{
		name: "settings", single: true, doc: "The daemon itself.",
		attrs: []attrType{
			{name: "listen", is: hostPort, fallback: `"127.0.0.1:9780"`, doc: "Where metrics and the status page are served; other than loopback needs a web config with authentication."},
			{name: "state", is: path, fallback: `"watchword.db"`, doc: "The state file, relative to $STATE_DIRECTORY or else the working directory."},
			{name: "location", is: text, doc: "Where this daemon runs: the label location on every metric and message."},
			{name: "timezone", is: zone, fallback: `"UTC"`, doc: "Time zone of cron schedules."},
			{name: "external_url", is: webURL, doc: "This daemon as readers of a message reach it."},
			{name: "grafana_url", is: webURL, doc: "Grafana, for links in messages."},
			{name: "source_url", is: webURL, doc: "Where the configuration files can be read, for links in messages."},
			{name: "max_concurrent", is: count, fallback: "1000", doc: "Runs in flight at most."},
			{name: "max_concurrent_per_host", is: count, doc: "Runs in flight at most whose first request asks the same host; those above wait for their turn."},
			{name: "allow_networks", is: cidrs, doc: "The only networks that checks may ask, proxies included; link-local and cloud metadata addresses stay blocked."},
			{name: "deny_networks", is: cidrs, doc: "Networks that checks never ask, even those in allow_networks."},
			{name: "certificate_expiry", is: thresholds, fallback: `["30d", "14d", "7d", "3d", "1d"]`, doc: "How long before a certificate expires it is told."},
		},
	}
}

func variableBlock() *blockType {
	return &blockType{
		name: "variable", labels: []string{"NAME"}, doc: "A value that comes from outside, as var.NAME: --var, --var-file or WATCHWORD_VAR_NAME.",
		attrs: []attrType{
			{name: "type", is: typeName, fallback: "any", doc: "What the value must be."},
			{name: "default", is: anyValue, doc: "The value unless one is given; without it one must be given."},
			{name: "description", is: text, doc: "What it is for."},
			{name: "sensitive", is: truth, fallback: "false", doc: "Keeps the value out of all output."},
		},
	}
}

func localsBlock() *blockType {
	return &blockType{name: "locals", open: true, doc: "Named values, as local.NAME, in any order."}
}

func secretBlock() *blockType {
	return &blockType{
		name: "secret", labels: []string{"NAME"}, doc: "A value that never appears in any output, as secret.NAME; exactly one of env, file, command and age_file.",
		attrs: []attrType{
			{name: "env", is: text, doc: "The environment variable that holds it."},
			{name: "file", is: path, doc: "The file that holds it; one newline at the end is dropped."},
			{name: "command", is: texts, doc: "The program, and its arguments, that writes it to stdout; no shell is involved, and it runs in the folder of the configuration file."},
			{name: "age_file", is: path, doc: "The file that holds it encrypted by age, opened with --age-identity; watchword secret seal writes one."},
			{name: "refresh", is: duration, doc: "The command runs again this often, and not only when the configuration is read; a value that it gave holds until it gives another."},
			{name: "timeout", is: duration, fallback: `"10s"`, doc: "How long the command may take, a minute at most; then it is killed with all it has started."},
		},
	}
}

func certificateBlock() *blockType {
	return &blockType{
		name: "certificate", labels: []string{"NAME"}, doc: "A client certificate for certain hosts, or only the CA that signs their servers' certificates.",
		attrs: []attrType{
			{name: "host", is: text, doc: "Host name or pattern it is for."},
			{name: "hosts", is: texts, doc: "Several of them."},
			{name: "pem", is: path, doc: "One PEM file with the chain and the key, in any order."},
			{name: "cert", is: path, doc: "PEM file with the chain, beside key."},
			{name: "key", is: path, doc: "PEM file with the key, which may be encrypted."},
			{name: "pkcs12", is: path, doc: "PKCS#12 bundle (.p12 or .pfx) with the chain and the key."},
			{name: "passphrase", is: text, secret: true, doc: "What the key or the bundle is encrypted with, such as secret.acme_key."},
			{name: "ca", is: path, doc: "PEM file with the CAs of these hosts' servers."},
			{name: "system_roots", is: truth, fallback: "true", doc: "Whether the system's CAs count beside ca."},
			{name: "added", is: moment, doc: "When it came in: the newest of several that match is taken."},
			{name: "primary", is: truth, fallback: "false", doc: "The one that goes along with mtls = true where no other matches."},
		},
	}
}
