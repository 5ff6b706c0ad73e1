package transform

import (
	"context"
	"fmt"
)

// OutOfDate lists the tables and periods that [Run] would build: their files are not what the lake
// and the models say today, or are not there. It builds nothing.
func OutOfDate(ctx context.Context, o Options) (tables []Table, err error) {
	r, err := prepare(o)
	if err != nil {
		return nil, fmt.Errorf("transform: %w", err)
	}
	for _, p := range r.pieces {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		feeds, _ := r.feeds(p)
		if s := r.states[p.folder()]; s == nil || s.Digest != r.digest(p, feeds) {
			tables = append(tables, Table{Name: p.m.Name, Period: p.period, Outcome: Stale})
		}
	}
	return tables, nil
}

// Digest identifies what a model does: its contract and its query, not its prose.
func (m *Model) Digest() string {
	d, sum := newDigest()
	d.contract(m)
	return sum()
}
