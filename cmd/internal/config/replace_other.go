//go:build !unix

package config

import "os"

// Elsewhere files have neither such locks nor such owners, and folders are
// not synced.

func lockFile(*os.File, string) error { return nil }

func keepOwner(*os.File, string) error { return nil }

func syncDir(string) error { return nil }
