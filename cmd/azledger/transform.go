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
	return j.explained(ctx)
}

// transform builds what is out of date.
func (j *job) transform(ctx context.Context) error {
	o, err := j.transformOptions()
	if err != nil {
		return err
	}
	bar := j.progress("transform")
	defer bar.close()
	o.Progress = func(e transform.Event) {
		bar.say(strings.TrimSpace(e.Name + " " + e.Period))
		if e.Outcome != transform.Building {
			bar.step(e.Total)
		}
	}
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
	return transform.Options{
		Lake: j.cfg.Lake, Temp: j.cfg.temp(), Memory: j.cfg.Limits.Memory, Threads: j.cfg.Limits.Threads,
		Models: sql.FS, Inputs: inputs, Kept: kept(months), Tables: j.ask.tables, Fetch: j.fetch(),
		Periods: transform.Range{From: j.span.from, To: j.span.to}, Log: j.log,
	}, nil
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
	files, err := j.finished(ctx, "data_quality")
	if err != nil {
		return err
	}
	views := map[string][]string{"data_quality": files}
	return j.cfg.eachRow(ctx, views, newFindings, func(_ []transform.ColumnInfo, row []string, _ []bool) error {
		if row != nil {
			j.log.Warn(shortened(row[5]), "severity", row[0], "rule", row[1], "table", row[2], "account", row[3], "period", row[4])
		}
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
