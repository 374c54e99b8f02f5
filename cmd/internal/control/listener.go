package control

import (
	"net"
	"sync"
)

// listener accepts a bounded number of connections at once; the others wait.
type listener struct {
	net.Listener

	slots  chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Accept implements [net.Listener]. The remote address of the connection is
// the name of the user at its other end.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &connection{Conn: c, user: user(peer(c)), free: sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close implements [net.Listener].
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// connection is one that was accepted.
type connection struct {
	net.Conn

	user user
	free func()
}

// Close implements [net.Conn].
func (c *connection) Close() error {
	defer c.free()
	return c.Conn.Close()
}

// RemoteAddr implements [net.Conn].
func (c *connection) RemoteAddr() net.Addr { return c.user }

// user is the name of who connects, as the address of a connection. It is
// empty where the system does not tell.
type user string

// Network implements [net.Addr].
func (user) Network() string { return "unix" }

// String implements [net.Addr].
func (u user) String() string { return string(u) }
