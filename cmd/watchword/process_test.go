package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests; nothing is expected to take long.
const patience = 60 * time.Second

// A process is a daemon that runs as a process of its own.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string

	mu      sync.Mutex
	lines   []string
	changed chan struct{} // closed and replaced at each new line
	exited  chan struct{}
}

// startDaemon runs `watchword run -c path` and waits until it watches.
func startDaemon(t *testing.T, path string, args ...string) *process {
	t.Helper()
	p := launch(t, path, args...)
	p.listening()
	return p
}

// listening waits until the daemon watches.
func (p *process) listening() {
	p.t.Helper()
	line := p.await(`"msg":"watching"`)
	var entry struct{ Listen string }
	if err := json.Unmarshal([]byte(line), &entry); err != nil {
		p.t.Fatal(err)
	}
	p.addr = entry.Listen
}

// launch starts the daemon without waiting for anything.
func launch(t *testing.T, path string, args ...string) *process {
	t.Helper()
	return launchProgram(t, exec.Command("watchword", args...), path)
}

// launchProgram starts a daemon that is not the one of this test binary.
func launchProgram(t *testing.T, cmd *exec.Cmd, path string) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, changed: make(chan struct{}), exited: make(chan struct{})}
	p.cmd.Args = slices.Insert(p.cmd.Args, 1, "run", "-c", path, "--log-format", "json")
	p.cmd.Env = append(p.cmd.Environ(), "STATE_DIRECTORY="+filepath.Dir(path))
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(stderr)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Logf("log of the daemon:\n%s", strings.Join(p.lines[max(0, len(p.lines)-40):], "\n"))
		}
	})
	return p
}

func (p *process) read(stderr io.Reader) {
	scanner := bufio.NewScanner(stderr)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, scanner.Text())
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // the tests look at ProcessState
	close(p.exited)
}

// await waits for a line of the log that holds text, and takes it and all
// before it away.
func (p *process) await(text string) string {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		changed := p.changed
		for i, line := range p.lines {
			if strings.Contains(line, text) {
				p.lines = p.lines[i+1:]
				p.mu.Unlock()
				return line
			}
		}
		p.mu.Unlock()
		select {
		case <-changed:
		case <-p.exited:
			p.t.Fatalf("the daemon ended (%v) before it said %s", p.cmd.ProcessState, text)
		case <-deadline:
			p.t.Fatalf("the daemon did not say %s", text)
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatal("the daemon did not end")
		return 0
	}
}

// newClient makes one with a connection for each request: one that was kept
// may lead to a process that has ended. trust is for https, and may be nil.
func newClient(trust *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}}
}

// get returns status and body of a page of the daemon.
func (p *process) get(path string) (int, string) {
	p.t.Helper()
	resp, err := newClient(nil).Get("http://" + p.addr + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// metric returns the value of a series as it stands in /metrics, or "".
func (p *process) metric(series string) string {
	p.t.Helper()
	_, body := p.get("/metrics")
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it did not happen that %s", what)
		}
	}
}

// write writes a file below dir and returns its path.
func write(t *testing.T, dir, name, text string, args ...any) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// log is all that the daemon has said and await has not taken.
func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

func (p *process) pid() string { return strconv.Itoa(p.cmd.Process.Pid) }

// metrics adds up the series of a metric for each value of a label.
func (p *process) metrics(name, label string) map[string]float64 {
	p.t.Helper()
	_, body := p.get("/metrics")
	sums := make(map[string]float64)
	for line := range strings.Lines(body) {
		labels, ok := strings.CutPrefix(line, name+"{")
		if !ok {
			continue
		}
		_, rest, _ := strings.Cut(labels, label+`="`)
		of, _, _ := strings.Cut(rest, `"`)
		value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:]), 64)
		if err != nil {
			p.t.Fatal(err)
		}
		sums[of] += value
	}
	return sums
}

// need returns the path of a program. Where it is missing the test is skipped,
// and in CI it fails.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is missing", program)
	default:
		t.Skipf("%s is missing", program)
	}
	return path
}
