package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/extract"
)

func (a *app) planCommand() *cobra.Command {
	k := ask{command: "plan"}
	limits := false
	c := &cobra.Command{
		Use:   "plan",
		Short: "Say what a run would fetch, what that costs of Azure's quotas, and how long it takes at least",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.checkFormat(); err != nil {
				return err
			}
			return a.work(c.Context(), k, func(ctx context.Context, j *job) error { return j.plan(ctx, limits) })
		},
	}
	k.copyFlags(c)
	k.dateFlags(c)
	c.Flags().BoolVar(&limits, "limits", false, "list Azure's limits and the calls that count against each instead")
	a.formatFlag(c)
	return c
}

// plan prints what extract would do.
func (j *job) plan(ctx context.Context, limits bool) error {
	o, err := j.extraction()
	if err != nil {
		return err
	}
	plan, err := extract.MakePlan(ctx, o)
	if err != nil {
		return err
	}
	if limits {
		err = j.print(quotaColumns, quotaRows(plan))
	} else {
		err = j.print(planColumns, planRows(plan))
	}
	if err == nil && len(plan.Failed) > 0 {
		err = failedError{plan.Failed, " to be planned, and the plan above lacks them"}
	}
	return err
}

var planColumns = []column{
	{name: "account"},
	{name: "source"},
	{name: "periods"},
	{name: "units", number: true, bare: true},
	{name: "calls at least", number: true, bare: true},
	{name: "skipped", number: true, bare: true},
	{name: "skipped because", wrap: 40},
}

// planned is a line of the plan: what one account has of one source.
type planned struct {
	account, source       string
	first, last           string
	units, calls, skipped int
	reasons               []string
}

// planRows has a line for each source of each account, and one for all.
func planRows(plan extract.Plan) [][]string {
	lines := map[string]*planned{}
	var order []*planned
	total := &planned{account: "total"}
	for _, u := range plan.Units {
		key := u.Account + "\x00" + u.Source
		if lines[key] == nil {
			lines[key] = &planned{account: u.Account, source: u.Source}
			order = append(order, lines[key])
		}
		lines[key].add(u)
		total.add(u)
	}
	total.first, total.last, total.reasons = "", "", nil
	var rows [][]string
	for _, l := range append(order, total) {
		rows = append(rows, l.row())
	}
	last := rows[len(rows)-1]
	last[len(last)-1] = "earliest finish after " + roughly(plan.Least())
	if plan.Free {
		last[len(last)-1] = "a simulated Azure on this machine holds nothing back"
	}
	return rows
}

func (l *planned) add(u extract.PlannedUnit) {
	if u.Skip != "" {
		l.skipped++
		if !slices.Contains(l.reasons, u.Skip) {
			l.reasons = append(l.reasons, u.Skip)
		}
		return
	}
	l.units++
	l.calls += u.Calls
	if l.first == "" || u.Period < l.first {
		l.first = u.Period
	}
	l.last = max(l.last, u.Period)
}

func (l *planned) row() []string {
	periods := l.first
	if l.last != l.first {
		periods += ".." + l.last
	}
	return []string{l.account, l.source, periods, strconv.Itoa(l.units), strconv.Itoa(l.calls), strconv.Itoa(l.skipped), strings.Join(l.reasons, "; ")}
}

var quotaColumns = []column{
	{name: "limit", wrap: 60}, {name: "allows", wrap: 40}, {name: "calls", number: true, bare: true}, {name: "takes at least"},
}

func quotaRows(plan extract.Plan) [][]string {
	var rows [][]string
	for _, q := range plan.Quotas {
		var allows []string
		for _, l := range q.Limits {
			allows = append(allows, fmt.Sprintf("%d in %s", l.Calls, roughly(l.Per)))
		}
		rows = append(rows, []string{quotaName(q.Name), strings.Join(allows, ", "), strconv.Itoa(q.Calls), roughly(q.Least)})
	}
	return rows
}

// quotaName says what a limit is of, in words.
func quotaName(name string) string {
	family, scope, ofScope := strings.Cut(name, " ")
	if family == "general" {
		family = "all calls"
	}
	if ofScope {
		return family + " for " + scope
	}
	return family + " of the tenant"
}

// roughly is a time as people say it: 40s, 12m, 3h20m.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return strconv.Itoa(int(d.Round(time.Minute)/time.Minute)) + "m"
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}
