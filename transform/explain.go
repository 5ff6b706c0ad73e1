package transform

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// An Explainer tells how rows of finished tables came about: which rows of which tables they were made
// of, down to the raw records, and whether the same queries make the same numbers again. It reads the
// lake that [Run] left and changes nothing in it.
type Explainer struct {
	r *runner
	s *session
}

// NewExplainer opens a lake for questions. Of the options Periods, Tables and Progress mean nothing to it.
func NewExplainer(ctx context.Context, o Options) (*Explainer, error) {
	r, err := prepare(o)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	e := &Explainer{r: r}
	if e.s, err = r.open(ctx, o.Threads); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	for _, schema := range []string{foundSchema, madeSchema, withSchema} {
		if err := e.s.exec(ctx, "create schema "+schema); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

// The rows that are asked for, those they were made of, and those they were looked up in. What tables
// hold as a whole lies in work.
const (
	foundSchema = "found"
	madeSchema  = "made"
	withSchema  = "looked_up"
)

// Close gives the database back.
func (e *Explainer) Close() error {
	e.r.closeSession()
	return nil
}

// Key is a column with the value wanted in it. Of a day or an instant the value may be the beginning:
// 2026-09 is any of that month.
type Key struct{ Column, Value string }

// AskError is a question that cannot be answered as it was put; it says what could be asked.
type AskError struct{ text string }

func (e *AskError) Error() string { return e.text }

func askf(format string, args ...any) error { return &AskError{fmt.Sprintf(format, args...)} }

// Rows are rows as text.
type Rows struct {
	Columns []Column
	Values  [][]string
	Null    [][]bool
}

// Model is the model of a table.
func (e *Explainer) Model(table string) (*Model, error) {
	if m := e.r.set[table]; m != nil {
		return m, nil
	}
	var published []string
	for _, m := range e.r.models {
		if m.Published() {
			published = append(published, m.Name)
		}
	}
	slices.Sort(published)
	return nil, askf("%q is no table; there are %s, and the steps on the way that azledger models --all lists", table, strings.Join(published, ", "))
}

// Find returns the rows of a finished table that have the keys, in the order of the grain, limit at
// most (0: all), and how many there are. They are what Trace and Rebuild speak of from then on.
func (e *Explainer) Find(ctx context.Context, table string, keys []Key, limit int) (found Rows, count int64, err error) {
	m, err := e.Model(table)
	if err != nil {
		return found, 0, err
	}
	conditions, err := keyConditions(m, keys)
	if err != nil {
		return found, 0, err
	}
	if err := e.finished(ctx, m, keys); err != nil {
		return found, 0, err
	}
	from := "work." + ident(m.Name)
	if err := e.s.exec(ctx, fmt.Sprintf("create or replace table %s.%s as select * from %s where %s", foundSchema, ident(m.Name), from, all(conditions))); err != nil {
		return found, 0, err
	}
	if err := e.s.clear(ctx); err != nil {
		return found, 0, err
	}
	asked := foundSchema + "." + ident(m.Name)
	if err := e.s.value(ctx, "select count(*) from "+asked, &count); err != nil {
		return found, 0, err
	}
	if count == 0 {
		return found, 0, e.nothing(ctx, m, keys, conditions)
	}
	found, err = e.rows(ctx, m.Columns, "select * from "+asked+" order by "+idents(m.Grain)+most(limit))
	return found, count, err
}

// Undecided are the columns of the grain in which the rows that Find found differ.
func (e *Explainer) Undecided(ctx context.Context, table string) (columns []string, err error) {
	m, err := e.Model(table)
	if err != nil {
		return nil, err
	}
	for _, name := range m.Grain {
		var values int64
		if err := e.s.value(ctx, fmt.Sprintf("select count(distinct coalesce(cast(%s as varchar), '')) from %s.%s", ident(name), foundSchema, ident(m.Name)), &values); err != nil {
			return nil, err
		}
		if values > 1 {
			columns = append(columns, name)
		}
	}
	return columns, nil
}

// finished makes work.<table> of the finished files of the months that the keys may mean.
func (e *Explainer) finished(ctx context.Context, m *Model, keys []Key) error {
	files, err := e.files(m)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return askf("%s has not been built yet: run azledger transform first", m.Name)
	}
	var wanted []file
	for _, f := range files {
		if inMonth(m, keys, f.Period) {
			wanted = append(wanted, f.file)
		}
	}
	if len(wanted) == 0 {
		for _, f := range files {
			wanted = append(wanted, f.file)
		}
	}
	return e.provide(ctx, piece{m: m}, feed{name: m.Name, columns: m.Columns, files: wanted})
}

// files are the files of a finished table with their months: of a month signed off, if the table is
// published, the one that was.
func (e *Explainer) files(m *Model) (files []setPart, err error) {
	closed := e.r.closedPieces(m)
	for _, part := range closed {
		part.Path = filepath.Join(e.r.Lake, tablesFolder, filepath.FromSlash(part.Path))
		files = append(files, part)
	}
	for _, p := range e.r.piecesOf(m, "") {
		if isSignedOff(closed, p.period) {
			continue
		}
		mine, blocked := e.r.tableFiles(m, p.period)
		if blocked != "" {
			return nil, fmt.Errorf("%s: run azledger transform first", blocked)
		}
		for _, f := range mine {
			files = append(files, setPart{Period: p.period, file: f})
		}
	}
	return files, nil
}

// inMonth says whether rows with these keys can be in the file of a month.
func inMonth(m *Model, keys []Key, month string) bool {
	return month == "" || !slices.ContainsFunc(keys, func(k Key) bool {
		return m.Period != "" && strings.EqualFold(k.Column, m.Period) && !strings.HasPrefix(k.Value, month) && !strings.HasPrefix(month, k.Value)
	})
}

func keyConditions(m *Model, keys []Key) (conditions []string, err error) {
	for _, k := range keys {
		i := columnIndex(m.Columns, k.Column)
		if i < 0 {
			return nil, askf("%s has no column %s; its rows are told apart by %s (azledger models %[1]s lists all columns)", m.Name, k.Column, strings.Join(m.Grain, ", "))
		}
		conditions = append(conditions, keyCondition(m.Columns[i], k.Value))
	}
	return conditions, nil
}

func keyCondition(c Column, value string) string {
	text := "cast(" + ident(c.Name) + " as varchar)"
	switch {
	case value == "":
		return "coalesce(" + text + ", '') = ''"
	case c.Type == "date" || c.Type == "timestamp":
		return "starts_with(" + text + ", " + quote(value) + ")"
	case strings.HasPrefix(c.Type, "decimal"):
		return ident(c.Name) + " = try_cast(" + quote(value) + " as " + c.Type + ")"
	}
	return "lower(" + text + ") = lower(" + quote(value) + ")"
}

func all(conditions []string) string {
	return strings.Join(append([]string{"true"}, conditions...), " and ")
}

func most(limit int) string {
	if limit <= 0 {
		return ""
	}
	return fmt.Sprintf(" limit %d", limit)
}

// nothing says what there is where no row has the keys: for each key the values that rows with the
// other keys have.
func (e *Explainer) nothing(ctx context.Context, m *Model, keys []Key, conditions []string) error {
	if err := e.finished(ctx, m, nil); err != nil {
		return err
	}
	defer func() { _ = e.s.clear(ctx) }() // the next question makes its own
	if len(keys) == 0 {
		return askf("%s has no rows", m.Name)
	}
	lines := []string{fmt.Sprintf("%s has no row with %s", m.Name, describeKeys(keys))}
	for i, k := range keys {
		others := slices.Delete(slices.Clone(conditions), i, i+1)
		c := m.Columns[columnIndex(m.Columns, k.Column)]
		values, err := e.valuesOf(ctx, m, c, others)
		if err != nil {
			return err
		}
		if values != "" {
			lines = append(lines, fmt.Sprintf("%s is %s", c.Name, values))
		}
	}
	return askf("%s", strings.Join(lines, "\n  "))
}

const valuesShown = 12

// valuesOf lists what a column holds in the rows of work.<table> that hold to the conditions.
func (e *Explainer) valuesOf(ctx context.Context, m *Model, c Column, conditions []string) (string, error) {
	rows, err := e.s.texts(ctx, fmt.Sprintf("select distinct coalesce(cast(%s as varchar), '(nothing)') as v from work.%s where %s order by v limit %d",
		ident(c.Name), ident(m.Name), all(conditions), valuesShown+1))
	if err != nil {
		return "", err
	}
	var values []string
	for i, row := range rows {
		if i == valuesShown {
			row[0].String = "…"
		}
		values = append(values, row[0].String)
	}
	return strings.Join(values, ", "), nil
}

func describeKeys(keys []Key) string {
	var texts []string
	for _, k := range keys {
		texts = append(texts, k.Column+"="+k.Value)
	}
	return strings.Join(texts, " ")
}

// rows runs a query whose columns are known and returns its rows as text.
func (e *Explainer) rows(ctx context.Context, columns []Column, query string) (Rows, error) {
	found := Rows{Columns: columns}
	texts, err := e.s.texts(ctx, "select cast(columns(*) as varchar) from ("+query+")")
	for _, t := range texts {
		row, null := make([]string, len(t)), make([]bool, len(t))
		for i, v := range t {
			row[i], null[i] = v.String, !v.Valid
		}
		found.Values, found.Null = append(found.Values, row), append(found.Null, null)
	}
	return found, err
}

func (e *Explainer) provide(ctx context.Context, p piece, f feed) error {
	b := builder{r: e.r, p: p}
	if err := b.provide(ctx, e.s, f); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return nil
}

// pieces are the pieces of a table that rows of found.<table>, or of another schema, belong to.
func (e *Explainer) pieces(ctx context.Context, schema string, m *Model) ([]piece, error) {
	if m.Period == "" {
		return []piece{{m, ""}}, nil
	}
	rows, err := e.s.texts(ctx, fmt.Sprintf("select distinct substr(cast(%s as varchar), 1, 7) as m from %s.%s order by m", ident(m.Period), schema, ident(m.Name)))
	var pieces []piece
	for _, row := range rows {
		pieces = append(pieces, piece{m, row[0].String})
	}
	return pieces, err
}

// Rebuilt is what came of running a model again.
type Rebuilt struct {
	Rows    int64        // rows with the grain of those that were found
	Changed []Difference // values that are not what is published
	Closed  []string     // months of them that were signed off: what is published stays whatever comes after
	Stale   []string     // tables and months whose inputs are others by now than when they were built
}

// Difference is a value that was made anew otherwise than it is published.
type Difference struct {
	Row                int // of those that Find found, from 0
	Column             string
	Published, Rebuilt string // "(no row)" where there is none, "(nothing)" for null
}

// Rebuild runs the model's own query again over the files it was built from, and compares the rows that
// Find found with what that makes.
func (e *Explainer) Rebuild(ctx context.Context, table string) (made Rebuilt, err error) {
	m, err := e.Model(table)
	if err != nil {
		return made, err
	}
	pieces, err := e.pieces(ctx, foundSchema, m)
	if err != nil {
		return made, err
	}
	for i, p := range pieces {
		stale, err := e.rebuild(ctx, p, i == 0)
		if err != nil {
			return made, fmt.Errorf("%s: %w", p, err)
		}
		if isSignedOff(e.r.closedPieces(m), p.period) {
			made.Closed = append(made.Closed, p.period)
		}
		if stale {
			made.Stale = append(made.Stale, p.String())
		}
	}
	published, err := e.rows(ctx, m.Columns, fmt.Sprintf("select * from %s.%s order by %s", foundSchema, ident(m.Name), idents(m.Grain)))
	if err != nil {
		return made, err
	}
	anew, err := e.rows(ctx, m.Columns, fmt.Sprintf("select * from %s.%s", madeSchema, ident(anewTable)))
	made.Rows = int64(len(anew.Values))
	made.Changed = differences(m, published, anew)
	return made, err
}

const anewTable = "made anew"

// rebuild runs the query of one piece and keeps the rows that have the grain of those that were found.
func (e *Explainer) rebuild(ctx context.Context, p piece, first bool) (stale bool, err error) {
	feeds, blocked := e.r.feeds(p)
	if blocked != "" {
		return false, fmt.Errorf("reads %s: run azledger transform first", blocked)
	}
	state := e.r.states[p.folder()]
	stale = state == nil || state.Digest != e.r.digest(p, feeds)
	for _, f := range feeds {
		if err := e.provide(ctx, p, f); err != nil {
			return stale, err
		}
	}
	var same []string
	for _, g := range p.m.Grain {
		same = append(same, fmt.Sprintf("asked.%s is not distinct from anew.%[1]s", ident(g)))
	}
	query := fmt.Sprintf("select * from (%s) as anew where exists (select 1 from %s.%s as asked where %s)",
		onItsLine(p.m), foundSchema, ident(p.m.Name), strings.Join(same, " and "))
	into := fmt.Sprintf("insert into %s.%s ", madeSchema, ident(anewTable))
	if first {
		into = fmt.Sprintf("create or replace table %s.%s as ", madeSchema, ident(anewTable))
	}
	err = e.s.exec(ctx, into+query)
	return stale, errors.Join(err, e.s.clear(ctx))
}

// differences pairs rows by their grain and names what is not the same.
func differences(m *Model, published, anew Rows) (found []Difference) {
	again := map[string]int{}
	for i := range anew.Values {
		again[grainText(m, anew, i)] = i
	}
	for i := range published.Values {
		j, ok := again[grainText(m, published, i)]
		if !ok {
			found = append(found, Difference{Row: i, Column: m.Grain[0], Published: published.said(i, columnIndex(m.Columns, m.Grain[0])), Rebuilt: "(no row)"})
			continue
		}
		for c := range m.Columns {
			if was, is := published.said(i, c), anew.said(j, c); was != is {
				found = append(found, Difference{Row: i, Column: m.Columns[c].Name, Published: was, Rebuilt: is})
			}
		}
	}
	return found
}

func grainText(m *Model, rows Rows, i int) string {
	var key []string
	for _, g := range m.Grain {
		key = append(key, rows.said(i, columnIndex(m.Columns, g)))
	}
	return strings.Join(key, "\x00")
}

// said is a value for a reader.
func (r Rows) said(row, column int) string {
	if r.Null[row][column] {
		return "(nothing)"
	}
	return r.Values[row][column]
}

// Total is an amount of the rows that Find found: as published, and as the model's query makes it again.
type Total struct {
	Column, Currency string // Currency is "" in a table that has none
	Published, Anew  string // "" where the column has no value
}

// Totals adds up the decimal columns of the rows that Find found and of those that Rebuild made, never
// across currencies.
func (e *Explainer) Totals(ctx context.Context, table string) ([]Total, error) {
	m, err := e.Model(table)
	if err != nil {
		return nil, err
	}
	var totals []Total
	for _, c := range m.Columns {
		if !strings.HasPrefix(c.Type, "decimal") {
			continue
		}
		mine, err := e.total(ctx, m, c)
		if err != nil {
			return nil, err
		}
		totals = append(totals, mine...)
	}
	return totals, nil
}

func (e *Explainer) total(ctx context.Context, m *Model, c Column) (totals []Total, err error) {
	currency := "''"
	if hasColumn(m.Columns, "BillingCurrency") {
		currency = "BillingCurrency"
	}
	sum := fmt.Sprintf("select coalesce(%s, '') as Currency, sum(%s) as Amount from ", currency, ident(c.Name))
	rows, err := e.s.texts(ctx, fmt.Sprintf(`
		select coalesce(published.Currency, anew.Currency), cast(published.Amount as varchar), cast(anew.Amount as varchar)
		from (%s%s.%s group by 1) as published full join (%[1]s%[4]s.%[5]s group by 1) as anew on anew.Currency = published.Currency
		order by 1`, sum, foundSchema, ident(m.Name), madeSchema, ident(anewTable)))
	for _, row := range rows {
		totals = append(totals, Total{Column: c.Name, Currency: row[0].String, Published: row[1].String, Anew: row[2].String})
	}
	return totals, err
}
