package metrics

import (
	"slices"
	"time"
	"unique"

	"watchword/checks"
)

// MaxHosts is how many host names that its configuration does not name a check
// may bring into the label host, until watchword starts anew: a server chooses
// where it redirects to, but not how many series there are.
const MaxHosts = 8

// A serverCertificate is the one that a host presented last.
type serverCertificate struct {
	host        unique.Handle[word] // shared by all checks that meet it
	fingerprint unique.Handle[word]
	notAfter    time.Time
}

// recordServers takes over the certificates that were presented in a run. One
// takes the place of the host's earlier one. A good run has asked every host,
// so those that it did not meet are gone; a failed one may have ended before.
func (c *check) recordServers(steps []checks.StepResult, good bool) {
	if good {
		c.keepMet(steps)
	}
	for _, step := range steps {
		for _, cert := range step.Servers {
			host := cut(cert.Host, maxHost)
			if !c.mayShow(host) {
				continue
			}
			i := slices.IndexFunc(c.servers, func(s serverCertificate) bool { return s.host.Value().value == host })
			if i < 0 {
				i = len(c.servers)
				c.servers = append(c.servers, serverCertificate{host: shown("host", host)})
			}
			s := &c.servers[i]
			s.notAfter = cert.NotAfter
			if fingerprint := cut(cert.Fingerprint, maxFingerprint); s.fingerprint == (unique.Handle[word]{}) || s.fingerprint.Value().value != fingerprint {
				s.fingerprint = shown("fingerprint", fingerprint)
			}
		}
	}
}

func shown(name, value string) unique.Handle[word] {
	return unique.Make(word{value, label(name, value)})
}

// keepMet drops the hosts that none of the steps has met.
func (c *check) keepMet(steps []checks.StepResult) {
	c.servers = slices.DeleteFunc(c.servers, func(s serverCertificate) bool {
		for _, step := range steps {
			for _, cert := range step.Servers {
				if cut(cert.Host, maxHost) == s.host.Value().value {
					return false
				}
			}
		}
		return true
	})
}

// mayShow says whether a host may become a label value, and remembers it.
func (c *check) mayShow(host string) bool {
	if c.foreign[host] || slices.Contains(c.conf.Hosts, host) {
		return true
	}
	if len(c.foreign) >= MaxHosts {
		return false
	}
	if c.foreign == nil {
		c.foreign = make(map[string]bool)
	}
	c.foreign[host] = true
	return true
}

func serverCertificates(s *scrape, c *check) {
	for i := range c.servers {
		cert := &c.servers[i]
		s.gauge(timestamp(cert.notAfter), c.name, cert.fingerprint.Value().label, c.group, cert.host.Value().label, c.location)
	}
}
