package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"
)

// TestCompose checks piece by piece what no test can start: the files that
// compose.yml mounts exist, and each is one that its program takes.
func TestCompose(t *testing.T) {
	dir := filepath.Join("..", "..", "examples", "grafana")
	var compose struct {
		Services map[string]struct {
			Image     string
			Build     string
			Volumes   []string
			DependsOn []string `yaml:"depends_on"`
		}
	}
	read(t, filepath.Join(dir, "compose.yml"), &compose)
	for _, name := range []string{"watchword", "prometheus", "alertmanager", "grafana"} {
		s, ok := compose.Services[name]
		if !ok || (s.Image == "") == (s.Build == "") {
			t.Errorf("service %s has the image %q and is built in %q, want one of them", name, s.Image, s.Build)
		}
		for _, other := range s.DependsOn {
			if _, ok := compose.Services[other]; !ok {
				t.Errorf("service %s depends on %s, which is not there", name, other)
			}
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, err := os.Stat(filepath.Join(dir, source)); err != nil {
				t.Errorf("service %s mounts %s: %v", name, source, err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, compose.Services["watchword"].Build, "Dockerfile")); err != nil {
		t.Error(err)
	}

	var sources struct{ Datasources []struct{ Type, URL string } }
	read(t, filepath.Join(dir, "provisioning", "datasources", "prometheus.yml"), &sources)
	if len(sources.Datasources) != 1 || sources.Datasources[0].Type != "prometheus" || sources.Datasources[0].URL != "http://watchword:9090" {
		t.Errorf("data sources are %+v, want the Prometheus in the network of watchword", sources.Datasources)
	}
	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	read(t, filepath.Join(dir, "provisioning", "dashboards", "watchword.yml"), &providers)
	if len(providers.Providers) != 1 || !strings.Contains(strings.Join(compose.Services["grafana"].Volumes, " "), ":"+providers.Providers[0].Options.Path+":") {
		t.Errorf("dashboards are read from %+v, which is not among the volumes %v", providers.Providers, compose.Services["grafana"].Volumes)
	}
}

// The configuration of Prometheus, with the rules it names, is one that it takes.
func TestPrometheusExample(t *testing.T) {
	program := need(t, "promtool")
	out, err := exec.CommandContext(t.Context(), program, "check", "config", filepath.Join("..", "..", "examples", "prometheus", "prometheus.yml")).CombinedOutput()
	if err != nil || strings.Contains(string(out), "FAILED") {
		t.Errorf("promtool check config: %v, and says:\n%s", err, out)
	}
}

func read(t *testing.T, path string, to any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, &map[string]any{}); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := yaml.Unmarshal(text, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
