package main

import (
	"testing"

	"github.com/azledger/azledger/extract/azuresim"
)

// Thirteen months of the simulated enterprise: what was planted is found on the invoice it is on, with its amount, and
// nothing else is unexplained.
func TestThirteenMonthsReconcile(t *testing.T) {
	e := enterpriseOf(t, azuresim.Config{Seed: 7, Months: 13, Rows: 800})
	e.run(0, "run", "--as-of", "2026-11-22")
	e.reconciliation(t)
	e.invoices(t)
}

// Another enterprise whose balances are all right: every invoice is matched or explained.
func TestABalancedEnterpriseIsExplained(t *testing.T) {
	e := enterpriseOf(t, azuresim.Config{Seed: 20261122, Months: 6, Rows: 600, Balanced: true, Complete: true})
	e.run(0, "run", "--as-of", "2026-11-22", "--fail-on-unexplained")
	e.reconciliation(t)
	e.wantRows("select count(*) > 0, count(*) filter (where Status not in ('Matched', 'Explained', 'Estimated')) from invoice_reconciliation", []string{"true", "0"})
	e.wantRows("select count(*) from invoice_reconciliation where Component = 'MissingUsage'", []string{"0"})
}
