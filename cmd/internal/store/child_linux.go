package store

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent ends the child when its parent dies, for it has the file open.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// confine limits this process, and makes it the first one to go if the machine
// runs out of memory.
func confine(most limits) {
	debug.SetMaxStack(64 << 20)
	limit(unix.RLIMIT_CORE, 0)
	limit(unix.RLIMIT_CPU, uint64(most.processor.Seconds()))
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	if statm, err := os.ReadFile("/proc/self/statm"); err == nil {
		var pages uint64 // that it has already, of which the race detector takes many
		if fields := bytes.Fields(statm); len(fields) > 5 {
			if _, err := fmt.Sscan(string(fields[5]), &pages); err == nil {
				limit(unix.RLIMIT_DATA, pages*uint64(os.Getpagesize())+most.memory) //nolint:gosec // a size
			}
		}
	}
}

// limit sets a resource limit, unless the one that holds is lower.
func limit(resource int, n uint64) {
	var now unix.Rlimit
	if unix.Getrlimit(resource, &now) == nil && n < now.Max {
		_ = unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n})
	}
}
