package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchword/checks"
)

func TestVariablePrecedence(t *testing.T) {
	conf := `
variable "v" {
  type    = string
  default = "default"
}
` + strings.ReplaceAll(named("a"), "a.example", "${var.v}.example")
	dir := write(t, "conf/a.hcl", conf, "one.hcl", `v = "one"`, "two.json", `{"v": "two"}`)
	env := environ("WATCHWORD_VAR_v", "env")
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"default", Options{}, "default"},
		{"environment", Options{Environ: env}, "env"},
		{"file", Options{Environ: env, VarFiles: []string{"one.hcl"}}, "one"},
		{"later file", Options{Environ: env, VarFiles: []string{"one.hcl", "two.json"}}, "two"},
		{"command line", Options{Environ: env, VarFiles: []string{"one.hcl"}, Vars: map[string]string{"v": "flag"}}, "flag"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.WorkDir = dir
			c := load(t, filepath.Join(dir, "conf"), tt.o)
			if got := rendered(t, c.Monitors[0].Check).URL.Host; got != tt.want+".example" {
				t.Errorf("host is %s, want %s.example", got, tt.want)
			}
		})
	}
}

func TestVariableTypes(t *testing.T) {
	dir := write(t, "a.hcl", `
variable "n" { type = number }
variable "on" { type = bool }
variable "list" { type = list(string) }
variable "object" {
  type = object({ host = string, port = optional(number, 443) })
}
variable "free" {}
locals { later = "${local.first}/${var.list[1]}" }
locals { first = "https://${var.object.host}:${var.object.port}" }
check "a" {
  schedule = "@every 1m"
  enabled  = var.on
  request { url = "${local.later}/${var.n + 1}/${var.free}" }
}
`)
	c := load(t, dir, Options{Vars: map[string]string{
		"n": "41", "on": "false", "list": `["x", "y"]`, "object": `{ host = "a.example" }`, "free": "[1",
	}})
	if got, want := rendered(t, c.Monitors[0].Check).URL.String(), "https://a.example:443/y/42/[1"; got != want {
		t.Errorf("URL is %s, want %s", got, want)
	}
	if c.Monitors[0].Enabled {
		t.Error("enabled, want disabled")
	}
}

func TestSecrets(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"plain", "hunter2", "hunter2"},
		{"newline", "hunter2\n", "hunter2"},
		{"one newline only", "hunter2\n\n", "hunter2\n"},
		{"carriage return", "hunter2\r\n", "hunter2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, "sub/a.hcl", `
secret "s" { file = "../key" }
receiver "slack" "r" {
  token   = secret.s
  channel = "#a"
}
`, "key", tt.file)
			c := load(t, dir, Options{Validate: true})
			if got := c.Receivers[0].Slack.Token; got != tt.want {
				t.Errorf("secret is %q, want %q", got, tt.want)
			}
			if got := c.Redactor.Redact("<" + tt.want + ">"); got != "<***>" {
				t.Errorf("redacted to %q", got)
			}
			if !slices.Contains(c.Files, filepath.Join(dir, "key")) || !slices.Contains(c.Dirs, dir) {
				t.Errorf("the secret's file is not watched: %q in %q", c.Files, c.Dirs)
			}
		})
	}
}

// A secret that cannot be read spoils what needs it, and nothing else.
func TestUnreadableSecret(t *testing.T) {
	dir := write(t, "a.hcl", `
secret "gone" { env = "GONE" }
locals { header = "Bearer ${secret.gone}" }
check "needs" {
  schedule = "@every 1m"
  request {
    url     = "https://a.example/"
    headers = { Authorization = local.header }
  }
}
check "fine" {
  schedule = "@every 1m"
  request { url = "https://a.example/" }
}
receiver "slack" "r" {
  token   = secret.gone
  channel = "#a"
}
`)
	c := load(t, dir, Options{})
	if len(c.Unreadable) != 1 || c.Unreadable[0].Kind != "secret" || c.Unreadable[0].Name != "gone" ||
		c.Unreadable[0].Source != (checks.Source{File: "a.hcl", Line: 2}) || !strings.Contains(c.Unreadable[0].Err.Error(), "GONE is not set") {
		t.Errorf("notices are %+v", c.Unreadable)
	}
	if c.Receivers[0].Err == nil || c.Receivers[0].Slack.Token != "" {
		t.Errorf("receiver is %+v", c.Receivers[0])
	}
	if _, err := c.Monitors[0].Check.Steps[0].Request.Template.Render(t.Context(), &checks.Vars{}); err == nil || !strings.Contains(err.Error(), "GONE") {
		t.Errorf("Render: %v, want the reason", err)
	}
	rendered(t, c.Monitors[1].Check)

	_, err := Load(t.Context(), dir, Options{Validate: true})
	if err == nil || !strings.Contains(err.Error(), "a.hcl:2: ") {
		t.Errorf("validating: %v, want the place", err)
	}
	if c := load(t, dir, Options{Validate: true, Offline: true}); len(c.Unreadable) != 0 {
		t.Errorf("offline: %v", c.Unreadable)
	}
}
