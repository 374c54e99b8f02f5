// Package checks makes requests to APIs, behind mutual TLS above all, and
// judges their answers.
//
// A [Check] is one thing to watch: one or more steps, each a [Request] and
// the [Condition] values that its answer must meet. [Runner.Run] makes one run
// of it and returns a [Result]. A check that fails is a Result and never an
// error:
//
//	r := &checks.Runner{Certs: certificates}
//	result := r.Run(ctx, check)
//	if result.Outcome == checks.Failed {
//		log.Info("failed", "reason", result.Reason, "message", result.Message)
//	}
//
// # What a run does
//
// Every request, and every redirect that it leads through, has a connection
// of its own: resolve, connect, full TLS handshake, request, answer. There is
// no keep-alive, no session cache and no pool, so that an expired certificate
// cannot keep passing and one identity's connection cannot serve another. The
// client certificate is the one that [certs.Set.Select] chooses for the host
// at that moment. HTTP/1.1 and HTTP/2 are both offered.
//
// # Why it failed
//
// A run without an answer has a [Reason] from a closed list, found by the
// types of errors and the phase that was reached, and a message for people.
// [Reason.Sentence] says what to do. The outcome [Unknown] with
// [ReasonInternal] is watchword's own fault and says nothing of the target.
// A server that refuses a client certificate is asked a second time, on a
// connection that sends nothing, if that is what it takes to learn why.
//
// # What may be shown
//
// Targets are not trusted: headers, bodies, JSON and redirects have limits,
// addresses where clouds serve their credentials are never asked, and control
// characters become visible. Every text of a Result has passed the
// [Redactor] of its check, so that no secret of the configuration is in it.
package checks
