package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/transform"
)

// closeAsk is what the flags of close say.
type closeAsk struct {
	month            string
	by, note, accept string
	undo             bool
	reason           string
}

func (a *app) closeCommand() *cobra.Command {
	var k closeAsk
	c := &cobra.Command{
		Use:   "close <month>",
		Short: "Sign off a month: its published tables never change again",
		Long: `Sign off a month: its published tables never change again.

The month's part of every published table, the rules it was made with, and the hashes of all raw files behind it are
kept in the lake under closed/<month>, with a record that verify re-computes. What Azure changes later is booked in the
first month that is still open: period_adjustment lists it.

AZLEDGER_SIGNING_KEY, 32 random bytes in base64 (openssl rand -base64 32), signs the record with Ed25519.`,
		Example: "  azledger close 2026-09 --by 'M. Rossi' --note 'agreed with finance'\n  azledger close 2026-09 --undo --reason 'credit note came late'",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			k.month = args[0]
			return a.close(c.Context(), k)
		},
	}
	f := c.Flags()
	f.StringVar(&k.by, "by", "", "who signs off (default: the user of this process)")
	f.StringVar(&k.note, "note", "", "a remark for the record")
	f.StringVar(&k.accept, "accept", "", "close although invoices are open or a source failed; the `reason` is recorded")
	f.BoolVar(&k.undo, "undo", false, "open the last closed month again; its record is kept")
	f.StringVar(&k.reason, "reason", "", "why it is opened again")
	a.formatFlag(c)
	return c
}

func (a *app) close(ctx context.Context, k closeAsk) error {
	if err := k.check(); err != nil {
		return err
	}
	if err := a.checkFormat(); err != nil {
		return err
	}
	return a.work(ctx, ask{command: "close"}, func(ctx context.Context, j *job) error {
		c := closing{job: j, closeAsk: k}
		step := c.run
		if k.undo {
			step = c.reopen
		}
		return errors.Join(step(ctx), j.save(ctx))
	})
}

func (k *closeAsk) check() error {
	k.by, k.note, k.accept, k.reason = reason(k.by), reason(k.note), reason(k.accept), reason(k.reason)
	switch {
	case !isMonth(k.month):
		return usagef("close %s: want a month such as 2026-09", k.month)
	case k.undo && k.reason == "":
		return usagef("close --undo: say why, with --reason")
	case !k.undo && k.reason != "":
		return usagef("--reason is for --undo; --note is a remark for the record")
	case k.undo && (k.note != "" || k.accept != ""):
		return usagef("--undo takes --by and --reason alone")
	}
	if u, err := user.Current(); err == nil {
		k.by = cmp.Or(k.by, u.Username)
	}
	return nil
}

// closing is one month on its way to be closed.
type closing struct {
	*job
	closeAsk
	months []closedMonth // closed so far
	set    finishedSet
}

// run closes the month, or says why it cannot be closed.
func (c *closing) run(ctx context.Context) (err error) {
	if c.months, err = c.cfg.closedMonths(); err != nil {
		return err
	}
	if c.set, err = c.cfg.finishedSet(); err != nil {
		return err
	}
	for _, refuse := range []func(context.Context) error{c.closable, c.over, c.upToDate, c.settled} {
		if err := refuse(ctx); err != nil {
			return fmt.Errorf("close %s: %w", c.month, err)
		}
	}
	m, err := c.freeze(ctx)
	if err != nil {
		return fmt.Errorf("close %s: %w", c.month, err)
	}
	return c.printTables(m)
}

// closable says whether the month is there and next in line. Months are closed one after the other: what is found
// later belongs to the first month that is open, and there is only one of these.
func (c *closing) closable(context.Context) error {
	periods := c.set.periods("cost_and_usage")
	if i := slices.IndexFunc(c.months, func(m closedMonth) bool { return m.Period == c.month }); i >= 0 {
		m := c.months[i]
		return fmt.Errorf("it is closed already, by %s on %s; azledger verify %s checks it", m.By, m.ClosedAt.Format(time.DateOnly), m.Period)
	}
	if !slices.Contains(periods, c.month) {
		return fmt.Errorf("there are no costs of that month; there are %s", strings.Join(periods, ", "))
	}
	if len(c.months) > 0 && c.month < c.months[0].Period {
		return fmt.Errorf("the first closed month is %s, and earlier ones stay open; open it again with --undo to begin with %s", c.months[0].Period, c.month)
	}
	if n := len(c.months); n > 0 && c.month != monthAfter(c.months[n-1].Period) {
		return fmt.Errorf("the last closed month is %s, so the next to close is %s", c.months[n-1].Period, monthAfter(c.months[n-1].Period))
	}
	return nil
}

// over says whether the month and the days in which late charges come have passed, by the run date of the tables.
func (c *closing) over(context.Context) (err error) {
	if c.asOf, err = time.Parse(time.DateOnly, c.set.AsOf); err != nil {
		return fmt.Errorf("the run date of the tables: %w", err)
	}
	end, err := time.Parse("2006-01", monthAfter(c.month))
	if err != nil {
		return err
	}
	late := end.AddDate(0, 0, c.cfg.Periods.LateDays)
	switch {
	case c.asOf.Before(end):
		return fmt.Errorf("the month is not over: the tables are as of %s", c.set.AsOf)
	case c.asOf.Before(late):
		return fmt.Errorf("late charges can come until %s (periods.late_days: %d), and the tables are as of %s: run azledger on that day or later, then close",
			late.Format(time.DateOnly), c.cfg.Periods.LateDays, c.set.AsOf)
	}
	return nil
}

// upToDate says whether the tables are what the lake, the rules and this program make of them: what is signed off is
// what was looked at.
func (c *closing) upToDate(ctx context.Context) error {
	o, err := c.transformOptions()
	if err != nil {
		return err
	}
	stale, err := transform.OutOfDate(ctx, o)
	if err != nil || len(stale) == 0 {
		return err
	}
	first := strings.TrimSpace(stale[0].Name + " " + stale[0].Period)
	return fmt.Errorf("%s would be built anew, %s the first: run azledger run, look at the result, then close", count(len(stale), "table"), first)
}

// unsettled lists what speaks against closing: invoices that are not explained or not there, and sources whose records are
// not those of the last attempt. Late charges that wait for the next invoice do not: they come every month, and the
// next one's reconciliation has them.
const unsettled = `
	select coalesce(strftime(InvoicePeriodStart, '%Y-%m'), ''), 'invoice ' || InvoiceId || ' of ' || Account || ' is ' || Status
	from invoice_reconciliation
	where Status in ('Estimated', 'Unexplained')
		and not (InvoiceKind = 'Pending' and exists (
			select 1
			from invoice_reconciliation as billed
			where billed.Account = invoice_reconciliation.Account
				and billed.BillingCurrency = invoice_reconciliation.BillingCurrency
				and date_trunc('month', billed.InvoicePeriodStart) = date_trunc('month', invoice_reconciliation.InvoicePeriodStart)
				and billed.InvoiceKind not in ('Pending', 'Missing')
				and billed.Status <> 'Estimated'
		))
	union
	select BillingPeriod, Source || ' of ' || Account || ' failed: ' || coalesce(Error, '')
	from source_completeness
	where State <> 'complete'
	order by 1, 2`

func (c *closing) settled(ctx context.Context) error {
	if c.accept != "" {
		return nil
	}
	views, err := c.finishedViews(ctx, "invoice_reconciliation", "source_completeness")
	if err != nil {
		return err
	}
	var open []string
	err = c.cfg.eachRow(ctx, views, unsettled, func(row []string) error {
		if row[0] == c.month {
			open = append(open, shortened(row[1]))
		}
		return nil
	})
	if err != nil || len(open) == 0 {
		return err
	}
	return fmt.Errorf("it is not settled; --accept <reason> closes it all the same:\n  %s", strings.Join(open, "\n  "))
}

func (c *closing) printTables(m closedMonth) error {
	var rows [][]string
	for _, t := range m.Tables {
		f := t.file()
		rows = append(rows, []string{t.Name, fmt.Sprint(f.Rows), fmt.Sprint(f.Bytes), f.SHA256[:16]})
	}
	columns := []column{{name: "table"}, {name: "rows", number: true, bare: true}, {name: "bytes", number: true, bare: true}, {name: "sha256"}}
	if err := c.print(columns, rows); err != nil {
		return err
	}
	c.log.Info("closed", "month", m.Period, "by", m.By, "record", m.sha256, "signed", m.signed)
	return nil
}
