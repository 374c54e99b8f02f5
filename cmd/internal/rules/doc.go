// Package rules writes Prometheus rules that fit one configuration: alerts on
// its checks, on certificates and on watchword itself, and recordings of
// availability and latency.
//
// The alerts on checks follow watchword_check_alert_state, so that `after`,
// `for` and `recover_after` of the configuration hold and are not written a
// second time. Everything that a rule has to know of the configuration is in
// [Options]; the rest comes from the metrics when a rule is evaluated.
//
// The rules stand for the receivers of watchword, not beside them: whoever
// uses both is told twice.
package rules
