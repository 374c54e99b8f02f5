package checks

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// fallbackDelay is how long the second address family waits for the first
// (RFC 8305 calls it the connection attempt delay).
const fallbackDelay = 300 * time.Millisecond

// connect connects to the first of the targets that answers. Those of the
// first one's family are tried in order; if there are others, these are tried
// beside them after a short delay.
func (h *hop) connect(ctx context.Context, targets []netip.AddrPort) (*net.TCPConn, *failure) {
	begin := time.Now()
	defer func() { h.timing.Connect = time.Since(begin) }()

	var first, second []netip.AddrPort
	for _, t := range targets {
		if t.Addr().Is4() == targets[0].Addr().Is4() {
			first = append(first, t)
		} else {
			second = append(second, t)
		}
	}
	if len(second) == 0 {
		conn, err := dialSerial(ctx, first)
		return conn, h.connectFailure(ctx, err, begin)
	}
	conn, err := race(ctx, first, second)
	return conn, h.connectFailure(ctx, err, begin)
}

// dialed is the end of one family's attempts.
type dialed struct {
	conn    *net.TCPConn
	err     error
	primary bool
}

// race dials both families and returns the connection that is there first, or
// the error of the first family.
func race(ctx context.Context, first, second []netip.AddrPort) (*net.TCPConn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan dialed, 2)
	start := func(targets []netip.AddrPort, primary bool) {
		conn, err := dialSerial(ctx, targets)
		results <- dialed{conn, err, primary}
	}
	go start(first, true)
	fallback := time.NewTimer(fallbackDelay)
	defer fallback.Stop()

	running, started := 1, false
	var primaryErr error
	for running > 0 || !started {
		select {
		case <-fallback.C:
			if !started {
				started, running = true, running+1
				go start(second, false)
			}
		case r := <-results:
			running--
			if r.err == nil {
				cancel()
				for ; running > 0; running-- { // who starts a goroutine waits for it
					if late := <-results; late.conn != nil {
						_ = late.conn.Close()
					}
				}
				return r.conn, nil
			}
			if r.primary {
				primaryErr = r.err
				fallback.Reset(0)
			}
		}
	}
	return nil, primaryErr
}

// dialSerial dials one after the other; each but the last has its share of
// the time that is left.
func dialSerial(ctx context.Context, targets []netip.AddrPort) (*net.TCPConn, error) {
	var firstErr error
	for i, target := range targets {
		d := net.Dialer{KeepAlive: -1}
		if deadline, ok := ctx.Deadline(); ok && i < len(targets)-1 {
			d.Timeout = max(time.Until(deadline)/time.Duration(len(targets)-i), time.Millisecond)
		}
		conn, err := d.DialTCP(ctx, "tcp", netip.AddrPort{}, target)
		if err == nil {
			return conn, nil
		}
		if firstErr == nil {
			firstErr = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, firstErr
}

// connectFailure classifies the error of a connection attempt.
func (h *hop) connectFailure(ctx context.Context, err error, begin time.Time) *failure {
	if err == nil {
		return nil
	}
	var netErr net.Error
	switch {
	case localFault(err), errors.Is(err, syscall.EADDRNOTAVAIL) && h.ports(err):
		return failf(ReasonInternal, "connecting to %s: %v", h.connectTo, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failf(ReasonConnectRefused, "%s refuses connections on port %s%s", h.host, dialedPort(h.connectTo), h.via(err))
	case ctx.Err() != nil, errors.As(err, &netErr) && netErr.Timeout():
		return failf(ReasonConnectTimeout, "%s did not accept a connection within %s%s", h.connectTo, short(time.Since(begin)), h.via(err))
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNABORTED):
		return failf(ReasonConnectionClosed, "%s accepted the connection and reset it%s", h.connectTo, h.via(err))
	default: // no route, network or host down, prohibited by a filter
		return failf(ReasonConnectUnreachable, "%s cannot be reached: %v", h.connectTo, err)
	}
}

// ports reports whether an address that was not available means that all
// local ports are taken; of IPv6 it means that there is none here.
func (h *hop) ports(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) {
		return false
	}
	addr, ok := op.Addr.(*net.TCPAddr)
	return ok && addr.IP.To4() != nil
}

// via names the address of an attempt that failed.
func (h *hop) via(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return " (" + op.Addr.String() + ")"
	}
	return ""
}

func dialedPort(hostport string) string {
	_, port, _ := net.SplitHostPort(hostport)
	return port
}

// localFault reports whether err says that this machine has run out of
// something: nothing follows from it for the target.
func localFault(err error) bool {
	for _, local := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS,
	} {
		if errors.Is(err, local) {
			return true
		}
	}
	return false
}

// short rounds a duration for a message.
func short(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(100 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(time.Millisecond)
	default:
		return d.Round(time.Microsecond)
	}
}
