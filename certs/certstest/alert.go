package certstest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
	"strings"
	"sync"
)

// Alert is the number of a TLS alert (RFC 8446, section 6.2).
type Alert uint8

// Alerts with which servers refuse client certificates.
const (
	HandshakeFailure       Alert = 40
	BadCertificate         Alert = 42
	UnsupportedCertificate Alert = 43
	CertificateRevoked     Alert = 44
	CertificateExpired     Alert = 45
	CertificateUnknown     Alert = 46
	UnknownCA              Alert = 48
	AccessDenied           Alert = 49
	InternalError          Alert = 80
	CertificateRequired    Alert = 116
)

var errRefused = errors.New("certstest: refused on purpose")

// An alertListener makes TLS connections, some of which end by an alert that
// crypto/tls would not send, or by none.
type alertListener struct {
	net.Listener
	config *tls.Config
	alert  Alert
	fault  Fault
}

// Accept returns a *tls.Conn, so that [net/http] can serve HTTP/2 over it.
func (l *alertListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.alert == 0 && l.fault == NoFault {
		return tls.Server(conn, l.config), nil
	}
	refusing := &refusingConn{Conn: conn, alert: l.alert, fault: l.fault}
	config := l.config.Clone()
	config.KeyLogWriter = logWriter{refusing}
	config.SessionTicketsDisabled = true // a ticket would come before the alert
	config.VerifyConnection = refusing.verify
	return tls.Server(refusing, config), nil
}

// A refusingConn replaces the alert that crypto/tls sends when VerifyConnection
// fails. At that moment, a TLS 1.3 server has sent its Finished: as with real
// servers, the client's handshake succeeds and the alert comes after it.
type refusingConn struct {
	net.Conn
	alert Alert
	fault Fault

	mu       sync.Mutex
	secret   []byte // TLS 1.3: the server's application traffic secret
	refusing bool   // the next write is the alert
	refused  bool
	state    tls.ConnectionState
}

// Write takes what crypto/tls sends.
func (c *refusingConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.refusing {
		return c.Conn.Write(p)
	}
	c.refusing = false
	switch c.fault {
	case ResetAfterTLS:
		reset(c.Conn)
		return len(p), nil
	case CloseAfterTLS:
		_ = c.Conn.Close()
		return len(p), nil
	default:
	}
	record, err := c.record()
	if err != nil {
		return 0, err
	}
	if _, err := c.Conn.Write(record); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close waits, after an alert, until the client has closed its side: data left
// unread would turn the closing into a reset, which may overtake the alert.
func (c *refusingConn) Close() error {
	c.mu.Lock()
	polite := c.refused && c.fault == NoFault
	c.mu.Unlock()
	if polite {
		drain(context.Background(), c.Conn)
	}
	return c.Conn.Close()
}

// verify refuses the client. It is the VerifyConnection of the connection.
func (c *refusingConn) verify(state tls.ConnectionState) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusing, c.refused, c.state = true, true, state
	return errRefused
}

// logWriter takes the key log of the connection, which is how the server's
// secret becomes known.
type logWriter struct{ conn *refusingConn }

func (w logWriter) Write(line []byte) (int, error) {
	fields := strings.Fields(string(line))
	if len(fields) != 3 || fields[0] != "SERVER_TRAFFIC_SECRET_0" {
		return len(line), nil
	}
	secret, err := hex.DecodeString(fields[2])
	if err != nil {
		return 0, err
	}
	w.conn.mu.Lock()
	defer w.conn.mu.Unlock()
	w.conn.secret = secret
	return len(line), nil
}

// record returns the TLS record with the alert: in the clear before TLS 1.3,
// where the server has not changed to its key yet, else encrypted as the first
// record of application traffic.
func (c *refusingConn) record() ([]byte, error) {
	const fatal, typeAlert, typeApplicationData = 2, 21, 23
	if c.state.Version < tls.VersionTLS13 {
		record := binary.BigEndian.AppendUint16([]byte{typeAlert}, c.state.Version)
		return append(record, 0, 2, fatal, byte(c.alert)), nil
	}
	var newHash func() hash.Hash
	var keyLength int
	switch c.state.CipherSuite {
	case tls.TLS_AES_128_GCM_SHA256:
		newHash, keyLength = sha256.New, 16
	case tls.TLS_AES_256_GCM_SHA384:
		newHash, keyLength = sha512.New384, 32
	default:
		return nil, fmt.Errorf("certstest: sending an alert under %s is not supported", tls.CipherSuiteName(c.state.CipherSuite))
	}
	key, err := expandLabel(newHash, c.secret, "key", keyLength)
	if err != nil {
		return nil, err
	}
	iv, err := expandLabel(newHash, c.secret, "iv", 12) // also the nonce of record 0
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	const tag = 16
	plain := []byte{fatal, byte(c.alert), typeAlert}
	header := []byte{typeApplicationData, 3, 3, 0, 3 + tag}
	return aead.Seal(header, iv, plain, header), nil
}

// expandLabel is HKDF-Expand-Label of RFC 8446, section 7.1, without context.
func expandLabel(newHash func() hash.Hash, secret []byte, label string, length int) ([]byte, error) {
	label = "tls13 " + label
	info := string([]byte{0, byte(length), byte(len(label))}) + label + "\x00" //nolint:gosec // both are below 256
	return hkdf.Expand(newHash, secret, info, length)
}
