package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/spf13/cobra"

	"github.com/azledger/azledger/extract"
)

func (a *app) extractCommand() *cobra.Command {
	k := ask{command: "extract"}
	c := &cobra.Command{
		Use:   "extract",
		Short: "Copy billing records into the lake, and no more",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.work(c.Context(), k, extractOnly)
		},
	}
	k.copyFlags(c)
	k.dateFlags(c)
	k.shrinkFlag(c)
	return c
}

func extractOnly(ctx context.Context, j *job) error {
	failed, err := j.extract(ctx)
	if err == nil && len(failed) > 0 {
		err = failedError{failed, ""}
	}
	return err
}

// failedError tells which units failed and why, and what that means for the rest.
type failedError struct {
	units       []extract.UnitResult
	consequence string
}

// Error names every unit, and tells each cause once: a scope without a role fails in
// every month of every source, always for the same reason.
func (e failedError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s failed%s", count(len(e.units), "unit"), e.consequence)
	same := map[string][]extract.UnitResult{}
	var causes []string
	for _, u := range e.units {
		c := cause(u)
		if same[c] == nil {
			causes = append(causes, c)
		}
		same[c] = append(same[c], u)
	}
	for _, c := range causes {
		units := same[c]
		fmt.Fprintf(&text, "\n  %s: %s", units[0].Unit, strings.TrimPrefix(units[0].Err.Error(), units[0].Unit.String()+": "))
		for _, u := range units[1:] {
			fmt.Fprintf(&text, "\n  %s: the same", u.Unit)
		}
	}
	return text.String()
}

// cause is what tells one reason of failure from another. The same refusal comes under
// another address and request number each time.
func cause(u extract.UnitResult) string {
	var refusal *extract.APIError
	if errors.As(u.Err, &refusal) {
		return fmt.Sprintln(u.Account, refusal.Status, refusal.Code, refusal.Message)
	}
	return strings.TrimPrefix(u.Err.Error(), u.Unit.String()+": ")
}

// extract copies what is open or missing and returns the units that failed.
func (j *job) extract(ctx context.Context) (failed []extract.UnitResult, err error) {
	o, err := j.extraction()
	if err != nil {
		return nil, err
	}
	bar := j.progress("extract")
	defer bar.close()
	o.Progress = func(e extract.Event) {
		bar.say(e.Unit.String())
		if e.Done {
			bar.step(0)
		}
	}
	result, err := extract.Run(ctx, o)
	return result.Failed(), errors.Join(err, j.save(ctx))
}

// extraction says what is to be copied, and by whom Azure is asked for it.
func (j *job) extraction() (o extract.Options, err error) {
	var credential azcore.TokenCredential
	if j.cfg.needsCredential() {
		if credential, err = j.cfg.tokens(); err != nil {
			return o, err
		}
	}
	client, err := j.cfg.client(credential, j.log)
	return extract.Options{
		Lake: j.cfg.Lake, Elsewhere: j.mirror != nil, Client: client, Accounts: j.accounts(),
		Periods: extract.Range{From: j.span.from, To: j.span.to}, AsOf: j.asOf,
		History: j.cfg.Periods.History, LateDays: j.cfg.Periods.LateDays, Versions: j.cfg.Periods.Versions,
		Retail:  extract.Retail{Currencies: j.cfg.Retail.Currencies, Families: j.cfg.Retail.Families},
		Sources: j.sources, TagKeys: j.cfg.Tags.Keys, Workers: j.cfg.Limits.Threads,
		Refresh: j.ask.refresh, AcceptShrink: j.ask.shrink != "", AcceptRejects: j.cfg.AcceptRejects,
		Fetch: j.fetch(), Exports: extract.ExportsIn(credential, j.cfg.secrets), Now: j.now, Log: j.log,
	}, err
}

// accounts are those that the flags leave.
func (j *job) accounts() []extract.Account {
	var chosen []extract.Account
	for _, a := range j.cfg.Accounts {
		if len(j.ask.accounts) == 0 || slices.Contains(j.ask.accounts, a.Name) {
			chosen = append(chosen, extract.Account{Name: a.Name, Scope: a.Scope, Agreement: a.Agreement, Sources: a.Sources, Exports: a.Exports, Offer: extract.Offer(a.Offer)})
		}
	}
	return chosen
}
