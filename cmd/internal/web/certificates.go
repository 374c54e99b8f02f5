package web

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// clientCertificates returns those of the configuration, the one that expires
// first at the top.
func (b *Board) clientCertificates(now time.Time) []certificateStatus {
	list := []certificateStatus{}
	for _, c := range b.view().setup.Certificates {
		s := certificateStatus{
			Certificate: c.Name, Hosts: c.Hosts, Subject: c.Subject, Issuer: c.Issuer, Primary: c.Primary,
			Checks: c.Checks, Error: c.Error,
		}
		if s.Hosts == nil {
			s.Hosts = []string{}
		}
		if s.Checks == nil {
			s.Checks = []string{}
		}
		if !c.NotAfter.IsZero() {
			days := daysLeft(c.NotAfter, now)
			s.NotAfter, s.DaysLeft = &c.NotAfter, &days
		}
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b certificateStatus) int {
		return cmp.Compare(left(a.DaysLeft), left(b.DaysLeft))
	})
	return list
}

// left sorts what cannot be read before all else.
func left(days *float64) float64 {
	const first = -1e9
	if days == nil {
		return first
	}
	return *days
}

// serverCertificates returns what checks met, one line a host and certificate.
func serverCertificates(list []checkStatus) []serverStatus {
	out := []serverStatus{}
	place := make(map[[2]string]int)
	for _, c := range list {
		for _, s := range c.servers {
			key := [2]string{s.Host, s.Fingerprint}
			if i, ok := place[key]; ok {
				out[i].Checks = append(out[i].Checks, c.Check)
				continue
			}
			place[key] = len(out)
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b serverStatus) int { return a.NotAfter.Compare(b.NotAfter) })
	return out
}

// daysLeft counts days with one digit behind the point, rounded down; negative
// from the moment on when they are over.
func daysLeft(end, now time.Time) float64 {
	const tenths = 10
	return math.Floor(end.Sub(now).Hours()/24*tenths) / tenths
}

// A presented certificate is a line of the page: however many hosts present
// one, it expires once.
type presented struct {
	Subject  string
	NotAfter time.Time
	DaysLeft float64
	Hosts    []string
	Checks   int // that met it
}

// presentedBy puts the hosts together that present the same certificate, the
// one that expires first at the top.
func presentedBy(servers []serverStatus) []presented {
	var out []presented
	place := make(map[string]int)
	names := make(map[string]map[string]bool) // of checks by fingerprint
	for _, s := range servers {
		i, known := place[s.Fingerprint]
		if !known {
			i = len(out)
			place[s.Fingerprint], names[s.Fingerprint] = i, make(map[string]bool)
			out = append(out, presented{Subject: s.Subject, NotAfter: s.NotAfter, DaysLeft: s.DaysLeft})
		}
		out[i].Hosts = append(out[i].Hosts, s.Host)
		for _, c := range s.Checks {
			names[s.Fingerprint][c] = true
		}
		out[i].Checks = len(names[s.Fingerprint])
	}
	return out
}
