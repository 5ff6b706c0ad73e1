package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

func TestZZ(t *testing.T) {
	sim := azuresim.New(azuresim.Config{Seed: 7, Months: 5, Rows: 500, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	server, err := serve(context.Background(), sim, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.close() })
	l := newLedger(t, server.url, fmt.Sprintf("    scope: %s\n    agreement: mosp\n    offer: { id: %s, currency: EUR, locale: en-US, region: DE }\nperiods: { history: 5 }\n", azuresim.PaygPath, azuresim.PaygOffer))
	l.run(0, "run", "--as-of", "2026-11-22")
	fmt.Printf("%+v\n", truthOf(t, sim).Payg.Mismatch)
	for _, q := range []string{
		"select Result, BillingPeriodStart, count(*), sum(QuantityMismatch), sum(PriceMismatch) from price_check group by all order by all",
		"select Account, InvoiceId, InvoicePeriodStart, InvoicePeriodEnd, Component, Amount, Status, Detail from invoice_reconciliation order by all",
		"select Rule, Subject, Detail from data_quality",
	} {
		for _, r := range l.rows(q) {
			fmt.Println(r)
		}
		_ = q
	}
}
