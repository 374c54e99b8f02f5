package config

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/alerts"
	"watchword/certs"
	"watchword/checks"
	"watchword/cmd/internal/lang"
	"watchword/scheduler"
)

// A loader is one run of [Load]. Its parts fill in one another's results
// from top to bottom.
type loader struct {
	*report
	opts      Options
	now       time.Time
	sources   map[string]lang.Source
	scope     *lang.Scope
	labelName *regexp.Regexp

	secrets     []checks.Secret
	secretNames []string // of the blocks
	commands    []secretCommand
	age         *ageKeys // nil until needed
	redactor    *checks.Redactor
	userinfo    []string // in URLs, where it must not stand
	watched     map[string]bool
	notices     []Notice

	requestCAs []CA

	unsettled []Notice
	reloadAt  time.Time // zero: no need

	certLoader *certs.Loader
	certs      []*certificate
	identities map[string]*certificate // by name
	set        *certs.Set
	setBroken  bool // the set lacks certificates because of mistakes
	rootFiles  map[string]requestRoots
	bodyFiles  map[string]bodyFile
	rootHosts  map[string]bool

	routing      alerts.Routes
	receiverList []string // full names
	zone         *time.Location
	location     string
	schedules    map[spec]parsedSchedule
	labelSets    map[string]map[string]string // equal ones share memory
	hostUnknown  bool                         // some request's host is known only when it runs

	checkNames   map[string]bool // full names of all checks
	dependencies int             // how many there are, of all checks
	dependsAt    map[string]hcl.Range
	proofsOf     map[*block][]lang.Proof
}

// A parsedSchedule is a schedule, or why there is none.
type parsedSchedule struct {
	schedule *scheduler.Schedule
	err      error
}

// Load reads the file or folder at path, with everything it refers to.
//
// An error is a [*Error] that holds every mistake of every file, or ctx's
// own. Secrets and certificates that cannot be read are no error, unless
// Options.Validate is set: they are told in Config.Unreadable.
func Load(ctx context.Context, path string, o Options) (*Config, error) {
	t, err := find(path, o.WorkDir)
	if err != nil {
		return nil, nothingAt(err)
	}
	return loadTree(ctx, t, o)
}

// loadTree is Load for the files of t.
func loadTree(ctx context.Context, t *tree, o Options) (*Config, error) {
	l := newLoader(o)
	root, err := l.parseAll(ctx, t)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, l.fail() // a file is missing: all else would be guesses
	}
	c := l.resolve(ctx, root)
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if l.errors > 0 {
		return nil, l.fail()
	}
	c.Warnings = l.diagnostics(l.redactor)
	clear(l.sources) // conditions hold on to the scope
	c.Files, c.Dirs = l.watchList(t)
	o.Commands.use(l.commands)
	l.certLoader.Remember()
	return c, nil
}

func newLoader(o Options) *loader {
	l := &loader{
		report:    newReport(),
		opts:      o,
		now:       o.Now,
		sources:   map[string]lang.Source{},
		labelName: labelPattern(),
		watched:   map[string]bool{},
		rootFiles: map[string]requestRoots{},
		bodyFiles: map[string]bodyFile{},
		rootHosts: map[string]bool{},
		schedules: map[spec]parsedSchedule{},
		labelSets: map[string]map[string]string{},
		dependsAt: map[string]hcl.Range{},
		proofsOf:  map[*block][]lang.Proof{},
	}
	if l.now.IsZero() {
		l.now = time.Now()
	}
	l.certLoader = &certs.Loader{Memory: o.Certificates, Now: l.now}
	environ := o.Environ
	if environ == nil {
		environ = func(string) (string, bool) { return "", false }
	}
	l.scope = lang.NewScope(nil, lang.Options{Sources: l.sources, Environ: environ})
	return l
}

func (l *loader) fail() error {
	return &Error{Diagnostics: l.diagnostics(l.redactor.With(l.userinfo...))}
}

// parseAll reads and parses all files and takes their blocks apart. It
// returns nil if one of them cannot be read or parsed.
func (l *loader) parseAll(ctx context.Context, t *tree) (*block, error) {
	if err := t.read(ctx, l.report); err != nil {
		return nil, err
	}
	for _, f := range t.files {
		l.sources[f.name] = lang.Source{Name: f.name, Dir: f.dir(), Text: f.src}
	}
	is := language()
	all := make([]parsedFile, len(t.files))
	inParallel(len(all), func(i int) {
		if ctx.Err() == nil {
			all[i] = l.parseFile(t.files[i], is)
		}
	})
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	for i := range all {
		l.add(all[i].syntax)
	}
	if l.errors > 0 {
		return nil, nil //nolint:nilnil // as documented
	}
	root := &block{is: is}
	for _, p := range all {
		l.join(p.report)
		root.blocks = append(root.blocks, p.blocks.blocks...)
		root.broken = root.broken || p.blocks.broken
	}
	return root, nil
}

// A parsedFile is what one file holds.
type parsedFile struct {
	syntax hcl.Diagnostics
	blocks *block // nil after a mistake of syntax
	report *report
}

// parseFile parses f and takes its blocks apart. The tree of the syntax is let
// go: it is larger than all that is kept of it.
func (l *loader) parseFile(f *file, is *blockType) parsedFile {
	p := parsedFile{syntax: f.parse(), report: l.another()}
	if p.syntax.HasErrors() || f.parsed == nil {
		return p
	}
	p.blocks = p.report.takeApart(f.parsed.Body, is, f)
	f.parsed = nil
	return p
}

// inParallel calls do for each number below n on all cores, and waits.
func inParallel(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wg.Wait()
}

// resolve evaluates everything, in the order in which things may name one
// another: variables and secrets, locals, certificates and receivers, checks.
func (l *loader) resolve(ctx context.Context, root *block) *Config {
	found := make(chan *detector, 1)
	go func() { found <- l.credentials(root) }() // while files of certificates are read
	blocks := l.byKind(root)
	l.scope = l.scope.With(map[string]cty.Value{"var": l.variables(blocks["variable"])})
	l.scope = l.scope.With(map[string]cty.Value{"secret": l.secretValues(ctx, blocks["secret"])})
	l.scope = l.scope.With(map[string]cty.Value{"local": l.evaluateLocals(blocks["locals"])})
	l.certificates(blocks["certificate"])
	l.scope = l.scope.With(map[string]cty.Value{
		"certificate": l.certificateNames(),
		"receiver":    receiverNames(blocks["receiver"]),
	})
	l.redactor = checks.NewNamedRedactor(l.secrets...)

	c := &Config{Settings: l.settings(first(blocks["settings"])), Redactor: l.redactor}
	l.zone, l.location = c.Settings.Timezone, c.Settings.Location
	c.Receivers = l.receivers(blocks["receiver"])
	l.receiverList = fullNames(blocks["receiver"])
	c.Routes = l.routes(blocks["route"], l.receiverList)
	l.routing = c.Routes
	c.Maintenance = l.maintenance(blocks["maintenance"])
	suspects := <-found // before the blocks of checks are let go
	c.Monitors = l.monitors(root, first(blocks["defaults"]))
	l.unmatched(slices.Concat(blocks["route"], blocks["maintenance"]), c.Monitors)
	l.unused()
	l.join(suspects.report)
	l.userinfo = append(l.userinfo, suspects.userinfo...)

	c.Certificates = l.set
	for _, cert := range l.certs {
		c.Sources = append(c.Sources, Certificate{
			Identity: cert.identity, Source: sourceAt(cert.block.at), Checks: cert.usedBy, Verifies: cert.verifies,
			Receivers: cert.receivers, Trusting: cert.trusting,
		})
	}
	c.CAs = l.requestCAs
	c.Unreadable = l.notices
	c.Secrets = l.secretNames
	c.Unsettled, c.Again = l.unsettled, l.reloadAt
	return c
}

// byKind sorts the top-level blocks, and reports those of one name.
func (l *loader) byKind(root *block) map[string][]*block {
	blocks := map[string][]*block{}
	for _, b := range root.blocks {
		blocks[b.is.name] = append(blocks[b.is.name], b)
	}
	for _, kind := range slices.Sorted(maps.Keys(blocks)) {
		if kind == "check" || kind == "group" {
			continue // their names are paths
		}
		if is := root.is.block(kind); is.single || len(is.labels) > 0 {
			blocks[kind] = l.duplicates(blocks[kind])
		}
	}
	return blocks
}

func first(blocks []*block) *block {
	if len(blocks) == 0 {
		return nil
	}
	return blocks[0]
}

// watch notes that the configuration depends on the file at path.
func (l *loader) watch(path string) {
	if path != "" {
		l.watched[path] = true
	}
}

// watchList is Config.Files and Config.Dirs.
func (l *loader) watchList(t *tree) (files, dirs []string) {
	for _, f := range t.files {
		l.watch(f.path)
	}
	for _, path := range l.scope.Files() {
		l.watch(path)
	}
	dirs = slices.Clone(t.dirs)
	for path := range l.watched {
		files = append(files, path)
		dirs = append(dirs, filepath.Dir(path))
	}
	slices.Sort(files)
	slices.Sort(dirs)
	return files, slices.Compact(dirs)
}
