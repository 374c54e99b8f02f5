package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"watchword/certs/certstest"
)

// generate writes a configuration of checks over certificates, in folders of
// teams, as large installations have them.
func generate(tb testing.TB, checks, certificates int) string {
	tb.Helper()
	dir := tb.TempDir()
	put := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	ca := certstest.NewCA(tb)
	put("ca.pem", string(ca.PEM()))
	var b strings.Builder
	for i := range certificates {
		cert, key := ca.Client(fmt.Sprintf("client-%d", i)).WriteCertKey(tb.TempDir())
		for from, to := range map[string]string{cert: "crt", key: "key"} {
			if err := os.Rename(from, filepath.Join(dir, fmt.Sprintf("c%d.%s", i, to))); err != nil {
				tb.Fatal(err)
			}
		}
		fmt.Fprintf(&b, "certificate \"c%d\" {\n  hosts = [\"*.t%d.acme.example\", \"t%d.acme.example\"]\n  cert  = \"c%d.crt\"\n  key   = \"c%d.key\"\n  ca    = \"ca.pem\"\n}\n", i, i, i, i, i)
	}
	put("certificates.hcl", b.String())
	put("defaults.hcl", `
variable "env" { default = "live" }
locals { domain = "acme.example" }
secret "password" { env = "PASSWORD" }
defaults {
  schedule = "@every 1m"
  timeout  = "5s"
  labels   = { env = var.env }
  request {
    headers = { Accept = "application/json" }
  }
}
`)
	const perFile = 100
	for f := 0; f*perFile < checks; f++ {
		b.Reset()
		for i := f * perFile; i < min(checks, (f+1)*perFile); i++ {
			fmt.Fprintf(&b, `
check "check-%d" {
  labels = { team = "t%d" }
  request {
    url          = "https://api%d.t%d.${local.domain}/health?n=%d"
    bearer_token = secret.password
  }
  expect = [
    status == 200,
    json.database == "up",
    tls.days_left > 14,
  ]
  degraded_if = [timing.total > 0.8]
  alert { after = 2 }
}
`, i, i%50, i, i%certificates, i)
		}
		put(fmt.Sprintf("teams/t%03d.hcl", f), b.String())
	}
	return dir
}

func BenchmarkLoad(b *testing.B) {
	for _, size := range []struct{ checks, certificates int }{{100, 10}, {10_000, 1_000}} {
		b.Run(fmt.Sprintf("checks=%d/certificates=%d", size.checks, size.certificates), func(b *testing.B) {
			dir := generate(b, size.checks, size.certificates)
			o := Options{Environ: environ("PASSWORD", "hunter2-hunter2")}
			b.ReportAllocs()
			var c *Config
			before := heap()
			for b.Loop() {
				var err error
				if c, err = Load(b.Context(), dir, o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(heap()-before)/1e6, "MB-kept")
			if len(c.Monitors) != size.checks {
				b.Fatalf("%d checks", len(c.Monitors))
			}
		})
	}
}

// BenchmarkForEach loads one check with 10,000 elements.
func BenchmarkForEach(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.hcl")
	if err := os.WriteFile(path, []byte(elementsOf(10_000)), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(b.Context(), path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
