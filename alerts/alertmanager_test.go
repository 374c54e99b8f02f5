package alerts_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchword/alerts"
)

func TestAlertmanagerSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &manager{}
		r := &alerts.Alertmanager{URLs: []string{amURL + "/", amOther}, BearerToken: "canary", Client: &http.Client{Transport: am}}
		if err := r.Sample(t.Context(), "fra1"); err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{amURL, amOther} {
			got := am.take(url)
			if len(got) != 1 || got[0].Labels["alertname"] != "WatchwordSample" || got[0].Labels["location"] != "fra1" || got[0].EndsAt.Sub(got[0].StartsAt) != 2*time.Minute {
				t.Errorf("%s got %+v", url, got)
			}
		}
		if h := am.requests[0].Header.Get("Authorization"); h != "Bearer canary" {
			t.Errorf("authorization %q", h)
		}
		am.setFault(func(r *http.Request) (int, error) {
			if r.URL.Host == "am.test:9093" {
				return http.StatusFound, nil
			}
			return 0, nil
		})
		if err := r.Sample(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "the answer is 302 Found: no for Bearer ***") || len(am.take(amOther)) != 1 {
			t.Errorf("error %v", err)
		}
		if err := (&alerts.Alertmanager{Err: errors.New("no secret")}).Sample(t.Context(), ""); err == nil {
			t.Error("an unusable one says nothing")
		}
	})
}

// roundTrip is a transport.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What an answer repeats of a secret is not shown, wherever it stands and
// however it is written.
func TestAlertmanagerHidesSecrets(t *testing.T) {
	for _, said := range []string{
		strings.Repeat("x", 290) + "canary  secret", // cut in the middle
		"canary  secret", // on one line it has one space
		"cHJvYmU6Y2FuYXJ5ICBzZWNyZXQ=",
		"canary%20%20secret",
	} {
		a := &alerts.Alertmanager{URLs: []string{amURL}, Username: "probe", Password: "canary  secret", Client: &http.Client{
			Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				return jsonAnswer(http.StatusForbidden, said), nil
			}),
		}}
		err := a.Sample(t.Context(), "")
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "cHJvYmU6") {
			t.Errorf("%q: got %v", said, err)
		}
	}
}

func jsonAnswer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}
}

// Credentials do not follow a redirect.
func TestAlertmanagerFollowsNoRedirect(t *testing.T) {
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		requests := 0
		a := &alerts.Alertmanager{URLs: []string{amURL}, BearerToken: "canary", Client: &http.Client{
			Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				requests++
				resp := jsonAnswer(status, "")
				resp.Header = http.Header{"Location": {"http://am.test:9093/elsewhere"}}
				return resp, nil
			}),
		}}
		err := a.Sample(t.Context(), "")
		if send, ok := errors.AsType[*alerts.SendError](err); !ok || !send.Permanent || requests != 1 {
			t.Errorf("%d: %d requests, error %v", status, requests, err)
		}
	}
}

// An Alertmanager that was restarted breaks the connection which the last post
// left idle. The next one arrives all the same.
func TestAlertmanagerOverABrokenConnection(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var requests atomic.Int64
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answerOnce(conn, &requests)
		}
	}()
	transport := &http.Transport{}
	a := &alerts.Alertmanager{URLs: []string{"http://" + l.Addr().String()}, Client: &http.Client{Transport: transport}}
	for range 2 {
		if err := a.Sample(t.Context(), ""); err != nil {
			t.Error(err)
		}
	}
	transport.CloseIdleConnections()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	<-served
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests, want one answered, one unanswered and one made again", n)
	}
}

// answerOnce takes the first request of a connection, leaves the second without
// an answer, and closes it.
func answerOnce(conn net.Conn, requests *atomic.Int64) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for first := true; ; first = false {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		requests.Add(1)
		if _, err := io.Copy(io.Discard, r.Body); err != nil || !first {
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil {
			return
		}
	}
}
