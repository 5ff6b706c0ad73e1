package transform

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The header of a model is the comment its file begins with: prose, whose first sentence is
// "<table> is …", then these lines, each one space behind the dashes. What is indented further
// continues the line above it.
//
//	reads:  <table>, <table>          grain:  <column>, <column>
//	period: <column>                  order:  insertion
//	input  <name> <type>              column <name> <type> <meaning>
//	check: <condition of a row>       total:  <condition of the table>
//	from:  <table> on <column>, … where <condition>       with: <the same>       adds: <column> = <expression>, …
//
// The last three say how rows are traced, see trace.go.
var (
	directive = regexp.MustCompile(`^(reads|grain|period|order|check|total|from|with|adds):(.*)$|^(input|column)(\s+.*)$`)
	keyword   = regexp.MustCompile(`^[A-Za-z_]+:(\s|$)`)
	typed     = regexp.MustCompile(`^(\S+)\s+(decimal\s*\(\s*\d+\s*,\s*\d+\s*\)|[a-z]+)(?:\s+(.*))?$`)
	name      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// columnTypes are the types a header may name.
var columnTypes = []string{"varchar", "bigint", "integer", "boolean", "date", "timestamp", "decimal(38, 18)"}

// Parse reads one model. Its file name decides the table, its folder the kind.
func Parse(file, text string) (*Model, error) {
	p := parser{m: &Model{Name: modelName(file), Kind: path.Dir(file), Path: "sql/" + file}}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	rest := p.header(lines)
	p.query(lines, rest)
	if len(p.problems) == 0 {
		p.whole()
	}
	if len(p.problems) > 0 {
		return nil, joinLines(p.problems)
	}
	return p.m, nil
}

type parser struct {
	m        *Model
	problems []error
	seen     map[string]int // line of a directive that may stand only once
}

func (p *parser) fault(line int, format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("%s:%d: %w", p.m.Path, line, fmt.Errorf(format, args...)))
}

// entry is a directive with what continues it.
type entry struct {
	line int
	text string
}

// header reads the leading comment and returns the index of the first line behind it.
func (p *parser) header(lines []string) int {
	var prose []string
	var entries []entry
	i := 0
	for ; i < len(lines) && strings.HasPrefix(lines[i], "--"); i++ {
		text := strings.TrimRight(strings.TrimPrefix(lines[i], "--"), " \t")
		indented := strings.HasPrefix(text, "  ") || strings.HasPrefix(text, "\t")
		text = strings.TrimPrefix(text, " ")
		switch {
		case !indented && directive.MatchString(text) && (len(entries) > 0 || startsDirectives(text)):
			entries = append(entries, entry{i + 1, text})
		case text == "" && len(entries) > 0:
		case indented && len(entries) > 0:
			entries[len(entries)-1].text += "\n" + strings.TrimSpace(text)
		case !indented && (len(entries) > 0 || keyword.MatchString(text) && len(prose) > 0 && prose[len(prose)-1] == ""):
			p.fault(i+1, "%q is no line of a header: it knows reads, grain, period, order, input, column, check, total, from, with and adds; what continues a line is indented further", text)
		default:
			prose = append(prose, text)
		}
	}
	p.prose(prose)
	p.seen = map[string]int{}
	for _, e := range entries {
		p.entry(e)
	}
	return i
}

// startsDirectives keeps a sentence of the prose that happens to begin with "column" or "input"
// from being taken for a directive: the first directive carries a colon.
func startsDirectives(text string) bool {
	return !strings.HasPrefix(text, "input ") && !strings.HasPrefix(text, "column ")
}

func (p *parser) prose(lines []string) {
	p.m.Text = strings.TrimSpace(strings.Join(lines, "\n"))
	paragraph, _, _ := strings.Cut(p.m.Text, "\n\n")
	paragraph = strings.Join(strings.Fields(paragraph), " ")
	if !strings.HasPrefix(paragraph, p.m.Name+" is ") {
		p.fault(1, "the header must begin with the sentence \"%s is …\"", p.m.Name)
		return
	}
	p.m.Doc = paragraph
	if end := strings.Index(paragraph, ". "); end >= 0 {
		p.m.Doc = paragraph[:end+1]
	}
}

func (p *parser) entry(e entry) {
	parts := directive.FindStringSubmatch(strings.SplitN(e.text, "\n", 2)[0])
	word := parts[1] + parts[3]
	body := strings.TrimSpace(e.text[len(word):])
	body = strings.TrimSpace(strings.TrimPrefix(body, ":"))
	if body == "" {
		p.fault(e.line, "%s says nothing", word)
		return
	}
	switch word {
	case "reads", "grain", "period", "order":
		if before := p.seen[word]; before > 0 {
			p.fault(e.line, "%s is said a second time (first on line %d)", word, before)
			return
		}
		p.seen[word] = e.line
	}
	switch word {
	case "reads":
		p.m.Reads = p.list(e.line, body)
	case "grain":
		p.m.Grain = p.list(e.line, body)
	case "period":
		p.m.Period = body
	case "order":
		if body != "insertion" {
			p.fault(e.line, "order: %q is not known; the only word is insertion", body)
		}
		p.m.Insertion = true
	case "input":
		p.m.Inputs = p.column(p.m.Inputs, e.line, "input", body)
	case "column":
		p.m.Columns = p.column(p.m.Columns, e.line, "column", body)
	case "check":
		p.m.Checks = append(p.m.Checks, Rule{SQL: body, Line: e.line})
	case "total":
		p.m.Totals = append(p.m.Totals, Rule{SQL: body, Line: e.line})
	case "from", "with":
		p.edge(e.line, body, word == "from")
	case "adds":
		p.adds(e.line, body)
	}
}

func (p *parser) list(line int, body string) []string {
	var list []string
	for item := range strings.SplitSeq(body, ",") {
		item = strings.TrimSpace(item)
		switch {
		case !name.MatchString(item):
			p.fault(line, "%q is no name; names are separated by commas", item)
		case slices.Contains(list, item):
			p.fault(line, "%s stands twice", item)
		default:
			list = append(list, item)
		}
	}
	return list
}

func (p *parser) column(list []Column, line int, word, body string) []Column {
	parts := typed.FindStringSubmatch(strings.Join(strings.Fields(body), " "))
	if parts == nil || !name.MatchString(parts[1]) {
		p.fault(line, "%s wants a name, a type and a meaning, not %q", word, body)
		return list
	}
	c := Column{Name: parts[1], Type: typeName(parts[2]), Doc: parts[3]}
	switch {
	case !slices.Contains(columnTypes, c.Type):
		p.fault(line, "%s %s: the type %s is not known; there are %s", word, c.Name, c.Type, strings.Join(columnTypes, ", "))
	case columnIndex(list, c.Name) >= 0:
		p.fault(line, "%s %s stands twice", word, c.Name)
	case word == "column" && c.Doc == "" && p.m.Published():
		p.fault(line, "column %s has no meaning, and it is published", c.Name)
	}
	return append(list, c)
}

// typeName spells a type as headers do, whether a header or the engine wrote it.
func typeName(t string) string {
	t = strings.ToLower(strings.Join(strings.Fields(t), ""))
	return strings.ReplaceAll(t, ",", ", ")
}

// columnIndex finds a column as the engine would: the case of a name tells nothing apart.
func columnIndex(columns []Column, name string) int {
	return slices.IndexFunc(columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
}

func (p *parser) query(lines []string, from int) {
	for from < len(lines) && strings.TrimSpace(lines[from]) == "" {
		from++
	}
	p.m.QueryLine = from + 1
	p.m.Query = strings.TrimRight(strings.Join(lines[min(from, len(lines)):], "\n"), "; \t\n")
	if p.m.Query == "" {
		p.fault(p.m.QueryLine, "there is no query")
	}
}

// whole checks what single lines cannot: that a model says all it must and contradicts itself nowhere.
func (p *parser) whole() {
	m := p.m
	if err := reserved(m.Name); err != nil {
		p.fault(1, "%w", err)
	}
	for _, missing := range []struct {
		word string
		none bool
	}{{"reads", m.Reads == nil}, {"grain", m.Grain == nil}, {"column", m.Columns == nil}} {
		if missing.none {
			p.fault(1, "the header lacks %s", missing.word)
		}
	}
	for _, g := range m.Grain {
		if !hasColumn(m.Columns, g) {
			p.fault(p.seen["grain"], "the grain names %s, which is no column", g)
		}
	}
	p.period()
	p.inputs()
	p.traced()
}

func (p *parser) period() {
	m, line := p.m, p.seen["period"]
	if m.Period == "" {
		return
	}
	i := slices.IndexFunc(m.Columns, func(c Column) bool { return c.Name == m.Period })
	switch {
	case i < 0:
		p.fault(line, "the period names %s, which is no column", m.Period)
	case m.Columns[i].Type != "date" && m.Columns[i].Type != "timestamp":
		p.fault(line, "the period %s must be a date or a timestamp", m.Period)
	case !slices.Contains(m.Grain, m.Period):
		p.fault(p.seen["grain"], "the grain lacks the period %s: each period is built alone, so without it rows are told apart only within one", m.Period)
	}
}

func (p *parser) inputs() {
	sources := slices.DeleteFunc(slices.Clone(p.m.Reads), func(r string) bool { return !isRaw(r) })
	switch {
	case len(sources) > 0 && p.m.Kind != "staging":
		p.fault(p.seen["reads"], "reads %s; only a staging model reads a raw source", sources[0])
	case len(sources) == 0 && len(p.m.Inputs) > 0:
		p.fault(1, "declares inputs, but reads no raw source")
	}
	for _, c := range p.m.Inputs {
		if hasColumn(rawConstants, c.Name) {
			p.fault(1, "input %s is there without being declared", c.Name)
		}
	}
}

func hasColumn(columns []Column, name string) bool {
	return slices.ContainsFunc(columns, func(c Column) bool { return c.Name == name })
}

// reserved refuses table names that something else has.
func reserved(table string) error {
	switch {
	case isRaw(table):
		return errors.New("names that begin with raw_ belong to the raw sources")
	case isKept(table):
		return errors.New("names that begin with closed_ or previous_ belong to the rows kept of other tables")
	case builtin(table) != nil:
		return fmt.Errorf("the table %s is provided", table)
	}
	return nil
}
