package alertstest_test

import (
	"testing"

	"watchword/alerts"
	"watchword/alerts/alertstest"
)

func TestMemory(t *testing.T) {
	for _, twice := range []bool{false, true} {
		alertstest.TestStore(t, func(*testing.T) (alerts.Store, func(*testing.T) alerts.Store) {
			s := &alertstest.Memory{Twice: twice}
			return s, func(*testing.T) alerts.Store { return s }
		})
	}
}

func TestMemoryCrashes(t *testing.T) {
	points := alertstest.TestCrashes(t, func(*testing.T) (alerts.Store, func(*testing.T) alerts.Store) {
		m := &alertstest.Memory{}
		return m, func(*testing.T) alerts.Store { return m }
	})
	t.Logf("died at %d points", points)
	if points < 50 {
		t.Errorf("only %d points", points)
	}
}
