package checks_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

// benchmarkServer is the variable by which the test binary knows that it is
// the server of a benchmark: in a process of its own, so that the CPU time of
// this one is the client's alone.
const benchmarkServer = "WATCHWORD_BENCHMARK_SERVER"

// serveBenchmark serves until its standard input ends, if that is what this
// process is for. The variable holds a folder with the server's files and the
// protocol to offer.
func serveBenchmark() bool {
	folder, protocol, ok := strings.Cut(os.Getenv(benchmarkServer), "|")
	if !ok {
		return false
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "server.crt"), filepath.Join(folder, "server.key"))
	if err != nil {
		log.Fatal(err)
	}
	caPEM, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(caPEM)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		NextProtos: []string{protocol}, MinVersion: tls.VersionTLS13,
	})
	if err != nil {
		log.Fatal(err)
	}
	_, _ = fmt.Fprintln(os.Stdout, l.Addr())
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"database": "up"}`)
	}), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = s.Serve(l) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return true
}

// startBenchmarkServer starts the server and returns its URL.
func startBenchmarkServer(b *testing.B, folder, protocol string) string {
	b.Helper()
	cmd := exec.Command(os.Args[0]) // #nosec -- the test binary itself
	cmd.Env = append(os.Environ(), benchmarkServer+"="+folder+"|"+protocol)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	var addr string
	if _, err := fmt.Fscanln(out, &addr); err != nil {
		b.Fatal(err)
	}
	return "https://" + addr
}

// cpuTime is what this process has used of the processors, in microseconds.
func cpuTime(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec)*1e6 + float64(u.Utime.Usec+u.Stime.Usec)
}

// BenchmarkCheck is one whole check over mutual TLS on loopback, beside the
// same request by net/http with one shared Transport and keep-alives off.
// cpu-µs/op is the client's CPU time; the server is another process.
func BenchmarkCheck(b *testing.B) {
	ca := certstest.NewCA(b)
	dir := b.TempDir()
	client := ca.Client("probe")
	if _, _, _, err := ca.Server().Save(dir, "server"); err != nil {
		b.Fatal(err)
	}
	caFile, err := ca.Save(dir, "ca")
	if err != nil {
		b.Fatal(err)
	}
	id := certs.Load(certs.Source{Name: "probe", Hosts: []string{"127.0.0.1"}, PEM: client.WritePEM(dir), CA: caFile, ExcludeSystemRoots: true})
	if err := id.Err(); err != nil {
		b.Fatal(err)
	}
	ids, err := certs.NewSet([]*certs.Identity{id})
	if err != nil {
		b.Fatal(err)
	}
	for _, protocol := range []string{"http/1.1", "h2"} {
		url := startBenchmarkServer(b, dir, protocol) + "/health"
		b.Run("watchword/"+protocol, func(b *testing.B) {
			r := &checks.Runner{Certs: ids}
			c := single(checks.Request{Template: get(b, url), MaxRedirects: 5})
			measured(b, func() error {
				if res := r.Run(context.Background(), c); res.Outcome != checks.Passed {
					return fmt.Errorf("outcome is %s: %s", res.Outcome, res.Message)
				}
				return nil
			})
		})
		b.Run("net-http/"+protocol, func(b *testing.B) {
			pair := client.TLS()
			transport := &http.Transport{
				DisableKeepAlives: true, ForceAttemptHTTP2: true,
				TLSClientConfig: &tls.Config{
					RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12,
					GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
				},
			}
			shared := &http.Client{Transport: transport, Timeout: 10e9}
			measured(b, func() error {
				req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
				if err != nil {
					return err
				}
				res, err := shared.Do(req)
				if err != nil {
					return err
				}
				defer res.Body.Close()
				if _, err := io.ReadAll(res.Body); err != nil {
					return err
				}
				if res.StatusCode != http.StatusOK {
					return fmt.Errorf("status is %d", res.StatusCode)
				}
				return nil
			})
		})
	}
}

// measured runs once again and again, and reports its CPU time.
func measured(b *testing.B, once func() error) {
	b.Helper()
	if err := once(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		if err := once(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpuTime(b)-before)/float64(b.N), "cpu-µs/op")
}
