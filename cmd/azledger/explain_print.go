package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/azledger/azledger/transform"
)

// printExplained prints an explanation as the user asked for it.
func (j *job) printExplained(x *explainedRow) error {
	if j.format == "json" {
		return j.explainedJSON(x)
	}
	for _, part := range []func(*explainedRow) error{j.printModel, j.printRow, j.printTotals, j.printSteps} {
		if err := part(x); err != nil {
			return err
		}
	}
	return nil
}

const foldedLines = 8

func (j *job) printModel(x *explainedRow) error {
	m := x.model
	fmt.Fprintf(j.out, "%s\n\n", m.Doc)
	j.fact("model", []string{m.Path})
	j.fact("grain", m.Grain)
	j.fact("reads", m.Reads)
	fmt.Fprintln(j.out)
	lines := strings.Split(m.Query, "\n")
	more := len(lines) - foldedLines
	if x.flags.sql || more <= 1 {
		more = 0
	}
	for _, line := range lines[:len(lines)-more] {
		fmt.Fprintln(j.out, strings.TrimRight("  "+line, " "))
	}
	if more > 0 {
		fmt.Fprintf(j.out, "  … %d more lines, see --sql\n", more)
	}
	return nil
}

// printRow prints the row, a line for each column that has a value.
func (j *job) printRow(x *explainedRow) error {
	if x.count > 1 {
		fmt.Fprintf(j.out, "\n%s, together\n\n", count(int(x.count), "row"))
		return j.printRows(x.rows, x.count, nil)
	}
	fmt.Fprintf(j.out, "\nThe row\n\n")
	j.printOne(x.rows, nil)
	return nil
}

// printOne prints a single row, a line for each column that has a value.
func (j *job) printOne(rows transform.Rows, names []string) {
	shown := func(i int) bool {
		return !rows.Null[0][i] && rows.Values[0][i] != "" && (len(names) == 0 || slices.Contains(names, rows.Columns[i].Name))
	}
	width := 0
	for i, c := range rows.Columns {
		if shown(i) {
			width = max(width, len(c.Name))
		}
	}
	for i, c := range rows.Columns {
		if shown(i) {
			fmt.Fprintf(j.out, "  %-*s  %s\n", width, c.Name, shortValue(rows.Values[0][i]))
		}
	}
}

// shortValue keeps a text of a thousand letters, such as tags, on a line.
func shortValue(text string) string {
	if letters := []rune(text); len(letters) > 110 {
		return string(letters[:110]) + "…"
	}
	return text
}

// printTotals compares what is published with what comes out again.
func (j *job) printTotals(x *explainedRow) error {
	fmt.Fprintf(j.out, "\nRe-computed\n\n")
	columns := []column{{name: "column"}, {name: "currency"}, {name: "published", number: true}, {name: "from", wrap: 40}, {name: "re-computed", number: true}, {name: ""}}
	var rows [][]string
	for _, t := range x.shownTotals() {
		rows = append(rows, []string{t.Column, t.Currency, t.Published, x.model.Name + ".sql, run again", t.Anew, verdict(t.Published, t.Anew)})
	}
	for _, s := range x.steps {
		for _, sum := range s.Sums {
			if sum.Table == x.model.Name {
				rows = append(rows, []string{sum.Column, sum.Currency, ofType(x.model, sum.Column, sum.Want), "rows of " + s.Table, ofType(x.model, sum.Column, sum.Got), verdict(sum.Want, sum.Got)})
			}
		}
	}
	if len(rows) == 0 {
		rows = [][]string{{"all", "", "", x.model.Name + ".sql, run again", "", verdict("", strings.Repeat("x", len(x.rebuilt.Changed)))}}
	}
	slices.SortStableFunc(rows, func(a, b []string) int {
		return columnPlace(x.model, a[0]) - columnPlace(x.model, b[0])
	})
	return j.print(columns, rows)
}

func columnPlace(m *transform.Model, name string) int {
	return slices.IndexFunc(m.Columns, func(c transform.Column) bool { return c.Name == name })
}

// ofType takes the places of an amount off a number of charges.
func ofType(m *transform.Model, name, text string) string {
	if i := columnPlace(m, name); i < 0 || strings.HasPrefix(m.Columns[i].Type, "decimal") {
		return text
	}
	return strings.TrimSuffix(text, ".000000000000000000")
}

func verdict(published, again string) string {
	if published == again {
		return "= published"
	}
	return "DIFFERS"
}

// perUnit are the columns of prices and ratios; PriceMismatch is an amount.
var perUnit = regexp.MustCompile(`(Price|Rate|Ratio|Percent|PercentAdded|Size|MinimumUnits|Tolerance)$`)

// shownTotals leaves out what has no value, and of several rows what does not add up, such as prices.
func (x *explainedRow) shownTotals() (totals []transform.Total) {
	for _, t := range x.totals {
		if t.Published == "" && t.Anew == "" || x.count > 1 && perUnit.MatchString(t.Column) {
			continue
		}
		totals = append(totals, t)
	}
	return totals
}

// printSteps prints every table on the way down, then those in which something was looked up.
func (j *job) printSteps(x *explainedRow) error {
	for i, s := range x.steps {
		if i > 0 {
			if err := j.printStep(x, s); err != nil {
				return err
			}
		}
		if len(s.Whole) > 0 {
			fmt.Fprintf(j.out, "\n%s also reads as a whole: %s\n", s.Table, strings.Join(s.Whole, ", "))
		}
	}
	return nil
}

func (j *job) printStep(x *explainedRow, s transform.Step) error {
	fmt.Fprintf(j.out, "\n%s\n", heading(s))
	for _, sum := range s.Sums {
		if !sum.Holds() {
			fmt.Fprintf(j.out, "  %s of %s is %s %s, these rows add up to %s\n", sum.Column, sum.Table, sum.Want, sum.Currency, sum.Got)
		}
	}
	if names := addingUp(s); names != "" {
		fmt.Fprintf(j.out, "  they add up to the same: %s\n", names)
	}
	fmt.Fprintln(j.out)
	if len(s.Pages) > 0 {
		return j.printPages(x, s)
	}
	if len(s.Top.Values) == 1 {
		j.printOne(s.Top, shownColumns(s))
		return nil
	}
	return j.printRows(s.Top, s.Count, shownColumns(s))
}

// addingUp are the columns that the rows of a step add up to.
func addingUp(s transform.Step) string {
	var names []string
	for _, sum := range s.Sums {
		if name := sum.Column; sum.Holds() && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func heading(s transform.Step) string {
	verb := "made of"
	if !s.Made {
		verb = "looked up in"
	}
	shown := ""
	if n := int64(len(s.Top.Values)); n < s.Count {
		shown = fmt.Sprintf("; %d are shown", n)
		if s.Model != nil && transform.MainAmount(s.Model) != "" {
			shown = fmt.Sprintf("; the %d largest by %s are shown", n, transform.MainAmount(s.Model))
		}
	}
	return fmt.Sprintf("%s: %s %s %s%s", strings.Join(s.Of, ", "), verb, count(int(s.Count), "row"), "of "+s.Table, shown)
}

// telling are columns that say to a person what a row is about.
var telling = []string{
	"ChargePeriodStart", "Date", "ResourceName", "ChargeDescription", "ProductName", "MeterName", "Product", "RuleName", "Line", "CostOwner",
	"OwnerBasis", "Reason", "Detail", "InvoiceId", "Component", "BillingCurrency",
}

// shownColumns are the columns of a step that are worth the width of a terminal: its grain, what
// adds up, and what says what the row is about. Tables without an amount are shown whole.
func shownColumns(s transform.Step) (names []string) {
	if s.Model == nil || transform.MainAmount(s.Model) == "" {
		return nil
	}
	add := func(name string) {
		if columnPlace(s.Model, name) >= 0 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range slices.Concat(s.Model.Grain, telling, []string{transform.MainAmount(s.Model)}) {
		add(name)
	}
	return names
}

// printRows prints rows in these columns, all if none are named. What is the same in all of several
// rows stands above them, once; of those that are not shown it need not hold.
func (j *job) printRows(rows transform.Rows, of int64, names []string) error {
	var columns []column
	var places []int
	var same []string
	for i, c := range rows.Columns {
		switch {
		case len(names) > 0 && !slices.Contains(names, c.Name):
		case len(rows.Values) > 1 && !strings.HasPrefix(c.Type, "decimal") && constant(rows, i):
			if !rows.Null[0][i] && rows.Values[0][i] != "" {
				same = append(same, c.Name+" "+shortValue(rows.Values[0][i]))
			}
		default:
			columns = append(columns, column{name: c.Name, number: numeric.MatchString(strings.ReplaceAll(c.Type, " ", "")), wrap: 60})
			places = append(places, i)
		}
	}
	if len(same) > 0 && j.format == "table" {
		each := "in each"
		if int64(len(rows.Values)) < of {
			each = "in each that is shown"
		}
		fmt.Fprintf(j.out, "  %s: %s\n\n", each, strings.Join(same, ", "))
	}
	p := formats[j.format](j.out, columns)
	for i := range rows.Values {
		values, null := make([]string, len(places)), make([]bool, len(places))
		for n, place := range places {
			values[n], null[n] = shortValue(rows.Values[i][place]), rows.Null[i][place]
		}
		if err := p.row(values, null); err != nil {
			return err
		}
	}
	return p.close()
}

// printPages prints where raw rows lie and which request brought them.
func (j *job) printPages(x *explainedRow, s transform.Step) error {
	for i, p := range s.Pages {
		if x.flags.limit > 0 && i == x.flags.limit {
			fmt.Fprintf(j.out, "  … and %s more\n", count(len(s.Pages)-i, "page"))
			break
		}
		fmt.Fprintf(j.out, "  %s\n", p.File)
		for _, line := range x.page(p).lines() {
			fmt.Fprintf(j.out, "    %-9s%s\n", line[0], line[1])
		}
		if rows := rowsOn(s, p); rows != "" {
			fmt.Fprintf(j.out, "    %-9s%s\n", "rows", rows)
		}
	}
	return nil
}

// lines are what is known of a page, as people read it.
func (p pageAnswer) lines() [][2]string {
	all := [][2]string{
		{"sha256", p.SHA256},
		{"page", strconv.FormatInt(p.Page, 10)},
		{"copied", p.Copied},
		{"run", p.Run},
		{"url", p.URL},
		{"request", p.RequestID},
		{"fetched", p.Fetched},
		{"served", p.Served},
	}
	return slices.DeleteFunc(all, func(line [2]string) bool { return line[1] == "" })
}

// page is what is known of a page: where it lies, and the request that brought it.
func (x *explainedRow) page(p transform.RawPage) pageAnswer {
	o := x.origins[unitOf(p).String()]
	request, known := o.Pages[p.Page]
	answer := pageAnswer{
		File: p.File, SHA256: p.SHA256, Page: p.Page, Rows: p.Rows, Copied: p.Part,
		Run: o.Run, URL: request.URL, RequestID: request.RequestID, Served: request.SHA256,
	}
	if known {
		answer.Fetched = request.At.UTC().Format(time.RFC3339)
	} else if !o.Fetched.IsZero() {
		answer.Fetched = o.Fetched.UTC().Format(time.RFC3339)
	}
	return answer
}

// rowsOn are the numbers of the rows of a page that are shown, and how many there are.
func rowsOn(s transform.Step, p transform.RawPage) string {
	var numbers []string
	for _, v := range s.Top.Values {
		if v[0] == p.File && v[5] == strconv.FormatInt(p.Page, 10) {
			numbers = append(numbers, v[6])
		}
	}
	text := strings.Join(numbers, ", ")
	if int64(len(numbers)) < p.Rows {
		text += fmt.Sprintf(" … (%d)", p.Rows)
	}
	return strings.TrimSpace(text)
}

// explainedJSON prints an explanation for programs, with every column of every row that is shown.
func (j *job) explainedJSON(x *explainedRow) error {
	answer := explainedAnswer{
		Table: x.model.Name, Doc: x.model.Doc, Model: x.model.Path, Query: x.model.Query, Grain: x.model.Grain, Reads: x.model.Reads,
		Count: x.count, Rows: rowsJSON(x.rows), Matches: x.wrong() == nil, Stale: x.rebuilt.Stale,
	}
	for _, t := range x.shownTotals() {
		answer.Recomputed = append(answer.Recomputed, recomputed{t.Column, t.Currency, t.Published, "query", t.Anew, t.Published == t.Anew})
	}
	for i, s := range x.steps {
		for _, sum := range s.Sums {
			if sum.Table == x.model.Name {
				answer.Recomputed = append(answer.Recomputed, recomputed{sum.Column, sum.Currency, sum.Want, s.Table, sum.Got, sum.Holds()})
			}
		}
		if i > 0 {
			answer.Steps = append(answer.Steps, x.stepAnswer(s))
		}
	}
	text, err := json.MarshalIndent(answer, "", " ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(j.out, "%s\n", text)
	return err
}

type explainedAnswer struct {
	Table      string          `json:"table"`
	Doc        string          `json:"doc"`
	Model      string          `json:"model"`
	Query      string          `json:"query"`
	Grain      []string        `json:"grain"`
	Reads      []string        `json:"reads"`
	Count      int64           `json:"count"`
	Rows       json.RawMessage `json:"rows"`
	Recomputed []recomputed    `json:"recomputed"`
	Matches    bool            `json:"matches"`
	Stale      []string        `json:"stale,omitempty"`
	Steps      []stepAnswer    `json:"steps"`
}

type recomputed struct {
	Column    string `json:"column"`
	Currency  string `json:"currency"`
	Published string `json:"published"`
	From      string `json:"from"` // query, or the table whose rows were added up
	Again     string `json:"recomputed"`
	Matches   bool   `json:"matches"`
}

type stepAnswer struct {
	Table    string          `json:"table"`
	Of       []string        `json:"of"`
	LookedUp bool            `json:"looked_up"`
	Count    int64           `json:"count"`
	Rows     json.RawMessage `json:"rows"`
	Pages    []pageAnswer    `json:"pages,omitempty"`
	Whole    []string        `json:"reads_whole,omitempty"`
}

type pageAnswer struct {
	File      string `json:"file"`
	SHA256    string `json:"sha256"`
	Page      int64  `json:"page"`
	Rows      int64  `json:"rows"`
	Copied    string `json:"copied,omitempty"`
	Run       string `json:"run,omitempty"`
	URL       string `json:"url,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	Fetched   string `json:"fetched,omitempty"`
	Served    string `json:"served_sha256,omitempty"`
}

func (x *explainedRow) stepAnswer(s transform.Step) stepAnswer {
	answer := stepAnswer{Table: s.Table, Of: s.Of, LookedUp: !s.Made, Count: s.Count, Rows: rowsJSON(s.Top), Whole: s.Whole}
	for _, p := range s.Pages {
		answer.Pages = append(answer.Pages, x.page(p))
	}
	return answer
}

// rowsJSON is rows as query prints them.
func rowsJSON(rows transform.Rows) json.RawMessage {
	var text bytes.Buffer
	infos := make([]transform.ColumnInfo, len(rows.Columns))
	for i, c := range rows.Columns {
		infos[i] = transform.ColumnInfo{Name: c.Name, Type: strings.ReplaceAll(c.Type, " ", "")}
	}
	p := newJSONPrinter(&text, printed(infos))
	for i := range rows.Values {
		_ = p.row(rows.Values[i], rows.Null[i]) // a buffer takes everything
	}
	_ = p.close()
	return text.Bytes()
}
