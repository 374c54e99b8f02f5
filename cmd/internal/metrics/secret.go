package metrics

import (
	"maps"
	"slices"
)

// A secret is a secret block.
type secret struct {
	name   string
	failed bool
}

// SetSecrets tells which secret blocks there are now, and of each whether it
// could not be read the last time.
func (m *Metrics) SetSecrets(failed map[string]bool) {
	m.replace(func(v *view) {
		v.secrets = make([]secret, 0, len(failed))
		for _, name := range slices.Sorted(maps.Keys(failed)) {
			v.secrets = append(v.secrets, secret{name, failed[name]})
		}
	})
}

func secretLoadFailed(s *scrape) {
	for _, one := range s.view.secrets {
		s.gauge(boolValue(one.failed), s.view.label, label("secret", one.name))
		s.flush()
	}
}
