// Package certstest makes certificate authorities, certificates and servers
// with mutual TLS on loopback, as [net/http/httptest] does for HTTP.
//
// A [CA] issues certificates: [CA.Server] and [CA.Client] in a test, with a
// [Variation] or more where they are to be special, and [CA.Issue] in full. A
// [Pair] is such a certificate with its key, which can be used at once or
// written to files.
//
// A [Server] is HTTPS on loopback that asks for client certificates and records
// who came. With a [Fault] it does what servers do when they are broken, and
// with an [Alert] it refuses clients as real servers do: in TLS 1.3 after their
// handshake has succeeded.
//
// What takes a [testing.TB], and what returns no error, is for tests. Programs
// use [New], [CA.Issue], [Pair.Save] and [Server.Start]. Nothing here may be
// used where it matters: keys are not protected.
package certstest
