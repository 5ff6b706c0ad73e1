package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/azledger/azledger/load"
	"github.com/azledger/azledger/transform"
)

// freeze writes the folder of the month beside its place and gives it its name when it is whole and on the disk.
func (c *closing) freeze(ctx context.Context) (closedMonth, error) {
	root := filepath.Join(c.cfg.Lake, closedFolder)
	beside := filepath.Join(root, "."+c.month+".new") // what a dead process left is cleared here
	if err := os.RemoveAll(beside); err != nil {
		return closedMonth{}, err
	}
	if err := os.MkdirAll(beside, 0o755); err != nil {
		return closedMonth{}, err
	}
	r, err := c.record(ctx, beside)
	if err != nil {
		return closedMonth{}, errors.Join(err, os.RemoveAll(beside))
	}
	text := indented(r)
	s, err := c.cfg.sign(text)
	if err != nil {
		return closedMonth{}, err
	}
	for name, text := range map[string][]byte{recordFile: text, signatureFile: indented(s)} {
		if err := replaceFile(filepath.Join(beside, name), text); err != nil {
			return closedMonth{}, err
		}
	}
	if err := syncTree(beside); err != nil {
		return closedMonth{}, err
	}
	if err := os.Rename(beside, filepath.Join(root, c.month)); err != nil {
		return closedMonth{}, err
	}
	m := closedMonth{record: r, folder: filepath.Join(root, c.month), sha256: s.SHA256, signed: s.Algorithm != ""}
	return m, syncFolder(root)
}

// record collects all that the month is made of.
func (c *closing) record(ctx context.Context, folder string) (r record, err error) {
	r = record{
		Format: 1, Period: c.month, ClosedAt: c.now().UTC().Truncate(time.Second), By: c.by, Note: c.note, Accepted: c.accept,
		AsOf: c.set.AsOf, Version: version, Models: map[string]string{},
	}
	if n := len(c.months); n > 0 {
		r.Previous = &link{c.months[n-1].Period, c.months[n-1].sha256}
	}
	if r.Rules, r.RuleDigest, err = c.keepRules(folder); err != nil {
		return r, err
	}
	if r.Inputs, err = c.cfg.rawUnits(c.month); err != nil {
		return r, err
	}
	if r.Tables, err = c.keepTables(ctx, folder, r.Models); err != nil {
		return r, err
	}
	r.Reconciliation, err = c.invoices(ctx, folder, r.Tables)
	return r, err
}

// keepRules keeps the files of rules; [rules.Open] reads them again.
func (c *closing) keepRules(folder string) (kept []recordFileEntry, digest string, err error) {
	set, err := c.cfg.rules()
	if err != nil {
		return nil, "", err
	}
	files := set.Texts()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		if err := replaceFile(filepath.Join(folder, "rules", name), text); err != nil {
			return nil, "", err
		}
		kept = append(kept, recordFileEntry{Path: path.Join("rules", name), Bytes: int64(len(text)), SHA256: hashText(text)})
	}
	return kept, set.Digest(), nil
}

// keepTables keeps the month's part of every published table: the file as it is published, of a table that is kept by
// month; else the rows whose billing or invoice period begins in the month.
func (c *closing) keepTables(ctx context.Context, folder string, digests map[string]string) (kept []recordTable, err error) {
	models, err := models()
	if err != nil {
		return nil, err
	}
	for _, t := range c.set.Tables {
		m := modelNamed(models, t.Name)
		if m == nil {
			continue // of another version; OutOfDate would have said so if it mattered
		}
		var found recordTable
		if t.Period != "" {
			i := slices.IndexFunc(t.Files, func(f load.File) bool { return f.Period == c.month })
			if i < 0 {
				continue
			}
			found, err = c.keepWhole(ctx, folder, t.Name, t.Files[i])
		} else if column := monthColumn(m); column != "" && len(t.Files) > 0 {
			found, err = c.keepRows(ctx, folder, m, column)
		} else {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
		found.Amounts = amountColumns(t.Columns)
		kept, digests[t.Name] = append(kept, found), m.Digest()
	}
	sums, err := c.cfg.sums(ctx, folder, kept)
	for i, t := range kept {
		kept[i].Sums = sums[t.Name]
	}
	return kept, err
}

// monthColumn is the column that says which month a row of a table without periods belongs to, if there is one.
func monthColumn(m *transform.Model) string {
	for _, name := range []string{"BillingPeriodStart", "InvoicePeriodStart"} {
		if slices.ContainsFunc(m.Columns, func(c transform.Column) bool { return c.Name == name && c.Type != "varchar" }) {
			return name
		}
	}
	return ""
}

// keepWhole keeps a file as it is.
func (c *closing) keepWhole(ctx context.Context, folder, table string, f load.File) (recordTable, error) {
	from := filepath.Join(c.cfg.tables(), filepath.FromSlash(f.Path))
	name := path.Join("tables", table, f.SHA256[:16]+".parquet")
	to := filepath.Join(folder, filepath.FromSlash(name))
	if fetch := c.fetch(); fetch != nil {
		if err := fetch(ctx, []string{from}); err != nil {
			return recordTable{}, err
		}
	}
	local, err := load.HashFile(ctx, from)
	if err != nil {
		return recordTable{}, err
	}
	if local.SHA256 != f.SHA256 {
		return recordTable{}, fmt.Errorf("%s: damaged: its sha256 is %.16s instead of %.16s: delete it and run azledger transform", from, local.SHA256, f.SHA256)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return recordTable{}, err
	}
	return recordTable{Name: table, Whole: true, Files: []recordFileEntry{{name, f.Rows, f.Bytes, f.SHA256}}}, linkFile(from, to)
}

// keepRows writes the month's rows of a table of one piece.
func (c *closing) keepRows(ctx context.Context, folder string, m *transform.Model, column string) (recordTable, error) {
	views, err := c.finishedViews(ctx, m.Name)
	if err != nil {
		return recordTable{}, err
	}
	beside := filepath.Join(folder, "tables", m.Name, "rows.parquet")
	if err := os.MkdirAll(filepath.Dir(beside), 0o755); err != nil {
		return recordTable{}, err
	}
	// Names of a model's columns, and a month that was checked: nothing of the user's is in this question.
	question := fmt.Sprintf("select * from %s where strftime(%s, '%%Y-%%m') = '%s' order by %s", m.Name, column, c.month, strings.Join(m.Grain, ", "))
	o, err := c.cfg.queryOptions(views)
	if err != nil {
		return recordTable{}, err
	}
	rows, err := transform.SaveRows(ctx, o, question, beside)
	if err != nil {
		return recordTable{}, err
	}
	local, err := load.HashFile(ctx, beside)
	if err != nil {
		return recordTable{}, err
	}
	name := path.Join("tables", m.Name, local.SHA256[:16]+".parquet")
	return recordTable{Name: m.Name, Files: []recordFileEntry{{name, rows, local.Size, local.SHA256}}},
		os.Rename(beside, filepath.Join(folder, filepath.FromSlash(name)))
}

// amountColumns are the columns of a table that are added up: all exact numbers, where the table has currencies.
func amountColumns(columns []transform.Column) []string {
	if !slices.ContainsFunc(columns, func(c transform.Column) bool { return c.Name == "BillingCurrency" }) {
		return nil
	}
	names := []string{}
	for _, c := range columns {
		if c.Type == "decimal(38, 18)" {
			names = append(names, c.Name)
		}
	}
	return names
}

// sums adds up the amounts of kept tables, all in one question: opening a database takes longer than adding up a month.
func (c *config) sums(ctx context.Context, folder string, tables []recordTable) (map[string][]recordSum, error) {
	if len(tables) == 0 {
		return nil, nil
	}
	views, columns := map[string][]string{}, map[string][]string{}
	var parts []string
	for _, t := range tables {
		views[t.Name], columns[t.Name] = []string{filepath.Join(folder, filepath.FromSlash(t.file().Path))}, t.Amounts
		parts = append(parts, sumsOf(t))
	}
	sums := map[string][]recordSum{}
	err := c.eachRow(ctx, views, strings.Join(parts, " union all ")+" order by 1, 2", func(row []string) error {
		s := recordSum{BillingCurrency: row[1], Rows: row[2]}
		for i, value := range strings.Fields(row[3]) {
			if i == 0 {
				s.Amounts = map[string]string{}
			}
			s.Amounts[columns[row[0]][i]] = value
		}
		sums[row[0]] = append(sums[row[0]], s)
		return nil
	})
	return sums, err
}

// sumsOf asks for the table, the currency, the rows, and the sums one after the other. A table without rows has no sums.
func sumsOf(t recordTable) string {
	currency, group := "''", " having count(*) > 0"
	added := []string{"''"}
	if t.Amounts != nil {
		currency, group = "coalesce(BillingCurrency, '')", " group by 2"
	}
	for _, name := range t.Amounts {
		added = append(added, fmt.Sprintf("cast(coalesce(sum(%q), 0) as varchar)", name))
	}
	return fmt.Sprintf("select '%s', %s, cast(count(*) as varchar), concat_ws(' ', %s) from %s%s", t.Name, currency, strings.Join(added, ", "), t.Name, group)
}

// rawUnits are the raw units of a month.
func (c *config) rawUnits(month string) (units []recordUnit, err error) {
	names, err := fs.Glob(os.DirFS(c.Lake), "raw/*/scope=*/period="+month+"/*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(c.Lake, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		if !json.Valid(text) {
			return nil, fmt.Errorf("%s is damaged: extract it again", name)
		}
		units = append(units, recordUnit{Path: name, SHA256: hashText(text), Manifest: text})
	}
	return units, nil
}

const standing = `
	select distinct Account, InvoiceId, BillingCurrency, Status, coalesce(cast(TotalAmount as varchar), '')
	from invoice_reconciliation
	order by 1, 2, 3, 4, 5`

// invoices are the month's invoices as they were reconciled.
func (c *closing) invoices(ctx context.Context, folder string, tables []recordTable) (invoices []recordInvoice, err error) {
	i := slices.IndexFunc(tables, func(t recordTable) bool { return t.Name == "invoice_reconciliation" })
	if i < 0 {
		return nil, nil
	}
	views := map[string][]string{"invoice_reconciliation": {filepath.Join(folder, filepath.FromSlash(tables[i].file().Path))}}
	err = c.cfg.eachRow(ctx, views, standing, func(row []string) error {
		invoices = append(invoices, recordInvoice{row[0], row[1], row[2], row[3], row[4]})
		return nil
	})
	return invoices, err
}
