package azuresim

import (
	"fmt"
	"slices"
	"strings"
)

// ExportDatasets are the datasets that WriteExports can write: cost, FOCUS in each of its versions, and what is exported
// of prices and reservations.
var ExportDatasets = append([]string{"actual", "amortized", "prices", "reservation-details", "reservation-recommendations", "reservation-transactions"}, focusNames()...)

// An exportSet is one export: a dataset of one scope.
type exportSet struct {
	name       string // of the export
	scope      string
	exportType string
	version    string
	salt       uint64 // of the ids of its runs
	// feed is what a run of a month holds: the rows of the days from and to, of all days when both are 0.
	feed func(m month, from, to int) feed
}

// A rower gives row after row.
type rower interface{ next(r *row) bool }

// A feed is what the parts of a run are written from.
type feed interface {
	rower
	more() bool // whether there is another row
	columns() []column
}

// exportSets are the exports of a dataset: what is sold by billing profile is exported by billing profile.
func (e *Enterprise) exportSets(a *account, dataset string) ([]exportSet, error) {
	table, isTable := tables[dataset]
	switch {
	case dataset == actual.String():
		return []exportSet{e.costSet(a, actual)}, nil
	case dataset == amortized.String():
		return []exportSet{e.costSet(a, amortized)}, nil
	case slices.Contains(focusNames(), dataset):
		return []exportSet{e.focusSet(a, strings.TrimPrefix(dataset, "focus-"))}, nil
	case !isTable:
		return nil, fmt.Errorf("dataset(%q): the datasets are %s", dataset, strings.Join(ExportDatasets, ", "))
	}
	var sets []exportSet
	for _, p := range a.profiles {
		set := exportSet{name: a.key + "-" + dataset, scope: p.path, exportType: table.exportType, version: table.version, salt: hashText(dataset) + uint64(p.index)}
		if a.kind == customerAgreement {
			set.name += "-" + strings.ToLower(p.id[:4])
		}
		set.feed = func(m month, from, to int) feed { return newTableFeed(table, e, a, p, m, from, to) }
		sets = append(sets, set)
	}
	return sets, nil
}

// costSet is an export of actual or amortized cost.
func (e *Enterprise) costSet(a *account, ds dataset) exportSet {
	set := exportSet{name: a.key + "-" + ds.String(), scope: a.path, exportType: "ActualCost", version: "2024-08-01", salt: uint64(ds)}
	if ds == amortized {
		set.exportType = "AmortizedCost"
	}
	if a.kind == customerAgreement {
		set.version = "2023-12-01-preview"
	}
	set.feed = func(m month, from, to int) feed {
		return &costFeed{cursors: []*cursor{e.daysOf(a, ds, m, from, to)}, list: a.fileColumns()}
	}
	return set
}

func (e *Enterprise) daysOf(a *account, ds dataset, m month, from, to int) *cursor {
	return e.cursor(selection{a: a, ds: ds, first: m.index, last: m.index, from: from, to: to}, position{})
}

// A costFeed gives the charges of its cursors, one cursor after the other.
type costFeed struct {
	cursors []*cursor
	wanted  func(*row) bool // nil means all
	list    []column
	ahead   row
	has     bool
}

func (f *costFeed) columns() []column { return f.list }

func (f *costFeed) more() bool {
	f.has = f.has || f.pull(&f.ahead)
	return f.has
}

func (f *costFeed) next(r *row) bool {
	if f.has {
		*r, f.has = f.ahead, false
		return true
	}
	return f.pull(r)
}

func (f *costFeed) pull(r *row) bool {
	for len(f.cursors) > 0 {
		if !f.cursors[0].next(r) {
			f.cursors = f.cursors[1:]
		} else if f.wanted == nil || f.wanted(r) {
			return true
		}
	}
	return false
}
