package control

import "net"

// listener tells who connects: the remote address of a connection is the name
// of the user at its other end.
type listener struct{ net.Listener }

// Accept implements [net.Listener].
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return connection{c, user(peer(c))}, nil
}

// connection is one that was accepted.
type connection struct {
	net.Conn

	user user
}

// RemoteAddr implements [net.Conn].
func (c connection) RemoteAddr() net.Addr { return c.user }

// user is the name of who connects, as the address of a connection. It is
// empty where the system does not tell.
type user string

// Network implements [net.Addr].
func (user) Network() string { return "unix" }

// String implements [net.Addr].
func (u user) String() string { return string(u) }
