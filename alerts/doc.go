// Package alerts turns the results of checks into messages that people get:
// every incident once, in order, across crashes, Slack outages, reloads and
// steps of the clock.
//
// It has four parts, of which only the last needs another one.
//
// The decision, [Policy.Next], is a pure function of a check's [State], an
// [Event] (a result, the clock, a removal) and the time. It returns the new
// state and the [Transition] to tell, if there is one:
//
//	ok -> pending -> firing -> recovering -> ok
//
// The [Engine] keeps the state of every check. It puts each new state and
// the notifications that belong to it into a [Store], both or neither, and
// watches the clock: reminders, the `for` of a policy, certificates that
// expire, problems of watchword itself. It knows what the decision does not:
// whether a check is silenced ([Maintenance], [Mute], a failing parent,
// watchword cut off itself), which is an event's Hold, and which checks are
// told together. What is told of a group follows from the states of its
// checks, so that a crash at any moment loses and repeats nothing.
//
// The [Outbox] takes the queued notifications to their receivers, one at a
// time for each receiver and in order, until the receiver has taken them. A
// [Receiver] such as [Slack] or [Webhook] renders a [Message] and sends it.
//
//	Result -> Engine.Handle -> Store.Update(state + notifications + an incident that is over)
//	                                  |
//	                              Outbox.Run -> Slack -> Store.Ack
//
// A [Feed] tells each [Alertmanager] what is wrong now, again and again. It
// follows the live states of the Engine, and nothing is queued for it.
//
// [Routes] say which receivers are told of what, by labels.
package alerts
