// Package web is the daemon's HTTP server: metrics, health, the status pages
// with an API that gives the same as JSON, and a reload where the operator
// allows one.
//
//	GET  /                            every check, what fails and why, certificates
//	GET  /checks/NAME                 one check: phases, recent runs, incidents
//	GET  /api/v1/checks               the same as JSON, read only
//	GET  /api/v1/certificates
//	GET  /api/v1/incidents
//	GET  /metrics                     for Prometheus
//	GET  /-/healthy                   200 while the process lives
//	GET  /-/ready                     200 when checks run, else 503
//	POST /-/reload                    loads the configuration again, if Reload is set, else 403
//
// The pages show a [Board], which remembers the latest runs of each check. They
// are made on the server and need no script. What they show is free of secrets,
// as a [watchword/checks.Result] is, and texts of a target are escaped.
//
// A [Server] opens its sockets with [Server.Bind], so that a port in use or an
// address that may not be used is known before anything else starts, and
// serves until its context ends with [Server.Run]:
//
//	s := &web.Server{Listen: "127.0.0.1:9780", Metrics: handler, Ready: ready, Logger: logger}
//	if err := s.Bind(ctx); err != nil {
//		return err
//	}
//	return s.Run(ctx)
//
// # Who may ask
//
// What stands here says which APIs fail and which certificates expire, so an
// address that others can reach wants authentication: the server refuses to
// listen on anything but loopback unless its web configuration file demands a
// password or a verified client certificate, or the operator waives it. The
// file is the one that Prometheus and its exporters share, see
// https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md.
// It is read again for each request; if its authentication goes, so do the
// answers.
//
// Probes of an orchestrator know no password. HealthListen opens a second
// address for them, which answers the two health paths and nothing else.
package web
