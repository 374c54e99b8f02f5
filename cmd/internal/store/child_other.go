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
// for how long it runs.
func confine(most limits) {
	debug.SetMaxStack(64 << 20)
	time.AfterFunc(most.wait, func() { os.Exit(2) }) // the parent has gone, or gives up as well
}
