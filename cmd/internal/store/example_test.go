package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"watchword/alerts"
	"watchword/cmd/internal/store"
)

// A state and the notification that belongs to it are stored together, and
// found again by the next process.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "watchword")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "watchword.db")

	db, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = db.Update(ctx, "check:orders/checkout", func(old alerts.State) alerts.Change {
		old.Phase = alerts.Firing
		return alerts.Change{State: old, Queue: []alerts.Notification{
			{Receiver: "slack.oncall", Message: alerts.Message{Headline: "🔴 orders/checkout is failing"}},
		}}
	})
	if err != nil {
		fmt.Println(err)
	}
	if err := db.Close(); err != nil {
		fmt.Println(err)
	}

	db, err = store.Open(ctx, path, store.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	queue, err := db.Pending(ctx, "slack.oncall", 10)
	fmt.Println(queue.Total, queue.Notifications[0].Message.Headline, err)
	// Output:
	// 1 🔴 orders/checkout is failing <nil>
}
