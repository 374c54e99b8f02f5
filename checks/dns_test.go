package checks_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"watchword/checks"
)

// nameServer answers DNS queries on loopback and returns a resolver for it. A
// nil answer stays silent.
func nameServer(t *testing.T, answer func(q dnsmessage.Question) (dnsmessage.RCode, []netip.Addr)) *net.Resolver {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buf[:n]); err != nil || answer == nil {
				continue
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			var addrs []netip.Addr
			m.RCode, addrs = answer(m.Questions[0])
			for _, a := range addrs {
				r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 1}}
				switch {
				case a.Is4() && m.Questions[0].Type == dnsmessage.TypeA:
					r.Body = &dnsmessage.AResource{A: a.As4()}
				case a.Is6() && m.Questions[0].Type == dnsmessage.TypeAAAA:
					r.Body = &dnsmessage.AAAAResource{AAAA: a.As16()}
				default:
					continue
				}
				m.Answers = append(m.Answers, r)
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestDNSReasons(t *testing.T) {
	rcode := func(c dnsmessage.RCode) func(dnsmessage.Question) (dnsmessage.RCode, []netip.Addr) {
		return func(dnsmessage.Question) (dnsmessage.RCode, []netip.Addr) { return c, nil }
	}
	gives := func(addrs ...string) func(dnsmessage.Question) (dnsmessage.RCode, []netip.Addr) {
		return func(dnsmessage.Question) (dnsmessage.RCode, []netip.Addr) {
			var out []netip.Addr
			for _, a := range addrs {
				out = append(out, netip.MustParseAddr(a))
			}
			return dnsmessage.RCodeSuccess, out
		}
	}
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	port := url[strings.LastIndex(url, ":"):]
	tests := map[string]struct {
		answer func(dnsmessage.Question) (dnsmessage.RCode, []netip.Addr)
		want   checks.Reason
		text   string
	}{
		"not found":        {rcode(dnsmessage.RCodeNameError), checks.ReasonDNSNotFound, "api.example. does not exist"},
		"no addresses":     {rcode(dnsmessage.RCodeSuccess), checks.ReasonDNSNotFound, "does not exist"},
		"server failure":   {rcode(dnsmessage.RCodeServerFailure), checks.ReasonDNSError, "resolving api.example"},
		"refused":          {rcode(dnsmessage.RCodeRefused), checks.ReasonDNSError, "resolving api.example"},
		"silent":           {nil, checks.ReasonDNSTimeout, "took longer than"},
		"address":          {gives("127.0.0.1"), "", ""},
		"metadata":         {gives("169.254.169.254"), checks.ReasonTargetBlocked, "api.example leads to 169.254.169.254"},
		"metadata as IPv6": {gives("::ffff:169.254.169.254"), checks.ReasonTargetBlocked, "169.254.169.254"},
		"one of two":       {gives("169.254.169.254", "127.0.0.1"), "", ""},
		"first refuses":    {gives("127.0.0.2", "127.0.0.1"), "", ""},
		"two families":     {gives("::1", "127.0.0.1"), "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := single(checks.Request{Template: get(t, "http://api.example."+port)})
			if tt.want == checks.ReasonDNSTimeout {
				c.Timeout = 200 * time.Millisecond
			}
			res := (&checks.Runner{Resolver: nameServer(t, tt.answer)}).Run(t.Context(), c)
			wantReason(t, res, tt.want, tt.text)
			if dns := res.Steps[0].Timing.DNS; dns <= 0 || dns > res.Steps[0].Timing.Total {
				t.Errorf("resolving took %v of %v", dns, res.Steps[0].Timing.Total)
			}
			if tt.want == checks.ReasonDNSTimeout && res.Duration > 190*time.Millisecond {
				t.Errorf("took %v, want resolving to end before the check does", res.Duration)
			}
		})
	}
}

func TestDNSWithoutFileDescriptors(t *testing.T) {
	r := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	}}
	res := fetch(t, &checks.Runner{Resolver: r}, "http://api.example./")
	wantReason(t, res, checks.ReasonInternal, "too many open files")
}

func TestUnreachable(t *testing.T) {
	res := fetch(t, new(checks.Runner), "http://255.255.255.255/")
	wantReason(t, res, checks.ReasonConnectUnreachable, "cannot be reached")
}

// An address that drops everything ends by the check's timeout.
func TestConnectTimeout(t *testing.T) {
	c := single(checks.Request{Template: get(t, "http://"+deaf(t))})
	c.Timeout = 200 * time.Millisecond
	wantReason(t, new(checks.Runner).Run(t.Context(), c), checks.ReasonConnectTimeout, "did not accept a connection within")
}

// deaf returns an address that drops everything.
func deaf(t *testing.T) string {
	t.Helper()
	l, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(l) })
	if err := syscall.Bind(l, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(l, 0); err != nil { // a queue of one, which is filled first
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(l)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*syscall.SockaddrInet4).Port)).String()
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		cancel()
		if err != nil {
			break
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	return addr
}
