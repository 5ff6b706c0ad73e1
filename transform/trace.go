package transform

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A model's header can say which rows of what it reads a row of it was made of, so that a number of a
// published table can be followed down to the raw records ([Explainer]):
//
//	from: int_owner_daily on BillingPeriodStart, Account, CostOwner, BillingCurrency
//	adds: EffectiveCost, CommitmentTiming = int_owner_daily.BilledCost - int_owner_daily.EffectiveCost
//	with: int_price on Account, MeterId
//
// from names a table whose rows the row was made of, with for one it was looked up in (who owns it,
// what it costs): from is followed down to the raw files, with is shown and followed through with alone.
// on is columns of equal name in both tables, null being equal to null; where is any condition in which
// both tables stand by their names. Where both tables have a period they need not say that it is the same.
//
// A with can be "via" another table the model reads: it is then asked of the rows of that table which
// were found, and the condition speaks of these. So the owner of an amount is looked up by the tags of
// its charges:
//
//	with: int_owner_target via cost_and_usage where int_owner_target.Tags = coalesce(cost_and_usage.Tags, '')
//
// adds follows a from or with and names columns that are sums over the rows it finds: under their own
// name, or as an expression. The last word of adds may be "when <condition>", for rows of which the sum
// is true only when the condition is.
//
// A model without these lines is traced by the columns of its grain that what it reads has under the
// same name, and a staging model by account, scope, dataset, page and row of the raw record. Nothing of
// this is part of a table's digest: a better trace rebuilds nothing.

// Edge is the way from rows of a model to the rows of one table it reads.
type Edge struct {
	Table string
	Via   string   // the rows it is asked of are those of this table, rather than the model's own; "": the model's
	On    []string // columns of both, by name
	Where string   // SQL over both tables; "" asks nothing more
	Made  bool     // the rows were made of these (from), rather than looked up in them (with)
	Adds  []Sum
	Line  int // of the model's file; 0 where the header does not say it
}

// Sum is a column of a model that adds up over the rows an edge leads to.
type Sum struct {
	Column string
	SQL    string // over the table of the edge
	When   string // rows of the model it holds for; "": all
}

var edgeText = regexp.MustCompile(`(?is)^([a-z_][a-z0-9_]*)(?:\s+via\s+([a-z_][a-z0-9_]*))?(?:\s+on\s+([a-z0-9_,\s]+?))?(?:\s+where\s+(.+))?$`)

func (p *parser) edge(line int, body string, made bool) {
	parts := edgeText.FindStringSubmatch(body)
	if parts == nil || parts[3] == "" && parts[4] == "" || made && parts[2] != "" {
		p.fault(line, "%q is no way to a table: want <table> on <columns>, <table> where <condition>, or both", flat(body))
		return
	}
	e := Edge{Table: parts[1], Via: parts[2], Where: strings.TrimSpace(parts[4]), Made: made, Line: line}
	if parts[3] != "" {
		e.On = p.list(line, parts[3])
	}
	p.m.Edges = append(p.m.Edges, e)
}

var whenText = regexp.MustCompile(`(?is)^(.*)\s+when\s+(.+)$`)

func (p *parser) adds(line int, body string) {
	if len(p.m.Edges) == 0 {
		p.fault(line, "adds stands before any from or with")
		return
	}
	e, when := &p.m.Edges[len(p.m.Edges)-1], ""
	if parts := whenText.FindStringSubmatch(body); parts != nil && !strings.Contains(strings.ToLower(parts[2]), " then ") {
		body, when = parts[1], parts[2]
	}
	for _, item := range outsideBrackets(body) {
		column, sql, _ := strings.Cut(item, "=")
		column, sql = strings.TrimSpace(column), strings.TrimSpace(sql)
		if sql == "" {
			sql = e.Table + "." + column
		}
		e.Adds = append(e.Adds, Sum{Column: column, SQL: sql, When: when})
	}
}

// outsideBrackets splits at the commas that stand in no brackets.
func outsideBrackets(text string) (items []string) {
	depth, from := 0, 0
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				items, from = append(items, text[from:i]), i+1
			}
		}
	}
	return append(items, text[from:])
}

// traced checks the edges against the header they stand in.
func (p *parser) traced() {
	for _, e := range p.m.Edges {
		if !slices.Contains(p.m.Reads, e.Table) {
			p.fault(e.Line, "%s is not among what it reads", e.Table)
		}
		if e.Via != "" && !slices.Contains(p.m.Reads, e.Via) {
			p.fault(e.Line, "via %s, which is not among what it reads", e.Via)
		}
		for _, c := range e.On {
			if e.Via == "" && columnIndex(p.m.Columns, c) < 0 {
				p.fault(e.Line, "%s is no column of %s", c, p.m.Name)
			}
		}
		for _, s := range e.Adds {
			if columnIndex(p.m.Columns, s.Column) < 0 {
				p.fault(e.Line, "adds %s, which is no column of %s", s.Column, p.m.Name)
			}
		}
	}
}

// checkEdges checks the edges against the tables they lead to.
func checkEdges(m *Model, set map[string]*Model) (problems []error) {
	for _, e := range m.Edges {
		there := columnsOf(m, e.Table, set)
		for _, c := range e.On {
			if columnIndex(there, c) < 0 {
				problems = append(problems, fmt.Errorf("%s:%d: %s is no column of %s", m.Path, e.Line, c, e.Table))
			}
		}
	}
	return problems
}

// edges are the ways from rows of m, as its header says or by default, and the tables of which it can
// only be said that they were read.
func (r *runner) edges(m *Model) (edges []Edge, whole []string) {
	for _, read := range m.Reads {
		mine := slices.DeleteFunc(slices.Clone(m.Edges), func(e Edge) bool { return e.Table != read })
		if len(mine) == 0 && (len(m.Edges) == 0 || isRaw(read)) {
			mine = defaultEdge(m, read, columnsOf(m, read, r.set))
		}
		if len(mine) == 0 {
			whole = append(whole, read)
		}
		edges = append(edges, mine...)
	}
	return edges, whole
}

func defaultEdge(m *Model, read string, there []Column) []Edge {
	e := Edge{Table: read, Made: true}
	if isRaw(read) {
		e.Where = rawCondition(m, read)
		return []Edge{e}
	}
	for _, g := range m.Grain {
		if columnIndex(there, g) >= 0 {
			e.On = append(e.On, g)
		}
	}
	if len(e.On) == 0 {
		return nil
	}
	return []Edge{e}
}

// rawCondition finds the raw records of staged rows: _page is Page, and a model of several sources says
// which in Source.
func rawCondition(m *Model, read string) string {
	var conditions []string
	for _, c := range rawConstants {
		if i := columnIndex(m.Columns, strings.TrimPrefix(c.Name, "_")); i >= 0 {
			conditions = append(conditions, fmt.Sprintf("%s.%s = %s.%s", ident(read), ident(c.Name), ident(m.Name), ident(m.Columns[i].Name)))
		}
	}
	if hasColumn(m.Columns, "Source") {
		conditions = append(conditions, fmt.Sprintf("%s.%s = %s", ident(m.Name), ident("Source"), quote(strings.TrimPrefix(read, "raw_"))))
	}
	if len(conditions) == 0 {
		return "true"
	}
	return strings.Join(conditions, " and ")
}

// condition is the edge in SQL, with both tables under their names.
func (e Edge) condition(m, read *Model) string {
	var conditions []string
	for _, c := range e.On {
		conditions = append(conditions, fmt.Sprintf("%s.%s is not distinct from %s.%s", ident(m.Name), ident(c), ident(e.Table), ident(c)))
	}
	if read != nil && m.Period != "" && read.Period != "" {
		conditions = append(conditions, fmt.Sprintf("month_start(%s.%s) = month_start(%s.%s)", ident(m.Name), ident(m.Period), ident(e.Table), ident(read.Period)))
	}
	if isRaw(e.Table) && m.Period != "" {
		conditions = append(conditions, fmt.Sprintf("%s._period = substr(cast(%s.%s as varchar), 1, 7)", ident(e.Table), ident(m.Name), ident(m.Period)))
	}
	if e.Where != "" {
		conditions = append(conditions, "("+e.Where+"\n)")
	}
	if len(conditions) == 0 {
		return "true"
	}
	return strings.Join(conditions, " and ")
}
