package certstest

import (
	"context"
	"io"
	"net"
	"time"
)

// Fault is something that goes wrong with every connection of a [Server].
type Fault int

// The faults.
const (
	NoFault         Fault = iota
	Silent                // the connection is accepted and nothing is ever sent
	CloseAtOnce           // the connection is closed as soon as it is accepted
	ResetAtOnce           // likewise, by a TCP reset
	Plaintext             // TLS is answered by a line of plain text
	PlainHTTP             // the server speaks HTTP without TLS
	CloseAfterTLS         // the connection is closed once the client's certificate has come, without an alert
	ResetAfterTLS         // likewise, by a TCP reset
	CloseAfterAlert       // the Alert is sent and the connection closed at once: if the client still sends, that is a reset
)

// ownsConnections reports whether the fault leaves nothing for HTTP to do.
func (f Fault) ownsConnections() bool {
	return f == Silent || f == CloseAtOnce || f == ResetAtOnce || f == Plaintext
}

// serveFault accepts connections and does to them what the fault says.
func (s *Server) serveFault(ctx context.Context) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.track(conn) {
			return
		}
		s.work.Go(func() {
			defer s.untrack(conn)
			s.Fault.apply(ctx, conn)
		})
	}
}

// apply does to conn what the fault says. It ends when the peer or the server
// closes the connection.
func (f Fault) apply(ctx context.Context, conn net.Conn) {
	switch f {
	case Silent:
		_, _ = io.Copy(io.Discard, conn)
	case ResetAtOnce:
		reset(conn)
	case Plaintext:
		// Read the greeting first: data left unread would turn the closing
		// into a reset, which may overtake the text.
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, "220 mail.example ESMTP ready\r\n")
		drain(ctx, conn)
	default:
	}
}

// drain reads what still comes, for a moment.
func drain(ctx context.Context, conn net.Conn) {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, conn)
}

// reset closes conn by a TCP reset.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// track keeps conn for [Server.Close], unless the server is closed already.
func (s *Server) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return false
	}
	if s.conns == nil {
		s.conns = make(map[net.Conn]struct{})
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *Server) untrack(conn net.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}
