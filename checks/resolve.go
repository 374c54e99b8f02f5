package checks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// dnsTimeout is the longest that resolving may take: half of what is left of
// the check's timeout if that is less.
const dnsTimeout = 5 * time.Second

// resolve returns the addresses that may be dialled for this hop.
func (h *hop) resolve(ctx context.Context) ([]netip.AddrPort, *failure) {
	host, portText, err := net.SplitHostPort(h.connectTo)
	if err != nil {
		return nil, failf(ReasonInternal, "connect_to %q is not host:port: %v", h.connectTo, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, failf(ReasonInternal, "%q is not a port", portText)
	}
	addrs, f := h.lookup(ctx, host)
	if f != nil {
		return nil, f
	}
	targets := make([]netip.AddrPort, 0, len(addrs))
	blocked := ""
	for _, addr := range addrs {
		target := netip.AddrPortFrom(addr.Unmap().WithZone(""), uint16(port))
		if why := h.runner.blocked(target); why != "" {
			blocked = fmt.Sprintf("%s leads to %s, %s", host, target, why)
			continue
		}
		targets = append(targets, target)
	}
	if len(targets) == 0 {
		return nil, &failure{ReasonTargetBlocked, blocked}
	}
	return targets, nil
}

// lookup resolves host within a deadline of its own.
func (h *hop) lookup(ctx context.Context, host string) ([]netip.Addr, *failure) {
	if addr, err := netip.ParseAddr(host); err == nil {
		if !h.request.family(addr) {
			return nil, failf(ReasonConnectUnreachable, "%s is no IPv%d address, as ip_version demands", host, h.request.IPVersion)
		}
		return []netip.Addr{addr}, nil
	}
	begin := time.Now()
	defer func() { h.timing.DNS = time.Since(begin) }()

	limit := dnsTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/2)
	}
	lookupCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if strings.HasSuffix(h.url.Hostname(), ".") && host == h.host {
		host += "." // said to be complete: no search list
	}
	resolver, exhausted := h.runner.resolver(lookupCtx)
	addrs, err := resolver.LookupNetIP(lookupCtx, h.request.network(), host)
	if err == nil && len(addrs) > 0 {
		return addrs, nil
	}
	if local := exhausted.Load(); local != nil {
		return nil, failf(ReasonInternal, "resolving %s: %v", host, *local)
	}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound, err == nil:
		if v := h.request.IPVersion; v != 0 {
			return nil, failf(ReasonDNSNotFound, "the name %s does not exist, or has no IPv%d address, as ip_version demands%s", host, v, at(dns))
		}
		return nil, failf(ReasonDNSNotFound, "the name %s does not exist%s", host, at(dns))
	case lookupCtx.Err() != nil, errors.As(err, &dns) && dns.IsTimeout:
		return nil, failf(ReasonDNSTimeout, "resolving %s took longer than %s", host, short(time.Since(begin)))
	case localFault(err):
		return nil, failf(ReasonInternal, "resolving %s: %v", host, err)
	default:
		return nil, failf(ReasonDNSError, "resolving %s: %v", host, err)
	}
}

// network returns the addresses to look for, as package net names them.
func (r *Request) network() string {
	switch r.IPVersion {
	case 4:
		return "ip4"
	case 6:
		return "ip6"
	default:
		return "ip"
	}
}

// family reports whether addr is of the family that the request demands.
func (r *Request) family(addr netip.Addr) bool {
	return r.IPVersion == 0 || addr.Unmap().Is4() == (r.IPVersion == 4)
}

// at names the server that a DNS error came from.
func at(err *net.DNSError) string {
	if err == nil || err.Server == "" {
		return ""
	}
	return " according to " + err.Server
}

// resolver returns the resolver for one lookup. Its connections end with
// lookup: package net leaves them waiting for an answer that nobody awaits.
// Errors of DNS have no types below, so it keeps the first that is this
// machine's fault.
func (r *Runner) resolver(lookup context.Context) (*net.Resolver, *atomic.Pointer[error]) {
	var exhausted atomic.Pointer[error]
	base := r.Resolver
	if base == nil {
		base = net.DefaultResolver
	}
	dial := base.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return &net.Resolver{
		PreferGo: base.PreferGo, StrictErrors: base.StrictErrors,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err == nil {
				context.AfterFunc(lookup, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
			} else if localFault(err) {
				exhausted.CompareAndSwap(nil, &err)
			}
			return conn, err
		},
	}, &exhausted
}

// blocked returns why addr must not be asked, or nothing.
func (r *Runner) blocked(target netip.AddrPort) string {
	addr := embedded(target.Addr())
	switch {
	case addr.IsLinkLocalUnicast(), addr.IsLinkLocalMulticast(), addr.IsInterfaceLocalMulticast():
		return "a link-local address, where clouds serve their credentials"
	case slices.Contains(metadataAddresses(), addr):
		return "an address where clouds serve their credentials"
	}
	if why := r.ruled(target.Addr().Unmap(), addr); why != "" {
		return why
	}
	for _, own := range r.Forbidden {
		if own.Port() == target.Port() && isOwn(own.Addr().Unmap(), addr) {
			return "watchword's own listener"
		}
	}
	return ""
}

// metadataAddresses are those outside of the link-local ranges, where all
// others are: AWS (IMDS and EKS), GCP and Alibaba, Azure, Oracle.
func metadataAddresses() []netip.Addr {
	return []netip.Addr{
		netip.AddrFrom16([16]byte{0: 0xfd, 2: 0x0e, 3: 0xc2, 14: 0x02, 15: 0x54}), // fd00:ec2::254
		netip.AddrFrom16([16]byte{0: 0xfd, 2: 0x0e, 3: 0xc2, 15: 0x23}),           // fd00:ec2::23
		netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x20, 3: 0xce, 14: 0x02, 15: 0x54}), // fd20:ce::254
		netip.AddrFrom4([4]byte{100, 100, 100, 200}),
		netip.AddrFrom4([4]byte{168, 63, 129, 16}),
		netip.AddrFrom4([4]byte{192, 0, 0, 192}),
	}
}

// embedded returns the IPv4 address that an IPv6 address stands for: mapped,
// NAT64 (RFC 6052) and 6to4 (RFC 3056), or compatible (RFC 4291).
func embedded(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if !addr.Is6() {
		return addr
	}
	b := addr.As16()
	last := [4]byte(b[12:])
	switch {
	case [12]byte(b[:12]) == [12]byte{1: 0x64, 2: 0xff, 3: 0x9b}:
		return netip.AddrFrom4(last)
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6]))
	case [12]byte(b[:12]) == [12]byte{} && last[0] != 0:
		return netip.AddrFrom4(last)
	default:
		return addr
	}
}

// isOwn reports whether dialling addr would reach a listener on own.
func isOwn(own, addr netip.Addr) bool {
	if own == addr {
		return true
	}
	if addr.IsUnspecified() { // dials this machine
		return own.IsLoopback() || own.IsUnspecified()
	}
	if !own.IsUnspecified() {
		return false
	}
	if addr.IsLoopback() {
		return true
	}
	local, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(local, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().Unmap() == addr
	})
}
