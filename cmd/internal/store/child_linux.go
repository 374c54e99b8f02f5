package store

import (
	"bytes"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent ends the child when its parent dies, for it has the file open.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// limitMemory bounds what this process may take beyond what it has, and makes
// it the first one to go if the machine runs out of it.
func limitMemory(more uint64) {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return
	}
	var data uint64
	if fields := bytes.Fields(statm); len(fields) > 5 {
		if _, err := fmt.Sscan(string(fields[5]), &data); err == nil {
			limit(unix.RLIMIT_DATA, data*uint64(os.Getpagesize())+more) //nolint:gosec // a size
		}
	}
}
