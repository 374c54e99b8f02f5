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
