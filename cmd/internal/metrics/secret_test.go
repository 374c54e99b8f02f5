package metrics_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecrets(t *testing.T) {
	m := full(t)
	m.SetSecrets(map[string]bool{"token": false, "password": true})
	read := func() []string {
		var got []string
		for _, line := range series(get(t, m)) {
			if strings.HasPrefix(line, "secret_") {
				got = append(got, line)
			}
		}
		return got
	}
	want := []string{
		`secret_load_failed{location="fra1",secret="password"} 1`,
		`secret_load_failed{location="fra1",secret="token"} 0`,
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	m.SetLocation("nyc1")
	m.SetSecrets(map[string]bool{"token": false})
	if diff := cmp.Diff([]string{`secret_load_failed{location="nyc1",secret="token"} 0`}, read()); diff != "" {
		t.Errorf("secrets later (-want +got):\n%s", diff)
	}
}
