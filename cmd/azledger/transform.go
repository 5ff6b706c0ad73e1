package main

import (
	"context"
	"errors"
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
	inputs, err := j.writeInputs()
	if err != nil {
		return err
	}
	bar := j.progress("transform", -1)
	defer bar.close()
	_, err = transform.Run(ctx, transform.Options{
		Lake: j.cfg.Lake, Temp: j.cfg.temp(), Memory: j.cfg.Limits.Memory, Threads: j.cfg.Limits.Threads,
		Models: sql.FS, Inputs: inputs, Tables: j.ask.tables,
		Periods: transform.Range{From: j.span.from, To: j.span.to}, Log: j.log,
		Progress: func(e transform.Event) {
			bar.say(strings.TrimSpace(e.Name + " " + e.Period))
			if e.Outcome != transform.Building {
				bar.step(e.Total)
			}
		},
	})
	var broken *transform.CheckError
	if errors.As(err, &broken) {
		return checkError{err}
	}
	return err
}

// checkError is a table that does not hold to its header. Nothing is published then.
type checkError struct{ error }

func (checkError) exitCode() int   { return exitCheck }
func (e checkError) Unwrap() error { return e.error }
