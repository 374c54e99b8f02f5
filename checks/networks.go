package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ruled returns why the networks of the configuration keep a target from
// being asked, or nothing. What is denied is so although it may be allowed
// too. Inner is addr, or the IPv4 address that it stands for.
func (r *Runner) ruled(addr, inner netip.Addr) string {
	if p, ok := within(r.Deny, addr, inner); ok {
		return fmt.Sprintf("in %s of deny_networks", p)
	}
	if _, ok := within(r.Allow, addr, inner); !ok && len(r.Allow) > 0 {
		return "in none of allow_networks"
	}
	return ""
}

// within returns the first network that holds one of the addresses.
func within(networks []netip.Prefix, addrs ...netip.Addr) (netip.Prefix, bool) {
	for _, p := range networks {
		if slices.ContainsFunc(addrs, p.Contains) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// blockedBeyond returns why a proxy must not be told to connect to a host, or
// nothing. A name is resolved by the proxy, out of sight: what can be told is
// an address in any writing, and the names of the metadata servers.
func (r *Runner) blockedBeyond(host string, port uint16) string {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	switch addr, err := netip.ParseAddr(name); {
	case err == nil:
		return r.blocked(netip.AddrPortFrom(addr.Unmap().WithZone(""), port))
	case name == "metadata.google.internal", name == "metadata.goog", name == "instance-data", name == "instance-data.ec2.internal":
		return "a name under which clouds serve their credentials"
	case isNumber(name[strings.LastIndexByte(name, '.')+1:]):
		return "an address in a writing that hides which one it is"
	}
	return ""
}

// isNumber reports whether a name that ends in this label is an IPv4 address
// to old software, as inet_aton has it: 0xa9fea9fe, 169.254.0xa9fe.
func isNumber(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}
