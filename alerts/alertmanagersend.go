package alerts

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

const (
	// Bounds of one request: proxies take a MiB at most unless told otherwise.
	maxBatch      = 500       // alerts
	maxBatchBytes = 512 << 10 // unless one alert alone is larger, which is bounded by its texts
)

// send posts alerts in as many requests as it takes, none of them if there
// are none, so that it shows whether they would be taken. It returns how many
// were taken that had not been before.
func (p *peer) send(ctx context.Context, receiver *Alertmanager, due []*entry, now time.Time) (taken uint64, refused error) {
	for {
		batch, body := p.batch(due, now)
		err := receiver.post(ctx, p.url, body)
		send, _ := errors.AsType[*SendError](err)
		if err == nil {
			taken += p.took(batch, now)
		} else if ctx.Err() == nil {
			p.missed(due, len(batch), send == nil || send.Unsure, now)
		}
		due = due[len(batch):]
		switch {
		case err != nil && (send == nil || send.status != http.StatusBadRequest): // it takes none of the others either
			return taken, err
		case err != nil:
			refused = err
		}
		if len(due) == 0 {
			return taken, refused
		}
	}
}

// batch writes the first of the alerts into one request.
func (p *peer) batch(due []*entry, now time.Time) ([]*entry, []byte) {
	body := []byte{'['}
	n := 0
	for ; n < min(len(due), maxBatch); n++ {
		text := p.write(due[n], now)
		if n > 0 && len(body)+len(text)+2 > maxBatchBytes {
			break
		}
		if n > 0 {
			body = append(body, ',')
		}
		body = append(body, text...)
	}
	return due[:n], append(body, ']')
}

// write is one alert as it is sent.
func (p *peer) write(e *entry, now time.Time) []byte {
	a := postable{StartsAt: e.since.UTC(), EndsAt: e.ends.UTC(), GeneratorURL: e.url, Labels: make(map[string]string, len(e.labels))}
	if a.StartsAt.After(now) { // the clock was set back
		a.StartsAt = now.UTC()
	}
	if e.ends.IsZero() {
		a.EndsAt = now.Add(p.lane.feed.ahead()).UTC()
		e.notes = nil
	} else if a.EndsAt.Before(a.StartsAt) {
		a.EndsAt = a.StartsAt
	}
	if e.notes == nil {
		e.notes = annotations(e.message())
	}
	a.Annotations = e.notes
	for _, l := range e.labels {
		a.Labels[l.Name] = l.Value
	}
	text, err := json.Marshal(a)
	if err != nil { // strings and times: it cannot
		return []byte("{}")
	}
	return text
}
