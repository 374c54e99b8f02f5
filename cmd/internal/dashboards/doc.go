// Package dashboards writes the Grafana dashboards of watchword: [All] returns
// them, and [Dashboard.JSON] gives each in the classic format, which Grafana 10
// and later read from a file.
//
// A dashboard is a list of rows of panels, a panel a list of queries. Places on
// the grid and ids are made from their order. Every panel has a description
// and a unit, and every query answers something in a healthy system too, so
// that an empty panel always means that something is missing.
package dashboards
