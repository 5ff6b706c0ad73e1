package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/extract"
	"github.com/azledger/azledger/transform"
)

// explainFlags are what explain is asked beside the table and the keys.
type explainFlags struct {
	limit int
	sum   bool
	sql   bool
}

func (a *app) explainCommand() *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use:   "explain <table> [column=value]…",
		Short: "Tell how a number came about: its model, the rows it was made of down to the raw records, and whether it comes out again",
		Long: `Explain finds the row of a finished table that has the given values, usually of the columns
of its grain, and prints what model made it, the rows it was made of, step by step down to the raw
records with the request that brought them, and what was looked up on the way. Then it computes the
row again: from the rows it was made of, and by the model's own query.

A day may be cut short: BillingPeriodStart=2026-09 is any of that month.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.explain(c.Context(), args[0], args[1:], f) },
	}
	c.Flags().IntVar(&f.limit, "limit", 5, "show so many `rows` of each step, the largest amounts first; 0 for all")
	c.Flags().BoolVar(&f.sum, "sum", false, "explain all rows that have the values together, rather than ask for one")
	c.Flags().BoolVar(&f.sql, "sql", false, "print the model's whole query")
	c.Flags().StringVar(&a.format, "format", "table", "print as table or json")
	return c
}

func (a *app) explain(ctx context.Context, table string, args []string, f explainFlags) error {
	if a.format != "table" && a.format != "json" {
		return usagef("--format %s: want table or json", a.format)
	}
	if f.limit < 0 {
		return usagef("--limit %d: want 0 or more", f.limit)
	}
	keys, err := keysOf(args)
	if err != nil {
		return err
	}
	return a.work(ctx, ask{command: "explain"}, func(ctx context.Context, j *job) error {
		err := j.explainRow(ctx, table, keys, f)
		var asked *transform.AskError
		if errors.As(err, &asked) {
			return usageError{err}
		}
		return err
	})
}

// keysOf reads column=value.
func keysOf(args []string) (keys []transform.Key, err error) {
	for _, arg := range args {
		column, value, ok := strings.Cut(arg, "=")
		if !ok || column == "" {
			return nil, usagef("%q: want column=value, such as BillingCurrency=EUR", arg)
		}
		keys = append(keys, transform.Key{Column: column, Value: value})
	}
	return keys, nil
}

// explainRow asks for a row and tells about it.
func (j *job) explainRow(ctx context.Context, table string, keys []transform.Key, f explainFlags) (err error) {
	inputs, err := j.keptInputs()
	if err != nil {
		return err
	}
	closed, err := j.cfg.closedMonths()
	if err != nil {
		return err
	}
	e, err := transform.NewExplainer(ctx, j.lakeOptions(inputs, closed))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	x, err := j.lookInto(ctx, e, table, keys, f)
	if err != nil {
		return err
	}
	if x.ambiguous() {
		return j.candidates(x)
	}
	if err := j.printExplained(x); err != nil {
		return err
	}
	return x.wrong()
}

// keptInputs are the tables of the configuration as the last transform wrote them: a number is explained
// by the rules it was made with, not by those that stand in the configuration by now.
func (j *job) keptInputs() ([]transform.Input, error) {
	inputs := transform.Configuration()
	for i, in := range inputs {
		inputs[i].Path = filepath.Join(j.cfg.Lake, "inputs", in.Name+".csv")
		if _, err := os.Stat(inputs[i].Path); err != nil {
			return nil, usagef("%s is not there: nothing has been built in this lake by this version; azledger transform does it", inputs[i].Path)
		}
	}
	return inputs, nil
}

// explainedRow is all that explain finds out about one row, or about several together.
type explainedRow struct {
	model   *transform.Model
	keys    []transform.Key
	flags   explainFlags
	rows    transform.Rows
	count   int64
	steps   []transform.Step
	rebuilt transform.Rebuilt
	totals  []transform.Total

	undecided []string // columns of the grain that tell the rows found apart, where one was asked for

	origins map[string]extract.Origin // by unit
}

const candidatesShown = 20

func (j *job) lookInto(ctx context.Context, e *transform.Explainer, table string, keys []transform.Key, f explainFlags) (*explainedRow, error) {
	x := &explainedRow{keys: keys, flags: f, origins: map[string]extract.Origin{}}
	var err error
	if x.model, err = e.Model(table); err != nil {
		return nil, err
	}
	shown := candidatesShown
	if f.limit > shown || f.limit == 0 {
		shown = f.limit
	}
	if x.rows, x.count, err = e.Find(ctx, table, keys, shown); err != nil {
		return x, err
	}
	if x.ambiguous() {
		x.undecided, err = e.Undecided(ctx, table)
		return x, err
	}
	if x.rebuilt, err = e.Rebuild(ctx, table); err != nil {
		return nil, err
	}
	if x.totals, err = e.Totals(ctx, table); err != nil {
		return nil, err
	}
	if x.steps, err = e.Trace(ctx, table, f.limit); err != nil {
		return nil, err
	}
	return x, j.findOrigins(x)
}

// ambiguous says that more rows have the keys than one, and that one was asked for.
func (x *explainedRow) ambiguous() bool { return x.count > 1 && !x.flags.sum }

// candidates lists the rows that were meant, perhaps, and asks for more.
func (j *job) candidates(x *explainedRow) error {
	columns := slices.Clone(x.model.Grain)
	if amount := transform.MainAmount(x.model); amount != "" {
		columns = append(columns, amount)
	}
	if err := j.printRows(x.rows, x.count, columns); err != nil {
		return err
	}
	more := ""
	if shown := int64(len(x.rows.Values)); shown < x.count {
		more = fmt.Sprintf(", the first %d of which are above", shown)
	}
	return usagef("%d rows of %s have these values%s: give more of %s, or --sum to explain them together", x.count, x.model.Name, more, strings.Join(x.undecided, ", "))
}

// constant says whether all rows have one value in a column.
func constant(rows transform.Rows, column int) bool {
	for i := range rows.Values {
		if rows.Values[i][column] != rows.Values[0][column] || rows.Null[i][column] != rows.Null[0][column] {
			return false
		}
	}
	return true
}

// findOrigins reads from the journal where the raw pages came from.
func (j *job) findOrigins(x *explainedRow) error {
	for _, s := range x.steps {
		for _, p := range s.Pages {
			u := unitOf(p)
			if _, known := x.origins[u.String()]; known {
				continue
			}
			o, err := extract.OriginOf(j.cfg.Lake, u)
			if err != nil {
				return fmt.Errorf("%s: %w", u, err)
			}
			x.origins[u.String()] = o
		}
	}
	return nil
}

func unitOf(p transform.RawPage) extract.Unit {
	return extract.Unit{Source: p.Source, Account: p.Account, Scope: p.Scope, Period: p.Period, Dataset: p.Dataset}
}

// wrong is the error of a number that does not come out again.
func (x *explainedRow) wrong() error {
	var lines []string
	for _, d := range x.rebuilt.Changed {
		lines = append(lines, fmt.Sprintf("%s: published %s, the query makes %s now", d.Column, d.Published, d.Rebuilt))
	}
	for _, s := range x.steps {
		for _, sum := range s.Sums {
			if !sum.Holds() {
				lines = append(lines, fmt.Sprintf("%s of %s: %s, the rows of %s add up to %s", sum.Column, sum.Table, sum.Want, s.Table, sum.Got))
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	advice := ""
	if len(x.rebuilt.Closed) > 0 {
		advice = fmt.Sprintf("\n  %s is closed: it stays as it was signed off, and what changed since counts in the open month", strings.Join(x.rebuilt.Closed, ", "))
	}
	if len(x.rebuilt.Stale) > 0 {
		advice += fmt.Sprintf("\n  what %s is made from has changed since: azledger transform builds it anew", strings.Join(x.rebuilt.Stale, ", "))
	}
	return fmt.Errorf("%s does not come out as it is published:\n  %s%s", x.model.Name, strings.Join(lines, "\n  "), advice)
}
