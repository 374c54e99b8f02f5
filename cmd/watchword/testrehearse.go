package main

import (
	"fmt"
	"slices"

	"watchword/certs"
	"watchword/checks"
	"watchword/cmd/internal/config"
)

// rehearsed is the certificate of that name, nil without one.
func rehearsed(cfg *config.Config, name string) (*certs.Identity, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // as documented
	}
	list, err := chosen(cfg, []string{name})
	if err != nil {
		return nil, err
	}
	id := list[0].Identity
	if !id.HasCertificate() {
		return nil, usagef("certificate %q only brings a ca: there is nothing to present", name)
	}
	return id, nil
}

// showed reports whether id went along with a request of the run.
func showed(r checks.Result, id *certs.Identity) bool {
	return id != nil && slices.ContainsFunc(r.Steps, func(step checks.StepResult) bool { return step.Certificate == id.Name() })
}

// writeRehearsals tells how many of all checks presented the certificate. It
// is no part of the results.
func (a *app) writeRehearsals(id *certs.Identity, n, all int) {
	if n == 0 {
		fmt.Fprintf(a.stderr, "watchword: certificate %s was not rehearsed: no request would present any certificate\n", id.Name())
		return
	}
	fmt.Fprintf(a.stderr, "watchword: certificate %s went along in %d of %s\n", id.Name(), n, count(all, "check"))
}
