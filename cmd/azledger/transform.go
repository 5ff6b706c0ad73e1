package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/sql"
	"github.com/azledger/azledger/transform"
)

func (a *app) transformCommand() *cobra.Command {
	k := ask{command: "transform"}
	c := &cobra.Command{
		Use:   "transform",
		Short: "Build the tables that are out of date and check them, and no more",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.work(c.Context(), k, transformOnly)
		},
	}
	k.buildFlags(c)
	k.dateFlags(c)
	return c
}

func transformOnly(ctx context.Context, j *job) error {
	if err := j.transform(ctx); err != nil {
		return err
	}
	return j.holdExplained(ctx)
}

// transform builds what is out of date.
func (j *job) transform(ctx context.Context) error {
	o, err := j.transformOptions()
	if err != nil {
		return err
	}
	bar := j.progress("transform")
	defer bar.close()
	o.Progress = bar.built
	result, err := transform.Run(ctx, o)
	if saving := j.save(ctx); saving != nil {
		return errors.Join(err, saving)
	}
	var broken *transform.CheckError
	if errors.As(err, &broken) {
		return checkError{err}
	}
	if err != nil || !built(result, "data_quality") || j.ask.command == "demo" {
		return err // the demo prints them at its end
	}
	return j.findings(ctx)
}

// transformOptions say what to build from what. They write the tables of the configuration.
func (j *job) transformOptions() (transform.Options, error) {
	months, err := j.cfg.closedMonths()
	if err != nil {
		return transform.Options{}, err
	}
	inputs, err := j.writeInputs(months)
	if err != nil {
		return transform.Options{}, err
	}
	o := j.lakeOptions(inputs, months)
	o.Tables, o.Periods, o.Log = j.ask.tables, transform.Range{From: j.span.from, To: j.span.to}, j.log
	return o, nil
}

// lakeOptions are what every reader of the lake's tables has to know alike, or it would find them out of date.
func (j *job) lakeOptions(inputs []transform.Input, closed []closedMonth) transform.Options {
	return transform.Options{
		Lake: j.cfg.Lake, Temp: j.cfg.temp(), Memory: j.cfg.Limits.Memory, Threads: j.cfg.Limits.Threads,
		Models: sql.FS, Inputs: inputs, Kept: kept(closed), Fetch: j.fetch(),
	}
}

// built shows the table that is being built, and counts it when it is done.
func (p *progress) built(e transform.Event) {
	p.say(strings.TrimSpace(e.Name + " " + e.Period))
	if e.Outcome != transform.Building {
		p.step(e.Total)
	}
}

func built(r transform.Result, table string) bool {
	return slices.ContainsFunc(r.Tables, func(t transform.Table) bool { return t.Name == table && t.Outcome == transform.Built })
}

const newFindings = `
	select Severity, Rule, TableName, Account, BillingPeriod, Detail
	from data_quality
	where Severity <> 'info'
	order by Severity, Rule, TableName, Account, BillingPeriod, Subject`

// findings logs what the tables say is wrong with the data. It stops nothing: the
// figures are what Azure served, and somebody has to look.
func (j *job) findings(ctx context.Context) error {
	views, err := j.finishedViews(ctx, "data_quality")
	if err != nil {
		return err
	}
	return j.cfg.eachRow(ctx, views, newFindings, func(row []string) error {
		j.log.Warn(shortened(row[5]), "severity", row[0], "rule", row[1], "table", row[2], "account", row[3], "period", row[4])
		return nil
	})
}

// shortened keeps a log line readable: a broken rule quotes a whole row.
func shortened(text string) string {
	if letters := []rune(text); len(letters) > 300 {
		return string(letters[:300]) + "…"
	}
	return text
}

// checkError is a table that does not hold to its header. Nothing is published then.
type checkError struct{ error }

func (checkError) exitCode() int   { return exitCheck }
func (e checkError) Unwrap() error { return e.error }
