package main

import (
	"context"
	"time"
)

// saveRunsEvery is how much of the latest runs is not shown any more after a
// daemon was killed. One that ends in order loses none.
const saveRunsEvery = 5 * time.Minute

// savesRuns keeps the latest runs of every check for the next start.
func (d *daemon) savesRuns(ctx context.Context) error {
	tick := time.NewTicker(saveRunsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			d.saveRuns(ctx)
		}
	}
}

// saveRuns logs an error when it is another than the last time: the disk is
// told of elsewhere.
func (d *daemon) saveRuns(ctx context.Context) {
	d.saving.Lock()
	defer d.saving.Unlock()
	err := d.db.SaveRuns(d.board.Save)
	if err == nil {
		d.unsaved = ""
		return
	}
	if d.unsaved != err.Error() {
		d.unsaved = err.Error()
		d.Logger.WarnContext(ctx, "the next start will not know the latest runs", "error", err)
	}
}

// restoreRuns takes back what was kept when the daemon ended. What cannot be
// read is not known any more, and nothing else.
func (d *daemon) restoreRuns(ctx context.Context) {
	raw, err := d.db.LoadRuns()
	if err == nil && raw != nil {
		err = d.board.Restore(raw)
	}
	if err != nil {
		d.Logger.WarnContext(ctx, "the latest runs of before are not known", "error", err)
	}
}
