//go:build unix

package cputime

import (
	"syscall"
	"time"
)

// spent is the processor time of the process until now.
func spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil { // which cannot fail for the process itself
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
