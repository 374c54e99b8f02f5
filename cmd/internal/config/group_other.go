//go:build !unix

package config

import "os/exec"

// ownGroup does nothing where there are no process groups.
func ownGroup(*exec.Cmd) {}

// killGroup ends cmd.
func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
