package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
)

const (
	defaultListen        = "127.0.0.1:9780"
	defaultState         = "watchword.db"
	defaultMaxConcurrent = 1000
)

// settings evaluates the settings block, which may be missing.
func (l *loader) settings(b *block) Settings {
	if b == nil {
		b = &block{is: settingsBlock()}
	}
	s := Settings{
		Listen: parsed(l, b, "listen", func(s string) (string, error) {
			return parseHostPort(s, true)
		}).otherwise(defaultListen),
		Location:      l.text(b, "location").otherwise(""),
		Timezone:      parsed(l, b, "timezone", parseZone).otherwise(time.UTC),
		ExternalURL:   parsed(l, b, "external_url", parseWebURL).otherwise(""),
		GrafanaURL:    parsed(l, b, "grafana_url", parseWebURL).otherwise(""),
		SourceURL:     parsed(l, b, "source_url", parseWebURL).otherwise(""),
		MaxConcurrent: l.count(b, "max_concurrent").otherwise(defaultMaxConcurrent),
		MaxPerHost:    l.count(b, "max_concurrent_per_host").otherwise(0),
		AllowNetworks: l.networks(b, "allow_networks"),
		DenyNetworks:  l.networks(b, "deny_networks"),
	}
	s.CertificateExpiry = l.expiry(b)
	s.State = l.statePath(b)
	return s
}

// expiry evaluates certificate_expiry, longest first.
func (l *loader) expiry(b *block) []time.Duration {
	const day = 24 * time.Hour
	o := listOf(l, b, "certificate_expiry", func(s string) (time.Duration, error) {
		d, err := parseDuration(s)
		if err == nil && d <= 0 {
			err = fmt.Errorf("%q is no time at all", s)
		}
		return d, err
	})
	slices.SortFunc(o.value, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	o.value = slices.Compact(o.value)
	return o.otherwise([]time.Duration{30 * day, 14 * day, 7 * day, 3 * day, day})
}

// GuessState is the state file of a configuration that may have mistakes, as
// far as settings can be read as they stand; empty if they cannot.
func GuessState(ctx context.Context, path string, o Options) string {
	t, err := find(path, o.WorkDir)
	if err != nil || t.read(ctx, newReport()) != nil {
		return ""
	}
	state := defaultState
	for _, f := range t.files {
		_ = f.parse() // what it makes of the file in spite of mistakes is enough
		if f.parsed == nil {
			continue
		}
		content, _, _ := f.parsed.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "settings"}}})
		for _, b := range content.Blocks {
			given, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "state"}}})
			if attr := given.Attributes["state"]; attr != nil {
				diags := gohcl.DecodeExpression(attr.Expr, nil, &state)
				if diags.HasErrors() || state == "" {
					return ""
				}
			}
		}
	}
	abs, err := o.stateAt(state)
	if err != nil {
		return ""
	}
	return abs
}

// stateAt is the absolute path of a state file.
func (o *Options) stateAt(state string) (string, error) {
	base := o.WorkDir
	if o.Environ != nil {
		if dir, ok := o.Environ("STATE_DIRECTORY"); ok && dir != "" {
			base = filepath.SplitList(dir)[0]
		}
	}
	return absolute(state, base)
}

// statePath is the state file's absolute path. Unlike all others it starts at
// $STATE_DIRECTORY, as systemd sets it, else at the working directory.
func (l *loader) statePath(b *block) string {
	state := parsed(l, b, "state", func(s string) (string, error) {
		if s == "" {
			return "", errors.New("it is empty")
		}
		return s, nil
	}).otherwise(defaultState)
	abs, err := l.opts.stateAt(state)
	if err != nil {
		l.errorf(b.at, "No working directory", "%s.", capital(err.Error()))
	}
	return abs
}
