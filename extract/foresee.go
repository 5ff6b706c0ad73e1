package extract

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// A Plan is what [Run] would do, as far as that can be known before it is done.
type Plan struct {
	Units  []PlannedUnit
	Failed []UnitResult // what could not be planned
	Quotas []Quota      // what the calls draw from, the slowest first
	Free   bool         // Azure is simulated on this machine, where nothing is held back
}

// A PlannedUnit is a unit that would be fetched, or be left alone.
type PlannedUnit struct {
	Unit
	Skip  string // why it would be left alone; "" if it would be fetched
	API   string // family of calls, by which they are paced; "" for files
	Calls int    // at least; as many as the last time, where there was one
}

// A Quota is a budget of calls that Azure gives.
type Quota struct {
	Name   string
	Limits []Limit
	Calls  int // of the plan, in the quota's own unit
	Least  time.Duration
}

// Least is the shortest time in which the calls can be made under Azure's limits.
func (p Plan) Least() time.Duration {
	var least time.Duration
	for _, q := range p.Quotas {
		least = max(least, q.Least)
	}
	return least
}

// MakePlan says what [Run] would do with the same options. It asks Azure only what
// planning takes: the agreement of an account, the names of its profiles and periods.
func MakePlan(ctx context.Context, o Options) (Plan, error) {
	r, err := newRun(o)
	if err != nil {
		return Plan{}, err
	}
	tasks, failed := r.plan(ctx, func(*Source) bool { return true })
	plan := Plan{Failed: failed, Free: r.o.Client != nil && r.o.Client.pace.free}
	calls := map[string]Quota{}
	for _, t := range tasks {
		u, err := r.foresee(t)
		if err != nil {
			return Plan{}, err
		}
		plan.Units = append(plan.Units, u)
		if r.o.Client != nil && u.Skip == "" && u.Calls > 0 {
			r.o.Client.pace.charge(calls, t.asks, u.Calls)
		}
	}
	plan.Quotas = slices.SortedFunc(maps.Values(calls), func(a, b Quota) int {
		return cmp.Or(-cmp.Compare(a.Least, b.Least), cmp.Compare(a.Name, b.Name))
	})
	return plan, context.Cause(ctx)
}

// foresee estimates one unit.
func (r *run) foresee(t task) (PlannedUnit, error) {
	u := PlannedUnit{Unit: t.Unit, Skip: t.skip, API: t.asks.API}
	before, err := r.lake.read(t.Unit)
	if err != nil {
		return u, err
	}
	switch {
	case u.Skip != "":
	case r.fresh(t, before) && t.source.files:
		u.Skip = "the files are those already copied"
	case r.fresh(t, before) && t.origin != "":
		u.Skip = "its invoices are those already copied"
	case r.fresh(t, before):
		u.Skip = "fetched less than four hours ago"
	}
	if !t.source.files && u.Skip == "" {
		u.Calls = max(1, t.calls)
		if before != nil {
			u.Calls = max(u.Calls, int(before.Pages))
		}
	}
	return u, nil
}

// charge adds calls to the budgets that they draw from.
func (p *pacer) charge(quotas map[string]Quota, asks request, calls int) {
	for _, b := range p.budgets(asks.API, asks.Scope) {
		q := quotas[b.name]
		q.Name, q.Limits = b.name, b.limits
		q.Calls += calls * max(1, asks.Units)
		q.Least = 0
		for _, l := range b.limits {
			q.Least = max(q.Least, l.least(q.Calls))
		}
		quotas[b.name] = q
	}
}
