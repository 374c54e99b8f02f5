//go:build unix

package control

import (
	"context"
	"net"
	"syscall"
)

// listenPrivate makes a socket that nobody but its owner can open at any
// moment: the mask is the process's own, and this is done before the daemon
// runs anything.
func listenPrivate(ctx context.Context, path string) (net.Listener, error) {
	const others = 0o177
	mask := syscall.Umask(others)
	defer syscall.Umask(mask)
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // the path may have led through a folder that is closed
	}
	return l, nil
}
