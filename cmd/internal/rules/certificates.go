package rules

import (
	"fmt"
	"slices"
	"time"
)

const (
	// Certificates that live shorter than this are told of by shares of their
	// lifetime, since the thresholds would be with them from the start.
	shortLived = 100 * 24 * time.Hour
	// urgent is how close an expiry is when it is critical.
	urgent = 3 * 24 * time.Hour
)

// stake says which checks stop working with a client certificate.
const stake = `{{ range query (printf "watchword_client_certificate_checks{certificate=%q,location=%q}" $labels.certificate $labels.location) }}` +
	`{{ .Value }} checks use it. {{ end }}`

// certificates are the alerts on certificates.
func (o Options) certificates() []rule {
	thresholds := slices.Compact(slices.Sorted(slices.Values(o.Expiry)))
	var rules []rule
	for i, within := range thresholds {
		above := time.Duration(0)
		if i > 0 {
			above = thresholds[i-1]
		}
		rules = append(rules, o.clientExpiry(above, within), o.serverExpiry(above, within))
	}
	if len(thresholds) > 0 {
		rules = append(rules, o.clientShare("a twelfth", "0", "1 / 12", "critical"), o.clientShare("a sixth", "1 / 12", "1 / 6", "warning"),
			o.clientShare("a third", "1 / 6", "1 / 3", "warning"), o.expired(), o.serverExpired())
	}
	return append(rules, rule{
		Alert:  "WatchwordClientCertificateLoadFailed",
		Expr:   o.series("watchword_client_certificate_load_failed") + " == 1",
		For:    "2m",
		Labels: map[string]string{"severity": "critical"},
		Annotations: annotations{
			Summary:     "The files of certificate {{ $labels.certificate }} cannot be used",
			Description: stake + "watchword cert check {{ $labels.certificate }} says what is wrong and what mends it.",
		},
	})
}

// left is how many seconds are left of client certificates of long or short
// lives.
func (o Options) left(long bool) string {
	than := ">="
	if !long {
		than = "<"
	}
	end, begin := o.series("watchword_client_certificate_not_after_timestamp_seconds"), o.series("watchword_client_certificate_not_before_timestamp_seconds")
	return fmt.Sprintf("(%s - time() and (%s - %s %s %s))", end, end, begin, than, seconds(shortLived))
}

// clientExpiry is the alert on client certificates that expire in above to
// within from now.
func (o Options) clientExpiry(above, within time.Duration) rule {
	left := o.left(true)
	return rule{
		Alert:  "WatchwordClientCertificateExpires",
		Expr:   fmt.Sprintf("%s > %s\nand\n%s <= %s", left, seconds(above), left, seconds(within)),
		Labels: map[string]string{"severity": severity(within), "threshold": short(within)},
		Annotations: annotations{
			Summary:     "Certificate {{ $labels.certificate }} expires in {{ $value | humanizeDuration }}",
			Description: stake + "Put the new files in the place of the old ones, or add a block with a newer `added`.",
		},
	}
}

// clientShare is the same by shares of the lifetime.
func (o Options) clientShare(words, above, within, severity string) rule {
	left := o.left(false)
	lifetime := fmt.Sprintf("(%s - %s)", o.series("watchword_client_certificate_not_after_timestamp_seconds"), o.series("watchword_client_certificate_not_before_timestamp_seconds"))
	return rule{
		Alert:  "WatchwordClientCertificateExpires",
		Expr:   fmt.Sprintf("%s > %s * %s\nand\n%s <= %s * %s", left, lifetime, above, left, lifetime, within),
		Labels: map[string]string{"severity": severity, "threshold": words + " of its lifetime"},
		Annotations: annotations{
			Summary:     "Certificate {{ $labels.certificate }} expires in {{ $value | humanizeDuration }}, less than " + words + " of its lifetime",
			Description: stake + "Whatever renews it should have done so by now.",
		},
	}
}

// asking says how many checks meet a server's certificate, in a description.
const asking = `{{ range query (printf "count(watchword_server_certificate_not_after_timestamp_seconds{host=%q,location=%q})" $labels.host $labels.location) }}` +
	"{{ .Value }} checks ask this host. {{ end }}"

// serverLeft is how many seconds are left of certificates that servers
// presented.
func (o Options) serverLeft() string {
	return fmt.Sprintf("(min by (location, host, fingerprint) (%s) - time())", o.series("watchword_server_certificate_not_after_timestamp_seconds"))
}

// serverExpiry is the alert on those that expire in above to within from now.
func (o Options) serverExpiry(above, within time.Duration) rule {
	left := o.serverLeft()
	return rule{
		Alert:  "WatchwordServerCertificateExpires",
		Expr:   fmt.Sprintf("%s > %s\nand\n%s <= %s", left, seconds(above), left, seconds(within)),
		Labels: map[string]string{"severity": severity(within), "threshold": short(within)},
		Annotations: annotations{
			Summary:     "The certificate of {{ $labels.host }} expires in {{ $value | humanizeDuration }}",
			Description: asking + "Those who run the server have to renew it.",
		},
	}
}

// serverExpired is the alert on those that servers go on presenting.
func (o Options) serverExpired() rule {
	return rule{
		Alert:  "WatchwordServerCertificateExpired",
		Expr:   "-" + o.serverLeft() + " >= 0",
		Labels: map[string]string{"severity": "critical"},
		Annotations: annotations{
			Summary:     "The certificate of {{ $labels.host }} has expired {{ $value | humanizeDuration }} ago",
			Description: asking + "Those who run the server have to renew it.",
		},
	}
}

// expired is the alert on client certificates that checks still present.
func (o Options) expired() rule {
	return rule{
		Alert: "WatchwordClientCertificateExpired",
		Expr: fmt.Sprintf("time() - %s >= 0\nand on (job, instance, location, certificate) %s > 0",
			o.series("watchword_client_certificate_not_after_timestamp_seconds"), o.series("watchword_client_certificate_checks")),
		Labels: map[string]string{"severity": "critical"},
		Annotations: annotations{
			Summary:     "Certificate {{ $labels.certificate }} has expired {{ $value | humanizeDuration }} ago",
			Description: stake + "Servers refuse it.",
		},
	}
}

// severity is that of a certificate that expires within a time.
func severity(within time.Duration) string {
	if within <= urgent {
		return "critical"
	}
	return "warning"
}
