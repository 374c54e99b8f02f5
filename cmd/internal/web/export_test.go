package web

// MaxConnections is how many connections a listener takes at once.
const MaxConnections = maxConnections
