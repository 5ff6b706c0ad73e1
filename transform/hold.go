package transform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kinds of conditions a table is held to.
const (
	KindColumn = "column" // the built columns are those of the header
	KindGrain  = "grain"  // unique and not null
	KindPeriod = "period" // every row belongs to the period the table was built for
	KindCheck  = "check"  // true of every row
	KindTotal  = "total"  // true of the table
	KindQuery  = "query"  // the engine could not run the query, or a rule
)

// Broken is a condition that does not hold.
type Broken struct {
	Table   string `json:"table"`
	Period  string `json:"period,omitempty"` // yyyy-mm, "" for a table without periods
	Rule    string `json:"rule"`             // as the header spells it
	Kind    string `json:"kind"`
	Count   int64  `json:"count"`   // rows; 1 where the table as a whole is wrong
	Example string `json:"example"` // a row as JSON, or what is wrong
	Where   string `json:"where"`   // file:line
}

func (b Broken) String() string {
	table := b.Table
	if b.Period != "" {
		table += " " + b.Period
	}
	switch b.Kind {
	case KindQuery, KindColumn:
		return fmt.Sprintf("%s: %s: %s", b.Where, table, b.Example)
	case KindTotal:
		return fmt.Sprintf("%s: %s: total is not true: %s", b.Where, table, b.Rule)
	}
	return fmt.Sprintf("%s: %s: %s broken by %d rows: %s, such as %s", b.Where, table, b.Kind, b.Count, b.Rule, b.Example)
}

// Stops says whether the table is refused. A check alone is counted and reported.
func (b Broken) Stops() bool { return b.Kind != KindCheck }

// makeTable builds work.<m.Name> in a Parquet file and holds it to the header. It returns the rows of
// the file and what does not hold; an error is about the engine or the disk, not about the table.
func makeTable(ctx context.Context, s *session, m *Model, period, path string) (rows int64, broken []Broken, err error) {
	h := holder{ctx: ctx, s: s, m: m, period: period}
	if !h.columns() {
		return 0, h.broken, h.err
	}
	if loses, err := s.losesOrder(ctx, m); err != nil || loses {
		return 0, nil, cmp.Or(err, errLosesOrder)
	}
	if rows, err = s.build(ctx, m, path); !h.query(err) {
		return 0, h.broken, h.err
	}
	h.grain()
	h.months()
	h.checks()
	h.totals()
	return rows, h.broken, h.err
}

// errLosesOrder says that the table must be built on one thread.
var errLosesOrder = errors.New("the order of rows would differ from run to run")

type holder struct {
	ctx    context.Context
	s      *session
	m      *Model
	period string
	broken []Broken
	err    error
}

func (h *holder) add(kind, rule string, line int, count int64, example string) {
	h.broken = append(h.broken, Broken{
		Table: h.m.Name, Period: h.period, Rule: rule, Kind: kind, Count: count, Example: example,
		Where: fmt.Sprintf("%s:%d", h.m.Path, max(line, 1)),
	})
}

// columns asks what the query makes before it is run, which may take an hour.
func (h *holder) columns() bool {
	made, err := h.s.makes(h.ctx, h.m)
	if !h.query(err) {
		return false
	}
	if sameColumns(made, h.m.Columns) {
		return true
	}
	h.add(KindColumn, "columns", 1, 1, difference(made, h.m.Columns))
	return false
}

// query sorts an error of the query: what it says is the model's fault, the rest the machine's.
func (h *holder) query(err error) bool {
	if fromModel(err) {
		h.add(KindQuery, "query", errorLine(err, h.m.QueryLine), 1, err.Error())
	} else {
		h.err = err
	}
	return err == nil
}

// difference says the first thing that a reader of two column lists would point at.
func difference(built, want []Column) string {
	for i := range max(len(built), len(want)) {
		switch {
		case i >= len(built):
			return fmt.Sprintf("column %d, %s %s, is in the header, but the query ends before it", i+1, want[i].Name, want[i].Type)
		case i >= len(want):
			return fmt.Sprintf("column %d, %s %s, is made by the query, but not in the header", i+1, built[i].Name, built[i].Type)
		case built[i].Name != want[i].Name || built[i].Type != want[i].Type:
			return fmt.Sprintf("column %d is %s %s in the header, but the query makes %s %s", i+1, want[i].Name, want[i].Type, built[i].Name, built[i].Type)
		}
	}
	return ""
}

// grain asks for nulls, then for rows that are told apart by nothing. Equal grains have equal
// hashes, so the cheap question is asked first: over 10 million rows grouping by a 64 bit number
// takes a tenth of the memory of grouping by the columns.
func (h *holder) grain() {
	rule := strings.Join(h.m.Grain, ", ")
	var nulls []string
	for _, g := range h.m.Grain {
		nulls = append(nulls, ident(g)+" is null")
	}
	h.rows(KindGrain, rule+" not null", 1, "not ("+strings.Join(nulls, " or ")+")")
	var suspicious int64
	if h.ask(&suspicious, "select count(*) from (select 1 from %s group by %s having count(*) > 1)", h.table(), rowHash(h.m.Grain)); suspicious == 0 {
		return
	}
	twice := fmt.Sprintf("select %s, count(*) as rows_alike from %s group by %[1]s having count(*) > 1", idents(h.m.Grain), h.table())
	var rows int64
	if h.ask(&rows, "select coalesce(cast(sum(rows_alike) as bigint), 0) from (%s)", twice); rows == 0 {
		return
	}
	h.add(KindGrain, rule+" unique", 1, rows, h.example(twice))
}

// months refuses rows that belong to another period than the one that is built.
func (h *holder) months() {
	if h.m.Period == "" || h.period == "" {
		return
	}
	h.rows(KindPeriod, h.m.Period+" in "+h.period, 1, fmt.Sprintf("month_start(%s) = date '%s-01'", ident(h.m.Period), h.period))
}

// checks are counted in one pass over the table. Where one of them is not even SQL, each is asked
// alone, to say which.
func (h *holder) checks() {
	var counts []string
	for _, c := range h.m.Checks {
		counts = append(counts, "count(*) filter (where not coalesce(("+c.SQL+"\n), false))")
	}
	if len(counts) == 0 || h.err != nil {
		return
	}
	broken := make([]int64, len(counts))
	into := make([]any, len(counts))
	for i := range broken {
		into[i] = &broken[i]
	}
	err := h.s.value(h.ctx, "select "+strings.Join(counts, ", ")+" from "+h.table(), into...)
	if err != nil && fromModel(err) {
		for i, c := range h.m.Checks {
			h.rule(KindCheck, c, h.s.value(h.ctx, "select "+counts[i]+" from "+h.table(), into[i]))
		}
	} else if err != nil {
		h.err = err
	}
	for i, c := range h.m.Checks {
		if broken[i] > 0 {
			h.add(KindCheck, flat(c.SQL), c.Line, broken[i], h.example("select * from "+h.table()+" where not coalesce(("+c.SQL+"\n), false)"))
		}
	}
}

func (h *holder) totals() {
	for _, t := range h.m.Totals {
		if h.err != nil {
			return
		}
		var holds bool
		if !h.rule(KindTotal, t, h.s.value(h.ctx, "select coalesce(("+t.SQL+"\n), false)", &holds)) {
			continue
		}
		if !holds {
			h.add(KindTotal, flat(t.SQL), t.Line, 1, "")
		}
	}
}

// rule sorts the error of asking a rule: a rule that is no SQL is the model's fault.
func (h *holder) rule(kind string, r Rule, err error) bool {
	switch {
	case err == nil:
		return true
	case fromModel(err):
		h.add(KindQuery, flat(r.SQL), r.Line, 1, fmt.Sprintf("%s %s: %v", kind, flat(r.SQL), err))
	default:
		h.err = err
	}
	return false
}

// rows counts and shows the rows for which a condition of ours is not true.
func (h *holder) rows(kind, rule string, line int, condition string) {
	var count int64
	where := h.table() + " where not coalesce(" + condition + ", false)"
	if h.ask(&count, "select count(*) from %s", where); count > 0 {
		h.add(kind, rule, line, count, h.example("select * from "+where))
	}
}

func (h *holder) ask(into *int64, format string, args ...any) {
	if h.err == nil {
		h.err = h.s.value(h.ctx, fmt.Sprintf(format, args...), into)
	}
}

// example is the first row of a query, for a reader.
func (h *holder) example(query string) (row string) {
	if h.err == nil {
		row, h.err = h.s.example(h.ctx, query)
	}
	return row
}

func (h *holder) table() string { return "work." + ident(h.m.Name) }

// flat is a rule on one line, as reports show it.
func flat(sql string) string { return strings.Join(strings.Fields(sql), " ") }
