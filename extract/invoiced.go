package extract

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Azure closes a month some days after its end, and then leaves it alone; mostly. When a
// bill is corrected later, its invoice is voided, credited or replaced, and the charges
// under it may change as well. So the invoices of a month, as they were when the month's
// charges were fetched, are noted in the charges' manifest, and a closed month is
// fetched again when its invoices are no longer those.
//
// What a customer agreement is charged late stands in the month of its day and is billed
// with the next month: until that month's invoice is there, these charges name none. So
// the name of the next monthly invoice counts as well.
//
// Payments do not count: only ids and amounts that say what is billed.
var invoicedColumns = []string{
	"name", "invoicePeriodStartDate", "billedAmount_value", "creditAmount_value", "azurePrepaymentApplied_value",
	"subTotal_value", "taxAmount_value", "totalAmount_value", "billedAmount_currency", "billedDocumentId", "creditForDocumentId",
}

const noInvoice = "none"

// billsLate and a month is the key of the invoices that bill what the month was charged late.
const billsLate = "late "

// invoiced identifies the invoices that the lake has of a task's month; "" for sources
// whose records no invoice bills.
func (r *run) invoiced(t task) string {
	if t.source == nil || !t.source.billed || t.Period == allPeriods {
		return ""
	}
	return r.invoicesOf(t.Unit)
}

// reinvoiced tells whether the month's invoices have changed since the unit was fetched.
func (r *run) reinvoiced(u Unit, before *manifest) bool {
	now := ""
	if before.Invoiced != "" {
		now = r.invoicesOf(u)
	}
	return now != "" && now != before.Invoiced
}

// invoicesOf hashes the invoices of the unit's account and month. "" means that the lake
// cannot tell.
func (r *run) invoicesOf(u Unit) string {
	manifests, err := filepath.Glob(filepath.Join(r.lake.dir, "raw", "invoices", "scope=*", "period=*", "*.json"))
	if err != nil {
		return ""
	}
	var lines []string
	for _, path := range manifests {
		m, err := readManifest(path)
		if err != nil || m.Account != u.Account {
			continue
		}
		for _, f := range m.Files {
			months, err := r.invoiceMonths(filepath.Join(filepath.Dir(path), f.Path))
			if err != nil {
				return ""
			}
			lines = append(lines, months[u.Period]...)
			if strings.Contains(billingAccountOf(u.Scope), ":") {
				lines = append(lines, months[billsLate+u.Period]...)
			}
		}
	}
	if len(lines) == 0 {
		return noInvoice
	}
	slices.Sort(lines)
	return hashOf([]byte(strings.Join(lines, "\n")))[:16]
}

// invoiceMonths reads a raw file of invoices, once in a run: its name says its content.
func (r *run) invoiceMonths(path string) (map[string][]string, error) {
	r.invoices.Lock()
	defer r.invoices.Unlock()
	if months, ok := r.invoices.files[path]; ok {
		return months, nil
	}
	months, err := readInvoiceMonths(path)
	if err != nil {
		r.log.Warn("the invoices in the lake cannot be read, so closed months are not compared with them", "error", err)
		return nil, err
	}
	if r.invoices.files == nil {
		r.invoices.files = map[string]map[string][]string{}
	}
	r.invoices.files[path] = months
	return months, nil
}

// invoiceFiles are the raw files of invoices read so far, by path and month.
type invoiceFiles struct {
	sync.Mutex
	files map[string]map[string][]string
}

// readInvoiceMonths returns each invoice as a line of text, by the month of its period.
func readInvoiceMonths(path string) (months map[string][]string, err error) {
	defer recoverDamage(&err)
	file, err := openParquet(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer file.Close()
	reader, err := pqarrow.NewFileReader(file, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	table, err := reader.ReadTable(context.Background())
	if err != nil {
		return nil, err
	}
	defer table.Release()
	rows := array.NewTableReader(table, 0)
	defer rows.Release()
	months = map[string][]string{}
	for rows.Next() {
		for row := range int(rows.RecordBatch().NumRows()) {
			month, line := invoiceLine(rows.RecordBatch(), row)
			months[month] = append(months[month], line)
			if name, before := lateLine(rows.RecordBatch(), row, month); before != "" {
				months[billsLate+before] = append(months[billsLate+before], name)
			}
		}
	}
	return months, rows.Err()
}

func invoiceLine(batch arrow.RecordBatch, row int) (month, line string) {
	var cells []string
	for _, name := range invoicedColumns {
		for _, i := range batch.Schema().FieldIndices(name) {
			cells = append(cells, name+"="+batch.Column(i).ValueStr(row))
		}
	}
	for _, i := range batch.Schema().FieldIndices("invoicePeriodStartDate") {
		month = batch.Column(i).ValueStr(row)
	}
	return month[:min(len(month), len(monthLayout))], strings.Join(cells, " ")
}

// lateLine returns the name of a monthly invoice, and the month before its own; none for
// invoices of single purchases, which bill nothing late.
func lateLine(batch arrow.RecordBatch, row int, month string) (name, before string) {
	own, err := time.Parse(monthLayout, month)
	if err != nil || cellText(batch, row, "isMonthlyInvoice") != "true" {
		return "", ""
	}
	return "late " + cellText(batch, row, "name"), own.AddDate(0, -1, 0).Format(monthLayout)
}

func cellText(batch arrow.RecordBatch, row int, name string) string {
	for _, i := range batch.Schema().FieldIndices(name) {
		return batch.Column(i).ValueStr(row)
	}
	return ""
}

// billingAccountOf is the name of a scope's billing account: of a customer agreement two
// GUIDs and a day, of an enrollment a number.
func billingAccountOf(scope string) string {
	if match := billingAccountName.FindStringSubmatch(scope); match != nil {
		return match[1]
	}
	return ""
}
