package alerts_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchword/alerts"
	"watchword/alerts/alertstest"
)

// A server that sends back what it is sent gets no secret into an error.
func TestErrorsOfAnEchoHideSecrets(t *testing.T) {
	t.Parallel()
	echo := "http://" + serve(t, func(c net.Conn) {
		buf := make([]byte, 1<<16)
		n, _ := c.Read(buf)
		_, _ = c.Write(buf[:n])
		_ = c.Close()
	})
	backwards := "http://" + serve(t, func(c net.Conn) { // the header with the credentials is what comes first
		buf := make([]byte, 1<<16)
		n, _ := c.Read(buf)
		_, credentials, _ := strings.Cut(string(buf[:n]), "Authorization: ")
		_, _ = c.Write([]byte(credentials))
		_ = c.Close()
	})
	for _, url := range []string{echo, backwards} {
		for name, send := range map[string]func() error{
			"Alertmanager": func() error {
				a := &alerts.Alertmanager{URLs: []string{url}, Username: "probe", Password: "canary"}
				return a.Sample(t.Context(), "")
			},
			"bearer token": func() error {
				a := &alerts.Alertmanager{URLs: []string{url}, BearerToken: "canary"}
				return a.Sample(t.Context(), "")
			},
			"webhook": func() error {
				w := &alerts.Webhook{URL: url + "/in/canary?key=canary", Headers: map[string]string{"Authorization": "Bearer canary"}}
				_, err := w.Send(t.Context(), delivery(alerts.Fired))
				return err
			},
			"Slack webhook": func() error {
				s := &alerts.Slack{WebhookURL: url + "/services/T0/B0/a-canary"}
				_, err := s.Send(t.Context(), delivery(alerts.Fired))
				return err
			},
			"Slack": func() error {
				s := &alerts.Slack{Token: "canary", Channel: "#c", APIURL: url}
				_, err := s.Send(t.Context(), delivery(alerts.Fired))
				return err
			},
		} {
			err := send()
			if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "cHJvYmU6") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

// swapping is a store whose queue is read while a reload replaces the
// receiver.
type swapping struct {
	*alertstest.Memory
	swap atomic.Pointer[func()]
}

func (s *swapping) Pending(ctx context.Context, receiver string, limit int) (alerts.Queue, error) {
	if swap := s.swap.Swap(nil); swap != nil {
		(*swap)()
	}
	return s.Memory.Pending(ctx, receiver, limit)
}

// unwilling is a receiver that fails for a while.
type unwilling struct{}

func (unwilling) Send(context.Context, alerts.Delivery) (alerts.Reference, error) {
	return alerts.Reference{}, errors.New("not now")
}

// queue puts messages of these kinds into the queue of the receiver a.
func queue(t *testing.T, s alerts.Store, kinds ...alerts.TransitionKind) {
	t.Helper()
	err := s.Update(t.Context(), "k", func(st alerts.State) alerts.Change {
		var list []alerts.Notification
		for _, kind := range kinds {
			list = append(list, alerts.Notification{Receiver: "a", Thread: "t#1", Queued: time.Now(), Message: delivery(kind).Message})
		}
		return alerts.Change{State: st, Queue: list}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A receiver that was replaced at whatever moment gets its chance at once,
// however long the one before it was to be left alone.
func TestReceiverIsReplacedWhileTheQueueIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &swapping{Memory: &alertstest.Memory{}}
		queue(t, store, alerts.Fired)
		outbox := &alerts.Outbox{Store: store}
		outbox.SetReceivers(map[string]alerts.Receiver{"a": unwilling{}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- outbox.Run(ctx) }()
		wait(time.Hour) // it is tried every five minutes by now
		replaced, took := make(chan time.Time, 1), make(chan time.Time, 1)
		swap := func() {
			replaced <- time.Now()
			outbox.SetReceivers(map[string]alerts.Receiver{"a": taker(func(alerts.Message) { took <- time.Now() })})
		}
		store.swap.Store(&swap)
		if waited := -(<-replaced).Sub(<-took); waited > time.Second {
			t.Errorf("it was tried after %v", waited)
		}
		cancel()
		<-done
	})
}

// Where nothing is sent, nothing shows that the receiver takes messages.
func TestWhatIsNotSentProvesNothing(t *testing.T) {
	slack := &alertstest.Slack{Token: token}
	hook := &hook{}
	for name, tc := range map[string]struct {
		receiver alerts.Receiver
		kind     alerts.TransitionKind
	}{
		"webhook":                           {hook.receiver(), alerts.Amended},
		"Slack webhook, edit":               {&alerts.Slack{WebhookURL: slack.WebhookURL(), Client: slack.Client()}, alerts.Amended},
		"Slack webhook, removal":            {&alerts.Slack{WebhookURL: slack.WebhookURL(), Client: slack.Client()}, alerts.Withdrawn},
		"Slack, edit of an unknown message": {&alerts.Slack{Token: token, Channel: "#c", APIURL: slack.APIURL(), Client: slack.Client()}, alerts.Amended},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := &alertstest.Memory{}
			queue(t, store, tc.kind)
			outbox := &alerts.Outbox{Store: store, Blocked: func(_ context.Context, _ string, err error) { t.Errorf("%s: told %v", name, err) }}
			outbox.SetReceivers(map[string]alerts.Receiver{"a": tc.receiver})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- outbox.Run(ctx) }()
			wait(time.Minute)
			if s := outbox.Stats()[0]; s.Sent != 0 || s.Pending != 0 {
				t.Errorf("%s: stats %+v", name, s)
			}
			cancel()
			<-done
		})
	}
	if n := len(slack.Calls()) + hook.requests; n != 0 {
		t.Errorf("%d requests", n)
	}
}

// What fails before anything could be sent was not sent: no message is marked
// as a possible repeat for that.
func TestUnsureOnlyAfterAConnection(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	silent := serve(t, func(c net.Conn) { <-hang; _ = c.Close() })
	asked := make(chan struct{}, 1)
	mute := serve(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		asked <- struct{}{}
		<-hang
		_ = c.Close()
	})
	forbids := serve(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<12))
		_, _ = c.Write([]byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
		_ = c.Close()
	})
	plain := serve(t, func(c net.Conn) { _, _ = c.Write([]byte("this is no TLS")); _ = c.Close() })
	closes := serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); _ = c.Close() })
	for name, tc := range map[string]struct {
		url, proxy string
		unsure     bool
	}{
		"no handshake":         {"https://" + silent, "", false},
		"no TLS":               {"https://" + plain, "", false},
		"no such port":         {"http://" + unused, "", false},
		"no such proxy":        {"https://" + silent, "http://" + unused, false},
		"a proxy that forbids": {"https://" + silent, "http://" + forbids, false},
		"no answer":            {"http://" + mute, "", true},
		"a broken connection":  {"http://" + closes, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := &http.Transport{TLSHandshakeTimeout: 200 * time.Millisecond, DisableKeepAlives: true}
			if tc.proxy != "" {
				transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(tc.proxy) }
			}
			client := &http.Client{Transport: transport, Timeout: time.Minute}
			for _, r := range []alerts.Receiver{
				&alerts.Slack{WebhookURL: tc.url + "/services/a", Client: client},
				&alerts.Slack{Token: token, Channel: "#c", APIURL: tc.url, Client: client},
				&alerts.Webhook{URL: tc.url, Client: client, Timeout: time.Minute},
			} {
				ctx, giveUp := context.WithCancel(t.Context())
				var waiting sync.WaitGroup
				if strings.HasSuffix(tc.url, mute) {
					waiting.Go(func() { // until it was asked, which is all that happens
						select {
						case <-asked:
							giveUp()
						case <-ctx.Done():
						}
					})
				}
				_, err := r.Send(ctx, delivery(alerts.Fired))
				giveUp()
				waiting.Wait()
				send, ok := errors.AsType[*alerts.SendError](err)
				if !ok || send.Unsure != tc.unsure {
					t.Errorf("%T: unsure is %v, want %v: %v", r, ok && send.Unsure, tc.unsure, err)
				}
			}
		})
	}
}
