package checks

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
)

// Numbers of SOCKS5 (RFC 1928) and of its credentials (RFC 1929).
const (
	socksVersion     = 5
	socksNoAuth      = 0
	socksPassword    = 2
	socksNoneFits    = 0xff
	socksAuthVersion = 1
	socksConnect     = 1
	socksIPv4        = 1
	socksName        = 3
	socksIPv6        = 4
)

// socks has a SOCKS5 proxy connect to the target. A name goes there as it is:
// the proxy resolves it.
func (h *hop) socks(ctx context.Context, host string, port uint16) *failure {
	if f := h.socksGreet(ctx); f != nil {
		return f
	}
	request := []byte{socksVersion, socksConnect, 0}
	if addr, err := netip.ParseAddr(host); err == nil {
		kind := byte(socksIPv6)
		if addr = addr.Unmap(); addr.Is4() {
			kind = socksIPv4
		}
		request = append(append(request, kind), addr.WithZone("").AsSlice()...)
	} else {
		if len(host) > 255 {
			return failf(ReasonInternal, "the host %s is too long for SOCKS", host)
		}
		request = append(append(request, socksName, byte(len(host))), host...) // #nosec G115 -- bounded above
	}
	request = binary.BigEndian.AppendUint16(request, port)
	if _, err := h.wire.Write(request); err != nil {
		return h.tunnelFailure(ctx, err)
	}
	answer := make([]byte, 5) // up to the first byte of the address, which may be its length
	if f := h.socksRead(ctx, answer[:4]); f != nil {
		return f
	}
	if code := answer[1]; code != 0 {
		return failf(ReasonProxy, "the proxy %s did not connect to %s: %s", h.request.Proxy.Address(), h.connectTo, socksRefusal(code))
	}
	rest := 2 // the port
	switch answer[3] {
	case socksIPv4:
		rest += 4
	case socksIPv6:
		rest += 16
	case socksName:
		if f := h.socksRead(ctx, answer[4:]); f != nil {
			return f
		}
		rest += int(answer[4])
	default:
		return h.notSocks(answer)
	}
	return h.socksReadAll(ctx, rest)
}

// socksGreet agrees on how to authenticate, and does so.
func (h *hop) socksGreet(ctx context.Context) *failure {
	p := h.request.Proxy
	greeting := []byte{socksVersion, 1, socksNoAuth}
	if p.Username != "" {
		greeting = []byte{socksVersion, 2, socksNoAuth, socksPassword}
	}
	if _, err := h.wire.Write(greeting); err != nil {
		return h.tunnelFailure(ctx, err)
	}
	answer := make([]byte, 2)
	if f := h.socksRead(ctx, answer); f != nil {
		return f
	}
	switch method := answer[1]; {
	case method == socksNoAuth:
		return nil
	case method == socksPassword && p.Username != "":
	case method == socksNoneFits && p.Username == "":
		return failf(ReasonProxy, "the proxy %s demands credentials, and proxy has none", p.Address())
	default:
		return failf(ReasonProxy, "the proxy %s wants another way to authenticate than a username and a password", p.Address())
	}
	credentials := append([]byte{socksAuthVersion, byte(len(p.Username))}, p.Username...) // #nosec G115 -- bounded by ParseProxy
	credentials = append(append(credentials, byte(len(p.Password))), p.Password...)       // #nosec G115 -- likewise
	if _, err := h.wire.Write(credentials); err != nil {
		return h.tunnelFailure(ctx, err)
	}
	if _, err := io.ReadFull(h.wire, answer); err != nil {
		return h.tunnelFailure(ctx, err)
	}
	if answer[1] != 0 {
		return failf(ReasonProxy, "the proxy %s refuses the credentials for user %s", p.Address(), p.Username)
	}
	return nil
}

// socksRead reads the beginning of an answer, which has the version first.
func (h *hop) socksRead(ctx context.Context, answer []byte) *failure {
	if _, err := io.ReadFull(h.wire, answer); err != nil {
		return h.tunnelFailure(ctx, err)
	}
	if len(answer) > 1 && answer[0] != socksVersion {
		return h.notSocks(answer)
	}
	return nil
}

// socksReadAll passes over n bytes.
func (h *hop) socksReadAll(ctx context.Context, n int) *failure {
	if _, err := io.CopyN(io.Discard, h.wire, int64(n)); err != nil {
		return h.tunnelFailure(ctx, err)
	}
	return nil
}

func (h *hop) notSocks(answer []byte) *failure {
	return failf(ReasonProxy, "the proxy %s does not speak SOCKS5: it begins with %q", h.request.Proxy.Address(), answer[:min(len(answer), 4)])
}

// socksRefusal says what the code of a reply means (RFC 1928, section 6).
func socksRefusal(code byte) string {
	switch code {
	case 1:
		return "general failure"
	case 2:
		return "its rules do not allow it"
	case 3:
		return "the network cannot be reached"
	case 4:
		return "the host cannot be reached, or its name does not exist"
	case 5:
		return "the connection was refused"
	case 6:
		return "the time to live has expired"
	case 7, 8:
		return "it does not support that"
	default:
		return fmt.Sprintf("code %d", code)
	}
}
