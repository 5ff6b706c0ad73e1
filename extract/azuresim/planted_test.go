package azuresim

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sumRows adds up costs of actual cost, each rounded at the 18th digit, of the rows that want tells.
func sumRows(t *testing.T, e *Enterprise, a *account, want func(*row) bool) *big.Rat {
	t.Helper()
	sum := new(big.Rat)
	each(e, a, actual, func(r *row) {
		if want(r) {
			sum.Add(sum, ratio(t, r.cost.rounded().String()))
		}
	})
	return sum
}

func TestTheMissingDayIsBilledAndAddedUp(t *testing.T) {
	e := small(t, 5)
	missing := e.Truth().Faults.MissingDay
	month := e.plan.missingMonth
	rows := sumRows(t, e, e.ea, func(r *row) bool { return r.month == month })
	billed := new(big.Rat)
	for _, v := range e.invoices(e.ea) {
		if v.month.index == month {
			billed = ratio(t, v.billed.String())
		}
	}
	wantSame(t, "billed less rows", billed.Sub(billed, rows), ratio(t, missing.Cost))
	parts := new(big.Rat).Add(ratio(t, missing.Eligible), ratio(t, missing.Separate))
	wantSame(t, "its parts", parts.Add(parts, ratio(t, missing.Marketplace)), ratio(t, missing.Cost))

	whole := New(Config{Seed: 7, Months: 5, Rows: 600, Complete: true})
	sums := [2]*big.Rat{new(big.Rat), new(big.Rat)}
	for ds := range sums {
		each(whole, whole.ea, dataset(ds), func(r *row) {
			if isoDay(r.day) == missing.Day {
				sums[ds].Add(sums[ds], ratio(t, r.cost.rounded().String()))
			}
		})
	}
	wantSame(t, "the day in a complete enterprise", sums[actual], ratio(t, missing.Cost))
	wantSame(t, "its amortized cost", sums[amortized], ratio(t, missing.Amortized))
	if whole.Truth().Faults.MissingDay != nil {
		t.Error("a complete enterprise has a missing day")
	}
}

func TestTheQueryKnowsTheMissingDay(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 3, Rows: 600})
	missing := e.Truth().Faults.MissingDay
	body := fmt.Sprintf(`{"type":"ActualCost","timeframe":"Custom","timePeriod":{"from":"%[1]sT00:00:00Z","to":"%[1]sT00:00:00Z"},
		"dataset":{"granularity":"Daily","aggregation":{"totalCost":{"name":"Cost","function":"Sum"}}}}`, missing.Day)
	_, _, answer := post(t, s, EnrollmentPath+"/providers/Microsoft.CostManagement/query?api-version=2023-03-01", body)
	table := answer["properties"].(map[string]any)["rows"].([]any)
	if len(table) != 1 {
		t.Fatalf("the query answers %v", table)
	}
	got := ratio(t, fmt.Sprint(table[0].([]any)[0]))
	off := got.Sub(got, ratio(t, missing.Cost))
	if off.Abs(off).Cmp(big.NewRat(1, 1e8)) > 0 {
		t.Errorf("the query is off the missing day by %s", off.FloatString(12))
	}
}

func TestABalancedEnterpriseHasNoUnbalancedPeriod(t *testing.T) {
	e := New(Config{Seed: 7, Months: 4, Rows: 600, Balanced: true})
	f := e.Truth().Faults
	if f.UnbalancedPeriod != nil || f.Spike == nil || f.MissingDay == nil || f.OverbilledMeter.Rows == 0 {
		t.Errorf("faults: %+v", f)
	}
	for _, b := range e.Truth().Balances {
		usage, want := ratio(t, b.TotalUsage), ratio(t, b.RowsUsage)
		want.Add(want, ratio(t, b.RowsApart))
		if b.Period == f.MissingDay.Period {
			want.Add(want, ratio(t, f.MissingDay.Eligible))
			want.Add(want, ratio(t, f.MissingDay.Separate))
		}
		if b.Closed && usage.Cmp(want) != 0 {
			t.Errorf("%s: total usage %s, used %s", b.Period, b.TotalUsage, want.FloatString(18))
		}
	}
}

// The planted amounts, added up from what rows say.
func TestPlantedAmountsAreInTheRows(t *testing.T) {
	e := small(t, 5)
	f := e.Truth().Faults
	short, over, exchange := new(big.Rat), new(big.Rat), new(big.Rat)
	each(e, e.ea, actual, func(r *row) {
		product := new(big.Rat).Mul(ratOf(t, r.q), ratio(t, r.eff.String()))
		short.Add(short, product.Sub(ratio(t, r.cost.String()), product))
	})
	each(e, e.mca, actual, func(r *row) {
		if r.metered() && r.line >= 0 && r.c == nil && r.unit != r.meter.usd[r.month] {
			if r.meter.id != f.OverbilledDigital.MeterID || r.period().iso() != f.OverbilledDigital.Period {
				t.Errorf("%s in %s is not at the sheet's price", r.meter.title, r.period().name)
			}
			sheet := new(big.Rat).Mul(ratOf(t, r.q), ratOf(t, r.meter.usd[r.month]))
			over.Add(over, sheet.Sub(ratio(t, r.cost.String()), sheet))
		}
		if r.rate != r.profile.rate(r.billed) {
			if r.invoice != f.ExchangeRate.Invoice || r.rate.String() != f.ExchangeRate.Used {
				t.Errorf("a row of %s is converted at %s", r.invoice, r.rate)
			}
			right := r.pricing.times(r.profile.rate(r.billed)).rounded()
			exchange.Add(exchange, ratio(t, r.cost.rounded().sub(right).String()))
		}
	})
	wantSame(t, "short quantity", short, ratio(t, f.ShortQuantity.Amount))
	wantSame(t, "over-billed by the customer agreement", over, ratio(t, f.OverbilledDigital.Overcharge))
	wantSame(t, "exchange rate", exchange, ratio(t, f.ExchangeRate.Amount))
}

func TestLateChargesRefundsAndMovesAreListed(t *testing.T) {
	e := New(Config{Seed: 7, Months: 5, Rows: 3000})
	truth := e.Truth()
	late, listed, refunds, given := new(big.Rat), new(big.Rat), new(big.Rat), new(big.Rat)
	for _, a := range e.accounts() {
		late.Add(late, sumRows(t, e, a, func(r *row) bool { return r.billed != r.month || r.day < r.period().start }))
		refunds.Add(refunds, sumRows(t, e, a, func(r *row) bool { return r.charge == "Refund" }))
	}
	for _, l := range truth.LateCharges {
		listed.Add(listed, ratio(t, l.Cost))
		if l.Used >= l.Billed || l.Account == "ea" && l.Stands != l.Billed || l.Account == "mca" && l.Stands != l.Used {
			t.Errorf("late charge %+v", l)
		}
	}
	if n := len(truth.Timings); n != 1 {
		t.Fatalf("purchase timings: %+v", truth.Timings)
	}
	timing := truth.Timings[0]
	listed.Add(listed, ratio(t, timing.Cost))
	wantSame(t, "the invoice of a purchase of the month before", sumRows(t, e, e.mca, func(r *row) bool {
		return r.invoice == timing.Invoice && isoDay(r.day) == timing.Day && timing.Day < timing.Billed
	}), ratio(t, timing.Cost))
	for _, r := range truth.Refunds {
		given.Add(given, ratio(t, r.Amount))
	}
	wantSame(t, "late charges of both, and the purchase", late, listed)
	wantSame(t, "refunds", refunds, given)
	if len(truth.Refunds) != 2 || truth.Refunds[1].Previous == "" || truth.Refunds[0].Kind != "Reservation" {
		t.Errorf("refunds: %+v", truth.Refunds)
	}
	if len(truth.Allocations) != 5 {
		t.Fatalf("allocations: %+v", truth.Allocations)
	}
	for _, a := range truth.Allocations {
		sum := ratio(t, a.Moved)
		for _, to := range a.Targets {
			sum.Add(sum, ratio(t, to.Cost))
		}
		if sum.Sign() != 0 || len(a.Targets) != 3 || strings.HasPrefix(a.Targets[0].Cost, "-") || a.Moved == "0" {
			t.Errorf("%s: %+v", a.Period, a)
		}
	}
	shared := sumRows(t, e, e.ea, func(r *row) bool { return r.tags == &sharedTags && r.sub == e.ea.hub })
	if shared.Cmp(big.NewRat(100, 1)) < 0 {
		t.Errorf("shared resources cost %s", shared.FloatString(2))
	}
	untagged := 0
	for _, g := range truth.Groups {
		untagged += len(g.Untagged)
	}
	if untagged == 0 {
		t.Error("no untagged resource stands in a group with an owner")
	}
}

func TestARebilledMonthHasThreeDocuments(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 4, Rows: 600})
	truth := e.Truth()
	if len(truth.Rebills) != 1 {
		t.Fatalf("rebills: %+v", truth.Rebills)
	}
	rebill := truth.Rebills[0]
	list, _ := walk(t, s, CustomerPath+"/invoices?api-version=2024-04-01")
	byName := map[string]map[string]any{}
	for _, v := range list {
		byName[fmt.Sprint(v["name"])] = v
	}
	wrong, note, right := byName[rebill.Original], byName[rebill.CreditNote], byName[rebill.Invoice]
	tail := func(id any) string { return filepath.Base(fmt.Sprint(id)) }
	again, _ := property(right, "rebillDetails").(map[string]any)
	if property(wrong, "status") != "Void" || tail(property(wrong, "billedDocumentId")) != rebill.Invoice ||
		property(note, "documentType") != "CreditNote" || tail(property(note, "creditForDocumentId")) != rebill.Original ||
		tail(again["invoiceDocumentId"]) != rebill.Original || tail(again["creditNoteDocumentId"]) != rebill.CreditNote {
		t.Errorf("the documents are not linked: %v %v %v", wrong, note, right)
	}
	for _, name := range []string{"billedAmount", "taxAmount", "totalAmount"} {
		if sum := new(big.Rat).Add(numberOf(t, wrong, name), numberOf(t, note, name)); sum.Sign() != 0 {
			t.Errorf("%s: the credit note does not take back the invoice: %s", name, sum.FloatString(2))
		}
	}
	over := new(big.Rat).Sub(numberOf(t, wrong, "billedAmount"), numberOf(t, right, "billedAmount"))
	wantSame(t, "billed too much", over, ratio(t, rebill.Overcharge))
	rows := sumRows(t, e, e.mca, func(r *row) bool { return r.invoice == rebill.Invoice })
	wantSame(t, "rows of the new invoice", rows, ratio(t, rebill.Billed))
	for _, v := range []map[string]any{wrong, note, right} {
		lines, _ := walk(t, s, CustomerPath+"/invoices/"+fmt.Sprint(v["name"])+"/transactions?api-version=2024-04-01")
		wantSame(t, fmt.Sprint(v["name"]), sumOf(t, lines, "transactionAmount"), numberOf(t, v, "totalAmount"))
	}
	if rows := sumRows(t, e, e.mca, func(r *row) bool { return r.invoice == rebill.Original }); rows.Sign() != 0 {
		t.Errorf("rows name the void invoice: %s", rows.FloatString(2))
	}
}

// spelled are the rows of a month as its file has them.
func rowLines(e *Enterprise, a *account, ds dataset, month int) []string {
	w, lines := &writer{}, []string{}
	c := e.cursor(selection{a: a, ds: ds, first: month, last: month}, position{})
	for r := (row{}); c.next(&r); {
		w.buf = w.buf[:0]
		w.appendCSV(&r, a.fileColumns())
		lines = append(lines, string(w.buf))
	}
	return lines
}

func TestAMonthIsRestated(t *testing.T) {
	config := Config{Seed: 7, Months: 4, Rows: 600}
	before := New(config)
	config.Restated = []Restatement{{Month: "2026-09"}}
	after := New(config)
	truth := after.Truth()
	if diff := cmp.Diff(before.Truth().Balances, truth.Balances, cmp.FilterPath(func(p cmp.Path) bool { return strings.HasPrefix(p.Last().String(), ".Rows") }, cmp.Ignore())); diff != "" {
		t.Errorf("balances do not stand as they were issued: %s", diff)
	}
	if len(truth.Restatements) != 2 || len(before.Truth().Restatements) != 0 {
		t.Fatalf("restatements: %+v", truth.Restatements)
	}
	for i, a := range before.accounts() {
		b, told := after.accounts()[i], truth.Restatements[i]
		for _, m := range before.months {
			was, is := rowLines(before, a, amortized, m.index), rowLines(after, b, amortized, m.index)
			if m.iso() != "2026-09" && !slices.Equal(was, is) {
				t.Errorf("%s %s changed", a.key, m.iso())
			}
			if m.iso() == "2026-09" && (len(was) != len(is)+1 || len(told.Changes) != 6) {
				t.Errorf("%s: %d rows became %d, changes %+v", a.key, len(was), len(is), told.Changes)
			}
		}
		all := func(*row) bool { return true }
		delta := new(big.Rat).Sub(sumRows(t, after, b, all), sumRows(t, before, a, all))
		wantSame(t, a.key+" delta", delta, ratio(t, told.Delta))
		if told.TaggedRows == 0 || told.TaggedActual == "0" {
			t.Errorf("%s: no tag was restated", a.key)
		}
	}
}

func TestARestatedMonthIsExportedAnew(t *testing.T) {
	dir := t.TempDir()
	for _, restated := range [][]Restatement{nil, {{Month: "2026-10", Account: "ea"}}} {
		e := New(Config{Seed: 7, Months: 2, Rows: 500, Restated: restated})
		if err := e.WriteExports(context.Background(), dir, ExportOptions{Account: "ea", Datasets: []string{"actual"}}); err != nil {
			t.Fatal(err)
		}
	}
	months := map[string][]string{}
	for path, m := range manifests(t, dir, "manifest.json") {
		month := filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(path))))
		months[month] = append(months[month], m.RunInfo.SubmittedTime)
	}
	october := months["20261001-20261031"]
	slices.Sort(october)
	if want := []string{"2026-11-05T06:10:00.0000000Z", "2026-11-22T18:10:00.0000000Z"}; !slices.Equal(october, want) || len(months["20261101-20261130"]) != 1 {
		text, _ := json.Marshal(months)
		t.Errorf("runs: %s", text)
	}
}
