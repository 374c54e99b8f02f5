package main

import (
	"fmt"
	"slices"

	"watchword/cmd/internal/config"
)

// loses refuses a certificate that comes without a ca and takes the place of
// one that has a ca: the servers of its checks are verified by that, and would
// not be any more.
func (a *app) loses(add *addition, before *config.Config, changed []move) error {
	if add.ca != "" {
		return nil
	}
	var names []string
	ca, from := "", ""
	for _, m := range changed {
		c := source(before, m.from)
		if c == nil || m.certificate != add.name || m.ownRoots || c.Identity.Source().CA == "" {
			continue
		}
		if ca == "" {
			ca, from = c.Identity.Source().CA, m.from
		}
		if !slices.Contains(names, m.check) {
			names = append(names, m.check)
		}
	}
	if ca == "" {
		return nil
	}
	text := fmt.Sprintf("the ca of certificate %q verifies the servers of %s, and the new one has none; --ca %s keeps it", from, shortList(names, 10), quoted(ca))
	if add.force {
		fmt.Fprintf(a.stderr, "warning: %s\n", text)
		return nil
	}
	return fmt.Errorf("certificate %q is not added: %s, --force adds it without", add.name, text)
}
