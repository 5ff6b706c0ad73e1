package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// bench is one benchmark session.
type bench struct {
	out         io.Writer
	binary, dir string
	rows, runs  int
	full        bool
	only        string // one of the steps; "" is all
}

// step is one thing that is measured.
type step struct {
	name string
	run  func(context.Context) error
}

func (b *bench) steps() []step {
	return []step{{"month", b.month}, {"rules", b.rules}, {"workers", b.workers}, {"history", b.history}}
}

// usage is what one process took.
type usage struct {
	wall, cpu time.Duration
	peak      int64 // bytes
}

func (b *bench) all(ctx context.Context) error {
	known := false
	for _, s := range b.steps() {
		if b.only != "" && b.only != s.name {
			continue
		}
		known = true
		if err := s.run(ctx); err != nil {
			return err
		}
	}
	if !known {
		return fmt.Errorf("-only %s: there is no such step", b.only)
	}
	return nil
}

// month is the whole run on one month's export, beside the peer on the same files.
func (b *bench) month(ctx context.Context) error {
	x, err := b.export(ctx, "month", b.rows, 2, []string{"2026-10"}, asOf)
	if err != nil {
		return err
	}
	first, err := b.against(ctx, x)
	if err != nil || !b.full {
		return err
	}
	large, err := b.export(ctx, "large", 5*b.rows, 2, []string{"2026-10"}, asOf)
	if err != nil {
		return err
	}
	five, err := b.against(ctx, large)
	if err != nil {
		return err
	}
	b.say("five times the rows, CPU time", fmt.Sprintf("%.2f ×", ratio(five.cpu, first.cpu)), "≤ 6")
	return nil
}

// against times ours and the peer in turn and returns the last of ours.
func (b *bench) against(ctx context.Context, x export) (ours usage, err error) {
	var walls, cpus, quiet []ratioOf
	var peak int64
	for range b.runs {
		if ours, err = b.azledger(ctx, x, true, nil, "run"); err != nil {
			return ours, err
		}
		again, err := b.azledger(ctx, x, false, nil, "run", "--refresh")
		if err != nil {
			return ours, err
		}
		theirs, err := b.peer(ctx, x)
		if err != nil {
			return ours, err
		}
		walls, cpus, quiet = append(walls, ratio(ours.wall, theirs.wall)), append(cpus, ratio(ours.cpu, theirs.cpu)), append(quiet, ratio(again.wall, ours.wall))
		peak = max(peak, ours.peak)
		fmt.Fprintf(b.out, "# %s: azledger %.1f s (%.1f s CPU, %d MB), DuckDB %.1f s (%.1f s CPU, %d MB)\n", x.name,
			ours.wall.Seconds(), ours.cpu.Seconds(), ours.peak>>20, theirs.wall.Seconds(), theirs.cpu.Seconds(), theirs.peak>>20)
	}
	b.say(x.name+": run against DuckDB read_csv → COPY, wall", fmt.Sprintf("%.2f ×", median(walls)), "≤ 2.5")
	b.say(x.name+": the same, CPU", fmt.Sprintf("%.2f ×", median(cpus)), "")
	b.say(x.name+": run with nothing new against the first, wall", fmt.Sprintf("%.3f ×", median(quiet)), "≤ 0.05")
	b.say(x.name+": peak memory", fmt.Sprintf("%d MB", peak>>20), "≤ 2662")
	return ours, nil
}

// rules is the whole run on one month with rules of allocation, beside the same run without them.
func (b *bench) rules(ctx context.Context) error {
	x, err := b.export(ctx, "rules", b.rows, 2, []string{"2026-10"}, asOf)
	if err != nil {
		return err
	}
	if err := os.WriteFile(x.allocation(), []byte(allocation), 0o600); err != nil {
		return err
	}
	var cpus []ratioOf
	var peak int64
	for range b.runs {
		plain, err := b.azledger(ctx, x, true, nil, "run")
		if err != nil {
			return err
		}
		ruled, err := b.azledger(ctx, x, true, []string{"AZLEDGER_ALLOCATION=" + x.allocation()}, "run")
		if err != nil {
			return err
		}
		cpus, peak = append(cpus, ratio(ruled.cpu, plain.cpu)), max(peak, ruled.peak)
		fmt.Fprintf(b.out, "# %s: %.1f s (%.1f s CPU, %d MB), without them %.1f s (%.1f s CPU, %d MB)\n", x.name,
			ruled.wall.Seconds(), ruled.cpu.Seconds(), ruled.peak>>20, plain.wall.Seconds(), plain.cpu.Seconds(), plain.peak>>20)
	}
	b.say("run with rules of allocation against one without, CPU", fmt.Sprintf("%.2f ×", median(cpus)), "≤ 1.25")
	b.say("the same: peak memory", fmt.Sprintf("%d MB", peak>>20), "≤ 2662")
	return nil
}

// allocation is rules whose filters ask for columns, by name and by pattern, and for a tag.
const allocation = `owners: [payments, claims, platform, data, web, stores, research]
rules:
  - name: Shared network
    where: {ServiceName: [Azure Firewall, VPN Gateway, "Load*"]}
    split: proportional
    of: {ServiceName: Virtual Machines}
    to: all
  - name: Development storage
    where: {x_SkuMeterCategory: Storage, tag.env: dev*}
    split: proportional
    of: {x_ResourceGroupName: "*-prod-*"}
    to: all
markup:
  - {name: Cloud desk, percent: 2}
`

// workers is two units copied by one worker and by two. Their files are not compressed:
// a worker inflates on a second core already.
func (b *bench) workers(ctx context.Context) error {
	x, err := b.export(ctx, "workers", 1, 2, []string{"2026-10"}, asOf)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(x.files()); err != nil {
		return err
	}
	x.format = "csv"
	if err := x.write(ctx, b.rows/4, 2, []string{"2026-10"}); err != nil {
		return err
	}
	var speed []ratioOf
	for range b.runs {
		one, err := b.azledger(ctx, x, true, []string{"AZLEDGER_LIMITS_THREADS=1"}, "extract")
		if err != nil {
			return err
		}
		two, err := b.azledger(ctx, x, true, []string{"AZLEDGER_LIMITS_THREADS=2"}, "extract")
		if err != nil {
			return err
		}
		speed = append(speed, ratio(one.wall, two.wall))
	}
	b.say("two workers against one, two units", fmt.Sprintf("%.2f ×", median(speed)), "≥ 1.6")
	return nil
}

// history is a nightly run, in which only the open month has changed, over a long
// history and a short one.
func (b *bench) history(ctx context.Context) error {
	var long, short []ratioOf
	for range b.runs {
		for _, h := range []struct {
			months int
			took   *[]ratioOf
		}{{36, &long}, {3, &short}} {
			u, err := b.nightly(ctx, h.months)
			if err != nil {
				return err
			}
			*h.took = append(*h.took, ratioOf(u.wall.Seconds()))
		}
	}
	b.say("nightly run, 36 months of history against 3", fmt.Sprintf("%.2f ×", median(long)/median(short)), "≤ 1.2")
	return nil
}

// nightly runs on one day, and times the run on the next.
func (b *bench) nightly(ctx context.Context, months int) (usage, error) {
	name := fmt.Sprintf("history-%d", months)
	env := []string{fmt.Sprintf("AZLEDGER_PERIODS_HISTORY=%d", months)}
	x, err := b.export(ctx, name, max(b.rows/100, 2000), months, nil, asOf)
	if err != nil {
		return usage{}, err
	}
	if _, err := b.azledger(ctx, x, true, env, "run"); err != nil {
		return usage{}, err
	}
	x.asOf = asOf.AddDate(0, 0, 1)
	if err := x.write(ctx, max(b.rows/100, 2000), months, []string{x.asOf.Format("2006-01")}); err != nil {
		return usage{}, err
	}
	u, err := b.azledger(ctx, x, false, env, "run")
	fmt.Fprintf(b.out, "# nightly run, %d months: %.1f s (%.1f s CPU)\n", months, u.wall.Seconds(), u.cpu.Seconds())
	return u, err
}

var asOf = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// export is a folder of export files, and what a run on it needs.
type export struct {
	name, dir string
	asOf      time.Time
	format    string // of its files; "" is csv.gz
}

// export makes a folder with files for the months, or for all.
func (b *bench) export(ctx context.Context, name string, rows, months int, only []string, day time.Time) (export, error) {
	x := export{name: name, dir: filepath.Join(b.dir, name), asOf: day}
	if err := os.RemoveAll(x.files()); err != nil {
		return x, err
	}
	if err := x.write(ctx, rows, months, only); err != nil {
		return x, err
	}
	config := "lake: lake\npublish: published\naccounts: [{name: contoso, agreement: ea, exports: exports}]\n"
	return x, os.WriteFile(x.config(), []byte(config), 0o600)
}

// write adds the enrollment's files as they are on the day. Three in five of the
// simulated charges are the enrollment's.
func (x export) write(ctx context.Context, rows, months int, only []string) error {
	e := azuresim.New(azuresim.Config{Seed: 1, Months: months, Rows: rows * 5 / 3, AsOf: x.asOf})
	return e.WriteExports(ctx, x.files(), azuresim.ExportOptions{Account: "ea", Format: cmp.Or(x.format, "csv.gz"), Months: only, RowsPerPart: 100_000_000})
}

func (x export) files() string      { return filepath.Join(x.dir, "exports") }
func (x export) config() string     { return filepath.Join(x.dir, "azledger.yaml") }
func (x export) allocation() string { return filepath.Join(x.dir, "allocation.yaml") }

// azledger times the command, in an empty lake if fresh.
func (b *bench) azledger(ctx context.Context, x export, fresh bool, env []string, args ...string) (usage, error) {
	if fresh {
		for _, d := range []string{"lake", "published"} {
			if err := os.RemoveAll(filepath.Join(x.dir, d)); err != nil {
				return usage{}, err
			}
		}
	}
	args = append(args, "--config", x.config(), "--as-of", x.asOf.Format(time.DateOnly), "--quiet")
	return timed(ctx, env, b.binary, args...)
}

// peer times DuckDB on the export's files.
func (b *bench) peer(ctx context.Context, x export) (usage, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	into := filepath.Join(x.dir, "peer")
	if err := os.MkdirAll(into, 0o755); err != nil {
		return usage{}, err
	}
	args := []string{"peer", into}
	err = filepath.WalkDir(x.files(), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".csv.gz") {
			args = append(args, path)
		}
		return err
	})
	if err != nil {
		return usage{}, err
	}
	return timed(ctx, nil, self, args...)
}

// timed runs a program to its end.
func timed(ctx context.Context, env []string, program string, args ...string) (usage, error) {
	var said bytes.Buffer
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append(os.Environ(), env...)
	c.Stderr = &said
	start := time.Now()
	if err := c.Run(); err != nil {
		return usage{}, fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, said.String())
	}
	u := usage{wall: time.Since(start), cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	if r, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = r.Maxrss << 10 // Linux counts in kilobytes
	}
	return u, nil
}

// ratioOf is a ratio of times: a measurement, not an amount.
type ratioOf float64

func ratio(a, b time.Duration) ratioOf { return ratioOf(a.Seconds() / b.Seconds()) }

func median(values []ratioOf) ratioOf {
	values = slices.Clone(values)
	slices.Sort(values)
	return values[len(values)/2]
}

// say prints one result with its goal.
func (b *bench) say(what, value, goal string) {
	fmt.Fprintf(b.out, "%-60s %10s   %s\n", what, value, goal)
}
