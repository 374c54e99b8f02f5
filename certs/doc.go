// Package certs holds client certificates and decides which of them goes with
// a request.
//
// An [Identity] is what one certificate block of the configuration brings: a
// client certificate with its chain and key, the authorities that servers are
// verified by, or both. [Load] reads it from files and never fails: an
// identity that cannot be used says why ([Identity.Err], [Identity.Problems]),
// so that only the requests that need it fail. A [Loader] loads many of them in
// little memory, and a [Memory] goes from one load to the next: a certificate
// and its key are taken as a pair or not at all, and while the files in place
// are no pair, the one before goes on ([Identity.Rotation]).
//
// Files are PEM, with keys in PKCS#8, PKCS#1 or SEC1, or PKCS#12 bundles. A
// [Passphrase] opens keys that are encrypted: in the form of PKCS#8 (PBES2, RFC
// 8018), in the older one of RFC 1421, or in a bundle. What else people have is
// recognised, and answered with the command that converts it
// ([Problem.Command]).
//
// A [Set] is all identities of a configuration. [Set.Select] is asked for each
// request and each redirect hop, at the moment of dialling, with the host of the
// URL that is dialled. The first of these rules that applies decides:
//
//  1. The request refuses certificates ([ModeNone]): none, on every hop.
//  2. The request names a certificate: that one, on every hop to the host of
//     the first hop. On a hop to another host, the choice starts at rule 3.
//  3. A certificate whose host is exactly this host. Among several, the most
//     recent.
//  4. A certificate with a pattern that covers this host. Among several, the
//     most recent: a longer pattern has no advantage.
//  5. The request demands a certificate ([ModeRequired]) and this is the host
//     of the first hop: the primary, if there is one.
//  6. None.
//
// The most recent is the one with the latest [Source.Added]. Identities that do
// not say when they were added come behind all that do, and where dates do not
// decide, the one declared later is more recent. Nothing else counts: the same
// files always choose the same certificate, and an identity that cannot be used
// is chosen all the same instead of another one. [Set.Explain] tells how the
// choice fell and why each other candidate lost.
//
// Hosts are compared in the form that [NormalizeHost] returns. [ParseHost]
// reads what people write in a block: full names, IP addresses, and patterns
// as minimatch has them, with the difference that no pattern covers an IP
// address.
//
// [Roots] verify a server. Those of a file stand beside the system's or instead
// of them; [Set.Roots] chooses them by the rules above, which is why a block
// may bring a CA and no certificate.
//
// Tests find authorities, certificates and servers in
// [watchword/certs/certstest].
package certs
