// Package metrics shows the daemon to Prometheus: every metric, its name and
// its meaning stand in one table (names.go).
//
// A [Metrics] holds the counters and the latest values of every check, and
// asks the other parts of the daemon, through the functions in its fields, for
// what they know better: the state of an alert, the time of the next run, the
// queue of notifications. Feed it with [Metrics.SetChecks] at each load, with
// [Metrics.Record] for each result, and serve [Metrics.Handler]:
//
//	m := metrics.New(metrics.Build{Version: "1.2.3"})
//	m.SetLocation("fra1")
//	m.SetChecks([]metrics.Check{{Name: "orders/health", Group: "orders", Severity: "warning"}})
//	m.Record("orders/health", result)
//	http.Handle("GET /metrics", m.Handler(logger))
//
// # Series
//
// Every series of watchword carries the label location; every series of a
// check carries check and group as well, and the user's own labels stand,
// prefixed label_, on watchword_check_info alone, from where a query joins
// them:
//
//	watchword_check_failing_since_timestamp_seconds > 0
//	  and on (check) watchword_check_info{label_team="orders"}
//
// The series of a check exist from its first load, with 0 for what is not
// known yet, and go when the check goes. A reload keeps the counters of every
// check whose name stays. Only the series by reason appear with the first run
// that has the reason. A check of one step has 27 series, a histogram counted
// as one, and one more for each reason it has met. Each further step brings
// six, and a seventh if it asks another host.
//
// Label values are bounded: names from the configuration, words from closed
// lists, fingerprints, and the host names that a check has dialled (at most
// [MaxHosts] that the configuration does not name, so that a server cannot
// make series by redirecting elsewhere each time). No URL, no message, nothing
// else that a server sent is ever a label value.
//
// # Cost
//
// Vectors of client_golang, or metrics made anew at each scrape, cost a scrape
// of 10,000 checks several hundred milliseconds and a hundred megabytes of
// garbage. Here the labels of a check are rendered once, at load, and a scrape
// in the text format copies them between names and numbers into a buffer of
// 64 KiB: what it allocates does not depend on the number of checks. The text
// is, byte for byte, what client_golang makes of [Metrics.Gatherer]; a test
// and a fuzz target hold it to that. Protocol buffers, for who asks for them,
// are made and encoded by client_golang's own types, a family at a time.
package metrics
