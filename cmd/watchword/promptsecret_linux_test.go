package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/sys/unix"
)

// A pseudoTerminal is a terminal that a test types on.
type pseudoTerminal struct {
	t              *testing.T
	keyboard, user *os.File // the two ends

	mu    sync.Mutex
	shown strings.Builder
}

func newPseudoTerminal(t *testing.T) *pseudoTerminal {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	user, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pseudoTerminal{t: t, keyboard: keyboard, user: user}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1024)
		for {
			n, err := keyboard.Read(buf)
			p.mu.Lock()
			p.shown.Write(buf[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = user.Close(); <-done })
	return p
}

func (p *pseudoTerminal) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.String()
}

// echoes tells whether the terminal shows what is typed.
func (p *pseudoTerminal) echoes() bool {
	state, err := unix.IoctlGetTermios(int(p.user.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// answer types keys when the terminal hides them after a prompt.
func (p *pseudoTerminal) answer(prompt, keys string) {
	p.t.Helper()
	eventually(p.t, "it asks for "+prompt, func() bool { return strings.HasSuffix(p.screen(), prompt) && !p.echoes() })
	if _, err := io.WriteString(p.keyboard, keys); err != nil {
		p.t.Fatal(err)
	}
}

// seal starts `watchword secret seal` on the terminal.
func (p *pseudoTerminal) seal(args ...string) *exec.Cmd {
	p.t.Helper()
	cmd := exec.Command("watchword", append([]string{"secret", "seal"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.user, p.user, p.user
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

func TestSealAsksOnTerminal(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name          string
		first, second string
		code          int
		says          string
	}{
		{"twice the same", "canary one\n", "canary one\n", exitOK, `{ age_file = "s.age" }`},
		{"different", "canary one\n", "canary two\n", exitInvalid, "the two values differ"},
		{"nothing", "\n", "", exitInvalid, "nothing was typed"},
		{"interrupted", "canary\x03", "", exitInvalid, "interrupted"},
		{"interrupted later", "canary one\n", "\x03", exitInvalid, "interrupted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "s.age")
			p := newPseudoTerminal(t)
			cmd := p.seal("--recipient", id.Recipient().String(), "-o", file)
			p.answer("Value: ", tt.first)
			if tt.second != "" {
				p.answer("Again: ", tt.second)
			}
			ended := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait() // its code is looked at
			ended.Stop()
			if got := cmd.ProcessState.ExitCode(); got != tt.code {
				t.Errorf("exit code is %d, want %d", got, tt.code)
			}
			eventually(t, "it says "+tt.says, func() bool { return strings.Contains(p.screen(), tt.says) })
			if strings.Contains(p.screen(), "canary") {
				t.Errorf("the terminal shows the value:\n%s", p.screen())
			}
			if !p.echoes() {
				t.Error("the terminal goes on hiding what is typed")
			}
			_, err := os.Stat(file)
			if made := !errors.Is(err, os.ErrNotExist); made != (tt.code == exitOK) {
				t.Errorf("the file: %v", err)
			}
		})
	}
}
