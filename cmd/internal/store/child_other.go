//go:build !linux

package store

import (
	"os"
	"runtime/debug"
	"syscall"
	"time"
)

// dieWithParent does nothing here: a child that nobody waits for ends itself.
func dieWithParent(*syscall.SysProcAttr) {}

// confine limits this process as far as it can be done here: its stack, and
// for how long it runs, which is longer than a parent waits that still lives.
func confine(most limits) {
	debug.SetMaxStack(64 << 20)
	time.AfterFunc(2*most.wait, func() { os.Exit(2) })
}
