package main

import (
	"fmt"
	"slices"

	"watchword/cmd/internal/config"
)

// loses refuses a certificate that takes the place of one with a ca and has
// none: no ca would verify the servers of those checks any more.
func (a *app) loses(add *addition, before, after *config.Config) error {
	verified := make(map[string]bool)
	for _, c := range after.Sources {
		for _, check := range c.Verifies {
			verified[check] = true
		}
	}
	for _, c := range before.Sources {
		names := slices.DeleteFunc(slices.Clone(c.Verifies), func(check string) bool { return verified[check] })
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
