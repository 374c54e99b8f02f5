package alerts_test

import (
	"net"
	"strings"
	"testing"

	"watchword/alerts"
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
