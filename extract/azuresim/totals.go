package azuresim

import (
	"maps"
	"sync"
)

// totals are the sums of a closed or open month that bills are made of. They are added up in one pass over all that was
// used in the month, the day that the records lack included, without its RoundingAdjustment rows, which are made from them.
type totals struct {
	sums []total
	sub  []amount // actual cost by subscription
	cost []amount // actual cost by billing profile
}

// A total is one sum that is billed in whole cents.
type total struct {
	amount    amount
	profile   *profile
	immediate bool   // MCA: purchases, invoiced at once
	eligible  bool   // EA: may be paid from the prepayment
	offer     *offer // EA: Marketplace
}

// The totals of the enrollment, in this order; those of the customer agreement are two for each profile.
const (
	totalEligible = iota
	totalSeparate
	totalMarketplace
)

type totalsKey struct {
	account string
	month   int
	version int
}

type totalsOnce struct {
	once sync.Once
	t    *totals
}

// totalsOf adds up a month, once.
func (e *Enterprise) totalsOf(a *account, month int) *totals {
	key := totalsKey{a.key, month, e.snapshot().version}
	e.mu.Lock()
	entry := e.totals[key]
	if entry == nil {
		entry = &totalsOnce{}
		e.totals[key] = entry
	}
	e.mu.Unlock()
	entry.once.Do(func() { entry.t = e.addUp(a, month) })
	return entry.t
}

func (e *Enterprise) addUp(a *account, month int) *totals {
	t := &totals{sub: make([]amount, len(a.subs)), cost: make([]amount, len(a.profiles)), sums: a.emptyTotals()}
	c := e.cursor(selection{a: a, ds: actual, first: month, last: month, unrounded: true, whole: true, billed: true}, position{})
	var r row
	for c.next(&r) {
		t.cost[r.profile.index] = t.cost[r.profile.index].add(r.cost)
		if r.sub != nil {
			t.sub[r.sub.index] = t.sub[r.sub.index].add(r.cost)
		}
		if r.billed == month {
			t.bill(&r)
		}
	}
	if a.kind == customerAgreement && month > 0 {
		for _, r := range a.lateRows(nil, &e.months[month-1], actual) {
			t.bill(&r)
		}
	}
	return t
}

func (a *account) emptyTotals() []total {
	if a.kind == enterpriseAgreement {
		p := a.profiles[0]
		return []total{{profile: p, eligible: true}, {profile: p}, {profile: p, offer: &offers[3]}}
	}
	var sums []total
	for _, p := range a.profiles {
		sums = append(sums, total{profile: p}, total{profile: p, immediate: true})
	}
	return sums
}

// bill adds a row to the sum it belongs to, rounded at the 18th digit: so the rows and their RoundingAdjustment come to
// whole cents for a reader who holds costs as DECIMAL(38, 18). For one who holds all digits they miss by less than 10^-15.
func (t *totals) bill(r *row) {
	i := totalEligible
	switch {
	case r.a.kind == customerAgreement:
		i = 2 * r.profile.index
		if r.instant {
			i++
		}
	case r.offer != nil:
		i = totalMarketplace
	case !r.eligible:
		i = totalSeparate
	}
	t.sums[i].amount = t.sums[i].amount.add(r.cost.rounded())
}

// changes are the days that faults have changed since the enterprise was made. A value is never altered: a change makes a
// new one.
type changes struct {
	version int
	days    map[changedDay]change
}

type changedDay struct {
	account string
	day     int
}

type change struct {
	restate bool // quantities of the day are half as much again
	hide    bool // a third of the day's lines have not arrived yet
}

func (c changes) of(a *account, day int) change {
	if len(c.days) == 0 {
		return change{}
	}
	return c.days[changedDay{a.key, day}]
}

func (e *Enterprise) snapshot() changes {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changes
}

// setChange restates a day from now on.
func (e *Enterprise) setChange(a *account, day int, to change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	days := maps.Clone(e.changes.days)
	if days == nil {
		days = map[changedDay]change{}
	}
	days[changedDay{a.key, day}] = to
	e.changes = changes{e.changes.version + 1, days}
}
