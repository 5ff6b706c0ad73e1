package load

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Fall is a table, or a closed period of one, that lost rows against the version in force.
type Fall struct {
	Table  string `json:"table"`
	Period string `json:"period"` // empty if the whole table is gone
	Was    int64  `json:"was"`
	Now    int64  `json:"now"`
}

func (f Fall) String() string {
	if f.Period == "" {
		return fmt.Sprintf("%s is gone (%d rows)", f.Table, f.Was)
	}
	return fmt.Sprintf("%s %s from %d to %d rows", f.Table, f.Period, f.Was, f.Now)
}

// A ShrinkError is returned by Publish when closed periods lost all or more than two fifths of their rows. Nobody
// un-consumes a closed month: such a set comes from an export that was cut short, or from a query that is wrong.
type ShrinkError struct {
	Version int64 // the version in force, which stays
	Falls   []Fall
}

func (e *ShrinkError) Error() string {
	falls := make([]string, 0, len(e.Falls))
	for _, f := range e.Falls {
		falls = append(falls, f.String())
	}
	return fmt.Sprintf("refused, version %d stays: rows were lost: %s: look for the cause, fetch those periods again, "+
		"or say who accepts the loss and why: azledger load --accept-shrink <reason>", e.Version, strings.Join(falls, ", "))
}

// allow refuses a set that goes back in time or lost rows, and returns what was accepted all the same.
func (p *publisher) allow(last, next Manifest) ([]Accepted, error) {
	if next.AsOf < last.AsOf && !p.AcceptOlder {
		return nil, fmt.Errorf("refused, version %d stays: the set is as of %s and version %d as of %s: %w: "+
			"run for a later day (--as-of), or accept the older set: azledger load --accept-shrink <reason>", last.Version, next.AsOf, last.Version, last.AsOf, ErrOlder)
	}
	falls := shrunk(last, next, p.MayShrink)
	if len(falls) > 0 && p.AcceptShrink == "" {
		return nil, &ShrinkError{last.Version, falls}
	}
	var accepted []Accepted
	for _, f := range falls {
		accepted = append(accepted, Accepted{f, p.AcceptShrink})
	}
	return accepted, nil
}

// shrunk lists what next lost against last, tables in may aside. A table that is gone is a loss even then.
func shrunk(last, next Manifest, may []string) []Fall {
	var falls []Fall
	for _, t := range last.Tables {
		files, ok := next.Files(t.Name)
		if !ok {
			falls = append(falls, Fall{Table: t.Name, Was: sum(rowsByPeriod(t.Files))})
			continue
		}
		if !slices.Contains(may, t.Name) {
			falls = append(falls, shrunkPeriods(t, rowsByPeriod(files), next.AsOf.month(), monthsBetween(last.AsOf, next.AsOf))...)
		}
	}
	return falls
}

// shrunkPeriods lists the periods of t before the open month whose rows fell below three fifths, the oldest first.
// The first few periods may be missing: with every month that passes, the history kept moves on by one.
func shrunkPeriods(t Table, now map[string]int64, open string, passed int) []Fall {
	var falls []Fall
	was := rowsByPeriod(t.Files)
	for i, period := range sortedKeys(was) {
		_, kept := now[period]
		if period == "" || period >= open || (!kept && i < passed) {
			continue
		}
		if now[period]*5 < was[period]*3 {
			falls = append(falls, Fall{t.Name, period, was[period], now[period]})
		}
	}
	return falls
}

func rowsByPeriod(files []File) map[string]int64 {
	rows := map[string]int64{}
	for _, f := range files {
		rows[f.Period] += f.Rows
	}
	return rows
}

func sum(rows map[string]int64) (total int64) {
	for _, n := range rows {
		total += n
	}
	return total
}

func sortedKeys(m map[string]int64) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// month is the month of the day, like 2026-11.
func (d Day) month() string {
	if len(d) < 7 {
		return ""
	}
	return string(d[:7])
}

// monthsBetween is how many month ends lie between two days.
func monthsBetween(from, to Day) int {
	a, aerr := time.Parse(time.DateOnly, string(from))
	b, berr := time.Parse(time.DateOnly, string(to))
	if aerr != nil || berr != nil {
		return 0
	}
	return (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
}
