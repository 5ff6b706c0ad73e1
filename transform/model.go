// Package transform runs the SQL models over the raw Parquet files of a lake and leaves finished,
// checked tables. [Run] is where to begin; [Load] reads the models alone, [Query] asks published
// tables.
//
// A run goes these steps.
//
//  1. Load parses every model: a header that is a contract (what one row is, what the table reads,
//     its grain, its columns, what must hold) and one query. It puts them in reading order and
//     refuses unknown reads, cycles and a table described differently from its name.
//
//  2. The lake says what there is: the manifest of every raw unit, and the state of every table
//     built before. A table with a period is built once for each period that anything it reads has;
//     any other table is built once.
//
//  3. For each table and period a digest is taken over the contract, the query, the dialect, the
//     engine and the content of every file read. Where it is the digest the table was built from,
//     nothing is done. A run in which nothing changed opens no database.
//
//  4. A table that is out of date is built in a private database in which only the tables it says
//     it reads exist, each as a view on its Parquet files and, for a table with a period, on that
//     period's files alone. The query runs straight into a Parquet file beside the place where the
//     table will lie, in the order of its grain, so that the same rows are the same bytes.
//
//  5. The file is held to the header: columns, grain, period, checks, totals. A broken check is
//     counted and goes on to be read as check_result; anything else broken, like an error in the
//     query, refuses the table, and whatever reads it is left alone.
//
//  6. A table that holds is synced and renamed to the hash of its content; then its state is written.
//
//  7. When every table is up to date and whole, the set of the published tables is written, last,
//     and what neither a table nor the set needs any more is removed. Until then the last good set
//     and its files stay as they are.
//
//  8. A run whose rows were others than those of the run before takes its place: the runs to come
//     are compared with it, in models that read previous_<table>. See previous.go.
//
// A model may also read closed_<table> and previous_<table>: rows that a table of ours had at an earlier
// time ([Kept]).
//
// Configuration reaches the models as tables too ([Configuration]), and the engine is never asked
// for the time, so a run is a function of its files.
//
// Because it is, any number can be asked for its reasons afterwards. An [Explainer] finds rows of a
// finished table, runs the model's query again over the same files, and follows the rows down: a
// model's header says of which rows of what it reads a row was made (from), what these add up to (adds)
// and in what it was looked up (with); where it does not say, columns of equal name lead on. The way
// ends at the page and row of a raw file. trace.go has the grammar.
package transform

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Column is one column of a table.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // as a header spells it: varchar, bigint, integer, boolean, date, timestamp, decimal(38, 18)
	Doc  string `json:"doc"`  // unit and meaning
}

// Rule is a condition of a header.
type Rule struct {
	SQL  string
	Line int // where it stands in the model's file
}

// Model is one SQL file: a contract and a query.
type Model struct {
	Name      string   // the table, and the file without .sql
	Kind      string   // the folder: staging, intermediate or marts
	Path      string   // as errors name it: sql/marts/chargeback.sql
	Doc       string   // first sentence of the header: "<table> is …"
	Text      string   // all prose of the header
	Reads     []string // tables, in the order of the header
	Grain     []string // columns that tell rows apart, and the order of the file
	Period    string   // column of the billing period, or "": a table of one piece
	Insertion bool     // rows keep the query's own order and are not sorted by the grain
	Inputs    []Column // columns wanted of each raw source read: several are alternatives with the same columns
	Columns   []Column
	Checks    []Rule // true of every row
	Totals    []Rule // true of the table
	Edges     []Edge // how its rows are traced to those they were made of; empty: by columns of equal name
	Query     string
	QueryLine int // line of the file on which the query begins
}

// Published says whether the table is one of the published set rather than a step towards it.
func (m *Model) Published() bool { return m.Kind == "marts" }

// kinds are the folders of models, in the order in which tables are built where nothing else decides.
var kinds = []string{"staging", "intermediate", "marts"}

// Load reads every model and returns them so that each stands after what it reads. The models that
// read check_result, and what reads those, stand last.
func Load(models fs.FS) ([]*Model, error) {
	parsed, problems := parseAll(models)
	set := map[string]*Model{}
	for _, m := range parsed {
		if other := set[m.Name]; other != nil {
			problems = append(problems, fmt.Errorf("%s: the table %s is already made by %s", m.Path, m.Name, other.Path))
			continue
		}
		set[m.Name] = m
	}
	for _, m := range parsed {
		problems = append(problems, checkReads(m, set)...)
		problems = append(problems, checkEdges(m, set)...)
	}
	if len(problems) > 0 {
		return nil, joinLines(problems)
	}
	return order(parsed, set)
}

func parseAll(models fs.FS) (parsed []*Model, problems []error) {
	for _, kind := range kinds {
		files, err := fs.Glob(models, kind+"/*.sql")
		if err != nil {
			return nil, []error{err}
		}
		for _, file := range files {
			text, err := fs.ReadFile(models, file)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			m, err := Parse(file, string(text))
			if err != nil {
				problems = append(problems, err)
				continue
			}
			parsed = append(parsed, m)
		}
	}
	return parsed, problems
}

func checkReads(m *Model, set map[string]*Model) (problems []error) {
	partitioned := false
	for _, read := range m.Reads {
		other := set[read]
		switch {
		case isRaw(read), read == rawUnit, read == rawReject:
			partitioned = true
		case other != nil:
			partitioned = partitioned || other.Period != ""
		case isKept(read):
			_, table := keptTable(read)
			if set[table] == nil {
				problems = append(problems, errKept(m, read))
			} else {
				partitioned = partitioned || set[table].Period != ""
			}
		case builtin(read) == nil:
			problems = append(problems, fmt.Errorf("%s: reads %s, which no model makes and nothing provides", m.Path, read))
		}
	}
	if m.Period != "" && !partitioned {
		problems = append(problems, fmt.Errorf("%s: has a period, but nothing it reads is kept by period", m.Path))
	}
	return problems
}

// order sorts models so that reads come first; ties by folder, then by name.
func order(models []*Model, set map[string]*Model) ([]*Model, error) {
	models = slices.Clone(models)
	last := map[string]bool{}
	for range models { // as often as a chain of readers is long, at most
		for _, m := range models {
			last[m.Name] = last[m.Name] || slices.ContainsFunc(m.Reads, func(r string) bool { return r == checkResult || last[r] })
		}
	}
	slices.SortFunc(models, func(a, b *Model) int {
		return cmp.Or(
			compareBool(last[a.Name], last[b.Name]),
			slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind),
			strings.Compare(a.Name, b.Name),
		)
	})
	v := visit{set: set, compared: comparedTables(models), state: map[string]int{}}
	for _, m := range models {
		if err := v.model(m, nil); err != nil {
			return nil, err
		}
	}
	return v.sorted, nil
}

// visit is a depth-first walk over reads.
type visit struct {
	set      map[string]*Model
	compared []*Model
	state    map[string]int // 1 on the way down, 2 done
	sorted   []*Model
}

func (v *visit) model(m *Model, trail []string) error {
	trail = append(trail, m.Name)
	switch v.state[m.Name] {
	case 2:
		return nil
	case 1:
		from := slices.Index(trail, m.Name)
		return fmt.Errorf("%s: reads itself: %s", m.Path, strings.Join(trail[from:], " → "))
	}
	v.state[m.Name] = 1
	for _, other := range v.reads(m) {
		if err := v.model(other, trail); err != nil {
			return err
		}
	}
	v.state[m.Name] = 2
	v.sorted = append(v.sorted, m)
	return nil
}

// reads are the models that must stand before m: those it reads, and where it compares with the run
// before all tables that are compared, for what that run is depends on their rows.
func (v *visit) reads(m *Model) (models []*Model) {
	for _, read := range m.Reads {
		if other := v.set[read]; other != nil {
			models = append(models, other)
		}
	}
	if slices.ContainsFunc(m.Reads, readsPast) {
		models = append(models, v.compared...)
	}
	return models
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// joinLines is one error of several, a line each.
func joinLines(errs []error) error {
	lines := make([]string, len(errs))
	for i, err := range errs {
		lines[i] = err.Error()
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n"))
}

// modelName is the table a file makes.
func modelName(file string) string { return strings.TrimSuffix(path.Base(file), ".sql") }
