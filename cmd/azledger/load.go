package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/load"
)

func (a *app) loadCommand() *cobra.Command {
	k := ask{command: "load"}
	c := &cobra.Command{
		Use:   "load",
		Short: "Publish the tables that transform left in the lake, and no more",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.work(c.Context(), k, func(ctx context.Context, j *job) error { return j.load(ctx) })
		},
	}
	k.shrinkFlag(c)
	return c
}

// comeAndGo are tables whose rows legitimately fall from one run to the next. Those that divide costs fall when a rule or
// an owner goes; records that get lost on the way are missed in cost_and_usage, to which the others add up.
var comeAndGo = []string{
	"data_quality", "run", "source_completeness", "source_completeness_cost",
	"allocation_trace", "chargeback", "commitment_timing", "untagged_spend",
}

// preflight finds out whether publishing will be possible before hours are spent on
// something to publish.
func (j *job) preflight(ctx context.Context) error {
	store, err := j.cfg.store()
	if err != nil {
		return err
	}
	return load.Preflight(ctx, store)
}

// load publishes the finished set.
func (j *job) load(ctx context.Context) error {
	store, err := j.cfg.store()
	if err != nil {
		return err
	}
	bar := j.progress("load")
	defer bar.close()
	_, err = load.Publish(ctx, store, j.cfg.tables(), load.Options{
		Now: j.now, Log: j.log, AcceptShrink: j.ask.shrink, AcceptOlder: j.ask.shrink != "", MayShrink: comeAndGo,
		Fetch:    j.fetch(),
		Progress: func(p load.Progress) { bar.step(p.FilesTotal) },
	})
	var shrunk *load.ShrinkError
	if errors.As(err, &shrunk) || errors.Is(err, load.ErrOlder) {
		return checkError{err}
	}
	return err
}

// published opens the version in force.
func (c *config) published(ctx context.Context) (load.Store, load.Manifest, error) {
	store, err := c.store()
	if err != nil {
		return nil, load.Manifest{}, err
	}
	_, manifest, err := load.Current(ctx, store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, load.Manifest{}, usagef("nothing is published at %s yet; azledger run publishes, azledger demo makes something to look at", c.Publish)
	}
	return store, manifest, err
}
