package control

import "fmt"

// maxPath is how long the path of a Unix socket may be on every system.
const maxPath = 103

// Path is where the daemon with this state file listens.
func Path(state string) string { return state + ".sock" }

// reach calls use with a path that leads to the socket at path and is short
// enough for the system.
func reach(path string, use func(path string) error) error {
	if len(path) <= maxPath {
		return use(path)
	}
	return reachLong(path, use)
}

// tooLong says that there is no way to a socket.
func tooLong(path string) error {
	return fmt.Errorf("its path has %d bytes, and the system allows %d: choose a shorter path for settings.state", len(path), maxPath)
}
