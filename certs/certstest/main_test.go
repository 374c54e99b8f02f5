package certstest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Servers leave nothing behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
