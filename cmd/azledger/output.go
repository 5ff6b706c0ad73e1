package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// column is a column of what is printed.
type column struct {
	name   string
	number bool // stands at the right of its column in a table
	bare   bool // in JSON a number, true or false rather than a text
	wrap   int  // in a table broken into lines of so many letters; 0 for never
}

// printer writes rows in the form the user asked for. A null value is an empty text
// with its null set.
type printer interface {
	row(values []string, null []bool) error
	close() error
}

var formats = map[string]func(io.Writer, []column) printer{
	"table": newTablePrinter,
	"json":  newJSONPrinter,
	"csv":   newCSVPrinter,
}

// checkFormat refuses a form before anything has been done for it.
func (a *app) checkFormat() error {
	if formats[a.format] == nil {
		return usagef("--format %s: want table, json or csv", a.format)
	}
	return nil
}

// print writes rows that are all there already.
func (a *app) print(columns []column, rows [][]string) error {
	p := formats[a.format](a.out, columns)
	for _, r := range rows {
		if err := p.row(r, make([]bool, len(r))); err != nil {
			return err
		}
	}
	return p.close()
}

type tablePrinter struct {
	w      io.Writer
	writer table.Writer
}

func newTablePrinter(w io.Writer, columns []column) printer {
	t := table.NewWriter()
	t.SetStyle(plainStyle())
	header := make(table.Row, len(columns))
	shapes := make([]table.ColumnConfig, len(columns))
	for i, c := range columns {
		header[i] = c.name
		shapes[i] = table.ColumnConfig{Number: i + 1, WidthMax: c.wrap, WidthMaxEnforcer: text.WrapSoft}
		if c.number {
			shapes[i].Align, shapes[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(shapes)
	return &tablePrinter{w: w, writer: t}
}

// plainStyle is a header, a rule and columns two blanks apart: it survives a mail
// and a ticket.
func plainStyle() table.Style {
	s := table.StyleDefault
	s.Format.Header = text.FormatDefault
	s.Box.PaddingLeft = ""
	s.Box.PaddingRight = "  "
	s.Box.MiddleHorizontal = "-"
	s.Box.MiddleSeparator = "-"
	s.Options.DrawBorder = false
	s.Options.SeparateColumns = false
	return s
}

func (p *tablePrinter) row(values []string, null []bool) error {
	r := make(table.Row, len(values))
	for i, v := range values {
		r[i] = v
		if null[i] {
			r[i] = "-"
		}
	}
	p.writer.AppendRow(r)
	return nil
}

func (p *tablePrinter) close() error {
	for _, line := range strings.Split(p.writer.Render(), "\n") {
		if _, err := fmt.Fprintln(p.w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

type csvPrinter struct{ w *csv.Writer }

func newCSVPrinter(w io.Writer, columns []column) printer {
	p := csvPrinter{csv.NewWriter(w)}
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = c.name
	}
	_ = p.w.Write(header) // the writer keeps its error for close
	return p
}

func (p csvPrinter) row(values []string, _ []bool) error { return p.w.Write(values) }

func (p csvPrinter) close() error {
	p.w.Flush()
	return p.w.Error()
}

// jsonPrinter writes an array with one object per line. Decimals are texts: most
// readers of JSON turn numbers into binary fractions, which do not hold money.
type jsonPrinter struct {
	w       io.Writer
	columns []column
	rows    int
}

func newJSONPrinter(w io.Writer, columns []column) printer {
	return &jsonPrinter{w: w, columns: distinct(columns)}
}

// distinct numbers the columns of one name, a, a_2, a_3: an object holds a name once,
// and its readers keep the last.
func distinct(columns []column) []column {
	taken := map[string]bool{}
	for _, c := range columns {
		taken[c.name] = true
	}
	columns, seen := slices.Clone(columns), map[string]bool{}
	for i, c := range columns {
		for n := 2; seen[c.name] && taken[columns[i].name]; n++ {
			columns[i].name = fmt.Sprintf("%s_%d", c.name, n)
		}
		seen[c.name], taken[columns[i].name] = true, true
	}
	return columns
}

func (p *jsonPrinter) row(values []string, null []bool) error {
	var line bytes.Buffer
	for i, c := range p.columns {
		value, err := jsonValue(c, values[i], null[i])
		if err != nil {
			return err
		}
		name, err := json.Marshal(c.name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&line, ",%s:%s", name, value)
	}
	start := ",\n "
	if p.rows == 0 {
		start = "[\n "
	}
	p.rows++
	_, err := fmt.Fprintf(p.w, "%s{%s}", start, strings.TrimPrefix(line.String(), ","))
	return err
}

func jsonValue(c column, value string, null bool) ([]byte, error) {
	switch {
	case null:
		return []byte("null"), nil
	case c.bare && json.Valid([]byte(value)): // JSON has no inf and no nan
		return []byte(value), nil
	}
	return json.Marshal(value)
}

func (p *jsonPrinter) close() error {
	end := "\n]\n"
	if p.rows == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(p.w, end)
	return err
}

// money writes an amount for people: two decimals, thousands apart. Full precision
// is what the tables are for.
func money(amount string) string {
	exact, ok := new(big.Rat).SetString(amount)
	if !ok {
		return amount
	}
	rounded := exact.FloatString(2)
	if strings.Trim(rounded, "-0.") == "" {
		return "0.00"
	}
	whole, cents, _ := strings.Cut(rounded, ".")
	return thousands(whole) + "." + cents
}

// thousands puts a comma after every third digit, counted from the right.
func thousands(whole string) string {
	digits, sign := strings.TrimPrefix(whole, "-"), ""
	if digits != whole {
		sign = "-"
	}
	first := len(digits) % 3
	var groups []string
	if first > 0 {
		groups = append(groups, digits[:first])
	}
	for i := first; i < len(digits); i += 3 {
		groups = append(groups, digits[i:i+3])
	}
	return sign + strings.Join(groups, ",")
}
