//go:build unix && !linux

package store

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent does nothing here: the limit on its time ends the child.
func dieWithParent(*syscall.SysProcAttr) {}

// limitMemory bounds what this process may take.
func limitMemory(most uint64) { limit(unix.RLIMIT_DATA, most) }
