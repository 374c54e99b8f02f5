// Package control lets the commands of the same user talk to a running
// daemon: [Server] answers them over a Unix socket beside the state file, and
// [Client] asks it. Who may open the socket, whose mode is 0600, may ask
// everything.
//
// What is spoken is HTTP with JSON. The socket belongs to whoever holds the
// lock of the state file, so that one which stands there at a start was left
// by a daemon that was killed, and is replaced.
package control
