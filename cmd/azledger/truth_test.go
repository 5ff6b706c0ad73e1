package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// The simulated enterprise adds up its own bill and says what is wrong with it. These
// tests run azledger over that enterprise and hold the published tables to its word:
// an answer that came from none of our code.

// enterprise is a simulated Azure and the configuration of a ledger that copies it.
type enterprise struct {
	ledger
	truth azuresim.Truth
	sim   *azuresim.Enterprise
}

var accountNames = map[string]string{"ea": "contoso", "mca": "digital"}

func newEnterprise(t *testing.T, months, rows int) enterprise {
	t.Helper()
	return enterpriseOf(t, azuresim.Config{Seed: 7, Months: months, Rows: rows})
}

func enterpriseOf(t *testing.T, c azuresim.Config) enterprise {
	t.Helper()
	c.AsOf = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	sim := azuresim.New(c)
	server, err := serve(context.Background(), sim, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.close() })
	l := newLedger(t, server.url, fmt.Sprintf("    scope: %s\n    agreement: auto\n    exports: exports\n", azuresim.EnrollmentPath))
	config := filepath.Join(l.dir, "azledger.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "name: real", "name: contoso", 1) +
		fmt.Sprintf("  - name: digital\n    scope: %s\nperiods: { history: %d }\ntags: { keys: [owner] }\n", azuresim.CustomerPath, c.Months))
	if err := os.WriteFile(config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeExports(context.Background(), sim, filepath.Join(l.dir, "exports")); err != nil {
		t.Fatal(err)
	}
	return enterprise{ledger: l, truth: truthOf(t, sim), sim: sim}
}

func truthOf(t *testing.T, sim *azuresim.Enterprise) azuresim.Truth {
	t.Helper()
	path := filepath.Join(t.TempDir(), "truth.json")
	if err := sim.WriteTruth(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var truth azuresim.Truth
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	return truth
}

// zeroless drops wanted rows whose sums are all zero: a table may leave them out.
func zeroless(rows [][]string, from int) [][]string {
	return slices.DeleteFunc(rows, func(row []string) bool {
		for _, n := range row[from:] {
			if !sameNumber(n, "0") {
				return false
			}
		}
		return true
	})
}

// adds merges rows that agree in their first key columns, adding up the others.
func adds(t *testing.T, rows [][]string, keys int) [][]string {
	t.Helper()
	sums := map[string][]*exactly{}
	for _, row := range rows {
		key := strings.Join(row[:keys], "\x00")
		if sums[key] == nil {
			sums[key] = make([]*exactly, len(row)-keys)
			for i := range sums[key] {
				sums[key][i] = &exactly{}
			}
		}
		for i, n := range row[keys:] {
			sums[key][i].add(t, n)
		}
	}
	var merged [][]string
	for key, values := range sums {
		row := strings.Split(key, "\x00")
		for _, v := range values {
			row = append(row, v.text())
		}
		merged = append(merged, row)
	}
	slices.SortFunc(merged, slices.Compare)
	return merged
}

func TestTheSimulatedEnterprise(t *testing.T) {
	t.Parallel()
	e := newEnterprise(t, 4, 3000)
	e.run(0, "run", "--as-of", "2026-11-22")
	t.Run("costs by period", e.costsByPeriod)
	t.Run("costs by subscription", e.costsBySubscription)
	t.Run("costs by day", e.costsByDay)
	t.Run("costs by service", e.costsByService)
	t.Run("invoices", e.invoices)
	t.Run("transactions", e.transactions)
	t.Run("documents", e.documents)
	t.Run("organisation", e.organisation)
	t.Run("balances", e.balances)
	t.Run("credits", e.credits)
	t.Run("commitments", e.commitments)
	t.Run("month to date", e.monthToDate)
	t.Run("unallocated", e.unallocated)
	t.Run("reconciliation", e.reconciliation)
	t.Run("prices", e.prices)
	t.Run("what is wrong", e.whatIsWrong)
}

func (e enterprise) costsByPeriod(t *testing.T) {
	var want [][]string
	for _, p := range e.truth.Periods {
		want = append(want, []string{accountNames[p.Account], p.Period, p.Currency, p.Actual.Cost, p.Amortized.Cost})
	}
	e.on(t).wantRows(`select x_Account, cast(BillingPeriodStart as varchar)[1:7], BillingCurrency, sum(BilledCost), sum(EffectiveCost)
		from cost_and_usage group by all order by all`, adds(t, want, 3)...)
}

// on reports failures to a subtest.
func (e enterprise) on(t *testing.T) ledger { return ledger{t, e.dir} }

func (e enterprise) costsBySubscription(t *testing.T) {
	var want [][]string
	for _, s := range e.truth.Subs {
		want = append(want, []string{accountNames[s.Account], s.Period, s.Subscription, s.Currency, s.Actual.Cost, s.Amortized.Cost})
	}
	e.on(t).wantRows(`select x_Account, cast(BillingPeriodStart as varchar)[1:7], coalesce(SubAccountId, ''), BillingCurrency, sum(BilledCost), sum(EffectiveCost)
		from cost_and_usage group by all having sum(BilledCost) <> 0 or sum(EffectiveCost) <> 0 order by all`, zeroless(adds(t, want, 4), 4)...)
}

func (e enterprise) costsByDay(t *testing.T) {
	var want [][]string
	for _, d := range e.truth.Days {
		want = append(want, []string{accountNames[d.Account], d.Day, d.Currency, d.Actual.Cost, d.Amortized.Cost})
	}
	e.on(t).wantRows(`select Account, ChargeDate, BillingCurrency, sum(BilledCost), sum(EffectiveCost) from cost_trend_daily
		group by all having sum(BilledCost) <> 0 or sum(EffectiveCost) <> 0 order by all`, zeroless(adds(t, want, 3), 3)...)
}

func (e enterprise) costsByService(t *testing.T) {
	var want [][]string
	for _, s := range e.truth.Services {
		want = append(want, []string{accountNames[s.Account], s.Period, s.Service, s.Currency, s.Actual.Cost, s.Amortized.Cost})
	}
	e.on(t).wantRows(`select x_Account, cast(BillingPeriodStart as varchar)[1:7], coalesce(x_SkuMeterCategory, ''), BillingCurrency, sum(BilledCost), sum(EffectiveCost)
		from cost_and_usage group by all having sum(BilledCost) <> 0 or sum(EffectiveCost) <> 0 order by all`, zeroless(adds(t, want, 4), 4)...)
}

func (e enterprise) invoices(t *testing.T) {
	var want [][]string
	for _, i := range e.truth.Invoices {
		want = append(want, []string{accountNames[i.Account], i.Name, i.Currency, i.Billed, i.Tax, i.Total, i.AmountDue})
	}
	slices.SortFunc(want, slices.Compare)
	e.on(t).wantRows(`select Account, InvoiceId, BillingCurrency, BilledAmount, TaxAmount, TotalAmount, AmountDue from invoice
		where InvoiceKind in ('Invoice', 'EnrollmentInvoice') order by 1, 2`, want...)
}

// transactions: the lines of each invoice of the customer agreement add up to it, and what is
// not invoiced yet waits in the open month.
func (e enterprise) transactions(t *testing.T) {
	l := e.on(t)
	var want [][]string
	for _, i := range e.truth.Invoices {
		if i.Account == "mca" {
			want = append(want, []string{i.Name, i.Currency, i.SubTotal, i.Tax, i.Total})
		}
	}
	slices.SortFunc(want, slices.Compare)
	l.wantRows(`select InvoiceId, BillingCurrency, sum(Subtotal), sum(TaxAmount), sum(TransactionAmount) from invoice_transaction
		where IsBilled group by all having sum(Subtotal) <> 0 order by 1`, zeroless(want, 2)...)
	l.wantRows(`select count(*) > 0, count(InvoiceId), min(cast(BillingPeriodStart as varchar)), max(cast(BillingPeriodStart as varchar)), count(distinct BillingCurrency)
		from invoice_transaction where not IsBilled`, []string{"true", "0", "2026-11-01", "2026-11-01", "2"})
}

// documents: every printed total is read and compared but for the one scanned.
func (e enterprise) documents(t *testing.T) {
	var want [][]string
	for _, i := range e.truth.Invoices {
		result := "matches"
		switch i.Printed {
		case "":
			result = "not readable"
		case i.Total:
		default:
			result = "differs"
		}
		want = append(want, []string{accountNames[i.Account], i.Name, i.Printed, i.Total, result})
	}
	slices.SortFunc(want, slices.Compare)
	e.on(t).wantRows("select Account, InvoiceId, coalesce(cast(DocumentTotal as varchar), ''), TotalAmount, Result from invoice_document order by 1, 2", want...)
	for _, row := range e.on(t).rows("select DocumentPath, SHA256 from invoice_document") {
		file, err := os.ReadFile(filepath.Join(e.dir, "lake", row[0]))
		if sum := sha256.Sum256(file); err != nil || hex.EncodeToString(sum[:]) != row[1] {
			t.Errorf("%s: %v, or another content", row[0], err)
		}
	}
}

// organisation: every subscription stands under a section or an enrollment account, and all
// the way up is an account.
func (e enterprise) organisation(t *testing.T) {
	var want [][]string
	for _, a := range e.truth.Accounts {
		for _, s := range a.Subscriptions {
			want = append(want, []string{accountNames[a.Account], s.ID, s.Name, s.Section})
		}
	}
	slices.SortFunc(want, slices.Compare)
	e.on(t).wantRows(`select s.Account, s.SubAccountId, s.Name, coalesce(d.Name, p.Name) from billing_scope s
		join billing_scope p on p.Account = s.Account and p.Kind = s.ParentKind and p.Id = s.ParentId
		left join billing_scope d on p.Kind = 'enrollment_account' and d.Account = p.Account and d.Kind = p.ParentKind and d.Id = p.ParentId
		where s.Kind = 'subscription' order by 1, 2`, want...)
	e.on(t).wantRows("select count(*) from billing_scope where ParentKind is null", []string{"2"})
}

func (e enterprise) balances(t *testing.T) {
	var want [][]string
	for _, b := range e.truth.Balances {
		want = append(want, []string{b.Period, b.Currency, b.Utilized, b.TotalUsage, b.Marketplace, b.End})
	}
	slices.SortFunc(want, slices.Compare)
	e.on(t).wantRows(`select cast(BillingPeriodStart as varchar)[1:7], BillingCurrency, Utilized, TotalUsage, MarketplaceCharges, EndingBalance from balance order by 1`, want...)
}

func (e enterprise) commitments(t *testing.T) {
	for _, c := range e.truth.Commitments {
		if c.Kind != "Reservation" {
			continue
		}
		var want [][]string
		for _, d := range c.Utilized {
			want = append(want, []string{d.Day, d.Reserved, d.Used})
		}
		slices.SortFunc(want, slices.Compare)
		e.on(t).wantRows(fmt.Sprintf(`select ChargeDate, ReservedHours, UsedHours from reservation_utilisation
			where CommitmentId = '%s' and ReservedHours is not null order by 1`, strings.ToLower(c.ID)), want...)
		if c.Account == "ea" { // the other's payments are in another currency than its prices
			e.on(t).wantRows(fmt.Sprintf(`select coalesce(sum(Amount) filter (where EventType = 'Purchase'), 0), coalesce(sum(Amount) filter (where EventType = 'Refund'), 0)
				from reservation_transaction where CommitmentOrderId = '%s'`, strings.ToLower(c.Order)), []string{c.Purchases, c.Refunds})
		}
	}
	e.on(t).wantRows("select count(*) from reservation_utilisation where not DetailsMatchSummaries", []string{"0"})
}

// monthToDate: what was used on the days of the month. Late charges of the month
// before are billed with it, but are not of its days.
func (e enterprise) monthToDate(t *testing.T) {
	var want [][]string
	for _, m := range e.truth.MonthToDate {
		if m.Subscription != "" { // the truth has a line for the whole account, and one for each subscription
			continue
		}
		want = append(want, []string{accountNames[m.Account], m.Currency, m.Actual, m.Amortized, m.AmortThen})
	}
	for _, p := range e.truth.Periods {
		if !p.Closed && p.Account == "ea" {
			want = append(want, []string{accountNames[p.Account], p.Currency, "-" + p.Actual.Late.Cost, "-" + p.Amortized.Late.Cost, "0"})
		}
	}
	e.on(t).wantRows(`select Account, BillingCurrency, sum(SpentBilled), sum(Spent), sum(SpentSameDaysLastMonth) from month_to_date
		group by all order by all`, adds(t, want, 2)...)
}

// unallocated: without owner rules the owner is the value of the tag owner, so what
// has no such tag has no owner.
func (e enterprise) unallocated(t *testing.T) {
	var want [][]string
	for _, p := range e.truth.Periods {
		want = append(want, []string{accountNames[p.Account], p.Period, p.Currency, p.Amortized.NoOwner.Cost})
	}
	e.on(t).wantRows(`select Account, cast(BillingPeriodStart as varchar)[1:7], BillingCurrency, sum(EffectiveCost) from chargeback
		where CostOwner = 'Unallocated' and AllocationKind not like '%Out' group by all order by all`, adds(t, want, 3)...)
}

// reconciliation: every invoice is matched or explained but for the period whose balance was made wrong, which
// is off by exactly what it was made wrong by; what was planted is found with its amount, as what it is.
func (e enterprise) reconciliation(t *testing.T) {
	l := e.on(t)
	var wrong [][]string
	if f := e.truth.Faults.UnbalancedPeriod; f != nil {
		wrong = append(wrong, []string{accountNames[f.Account], periodInvoice(f.Period), f.Currency, f.Amount, f.Amount, "Unexplained"})
	}
	l.wantRows(`select Account, InvoiceId, BillingCurrency, Amount, RemainingAmount, Status from invoice_reconciliation
		where Component = 'Unexplained' and Status not in ('Matched', 'Explained', 'Estimated') order by 1, 2`, wrong...)
	l.wantRows("select count(*) from invoice_reconciliation where Component = 'Unexplained' and Status <> 'Unexplained' and Status <> 'Estimated' and abs(Amount) > 0.000001", []string{"0"})
	l.wantRows(`select count(*) from invoice_reconciliation r join invoice i using (Account, InvoiceId, BillingCurrency)
		where (r.Status = 'Estimated') <> (i.InvoiceKind = 'Pending' or i.InvoiceStatus = 'Estimated')`, []string{"0"})
	for component, want := range map[string][][]string{
		"LateCharge": e.lateCharges(), "Refund": e.refunds(), "Rebill": e.rebills(), "MissingUsage": e.missingUsage(), "ExchangeRate": e.exchanged(),
		"PriceMismatch": e.overbilled(), "QuantityMismatch": e.shortQuantity(), "PurchaseTiming": e.timings(), "Other": nil,
	} {
		slices.SortFunc(want, slices.Compare)
		l.wantRows(fmt.Sprintf(`select Account, InvoiceId, RelatedInvoiceId, BillingCurrency, %s from invoice_reconciliation
			where Component = '%s' order by 1, 2, 3, 4`, amountOf(component), component), want...)
	}
	e.reconciledLines(t)
	var documents [][]string
	for _, i := range e.truth.Invoices {
		if i.Account == "ea" {
			documents = append(documents, []string{accountNames[i.Account], i.Name, i.Total, "0", "Matched", "false"})
		}
	}
	slices.SortFunc(documents, slices.Compare)
	l.wantRows(`select Account, InvoiceId, TotalAmount, RemainingAmount, Status, IsCounted from invoice_reconciliation
		where InvoiceKind = 'EnrollmentInvoice' and Component = 'Unexplained' order by 1, 2`, documents...)
}

// reconciledLines: every section, order and family of an invoice, and every pot of a balance, is billed as the records have it,
// but for what is wrong with the balance and what the records lack.
func (e enterprise) reconciledLines(t *testing.T) {
	l := e.on(t)
	var want [][]string
	if f := e.truth.Faults.UnbalancedPeriod; f != nil {
		want = append(want, []string{accountNames[f.Account], periodInvoice(f.Period), "Balance", "Eligible", f.Amount})
	}
	if f := e.truth.Faults.MissingDay; f != nil {
		for pot, cost := range map[string]string{"Eligible": f.Eligible, "Separate": f.Separate, "Marketplace": f.Marketplace} {
			want = append(want, []string{accountNames[f.Account], periodInvoice(f.Period), "Balance", pot, cost})
		}
	}
	for _, i := range e.truth.Invoices { // a credit is a line of its own, which no record has
		if i.Account == "mca" && i.Status != "Void" && i.Document == "Invoice" {
			want = append(want, []string{accountNames[i.Account], i.Name, "Section", "Other", i.Credit})
		}
	}
	slices.SortFunc(want, slices.Compare)
	l.wantRows(`select Account, InvoiceId, LineKind, ServiceFamily, Difference from invoice_reconciliation_line
		where not IsEqual order by 1, 2, 3, 4`, zeroless(want, 4)...)
	l.wantRows("select count(*) > 10, count(*) filter (where Difference is null and ChargeCount > 0) from invoice_reconciliation_line where InvoiceKind = 'Invoice' and LineKind = 'Section'", []string{"true", "0"})
}

// amountOf is an amount as far as it is the sum of rows rounded alike: the books convert each row and round it at the last
// digit, we convert their sum.
func amountOf(component string) string {
	if component == "ExchangeRate" {
		return "cast(Amount as decimal(38, 15))"
	}
	return "Amount"
}

// periodInvoice is the name of an enrollment's period.
func periodInvoice(month string) string {
	return azuresim.EnrollmentID + "-" + strings.ReplaceAll(month, "-", "")
}

// monthly is the invoice of a profile for a month, the one that counts.
func (e enterprise) monthly(account, profile, month string) string {
	if account == "ea" {
		return periodInvoice(month)
	}
	for _, i := range e.truth.Invoices {
		if i.Account == account && i.Profile == profile && i.Period == month && i.Monthly && i.Status != "Void" && i.Document == "Invoice" {
			return i.Name
		}
	}
	return ""
}

// lateCharges are on the invoice that bills them, and taken off that of their month.
func (e enterprise) lateCharges() [][]string {
	var all [][]string
	for _, c := range e.truth.LateCharges {
		bills := e.monthly(c.Account, c.Profile, c.Billed)
		if bills == "" {
			continue // not invoiced yet
		}
		own := e.monthly(c.Account, c.Profile, c.Used)
		all = append(all,
			[]string{accountNames[c.Account], bills, own, c.Currency, c.Cost},
			[]string{accountNames[c.Account], own, bills, c.Currency, "-" + c.Cost})
	}
	return all
}

// refunds are on an invoice, or wait for one, and name the one they correct if their records do.
func (e enterprise) refunds() [][]string {
	var all [][]string
	for _, r := range e.truth.Refunds {
		on := e.monthly(r.Account, r.Profile, r.Period)
		if on == "" {
			on = accountNames[r.Account] + "-" + strings.ReplaceAll(r.Period, "-", "") + "-pending"
		}
		all = append(all, []string{accountNames[r.Account], on, r.Previous, r.Currency, r.Amount})
	}
	return all
}

// timings are purchases of a month that a later invoice of their own bills.
func (e enterprise) timings() [][]string {
	var all [][]string
	for _, p := range e.truth.Timings {
		of := e.monthly(p.Account, p.Profile, p.Stands)
		all = append(all, []string{accountNames[p.Account], of, p.Invoice, p.Currency, "-" + p.Cost}, []string{accountNames[p.Account], p.Invoice, of, p.Currency, p.Cost})
	}
	return all
}

// rebills are voided invoices and the credit notes that take them back.
func (e enterprise) rebills() [][]string {
	var all [][]string
	for _, r := range e.truth.Rebills {
		all = append(all,
			[]string{accountNames[r.Account], r.Original, r.Invoice, r.Currency, r.OriginalTotal},
			[]string{accountNames[r.Account], r.CreditNote, r.Original, r.Currency, r.CreditTotal})
	}
	return all
}

func (e enterprise) missingUsage() [][]string {
	f := e.truth.Faults.MissingDay
	if f == nil {
		return nil
	}
	return [][]string{{accountNames[f.Account], periodInvoice(f.Period), "", f.Currency, f.Cost}}
}

// overbilled meters are a price mismatch of the period of their month. Of the customer agreement
// there is no price sheet of a month that is over, so who did not ask for it then cannot see it.
func (e enterprise) overbilled() [][]string {
	f := e.truth.Faults.OverbilledMeter
	if f == nil {
		return nil
	}
	return [][]string{{accountNames[f.Account], periodInvoice(f.Period), "", f.Currency, f.Overcharge}}
}

func (e enterprise) shortQuantity() [][]string {
	f := e.truth.Faults.ShortQuantity
	if f == nil {
		return nil
	}
	return [][]string{{accountNames[f.Account], periodInvoice(f.Period), "", f.Currency, f.Amount}}
}

func (e enterprise) exchanged() [][]string {
	f := e.truth.Faults.ExchangeRate
	if f == nil {
		return nil
	}
	var amount exactly
	amount.SetString(f.Amount)
	return [][]string{{accountNames[f.Account], f.Invoice, "", f.Currency, amount.FloatString(15)}}
}

// whatIsWrong: data_quality names every planted fault and calls nothing else wrong.
func (e enterprise) whatIsWrong(t *testing.T) {
	f := e.truth.Faults
	found := map[string]string{}
	for _, row := range e.on(t).rows("select Rule, coalesce(Account, ''), coalesce(Subject, ''), coalesce(Detail, ''), coalesce(cast(BillingPeriodStart as varchar), '') from data_quality where Severity in ('error', 'warning') order by all") {
		found[row[0]] += strings.Join(row[1:], " | ") + "\n"
	}
	// The missing day is billed, so that Azure's own sums differ from the records as well.
	missing := f.MissingDay
	e.on(t).wantRows(fmt.Sprintf("select count(*) from data_quality where Rule = 'cost_differs_from_query' and FirstDay = '%[1]s' and LastDay = '%[1]s'", missing.Day), []string{"2"})
	delete(found, "cost_differs_from_query")
	for name, marks := range map[string][]string{
		"over-billed meter": {f.OverbilledMeter.MeterID, f.OverbilledMeter.Period},
		"missing day":       {f.MissingDay.Day},
		"spike":             {f.Spike.Subscription, f.Spike.Day},
		"idle reservation":  {f.IdleReservation.Reservation},
		"unbalanced period": {f.UnbalancedPeriod.Amount},
		"misprint":          {f.Misprint.Invoice, f.Misprint.Period},
	} {
		if rule := ruleWith(found, marks); rule == "" {
			t.Errorf("%s is not found: no finding names %v", name, marks)
		} else {
			delete(found, rule)
		}
	}
	for rule, details := range found {
		t.Errorf("called wrong, but nothing was planted: %s\n%s", rule, details)
	}
}

// ruleWith returns the rule that found what the marks say, in one finding and no more.
func ruleWith(found map[string]string, marks []string) string {
	for rule, details := range found {
		hits := 0
		for _, line := range strings.Split(strings.TrimSpace(details), "\n") {
			if slices.IndexFunc(marks, func(m string) bool { return !strings.Contains(strings.ToLower(line), strings.ToLower(m)) }) < 0 {
				hits++
			}
		}
		if hits == 1 && strings.Count(details, "\n") == 1 {
			return rule
		}
	}
	return ""
}
