package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"watchword/alerts"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/lang"
)

func (a *app) alertsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "Try what receivers are told",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.alertsTestCommand())
	return cmd
}

func (a *app) alertsTestCommand() *cobra.Command {
	t := alertsTest{app: a}
	cmd := &cobra.Command{
		Use:   "test RECEIVER",
		Short: "Send a sample of each message to a receiver",
		Long: `test sends one message of each kind to a receiver of the configuration, by the
same way and at the same pace as the daemon, and tells what the receiver has
made of it. Each is marked as a sample. The daemon may run meanwhile: no state
is read or changed. Nobody is mentioned, unless --mention is given.

An Alertmanager gets one alert, WatchwordSample, which ends after two minutes.

The receiver is named as in routes, receiver.slack.oncall, or shorter,
slack.oncall or oncall.

Exit code 0: all were taken. 1: the receiver has refused one.`,
		Example: `  watchword alerts test oncall
  watchword alerts test oncall --dry-run
  watchword alerts test oncall --only failed,recovered`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("want the name of a RECEIVER, got %s", count(len(args), "argument"))
			}
			return nil
		},
		RunE:              func(cmd *cobra.Command, args []string) error { return t.run(cmd.Context(), args[0]) },
		ValidArgsFunction: a.completeReceivers,
	}
	cmd.Flags().BoolVar(&t.dryRun, "dry-run", false, "send nothing; show the messages as a reader would see them")
	cmd.Flags().BoolVar(&t.mention, "mention", false, "mention whom the receiver mentions, as real messages do")
	cmd.Flags().StringSliceVar(&t.only, "only", nil, "`KINDS` to send, each after the first of its thread: "+strings.Join(sampleKinds(), ", "))
	// The flag exists: it was added by the line before.
	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(sampleKinds(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// completeReceivers completes the names of receivers.
func (a *app) completeReceivers(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if cfg := a.toComplete(cmd.Context(), args); cfg != nil {
		names = receiverNames(cfg)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// alertsTest is one test of a receiver.
type alertsTest struct {
	*app
	dryRun, mention bool
	only            []string
}

func (t *alertsTest) run(ctx context.Context, name string) error {
	cfg, err := t.load(ctx)
	if err != nil {
		return err
	}
	r, err := namedReceiver(cfg, name)
	if err != nil {
		return err
	}
	if to := alertmanagers(cfg)[r.FullName()]; to != nil {
		return t.sample(ctx, r.FullName(), to, cfg.Settings.Location)
	}
	samples, err := chosenSamples(alerts.Samples(cfg.Settings.Location, setup(cfg).Links, time.Now()), t.only)
	if err != nil {
		return err
	}
	if t.dryRun {
		t.show(r.FullName(), samples)
		return nil
	}
	if r.Slack != nil && !t.mention {
		r.Slack.Mention = ""
	}
	return t.send(ctx, r.FullName(), receivers(cfg, new(alerts.Pacer))[r.FullName()], samples)
}

// namedReceiver is the receiver that is called name, in full or without its
// type.
func namedReceiver(cfg *config.Config, name string) (config.Receiver, error) {
	short := strings.TrimPrefix(name, "receiver.")
	var found []config.Receiver
	var known []string
	for _, r := range cfg.Receivers {
		if r.FullName() == short {
			return r, nil
		}
		if r.Name == short {
			found = append(found, r)
		}
		known = append(known, r.FullName(), r.Name)
	}
	names := receiverNames(cfg)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return config.Receiver{}, usagef("several receivers are called %q: %s", short, strings.Join(names, ", "))
	case len(names) == 0:
		return config.Receiver{}, usagef("the configuration has no receiver")
	}
	if near := lang.Suggest(short, known); near != "" {
		return config.Receiver{}, usagef("there is no receiver %q; did you mean %q?", name, near)
	}
	return config.Receiver{}, usagef("there is no receiver %q; there is %s", name, strings.Join(names, ", "))
}

// receiverNames are the full names of all receivers.
func receiverNames(cfg *config.Config) []string {
	names := make([]string, 0, len(cfg.Receivers))
	for _, r := range cfg.Receivers {
		names = append(names, r.FullName())
	}
	return names
}

// sampleKinds are the kinds of samples, in the order in which they are sent.
func sampleKinds() []string {
	var kinds []string
	for _, s := range alerts.Samples("", alerts.Links{}, time.Time{}) {
		kinds = append(kinds, s.Kind)
	}
	return kinds
}

// chosenSamples are those of the kinds, all without any. The first of a thread
// goes before the others of it: nothing can be edited that was not sent.
func chosenSamples(all []alerts.Sample, kinds []string) ([]alerts.Sample, error) {
	for _, kind := range kinds {
		known := sampleKinds()
		if !slices.Contains(known, kind) {
			return nil, usagef("there is no message of kind %q; there is %s", kind, strings.Join(known, ", "))
		}
	}
	var out []alerts.Sample
	for i, s := range all {
		first := i == 0 || all[i-1].Thread != s.Thread
		wanted := func(o alerts.Sample) bool {
			return slices.Contains(kinds, o.Kind) && (o.Kind == s.Kind || first && o.Thread == s.Thread)
		}
		if len(kinds) == 0 || slices.ContainsFunc(all, wanted) {
			out = append(out, s)
		}
	}
	return out, nil
}

// show prints the messages.
func (t *alertsTest) show(name string, samples []alerts.Sample) {
	s := t.screenOf(t.stdout)
	for _, sample := range samples {
		fmt.Fprintf(t.stdout, "%s\n", s.bold(sample.Kind))
		indent(t.stdout, "  ", alerts.RenderText(sample.Message))
		fmt.Fprintln(t.stdout)
	}
	fmt.Fprintf(t.stdout, "%s for %s; %s\n", count(len(samples), "message"), name, s.yellow("nothing is sent: --dry-run"))
}

// send sends the messages one after the other, until one is refused.
func (t *alertsTest) send(ctx context.Context, name string, to alerts.Receiver, samples []alerts.Sample) error {
	s := t.screenOf(t.stdout)
	threads := make(map[string]*alerts.Delivery)
	for _, sample := range samples {
		d := alerts.Delivery{ID: rand.Text(), Thread: "sample:" + sample.Thread, Queued: time.Now(), Message: sample.Message}
		last := threads[sample.Thread]
		if last != nil {
			d.Reference = last.Reference
		}
		if sample.Again && last != nil {
			d.ID, d.Queued = last.ID, last.Queued
		}
		headline, _, _ := strings.Cut(alerts.RenderText(sample.Message), "\n")
		answer, err := t.deliver(ctx, to, &d)
		if err != nil {
			fmt.Fprintf(t.stdout, "%s %-15s  %s\n", s.red("✗"), sample.Kind, headline)
			indent(t.stdout, strings.Repeat(" ", 19), refusal(err))
			return codeError(exitFailed)
		}
		fmt.Fprintf(t.stdout, "%s %-15s  %s\n%19s%s\n", s.green("✓"), sample.Kind, headline, "", s.faint(answer))
		threads[sample.Thread] = &d
	}
	fmt.Fprintf(t.stdout, "%s taken by %s\n", count(len(samples), "message"), name)
	return nil
}

// sample sends an alert to what is told of states, and not of what becomes of
// them.
func (t *alertsTest) sample(ctx context.Context, name string, to *alerts.Alertmanager, location string) error {
	if len(t.only) > 0 {
		return usagef("receiver %s is told what fails, not by messages: there is one sample alert, without --only", name)
	}
	const sent = "alert WatchwordSample, resolved by itself after 2 minutes"
	s := t.screenOf(t.stdout)
	if t.dryRun {
		fmt.Fprintf(t.stdout, "%s for %s; %s\n", sent, name, s.yellow("nothing is sent: --dry-run"))
		return nil
	}
	if err := to.Sample(ctx, location); err != nil {
		fmt.Fprintf(t.stdout, "%s %s\n", s.red("✗"), sent)
		indent(t.stdout, "  ", err.Error())
		return codeError(exitFailed)
	}
	fmt.Fprintf(t.stdout, "%s %s\ntaken by %s; it tells of it as its own routes say\n", s.green("✓"), sent, name)
	return nil
}

// deliver sends one message, again where the receiver asks to be left alone
// for a while. It says what became of it, and notes in d where it stands.
func (t *alertsTest) deliver(ctx context.Context, to alerts.Receiver, d *alerts.Delivery) (answer string, err error) {
	const attempts = 5
	begun, settled := false, false
	d.Begin, d.Settled = func(context.Context) { begun = true }, func() { settled = true }
	for i := 1; ; i++ {
		ref, err := to.Send(ctx, *d)
		var refused *alerts.SendError
		switch {
		case err == nil:
			answer := took(d, ref, begun, settled)
			if ref != (alerts.Reference{}) {
				d.Reference = ref
			}
			return answer, nil
		case i == attempts || !errors.As(err, &refused) || refused.RetryAfter == 0 || refused.Permanent:
			return "", err
		}
		fmt.Fprintf(t.stderr, "watchword: %v; trying again in %s\n", err, refused.RetryAfter)
		timer := time.NewTimer(refused.RetryAfter)
		select {
		case <-ctx.Done():
			timer.Stop()
			return "", context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// took says what a receiver has made of a message that it took.
func took(d *alerts.Delivery, ref alerts.Reference, begun, settled bool) string {
	root := fmt.Sprintf("message %s in %s", d.Reference.ID, d.Reference.Channel)
	threaded := d.Reference != (alerts.Reference{})
	switch {
	case d.Message.PossibleRepeat && !begun:
		return "the first one was found by its id in the history: nothing is posted twice"
	case d.Message.PossibleRepeat && !settled:
		return "taken; marked, because the first one cannot be looked for in the history"
	case ref != (alerts.Reference{}):
		return fmt.Sprintf("taken: message %s in %s", ref.ID, ref.Channel)
	case threaded && begun:
		return "taken: in the thread of " + root
	case threaded:
		return "taken: " + root + " is edited, nothing new is posted"
	case !begun:
		return "nothing is posted for it"
	default:
		return "taken"
	}
}

// refusal says why a receiver has not taken a message, and what that would
// mean for the daemon.
func refusal(err error) string {
	var refused *alerts.SendError
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &refused) && refused.Permanent:
		return err.Error() + "\nThe daemon would block the receiver until the next reload, and keep its messages."
	default:
		return err.Error() + "\nThe daemon would try again, and keep the message until it is taken."
	}
}
