//go:build !linux

package store

import (
	"runtime/debug"
	"syscall"
)

// dieWithParent does nothing here: what the child may take ends it.
func dieWithParent(*syscall.SysProcAttr) {}

// confine limits this process as far as it can be done here: the parent waits
// no longer than it should.
func confine(limits) { debug.SetMaxStack(64 << 20) }
