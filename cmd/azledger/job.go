package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/cmd/azledger/internal/mirror"
)

// A job is one command at work on a lake: what it was asked for, the configuration,
// the run date, and the lock that keeps others out. Its stages are in extract.go,
// transform.go and load.go.
type job struct {
	*app
	ask  ask
	cfg  config
	asOf time.Time
	span months
	// sources are those to copy; empty for all.
	sources []string
	log     *slog.Logger
	lock    *lock
	mirror  *mirror.Mirror // of a lake in a container; nil for one in a directory
	// unexplained is what of an invoice may stay unexplained; nil where nobody asks.
	unexplained *unexplainedLimit
}

// ask is what the flags of run, extract, transform and load say.
type ask struct {
	command  string
	copies   bool // the command reads accounts
	accounts []string
	sources  []string
	tables   []string
	period   string
	asOf     string
	refresh  bool
	shrink   string
	fail     string // --fail-on-unexplained
}

// copyFlags are those of the commands that extract.
func (k *ask) copyFlags(c *cobra.Command) {
	k.copies = true
	f := c.Flags()
	f.StringSliceVar(&k.accounts, "account", nil, "only this `account`; may be repeated")
	f.StringSliceVar(&k.sources, "source", nil, "only this `source`; may be repeated")
	f.StringSliceVar(&k.tables, "table", nil, "only this `table` and what it is made from; may be repeated")
	f.BoolVar(&k.refresh, "refresh", false, "fetch again what was fetched less than four hours ago")
}

// buildFlags are those of the commands that transform.
func (k *ask) buildFlags(c *cobra.Command) {
	f := c.Flags()
	if !k.copies {
		f.StringSliceVar(&k.tables, "table", nil, "only this `table` and what it is made from; may be repeated")
	}
	failFlag(c, &k.fail)
}

// dateFlags choose the months and the run date.
func (k *ask) dateFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&k.period, "period", "", "`months` such as 2026-09 or 2026-01..2026-09 (default: what is open or missing)")
	f.StringVar(&k.asOf, "as-of", "", "run date, a `day` such as 2026-10-31 (default: today in UTC)")
}

// shrinkFlag lets through what the guards against lost rows refuse.
func (k *ask) shrinkFlag(c *cobra.Command) {
	c.Flags().StringVar(&k.shrink, "accept-shrink", "", "accept data that lost rows or days, or an older run date; the `reason` is recorded")
}

// work runs the steps of a command on its lake, one after the other.
func (a *app) work(ctx context.Context, k ask, steps func(context.Context, *job) error) error {
	j, err := a.newJob(k)
	if err != nil {
		return err
	}
	return j.onLake(ctx, steps)
}

func (a *app) newJob(k ask) (*job, error) {
	j := &job{app: a, ask: k, log: a.logger()}
	var err error
	if j.unexplained, err = parseLimit(k.fail); err != nil {
		return nil, err
	}
	if j.span, err = parseMonths("--period", k.period); err != nil {
		return nil, err
	}
	if j.asOf, err = parseDay(k.asOf, a.now()); err != nil {
		return nil, err
	}
	if j.asOf.After(a.now().AddDate(0, 0, 1)) {
		j.log.Warn("the run date is in the future, where Azure has no data", "as-of", j.asOf.Format(time.DateOnly))
	}
	if last := j.asOf.Format("2006-01"); j.span.to > last {
		return nil, usagef("--period %s: %s begins after the run date, %s", k.period, j.span.to, j.asOf.Format(time.DateOnly))
	}
	if j.cfg, err = loadConfig(a.configPath, a.env); err != nil {
		return nil, err
	}
	if err := j.checkNames(); err != nil {
		return nil, err
	}
	if k.copies {
		if err := j.cfg.needAccounts(); err != nil {
			return nil, err
		}
	}
	return j, j.checkOwners()
}

// checkOwners reads the owners file before hours are spent on what cannot be built
// without it. Load and verify build nothing, and may run where that file is not.
func (j *job) checkOwners() error {
	if j.ask.command == "load" || j.ask.command == "verify" {
		return nil
	}
	_, err := j.cfg.rules()
	return err
}

// checkNames refuses accounts and sources that are not there: a misspelt one would
// otherwise be a run that does nothing and says it is done.
func (j *job) checkNames() error {
	known := map[string]bool{}
	for _, acc := range j.cfg.Accounts {
		known[acc.Name] = true
	}
	for _, name := range j.ask.accounts {
		if !known[name] {
			return usagef("--account %s: the configuration has no such account", name)
		}
	}
	for _, p := range unknownSources("--source", j.ask.sources) {
		return usagef("--source: %s", p.text)
	}
	var err error
	j.sources, err = j.neededSources()
	return err
}

// neededSources are the sources asked for: by name, or by the tables made from them.
func (j *job) neededSources() ([]string, error) {
	models, err := models()
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, table := range j.ask.tables {
		m := modelNamed(models, table)
		if m == nil {
			return nil, usagef("--table %s: there is no such table; azledger models --all lists them", table)
		}
		for _, source := range sourcesOf(m, models) {
			needed[source] = true
		}
	}
	if len(j.ask.sources) > 0 {
		return j.ask.sources, nil
	}
	return slices.Sorted(maps.Keys(needed)), nil
}

// temp is where large queries spill. It is on the lake's disk unless the
// configuration knows a better one.
func (c *config) temp() string {
	if c.Limits.Temp != "" {
		return c.Limits.Temp
	}
	return filepath.Join(c.Lake, "temp")
}

// tables is the folder in which transform leaves what load takes.
func (c *config) tables() string { return filepath.Join(c.Lake, "tables") }

// partialError says that something was published although a scope failed.
type partialError struct{ failedError }

func (partialError) exitCode() int { return exitPartial }

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
