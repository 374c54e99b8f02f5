package alerts_test

import (
	"context"
	"fmt"
	"time"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

// A check fails twice, which makes an incident, and recovers. The messages go
// to a Slack that needs no network.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	slack := &alertstest.Slack{OnMessage: func(m alertstest.Message) {
		if !m.Edited {
			fmt.Println(m.Text)
		}
	}}
	store := &alertstest.Memory{}

	outbox := &alerts.Outbox{Store: store}
	outbox.SetReceivers(map[string]alerts.Receiver{"slack.oncall": &alerts.Slack{
		Token: "xoxb-…", Channel: "#oncall", APIURL: slack.APIURL(), Client: slack.Client(),
	}})
	ended := make(chan error)
	go func() { ended <- outbox.Run(ctx) }()

	engine := &alerts.Engine{Store: store, Wake: outbox.Wake}
	err := engine.Load(ctx, alerts.Setup{
		Location:  "fra1",
		Receivers: []string{"slack.oncall"},
		Subjects:  []alerts.Subject{{Name: "orders/checkout", Policy: alerts.Policy{After: 2}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	began := time.Now().Add(-5 * time.Minute)
	for _, r := range []checks.Result{
		{Outcome: checks.Failed, Message: "status is 422, want 201", Started: began},
		{Outcome: checks.Failed, Message: "status is 422, want 201", Started: began.Add(time.Minute)},
		{Outcome: checks.Passed, Started: began.Add(2 * time.Minute)},
	} {
		r.Check = "orders/checkout"
		if err := engine.Handle(ctx, r); err != nil {
			fmt.Println(err)
		}
		if err := outbox.Flush(ctx); err != nil {
			fmt.Println(err)
		}
	}
	cancel()
	<-ended

	// Output:
	// 🔴 orders/checkout is failing: status is 422, want 201
	// 🟢 orders/checkout recovered after 5m
}

// The decision is a pure function.
func ExamplePolicy_Next() {
	policy := alerts.Policy{After: 2}
	var state alerts.State
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, outcome := range []checks.Outcome{checks.Failed, checks.Unknown, checks.Degraded, checks.Passed} {
		var told []alerts.Transition
		state, told = policy.Next(state, alerts.Event{Outcome: outcome}, now)
		fmt.Print(outcome, " -> ", state.Status())
		for _, t := range told {
			fmt.Print(", told: ", t.Kind)
		}
		fmt.Println()
		now = now.Add(time.Minute)
	}
	// Output:
	// failed -> pending
	// unknown -> pending
	// degraded -> firing, told: fired
	// passed -> ok, told: recovered
}
