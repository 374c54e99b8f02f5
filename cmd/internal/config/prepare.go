package config

// batch is how many checks are prepared at once: enough for all cores, few
// enough that what is prepared of them takes little memory.
const batch = 256

// A readyCheck is what there was to do for one check alone, and the greater part
// of the work.
type readyCheck struct {
	layer *layer  // effective
	found *report // nil where nothing was prepared
}

// prepare does on all cores what checks do not share with one another; outer
// tells what they inherit. It changes nothing of l, whose report is to be
// joined by theirs in the order of the checks.
func (l *loader) prepare(checks []*declared, outer func(*declared) *layer) []readyCheck {
	all := make([]readyCheck, len(checks))
	inParallel(len(checks), func(i int) {
		d := checks[i]
		if d.shares() {
			return
		}
		own := *l
		own.report = l.another()
		p := readyCheck{layer: own.layer(d.block).over(outer(d)), found: own.report}
		if p.layer.request != nil {
			p.layer.template, p.layer.compiled = own.template(p.layer, d.block), true
		}
		all[i] = p
	})
	return all
}

// shares tells that the check cannot be prepared by itself: its scope changes
// as it is built, or it names files that are read once for all.
func (d *declared) shares() bool {
	if d.each || d.block.nested("step") != nil {
		return true
	}
	r := d.block.nested("request")
	return r != nil && (r.attrs["ca"] != nil || r.attrs["body_file"] != nil)
}
