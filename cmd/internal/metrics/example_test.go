package metrics_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"watchword/checks"
	"watchword/cmd/internal/metrics"
)

func Example() {
	m := metrics.New(metrics.Build{Version: "1.2.3"})
	m.SetLocation("fra1")
	m.SetChecks([]metrics.Check{{Name: "orders/health", Group: "orders", Schedule: "@every 1m", Severity: "warning"}})

	m.Record("orders/health", checks.Result{Outcome: checks.Passed, Duration: 40 * time.Millisecond, Attempts: 1})

	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/metrics?name[]=watchword_check_runs_total", nil)
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	fmt.Println(w.Body)
	// Output:
	// # HELP watchword_check_runs_total Runs by outcome.
	// # TYPE watchword_check_runs_total counter
	// watchword_check_runs_total{check="orders/health",group="orders",location="fra1",outcome="passed"} 1
	// watchword_check_runs_total{check="orders/health",group="orders",location="fra1",outcome="degraded"} 0
	// watchword_check_runs_total{check="orders/health",group="orders",location="fra1",outcome="failed"} 0
	// watchword_check_runs_total{check="orders/health",group="orders",location="fra1",outcome="unknown"} 0
}
