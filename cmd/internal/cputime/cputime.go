// Package cputime tells fuzz targets what an input costs, whatever else the
// machine does meanwhile: a fuzzer's workers share its cores.
package cputime

import (
	"flag"
	"time"
)

// Slowest is what one input may cost when a fuzzer makes it up. What counts
// the code that runs doubles the second that it is to take.
const Slowest = 2 * time.Second

// Of is the processor time, in all threads of the process, that passes while
// f runs. What else the process does then counts too.
func Of(f func()) time.Duration {
	start := spent()
	f()
	return spent() - start
}

// Fuzzing reports whether inputs are made up, one after the other. Otherwise
// only known ones are run, beside other tests, which cost too.
func Fuzzing() bool {
	f := flag.Lookup("test.fuzz")
	return f != nil && f.Value.String() != ""
}
