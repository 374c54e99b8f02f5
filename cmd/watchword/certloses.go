package main

import (
	"fmt"
	"slices"

	"watchword/cmd/internal/config"
)

// loses refuses a certificate that takes the place of one with a ca and has
// none: no ca would verify the servers of those checks and receivers any more.
func (a *app) loses(add *addition, before, after *config.Config) error {
	verified := make(map[string]bool)
	for _, c := range after.Sources {
		for _, name := range verifies(c) {
			verified[name] = true
		}
	}
	for _, c := range before.Sources {
		names := slices.DeleteFunc(verifies(c), func(name string) bool { return verified[name] })
		if len(names) == 0 {
			continue
		}
		id := c.Identity
		text := fmt.Sprintf("the ca of certificate %q verifies the servers of %s, and the new one has none; --ca %s keeps it",
			id.Name(), shortList(names, 10), quoted(id.Source().CA))
		if !add.force {
			return fmt.Errorf("certificate %q is not added: %s, --force adds it without", add.name, text)
		}
		fmt.Fprintf(a.stderr, "warning: %s\n", text)
	}
	return nil
}

// verifies are the checks and receivers whose servers are verified by the ca
// of c.
func verifies(c config.Certificate) []string {
	names := slices.Clone(c.Verifies)
	for _, r := range c.Trusting {
		names = append(names, "receiver "+r)
	}
	return names
}
