package transform

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Step is one table on the way from a number to the raw records it was made of.
type Step struct {
	Table string
	Model *Model   // nil for a raw source, configuration and what else is provided
	Of    []string // tables whose rows were made of these, or looked up here
	Made  bool     // rows were made of these; else looked up in them
	Count int64
	Top   Rows // the largest by amount; of raw records by file, page and row
	Sums  []SumOf
	Pages []RawPage // of a raw source
	Whole []string  // tables it reads of which no single rows can be named
}

// SumOf compares a column of rows with what the rows they were made of add up to.
type SumOf struct {
	Table, Column string // what adds up
	Currency      string // "" where the table has none
	Want, Got     string
}

// Holds says whether it does add up, to the last digit.
func (s SumOf) Holds() bool { return s.Want == s.Got }

// RawPage is a page of a raw unit that some of the rows stand on.
type RawPage struct {
	Source, Account, Scope, Period, Dataset string
	File                                    string // Parquet, below the lake
	Part                                    string // the file that was copied, "" where the page is an answer of an API
	SHA256                                  string // of the file
	Page, Rows                              int64
}

// way is an edge with where it comes from.
type way struct {
	Edge
	from *Model // whose rows it starts at
	of   *Model // whose header says it; another one where it goes via from
	made bool   // every step so far leads to what the rows were made of
}

// schema is where the rows lie that a way starts at.
func (w way) schema() string { return schemaOf(w.made) }

func schemaOf(made bool) string {
	if made {
		return madeSchema
	}
	return withSchema
}

// Trace follows the rows that Find found down to the raw records: a step for each table on the way,
// readers before what they read, then a step for each table that rows were looked up in. Of each it
// shows limit rows, the largest amounts first.
func (e *Explainer) Trace(ctx context.Context, table string, limit int) ([]Step, error) {
	m, err := e.Model(table)
	if err != nil {
		return nil, err
	}
	if err := e.s.exec(ctx, fmt.Sprintf("create or replace table %s.%s as select * from %s.%[2]s", madeSchema, ident(table), foundSchema)); err != nil {
		return nil, err
	}
	t := tracer{Explainer: e, limit: limit, to: map[string][]way{}, reached: map[string]bool{madeSchema + "." + table: true}}
	t.steps = []Step{{Table: table, Model: m, Made: true}}
	t.leave(0)
	for _, made := range []bool{true, false} {
		for _, name := range t.order() {
			if err := t.visit(ctx, name, made); err != nil {
				return nil, fmt.Errorf("following %s to %s: %w", table, name, err)
			}
		}
	}
	return t.steps, e.s.clear(ctx)
}

type tracer struct {
	*Explainer
	limit int
	steps []Step
	to    map[string][]way // by schema and table: the ways that lead there

	reached map[string]bool // schemas and tables that have rows on the way
}

// order is every table that can be on the way, readers before what they read.
func (t *tracer) order() (names []string) {
	for _, m := range slices.Backward(t.r.models) {
		names = append(names, m.Name)
	}
	for _, m := range t.r.models {
		for _, read := range m.Reads {
			if t.r.set[read] == nil && !slices.Contains(names, read) {
				names = append(names, read)
			}
		}
	}
	return names
}

// leave notes the ways that lead on from a step.
func (t *tracer) leave(i int) {
	step := &t.steps[i]
	if step.Model == nil {
		return
	}
	edges, whole := t.r.edges(step.Model)
	step.Whole = whole
	for _, e := range edges {
		if e.Made && !step.Made {
			continue // what was looked up is not taken apart
		}
		from := step.Model
		if e.Via != "" {
			if from = t.r.set[e.Via]; !step.Made {
				continue // of what was looked up nothing was made
			}
		}
		key := schemaOf(e.Made) + "." + e.Table
		t.to[key] = append(t.to[key], way{Edge: e, from: from, of: step.Model, made: step.Made})
	}
}

// visit makes the step of one table, if any way leads to it.
func (t *tracer) visit(ctx context.Context, name string, made bool) error {
	ways := slices.DeleteFunc(t.to[schemaOf(made)+"."+name], func(w way) bool { return !t.reached[w.schema()+"."+w.from.Name] })
	if len(ways) == 0 {
		return nil
	}
	if there, err := t.provideAll(ctx, name, ways); err != nil || !there {
		return err
	}
	step := Step{Table: name, Model: t.r.set[name], Made: made}
	for _, w := range ways {
		if !slices.Contains(step.Of, w.from.Name) {
			step.Of = append(step.Of, w.from.Name)
		}
	}
	here := schemaOf(made) + "." + ident(name)
	condition := t.anyOf(ways)
	if err := t.s.exec(ctx, fmt.Sprintf("create or replace table %s as select %s from work.%s as %[3]s where %s", here, t.askedOf(name), ident(name), condition)); err != nil {
		return err
	}
	if err := t.s.value(ctx, "select count(*) from "+here, &step.Count); err != nil || step.Count == 0 {
		return err
	}
	if err := t.describe(ctx, &step, ways, condition); err != nil {
		return err
	}
	t.steps, t.reached[schemaOf(made)+"."+name] = append(t.steps, step), true
	t.leave(len(t.steps) - 1)
	return nil
}

// provideAll makes work.<name>: what the rows that lead there could have read of it; and the other tables
// that the conditions of the ways speak of. It says whether there is anything of it.
func (t *tracer) provideAll(ctx context.Context, name string, ways []way) (bool, error) {
	if err := t.s.clear(ctx); err != nil {
		return false, err
	}
	merged := map[string]*feed{name: {name: name}}
	for _, w := range ways {
		pieces, err := t.pieces(ctx, w.schema(), w.from)
		if err != nil {
			return false, err
		}
		for _, p := range pieces {
			if p.m = w.of; p.m.Period == "" {
				p.period = ""
			}
			t.merge(merged, p, w)
		}
	}
	if f := merged[name]; len(f.files) == 0 && len(f.rows) == 0 && f.csv == "" {
		return false, nil
	}
	for _, f := range merged {
		if err := t.provide(ctx, piece{m: ways[0].from}, *f); err != nil {
			return false, err
		}
	}
	return true, nil
}

// merge adds what a piece sees of the tables of a way.
func (t *tracer) merge(merged map[string]*feed, p piece, w way) {
	said := wordsOf(w.Where)
	for _, sum := range w.Adds {
		said = append(said, wordsOf(sum.When)...)
	}
	feeds, _ := t.r.feeds(p)
	for _, f := range feeds {
		if f.name != w.Table && !slices.Contains(said, f.name) {
			continue
		}
		if merged[f.name] == nil {
			merged[f.name] = &feed{name: f.name}
		}
		merged[f.name].join(f)
	}
}

// join adds what another piece sees of the same table.
func (f *feed) join(other feed) {
	for _, c := range other.columns {
		if !hasColumn(f.columns, c.Name) {
			f.columns = append(f.columns, c)
		}
	}
	for _, file := range other.files {
		if !slices.Contains(f.files, file) {
			f.files = append(f.files, file)
		}
	}
	if f.rows == nil || len(other.rows) > len(f.rows) {
		f.rows = other.rows
	}
	f.csv = other.csv
}

// anyOf is the condition of the rows that any of the ways leads to.
func (t *tracer) anyOf(ways []way) string {
	var conditions []string
	for _, w := range ways {
		conditions = append(conditions, t.leads(w))
	}
	return "(" + strings.Join(conditions, " or ") + ")"
}

func (t *tracer) leads(w way) string {
	return fmt.Sprintf("exists (select 1 from %s.%s as %[2]s where %s)", w.schema(), ident(w.from.Name), w.condition(w.from, t.r.set[w.Table]))
}

// askedOf are the columns that what follows asks of the rows: a million charges have a hundred each.
func (t *tracer) askedOf(name string) string {
	if isRaw(name) {
		return idents(columnNames(rawConstants))
	}
	m := t.r.set[name]
	if m == nil {
		return "*"
	}
	said := strings.Join(m.Grain, " ") + " " + m.Period + " BillingCurrency"
	for _, e := range t.asking(m) {
		said += " " + strings.Join(e.On, " ") + " " + e.condition(m, t.r.set[e.Table])
		for _, s := range e.Adds {
			said += " " + s.Column + " " + s.When
		}
	}
	var asked []string
	for _, c := range m.Columns {
		if slices.Contains(wordsOf(said), strings.ToLower(c.Name)) {
			asked = append(asked, c.Name)
		}
	}
	return idents(asked)
}

// asking are the edges that start at rows of a table, those of other models that go via it too.
func (t *tracer) asking(m *Model) []Edge {
	edges, _ := t.r.edges(m)
	for _, other := range t.r.models {
		for _, e := range other.Edges {
			if e.Via == m.Name {
				edges = append(edges, e)
			}
		}
	}
	return edges
}

var word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

func wordsOf(text string) []string { return word.FindAllString(strings.ToLower(text), -1) }

// describe adds to a step what a reader wants to see of it.
func (t *tracer) describe(ctx context.Context, step *Step, ways []way, condition string) (err error) {
	for _, w := range ways {
		for _, sum := range w.Adds {
			sums, err := t.sum(ctx, w, sum)
			if err != nil {
				return fmt.Errorf("%s:%d: adds %s: %w", w.from.Path, w.Line, sum.Column, err)
			}
			step.Sums = append(step.Sums, sums...)
		}
	}
	if isRaw(step.Table) {
		return t.raw(ctx, step)
	}
	columns := columnsOf(&Model{}, step.Table, t.r.set)
	order := "1"
	if step.Model != nil {
		order = byAmount(step.Model)
	}
	step.Top, err = t.rows(ctx, columns, fmt.Sprintf("select * from work.%s as %[1]s where %s order by %s%s", ident(step.Table), condition, order, most(t.limit)))
	return err
}

// byAmount sorts the largest amount first, whatever its sign; what has none by its grain.
func byAmount(m *Model) string {
	if amount := MainAmount(m); amount != "" {
		return "abs(" + ident(amount) + ") desc nulls last, " + idents(m.Grain)
	}
	return idents(m.Grain)
}

// MainAmount is the column of a table that says how much a row weighs, "" where it has none.
func MainAmount(m *Model) string {
	for _, name := range []string{"EffectiveCost", "ChargebackAmount", "Amount", "Cost", "CostInBillingCurrency", "BilledCost", "TotalAmount"} {
		if i := columnIndex(m.Columns, name); i >= 0 && strings.HasPrefix(m.Columns[i].Type, "decimal") {
			return m.Columns[i].Name
		}
	}
	for _, c := range m.Columns {
		if strings.HasPrefix(c.Type, "decimal") {
			return c.Name
		}
	}
	return ""
}

// sum compares what is published with what the rows of an edge add up to, a currency at a time. What
// belongs to two of the rows, as a charge that lacks two tags, counts for each of them.
func (t *tracer) sum(ctx context.Context, w way, sum Sum) (sums []SumOf, err error) {
	mine, theirs := "''", "''"
	if hasColumn(w.from.Columns, "BillingCurrency") && hasColumn(columnsOf(w.of, w.Table, t.r.set), "BillingCurrency") {
		mine, theirs = ident(w.from.Name)+".BillingCurrency", ident(w.Table)+".BillingCurrency"
	}
	when := "true"
	if sum.When != "" {
		when = sum.When
	}
	rows, err := t.s.texts(ctx, fmt.Sprintf(`
		with wanted as (
			select %[1]s as Currency, sum(cast(%[2]s as decimal(38, 18))) as Amount from %[3]s.%[4]s as %[4]s where (%[5]s
			) group by 1
		), added as (
			select %[6]s as Currency, sum(cast(%[7]s as decimal(38, 18))) as Amount
			from work.%[8]s as %[8]s join (select * from %[3]s.%[4]s as %[4]s where (%[5]s
			)) as %[4]s on %[9]s group by 1
		)
		select coalesce(wanted.Currency, added.Currency), cast(coalesce(wanted.Amount, 0) as varchar), cast(coalesce(added.Amount, 0) as varchar)
		from wanted full join added on added.Currency is not distinct from wanted.Currency order by 1`,
		mine, ident(sum.Column), w.schema(), ident(w.from.Name), when, theirs, sum.SQL, ident(w.Table), w.condition(w.from, t.r.set[w.Table])))
	for _, row := range rows {
		sums = append(sums, SumOf{Table: w.from.Name, Column: sum.Column, Currency: row[0].String, Want: decimalText(row[1].String), Got: decimalText(row[2].String)})
	}
	return sums, err
}

// decimalText has the places that every amount has, where a sum of nothing is a plain 0.
func decimalText(text string) string {
	if !strings.Contains(text, ".") {
		text += ".000000000000000000"
	}
	return text
}

// raw finds the files and pages of raw rows.
func (t *tracer) raw(ctx context.Context, step *Step) error {
	keys := columnNames(rawConstants)
	var same []string
	for _, k := range keys {
		same = append(same, fmt.Sprintf("stored.%s is not distinct from wanted.%[1]s", ident(k)))
	}
	for _, u := range t.r.units {
		if "raw_"+u.Source != step.Table {
			continue
		}
		for _, f := range u.Files {
			if err := t.pagesOf(ctx, step, u, f, same); err != nil {
				return err
			}
		}
	}
	step.Top.Columns = slices.Concat([]Column{{Name: "File", Type: "varchar"}}, rawConstants)
	for i := range step.Top.Values {
		step.Top.Null = append(step.Top.Null, make([]bool, len(step.Top.Values[i])))
	}
	return nil
}

// pagesOf adds to a step the pages of one file on which some of its rows stand, and the first rows.
func (t *tracer) pagesOf(ctx context.Context, step *Step, u unit, f file, same []string) error {
	inUnit := fmt.Sprintf("_account = %s and _scope = %s and _period = %s and _dataset = %s", quote(u.Account), quote(u.Scope), quote(u.Period), quote(u.Dataset))
	var wanted int64
	if err := t.s.value(ctx, fmt.Sprintf("select count(*) from %s.%s where %s", schemaOf(step.Made), ident(step.Table), inUnit), &wanted); err != nil || wanted == 0 {
		return err
	}
	if err := t.r.fetch(ctx, []file{f}); err != nil {
		return err
	}
	part, err := t.partOf(ctx, f)
	if err != nil {
		return err
	}
	rows, err := t.s.texts(ctx, fmt.Sprintf("select cast(_page as varchar), cast(_row as varchar), "+part+" from %s as stored where exists (select 1 from %s.%s as wanted where %s) order by _page, _row",
		parquet([]file{f}), schemaOf(step.Made), ident(step.Table), strings.Join(same, " and ")))
	if err != nil {
		return err
	}
	name, err := filepath.Rel(t.r.Lake, f.Path)
	if err != nil {
		return err
	}
	for _, row := range rows {
		step.addPage(RawPage{Source: u.Source, Account: u.Account, Scope: u.Scope, Period: u.Period, Dataset: u.Dataset, File: name, Part: row[2].String, SHA256: f.SHA256}, row[0].String)
		if len(step.Top.Values) < t.limit || t.limit <= 0 {
			step.Top.Values = append(step.Top.Values, []string{name, u.Account, u.Scope, u.Period, u.Dataset, row[0].String, row[1].String})
		}
	}
	return nil
}

// partOf is the expression for the name of the file that raw rows were copied from: not every source has it.
func (t *tracer) partOf(ctx context.Context, f file) (string, error) {
	present, err := t.s.storedColumns(ctx, columns("_file varchar"), []file{f})
	if err != nil || present["_file"] == "" {
		return "cast(null as varchar)", err
	}
	return "_file", nil
}

func (s *Step) addPage(p RawPage, number string) {
	if _, err := fmt.Sscan(number, &p.Page); err != nil {
		p.Page = 0 // a record of no page
	}
	if last := len(s.Pages) - 1; last >= 0 && s.Pages[last].File == p.File && s.Pages[last].Page == p.Page {
		s.Pages[last].Rows++
		return
	}
	p.Rows = 1
	s.Pages = append(s.Pages, p)
}
