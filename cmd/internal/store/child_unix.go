//go:build unix

package store

import (
	"os/exec"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate makes the child a process group of its own, which ends as a whole.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// confine limits this process.
func confine(most limits) {
	debug.SetMaxStack(64 << 20)
	limit(unix.RLIMIT_CPU, uint64(most.processor.Seconds()))
	limit(unix.RLIMIT_CORE, 0)
	limitMemory(most.memory)
}

// limit sets a resource limit, unless the one that holds is lower.
func limit(resource int, n uint64) {
	var now unix.Rlimit
	if unix.Getrlimit(resource, &now) == nil && n < now.Max {
		_ = unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n})
	}
}
