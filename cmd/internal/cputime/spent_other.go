//go:build !unix

package cputime

import "time"

// spent is the time of the day, where processor time cannot be had.
func spent() time.Duration { return time.Duration(time.Now().UnixNano()) }
