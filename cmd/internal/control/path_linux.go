package control

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// reachLong goes by way of the folder's descriptor.
func reachLong(path string, use func(path string) error) error {
	folder, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(folder)
	short := fmt.Sprintf("/proc/self/fd/%d/%s", folder, filepath.Base(path))
	if _, err := os.Stat(filepath.Dir(short)); err != nil || len(short) > maxPath {
		return tooLong(path)
	}
	return use(short)
}
