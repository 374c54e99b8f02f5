package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlertmanagerReceivers(t *testing.T) {
	env := func(name string) (string, bool) { return "s3cret", name == "PASSWORD" }
	c := load(t, write(t, "main.hcl", `
secret "password" { env = "PASSWORD" }
secret "gone" { env = "GONE" }
receiver "alertmanager" "basic" {
  url        = "http://127.0.0.1:9093/prefix/"
  basic_auth = { username = "probe", password = secret.password }
}
receiver "alertmanager" "bearer" {
  urls         = ["https://a.example", "https://b.example:9093"]
  bearer_token = secret.password
}
receiver "alertmanager" "unusable" {
  url        = "http://127.0.0.1:9093"
  basic_auth = { username = "probe", password = secret.gone }
}
route { receivers = [receiver.alertmanager.basic] }
check "a" {
  schedule = "@every 1m"
  request { url = "https://a.example/" }
}
`), Options{Environ: env})
	want := []*AlertmanagerReceiver{
		{URLs: []string{"http://127.0.0.1:9093/prefix/"}, Username: "probe", Password: "s3cret"},
		{URLs: []string{"https://a.example", "https://b.example:9093"}, BearerToken: "s3cret"},
		{URLs: []string{"http://127.0.0.1:9093"}},
	}
	var got []*AlertmanagerReceiver
	for _, r := range c.Receivers {
		got = append(got, r.Alertmanager)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("receivers (-want +got):\n%s", diff)
	}
	if err := c.Receivers[2].Err; err == nil || !strings.Contains(err.Error(), "GONE") || c.Receivers[0].Err != nil {
		t.Errorf("errors are %v and %v", c.Receivers[0].Err, err)
	}
	if diff := cmp.Diff([]string{"alertmanager.basic"}, monitor(t, c, "a").Receivers); diff != "" {
		t.Errorf("who is told of the check (-want +got):\n%s", diff)
	}
}
