package control

import (
	"net"
	osuser "os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// peer is the name of the user at the other end of a connection, as the
// kernel knows it.
func peer(c net.Conn) string {
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return ""
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return ""
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil || credErr != nil {
		return ""
	}
	uid := strconv.FormatUint(uint64(cred.Uid), 10)
	if u, err := osuser.LookupId(uid); err == nil {
		return u.Username
	}
	return "uid " + uid
}
