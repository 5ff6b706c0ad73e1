package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) runCommand() *cobra.Command {
	k := ask{command: "run"}
	c := &cobra.Command{
		Use:   "run",
		Short: "Copy what is new, rebuild the tables it changes, publish them: what cron calls",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.work(c.Context(), k, everything)
		},
	}
	k.copyFlags(c)
	k.buildFlags(c)
	k.dateFlags(c)
	k.shrinkFlag(c)
	return c
}

// everything is the whole run. What fails on the way leaves the publication as it is,
// unless the configuration prefers one without the scopes that failed.
func everything(ctx context.Context, j *job) error {
	if err := j.preflight(ctx); err != nil {
		return err
	}
	failed, err := j.extract(ctx)
	if err != nil {
		return err
	}
	if len(failed) > 0 && !j.cfg.PublishWithFailedScopes {
		return failedError{failed, "; nothing was published and the last publication stays (publish_with_failed_scopes: true would publish the rest)"}
	}
	if err := j.transform(ctx); err != nil {
		return err
	}
	if err := j.load(ctx); err != nil {
		return err
	}
	if len(failed) > 0 {
		return partialError{failedError{failed, ", the rest was published as the configuration allows"}}
	}
	return j.holdExplained(ctx)
}
