package extract

import (
	"context"
	"fmt"
	"time"
)

// A Range is the months From to To, both included and written yyyy-mm. The zero
// Range means what is open or missing.
type Range struct{ From, To string }

const (
	allPeriods  = "all"
	allDatasets = "all"
	monthLayout = "2006-01"
)

// with is the range widened to a month.
func (r Range) with(month string) Range {
	if r.From == "" {
		return Range{From: month, To: month}
	}
	return Range{From: min(r.From, month), To: max(r.To, month)}
}

// months lists the months of the range.
func (r Range) months() ([]time.Time, error) {
	from, err := time.Parse(monthLayout, r.From)
	if err != nil {
		return nil, fmt.Errorf("period %q: want yyyy-mm: %w", r.From, err)
	}
	to, err := time.Parse(monthLayout, r.To)
	if err != nil {
		return nil, fmt.Errorf("period %q: want yyyy-mm: %w", r.To, err)
	}
	var months []time.Time
	for m := from; !m.After(to); m = m.AddDate(0, 1, 0) {
		months = append(months, m)
	}
	return months, nil
}

func (r Range) contains(period string) bool {
	return r == Range{} || r.From <= period && period <= r.To
}

// months are those the run looks at: the ones asked for, else the history.
func (r *run) months() ([]time.Time, error) {
	if r.o.Periods != (Range{}) {
		return r.o.Periods.months()
	}
	open := monthOf(r.o.AsOf)
	return Range{From: open.AddDate(0, 1-r.o.History, 0).Format(monthLayout), To: open.Format(monthLayout)}.months()
}

func monthOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// settled says why a unit of the period that ends on the given day need not be
// fetched; "" if it must: it was asked for, it may still change, the lake's version was
// made when it could still change or is damaged, or the month's invoices have changed
// since. Otherwise a complete version is final.
func (r *run) settled(u Unit, end time.Time) (string, error) {
	if r.o.Periods != (Range{}) {
		return "", nil
	}
	before, err := r.lake.read(u)
	if err != nil || before == nil || before.State != stateComplete || !r.lake.intact(u, before) {
		return "", err
	}
	final := end.AddDate(0, 0, r.o.LateDays).Format(time.DateOnly)
	if before.AsOf <= final || r.reinvoiced(u, before) {
		return "", nil
	}
	return "closed, and fetched since", nil
}

// monthly plans one unit for each month and each dataset: the unit given, with its period
// and dataset filled in. Those that are settled are skipped.
func (r *run) monthly(ctx context.Context, unit Unit, datasets []string, taskOf func(u Unit, month time.Time) task) ([]task, error) {
	months, err := r.months()
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, m := range months {
		for _, d := range datasets {
			u := unit
			u.Period, u.Dataset = m.Format(monthLayout), d
			skip, err := r.settled(u, lastDay(m))
			if err != nil {
				return nil, err
			}
			t := taskOf(u, m)
			t.skip = skip
			tasks = append(tasks, t)
		}
	}
	return tasks, ctx.Err()
}

// monthlyIn is monthly for each of several scopes.
func (r *run) monthlyIn(ctx context.Context, scopes []string, unit Unit, datasets []string, taskOf func(u Unit, month time.Time) task) ([]task, error) {
	var tasks []task
	for _, scope := range scopes {
		unit.Scope = scope
		planned, err := r.monthly(ctx, unit, datasets, taskOf)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, planned...)
	}
	return tasks, nil
}

func lastDay(month time.Time) time.Time { return month.AddDate(0, 1, -1) }
