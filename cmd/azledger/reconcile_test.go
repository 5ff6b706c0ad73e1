package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/azledger/azledger/sql"
	"github.com/azledger/azledger/transform"
)

// madeUp is an invoice_reconciliation of a few invoices: account, invoice, month, currency, status,
// total, remaining, tolerance; then its components: name, amount, invoiced, calculated, related, detail.
const madeUp = `
contoso|E-202609|2026-09|EUR|Unexplained|334.93|123.45|0.05
+Usage|211.00||211.00||
+Rounding|0.48||0.48||
+Unexplained|123.45||||The invoice bills 123.45 EUR that no record explains.
contoso|E-202610|2026-10|EUR|Explained|90.00|0.00|0.05
+Usage|100.00||100.00||
+LateCharge|-25.00||-25.00|E-202611|Usage of 2026-10 that E-202611 bills.
+PurchaseTiming|15.00||15.00||Bought on 2026-09-30, billed here.
digital|G1|2026-10|EUR|Unexplained|10.00|-0.30|0.20
+Usage|10.30||10.30||
+Unexplained|-0.30||||Less is billed than the records add up to.
digital|G2|2026-10|GBP|Matched|50.00|0.00|0.02
+Usage|40.00||40.00||
+Tax|10.00|10.00|||
digital|P3|2026-11|GBP|Estimated|7.00|0.001|0.02
+Usage|6.999||6.999||
+Unexplained|0.001||||The period can still change.`

// madeUpTable builds the table as transform builds any, and returns its files.
func madeUpTable(t *testing.T, text string) map[string][]string {
	t.Helper()
	dialect, err := sql.FS.ReadFile("dialect/duckdb.sql")
	if err != nil {
		t.Fatal(err)
	}
	models := fstest.MapFS{
		"dialect/duckdb.sql":                    {Data: dialect},
		"marts/" + reconciliationTable + ".sql": {Data: []byte(madeUpModel + madeUpValues(text))},
	}
	c := config{Lake: t.TempDir()}
	if _, err := transform.Run(t.Context(), transform.Options{Lake: c.Lake, Models: models}); err != nil {
		t.Fatal(err)
	}
	files, err := c.finished(reconciliationTable)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	return map[string][]string{reconciliationTable: files}
}

const madeUpModel = `-- invoice_reconciliation is made up.
--
-- reads: raw_unit
-- grain: Account, InvoiceId, BillingCurrency, Component, RelatedInvoiceId
--
-- column Account             varchar          a
-- column InvoiceId           varchar          a
-- column BillingCurrency     varchar          a
-- column Component           varchar          a
-- column RelatedInvoiceId    varchar          a
-- column ComponentOrder      bigint           a
-- column IsCounted           boolean          a
-- column InvoicePeriodStart  date             a
-- column InvoicedAmount      decimal(38, 18)  a
-- column CalculatedAmount    decimal(38, 18)  a
-- column Difference          decimal(38, 18)  a
-- column Amount              decimal(38, 18)  a
-- column TotalAmount         decimal(38, 18)  a
-- column RemainingAmount     decimal(38, 18)  a
-- column Tolerance           decimal(38, 18)  a
-- column Status              varchar          a
-- column Detail              varchar          a
--
`

func madeUpValues(text string) string {
	var selects []string
	var invoice []string
	order := 0
	amount := func(s string) string {
		if s == "" {
			s = "null"
		}
		return "cast(" + s + " as decimal(38, 18))"
	}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		part, isComponent := strings.CutPrefix(line, "+")
		if !isComponent {
			invoice, order = strings.Split(line, "|"), 0
			continue
		}
		p := strings.Split(part, "|")
		order++
		selects = append(selects, fmt.Sprintf("select '%s' as Account, '%s' as InvoiceId, '%s' as BillingCurrency, '%s' as Component, '%s' as RelatedInvoiceId,"+
			" cast(%d as bigint) as ComponentOrder, true as IsCounted, date '%s-01' as InvoicePeriodStart, %s as InvoicedAmount, %s as CalculatedAmount,"+
			" cast(null as decimal(38, 18)) as Difference, %s as Amount, %s as TotalAmount, %s as RemainingAmount, %s as Tolerance, '%s' as Status, '%s' as Detail",
			invoice[0], invoice[1], invoice[3], p[0], p[4], order, invoice[2], amount(p[2]), amount(p[3]), amount(p[1]),
			amount(invoice[5]), amount(invoice[6]), amount(invoice[7]), invoice[4], p[5]))
	}
	return strings.Join(selects, "\nunion all ")
}

// reconcileMadeUp prints what of the made-up table is asked for.
func reconcileMadeUp(t *testing.T, format string, span months, f reconcileFlags) (string, error) {
	t.Helper()
	limit, err := parseLimit(f.fail)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	a := &app{out: &out, format: format}
	err = a.reconcileTables(context.Background(), &config{}, madeUpTable(t, madeUp), span, f, limit)
	return out.String(), err
}

func TestReconcilePrintsWorstFirst(t *testing.T) {
	got, err := reconcileMadeUp(t, "table", months{}, reconcileFlags{})
	if err != nil {
		t.Fatal(err)
	}
	if got != wantReconciled {
		t.Errorf("prints\n%s\nwant\n%s", got, wantReconciled)
	}
}

const wantReconciled = `period   account  invoice   currency  status       invoiced  calculated  difference  where it lies
--------------------------------------------------------------------------------------------------------------------------------
2026-09  contoso  E-202609  EUR       Unexplained    334.93      211.48      123.45  Unexplained 123.45
2026-10  digital  G1        EUR       Unexplained     10.00       10.30       -0.30  Unexplained -0.30
2026-10  contoso  E-202610  EUR       Explained       90.00      100.00      -10.00  Late charge -25.00, Purchase timing 15.00
2026-10  digital  G2        GBP       Matched         50.00       50.00        0.00
2026-11  digital  P3        GBP       Estimated           -        7.00        0.00

contoso, invoice E-202609, 2026-09, EUR: Unexplained, 123.45 EUR remain (tolerance 0.05)

component    invoiced  calculated  difference  amount  invoice  in words
-----------------------------------------------------------------------------------------------------------------------
Usage               -      211.00           -  211.00
Rounding            -        0.48           -    0.48
Unexplained         -           -           -  123.45           The invoice bills 123.45 EUR that no record explains.
the invoice                                    334.93

digital, invoice G1, 2026-10, EUR: Unexplained, -0.30 EUR remain (tolerance 0.20)

component    invoiced  calculated  difference  amount  invoice  in words
------------------------------------------------------------------------------------------------------------
Usage               -       10.30           -   10.30
Unexplained         -           -           -   -0.30           Less is billed than the records add up to.
the invoice                                     10.00

contoso, invoice E-202610, 2026-10, EUR: Explained

component        invoiced  calculated  difference  amount  invoice   in words
------------------------------------------------------------------------------------------------------------
Usage                   -      100.00           -  100.00
Late charge             -      -25.00           -  -25.00  E-202611  Usage of 2026-10 that E-202611 bills.
Purchase timing         -       15.00           -   15.00            Bought on 2026-09-30, billed here.
the invoice                                         90.00

digital, invoice P3, 2026-11, GBP: Estimated

component    invoiced  calculated  difference  amount  invoice  in words
----------------------------------------------------------------------------------------------
Usage               -        7.00           -    7.00
Unexplained         -           -           -    0.00           The period can still change.
so far                                           7.00

currency  status       invoices  invoiced  calculated  difference  remains
----------------------------------------------------------------------------
EUR       Unexplained         2    344.93      221.78      123.15   123.15
EUR       Explained           1     90.00      100.00      -10.00     0.00
GBP       Matched             1     50.00       50.00        0.00     0.00
GBP       Estimated           1         -        7.00        0.00     0.00
`

func TestReconcileForPrograms(t *testing.T) {
	got, err := reconcileMadeUp(t, "csv", months{"2026-10", "2026-10"}, reconcileFlags{accounts: []string{"digital"}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("%d lines, want a header and the components of two invoices: %v\n%s", len(rows), err, got)
	}
	if rows[0][0] != "Account" || rows[1][1] != "G1" || rows[4][1] != "G2" {
		t.Errorf("want the table's columns, and G1 before G2:\n%s", got)
	}
}

// One invoice is printed whole, also where it matches.
func TestReconcileOneInvoice(t *testing.T) {
	got, err := reconcileMadeUp(t, "table", months{}, reconcileFlags{invoice: "g2"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "G1") || !strings.Contains(got, "Tax") {
		t.Errorf("want G2 alone, with its components:\n%s", got)
	}
}

func TestFailOnUnexplained(t *testing.T) {
	for _, c := range []struct {
		amount string
		span   months
		want   string // the invoices named
	}{
		{"", months{}, ""},
		{"0", months{}, "E-202609 G1"},
		{"0.29", months{}, "E-202609 G1"},
		{"0.30", months{}, "E-202609"},
		{"123.45", months{}, ""},
		{"0", months{"2026-10", "2026-10"}, "G1"},
	} {
		_, err := reconcileMadeUp(t, "json", c.span, reconcileFlags{fail: c.amount})
		var found unexplainedError
		errors.As(err, &found)
		var ids []string
		for _, line := range found.invoices {
			ids = append(ids, strings.TrimSuffix(strings.Fields(line)[1], ":"))
		}
		if got := strings.Join(ids, " "); got != c.want || err != nil && exitCode(t.Context(), err) != exitUnexplained {
			t.Errorf("--fail-on-unexplained %s of %s: %q, %v; want %q", c.amount, c.span, got, err, c.want)
		}
	}
}

// An invoice that costs too much is named with what is wrong with it.
func TestFailOnUnexplainedSaysWhy(t *testing.T) {
	_, err := reconcileMadeUp(t, "json", months{}, reconcileFlags{fail: "100"})
	if want := "1 invoice not explained by the charges:\n  contoso E-202609: 123.45 of 334.93 EUR. The invoice bills 123.45 EUR that no record explains."; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestReconcileSaysWhatThereIs(t *testing.T) {
	for want, f := range map[string]reconcileFlags{
		"there are those of contoso, digital":                   {accounts: []string{"contos"}},
		"there are E-202609, E-202610, G1, G2, P3":              {invoice: "G9"},
		"--fail-on-unexplained -1: want an amount of 0 or more": {fail: "-1"},
		"--fail-on-unexplained ten: want":                       {fail: "ten"},
	} {
		out, err := reconcileMadeUp(t, "table", months{}, f)
		if err == nil || !strings.Contains(err.Error(), want) || exitCode(t.Context(), err) != exitUsage || out != "" {
			t.Errorf("%+v: %v, want %q, exit code 2 and nothing printed", f, err, want)
		}
	}
	_, err := reconcileMadeUp(t, "table", months{"2026-05", "2026-06"}, reconcileFlags{})
	if err == nil || err.Error() != "period 2026-05..2026-06: there are no invoices of it; there are those of 2026-09, 2026-10, 2026-11" {
		t.Errorf("a period without invoices: %v", err)
	}
}
