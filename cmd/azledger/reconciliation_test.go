package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// Thirteen months of the simulated enterprise: what was planted is found on the invoice it is on, with its amount, and
// nothing else is unexplained.
func TestThirteenMonthsReconcile(t *testing.T) {
	t.Parallel()
	e := enterpriseOf(t, azuresim.Config{Seed: 7, Months: 13, Rows: 500})
	e.run(0, "run", "--as-of", "2026-11-22")
	e.reconciliation(t)
	e.invoices(t)
}

// Another enterprise whose balances are all right: every invoice is matched or explained.
func TestABalancedEnterpriseIsExplained(t *testing.T) {
	t.Parallel()
	e := enterpriseOf(t, azuresim.Config{Seed: 20261122, Months: 4, Rows: 500, Balanced: true, Complete: true})
	e.run(0, "run", "--as-of", "2026-11-22", "--fail-on-unexplained", "0.01")
	e.reconciliation(t)
	e.wantRows("select count(*) > 0, count(*) filter (where Status not in ('Matched', 'Explained', 'Estimated')) from invoice_reconciliation", []string{"true", "0"})
	e.wantRows("select count(*) from invoice_reconciliation where Component = 'MissingUsage'", []string{"0"})
}

// Thirteen months of a pay-as-you-go subscription, in periods that begin on a day of their own: Azure, Marketplace and
// support have an invoice each. What was billed beyond what was metered is found on its invoice.
func TestPayAsYouGoReconciles(t *testing.T) {
	t.Parallel()
	sim := azuresim.New(azuresim.Config{Seed: 7, Months: 13, Rows: 500, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	server, err := serve(context.Background(), sim, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.close() })
	l := newLedger(t, server.url, fmt.Sprintf("    scope: %s\n    agreement: mosp\n    sources: [billing_periods, usage_details, usage_aggregates, rate_card, invoices, query]\n    offer: { id: %s, currency: EUR, locale: en-US, region: DE }\nperiods: { history: 13 }\n", azuresim.PaygPath, azuresim.PaygOffer))
	l.run(0, "run", "--as-of", "2026-11-22")
	truth := truthOf(t, sim).Payg
	var want, support [][]string
	for _, i := range truth.Invoices {
		status := "Matched"
		if i.Type == "AzureServices" && i.Period == truth.Mismatch.Period {
			status = "Explained"
		}
		want = append(want, []string{i.Name, i.Currency, i.Total, i.Rounding, status})
		if i.Type == "AzureSupport" {
			support = append(support, []string{i.Name, i.Billed, i.Billed})
		}
	}
	slices.SortFunc(want, slices.Compare)
	slices.SortFunc(support, slices.Compare)
	l.wantRows(`select InvoiceId, BillingCurrency, sum(Amount), sum(Amount) filter (where Component = 'Unexplained'), Status
		from invoice_reconciliation where InvoiceKind = 'Invoice' group by all order by 1`, want...)
	l.wantRows("select InvoiceId, InvoicedAmount, Amount from invoice_reconciliation where Component = 'SupportPlan' order by 1", support...)
	l.wantRows("select count(*) from invoice_reconciliation where InvoiceKind <> 'Invoice' and Status <> 'Estimated'", []string{"0"})
	l.wantRows(`select r.Amount, i.InvoiceType, r.BillingCurrency from invoice_reconciliation r join invoice i using (Account, InvoiceId, BillingCurrency)
		where Component in ('PriceMismatch', 'QuantityMismatch', 'LateCharge', 'MissingUsage', 'Other')`, []string{truth.Mismatch.Amount, "AzureServices", truth.Mismatch.Currency})
}
