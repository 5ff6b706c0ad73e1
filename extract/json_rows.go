package extract

import "encoding/json"

// The query APIs of Cost Management answer with a table: a list of columns, and rows
// that are arrays of values in the order of the columns.
//
//	"columns": [{"name":"Cost","type":"Number"}, {"name":"UsageDate","type":"Number"}],
//	"rows": [[19.545363672276512, 20180331], …]
//
// Such a row is read as the record {"Cost": 19.545363672276512, "UsageDate": 20180331}:
// from the text served into its columns, without a number in between, and what no column
// wants into _extra. JSON has no order, so the rows wait until the whole page was seen.

// remember notes where one of the two lists begins, and reads past it.
func (p *jsonParser) remember(i int, path string) int {
	at := &p.columnsAt
	if path == p.shape.Rows {
		at, p.rows = &p.rowsAt, true
	}
	if *at != 0 {
		return p.fail(i, "one list "+path)
	}
	*at = i
	return p.skip(i, 0)
}

// positional reads the rows. The grammar of both lists was held when they were seen.
func (p *jsonParser) positional(root *node) int {
	if p.rowsAt == 0 {
		return 0 // the caller says what is missing
	}
	columns, ok := p.columnsNamed(root)
	if !ok {
		return -1
	}
	i := p.blanks(p.rowsAt + 1)
	for p.at(i) != ']' {
		if i = p.row(i, root, columns); i < 0 {
			return -1
		}
		if i = p.blanks(i); p.at(i) == ',' {
			i = p.blanks(i + 1)
		}
	}
	return i
}

// A tableColumn is a column of the table: a field of the tree, or one that none wants.
type tableColumn struct {
	field *treeField
	name  []byte // without quotes
}

func (p *jsonParser) columnsNamed(root *node) (columns []tableColumn, ok bool) {
	var list []struct{ Name string }
	if p.columnsAt > 0 {
		if end := p.skip(p.columnsAt, 0); json.Unmarshal(p.b[p.columnsAt:end], &list) != nil {
			p.fail(p.columnsAt, "columns with names")
			return nil, false
		}
	}
	seen := map[string]bool{}
	for _, c := range list {
		if c.Name == "" || seen[c.Name] {
			p.fail(p.columnsAt, "columns with names that differ")
			return nil, false
		}
		seen[c.Name] = true
		column := tableColumn{name: []byte(c.Name)}
		if k, known := root.index[c.Name]; known {
			column.field = &root.fields[k]
		}
		columns = append(columns, column)
	}
	return columns, true
}

// row reads one row. One with more or fewer values than there are columns is damage:
// there is no telling which value is missing.
func (p *jsonParser) row(start int, root *node, columns []tableColumn) int {
	if p.at(start) != '[' {
		return p.fail(start, "a row")
	}
	i, k := p.blanks(start+1), 0
	for ; p.at(i) != ']' && k < len(columns); k++ {
		if i = p.cell(i, root, columns[k]); i < 0 {
			return -1
		}
		if i = p.blanks(i); p.at(i) == ',' {
			i = p.blanks(i + 1)
		}
	}
	if k < len(columns) || p.at(i) != ']' {
		return p.fail(i, "as many values as there are columns")
	}
	p.end(start, i+1)
	return i + 1
}

func (p *jsonParser) cell(i int, root *node, c tableColumn) int {
	if c.field != nil {
		return p.field(i, root, c.field)
	}
	end := p.skip(i, 0)
	if end >= 0 {
		p.keep(p.batch.key(root.extra, c.name), i, end)
	}
	return end
}
