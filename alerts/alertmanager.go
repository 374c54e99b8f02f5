package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"watchword/checks"
)

// Alertmanager is where a [Feed] sends alerts to: one Prometheus Alertmanager,
// or all instances of a cluster, each of which gets every alert. Redirects are
// not followed: credentials stay with the instance. Set the fields before it is
// used.
type Alertmanager struct {
	URLs        []string // http or https, with the path below which it is served, without /api/v2
	Username    string   // of basic authentication, with Password; empty for none
	Password    string
	BearerToken string         // instead of them
	TLS         map[string]TLS // of https URLs, by URL; one that is missing has the zero value
	Client      *http.Client   // its Transport and Timeout are used; nil means one of its own, with a connection for each request
	Err         error          // why it cannot be used before the configuration is mended; nothing is sent then
}

const (
	alertmanagerPath    = "/api/v2/alerts"
	alertmanagerTimeout = 15 * time.Second // of one request
	maxRead             = 64 << 10         // bytes of an answer that are read
	maxRefusal          = 300              // runes of an answer that are told

	// sampleLasts is longer than the group_wait of most Alertmanagers: what is
	// over before that is told to nobody.
	sampleLasts = 2 * time.Minute
)

// postable is an alert as version 2 of Alertmanager's API takes it.
type postable struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// usable says whether anything can be sent. The receiver may be nil.
func (a *Alertmanager) usable() bool { return a != nil && a.Err == nil }

// Sample sends every instance an alert named WatchwordSample, which ends by
// itself after two minutes: long enough for Alertmanager to tell of it, and
// then that it is resolved. The error joins those of the instances.
func (a *Alertmanager) Sample(ctx context.Context, location string) error {
	if a.Err != nil {
		return a.Err
	}
	labels := map[string]string{"alertname": "WatchwordSample", "check": "sample", "severity": "warning"}
	if location != "" {
		labels["location"] = location
	}
	now := time.Now()
	body, err := json.Marshal([]postable{{
		Labels: labels, StartsAt: now, EndsAt: now.Add(sampleLasts),
		Annotations: map[string]string{
			"summary":     heading(location) + " sends a sample",
			"description": "Nothing is wrong: someone tries whether alerts arrive. It is resolved in " + FormatDuration(sampleLasts) + ".",
		},
	}})
	if err != nil {
		return fmt.Errorf("writing the sample: %w", err)
	}
	var errs []error
	for _, url := range a.URLs {
		if err := a.post(ctx, url, body); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// post hands alerts to one instance. The error is a *SendError that holds no
// secret.
func (a *Alertmanager) post(ctx context.Context, url string, body []byte) error {
	limit := a.limit()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(url, "/")+alertmanagerPath, bytes.NewReader(body))
	if err != nil {
		return &SendError{Err: fmt.Errorf("posting to %s: %w", url, inner(err)), Permanent: true}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "watchword")
	req.Header["Idempotency-Key"] = nil // lets net/http post again where an idle connection has died; it sends no such header
	switch {
	case a.BearerToken != "":
		req.Header.Set("Authorization", "Bearer "+a.BearerToken)
	case a.Username != "":
		req.SetBasicAuth(a.Username, a.Password)
	}
	conn := a.TLS[url].connect(req.URL, a.Client)
	defer conn.close()
	resp, err := conn.send(req)
	if err != nil {
		out := conn.failed(ctx, err)
		out.Err = fmt.Errorf("posting to %s: %w", url, hide(out.Err, a.secrets()))
		return out
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return nil
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxRead)) // what there is
	return &SendError{
		Err:       fmt.Errorf("posting to %s: %s", url, refusal(resp.StatusCode, strings.Trim(begins(said, a.secrets(), maxRefusal), `"`))),
		Permanent: refuses(resp.StatusCode), Unsure: true, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()), status: resp.StatusCode,
	}
}

// limit bounds one request, its answer included.
func (a *Alertmanager) limit() time.Duration {
	if a.Client != nil && a.Client.Timeout > 0 {
		return a.Client.Timeout
	}
	return alertmanagerTimeout
}

// secrets finds what no error may show.
func (a *Alertmanager) secrets() *checks.Redactor {
	return checks.NewRedactor(a.Password, a.Username+":"+a.Password, a.BearerToken)
}

// refuses says whether an answer means that nothing will be taken before
// someone changes something.
func refuses(status int) bool {
	return status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}
