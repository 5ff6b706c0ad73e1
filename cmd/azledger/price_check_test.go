package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// prices: priced anew from the sheets, nothing differs from the bill but the one meter that is
// over-billed and the one that is charged for twice its quantity, by what they are. What has no
// price is listed with its cost.
func (e enterprise) prices(t *testing.T) {
	l, f := e.on(t), e.truth.Faults
	over, short := f.OverbilledMeter, f.ShortQuantity
	l.wantRows(`select sum(CalculatedCost) from price_check where Result = 'PriceMismatch'`, []string{over.Sheet})
	l.wantRows(`select Account, cast(BillingPeriodStart as varchar)[1:7], MeterId, BillingCurrency, Result, sum(PriceMismatch), sum(QuantityMismatch)
		from price_check where Result in ('PriceMismatch', 'QuantityMismatch') group by all order by 2`,
		[]string{accountNames[over.Account], over.Period, over.MeterID, over.Currency, "PriceMismatch", over.Overcharge, "0"},
		[]string{accountNames[short.Account], short.Period, short.MeterID, short.Currency, "QuantityMismatch", "0", short.Amount})
	// Costs are served with more digits than are kept, so a sum can be off by some of the last.
	l.wantRows("select sum(abs(PriceMismatch) + abs(QuantityMismatch)) < 0.000000000001 from price_check where Result = 'Matched'", []string{"true"})
	l.wantRows(`select strftime(BillingPeriodStart, '%Y-%m'), BillingCurrency, sum(BilledCost), sum(ChargeCount) from price_check group by all
		except select strftime(BillingPeriodStart, '%Y-%m'), BillingCurrency, sum(BilledCost), count(*) from cost_and_usage group by all`)
	// A billing profile's sheet can be had while its month is open and not afterwards.
	l.wantRows(`select distinct Account, Result, coalesce(PriceSource, ''), BillingPeriodStart = date '2026-11-01' from price_check
		where Result in ('Matched', 'Rounding', 'NoSheet', 'NotInSheet', 'SeveralPrices', 'UnitDiffers', 'CurrencyDiffers', 'NoExchangeRate', 'NoQuantity') order by all`,
		[]string{"contoso", "Matched", "price_sheet_download", "false"},
		[]string{"contoso", "Matched", "price_sheet_download", "true"},
		[]string{"digital", "Matched", "price_sheet_download", "true"},
		[]string{"digital", "NoSheet", "", "false"})
}

// TestACustomerAgreementIsPricedBySheetsTakenInTime runs in October, when its sheet is there, and
// again in November, when the over-billed October is invoiced.
func TestACustomerAgreementIsPricedBySheetsTakenInTime(t *testing.T) {
	t.Parallel()
	p := newPricedLedger(t)
	p.runFor(3, time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC))
	p.runFor(4, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	over := truthOf(t, p.azure.now.Load()).Faults.OverbilledDigital
	p.wantRows(`select cast(BillingPeriodStart as varchar)[1:7], MeterId, BillingCurrency, Result, sum(ChargeCount), sum(BilledCost), sum(CalculatedCost), sum(PriceMismatch), sum(QuantityMismatch)
		from price_check where Account = 'digital' and Result in ('PriceMismatch', 'QuantityMismatch') group by all`,
		[]string{over.Period, over.MeterID, over.Currency, "PriceMismatch", fmt.Sprint(over.Rows), over.Billed, over.Sheet, over.Overcharge, "0"})
	p.wantRows("select distinct BillingPeriodStart, InvoiceId = 'Not invoiced', Result from price_check where Account = 'digital' and PriceSource is not null order by all",
		[]string{"2026-10-01", "false", "Matched"}, []string{"2026-10-01", "false", "PriceMismatch"}, []string{"2026-10-01", "true", "Matched"}, []string{"2026-11-01", "true", "Matched"})
	p.wantRows("select InvoicedAmount, CalculatedAmount, Amount from invoice_reconciliation where Account = 'digital' and Component = 'PriceMismatch'",
		[]string{over.Overcharge, "0", over.Overcharge})
}

// runFor runs on a day of an Azure that has so many months.
func (p pricedLedger) runFor(months int, day time.Time) {
	p.t.Helper()
	p.azure.now.Store(azuresim.New(azuresim.Config{Seed: 7, Months: months, Rows: 800, AsOf: day}))
	p.run(0, "run", "--as-of", day.Format(time.DateOnly), "--refresh")
}

// TestRealQuantitiesArePricedByTheBlock makes a price sheet of the prices in Microsoft's sample
// exports, where a price of 10K buys ten thousand and the quantity counts those; and then has
// them count single units, as the documentation says. Either way the sheet's price is what was paid.
func TestRealQuantitiesArePricedByTheBlock(t *testing.T) {
	t.Parallel()
	folder := shared(t, "azure", "examples", "finops-toolkit", "csv")
	for name, factor := range map[string]int64{"blocks": 1, "single units": 10000} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t, "", "    exports: exports\n")
			sheet := [][]string{strings.Split("EnrollmentNumber,MeterID,PartNumber,OfferID,UnitOfMeasure,UnitPrice,CurrencyCode,IncludedQuantity,EffectiveStartDate,EffectiveEndDate,PriceType", ",")}
			for _, file := range []string{"EA_ActualCost_Small.csv", "EA_AmortizedCost_Small.csv"} {
				lines := readLines(t, filepath.Join(folder, file))
				sheet = append(sheet, pricesOf(lines)...)
				countBy(t, lines, factor)
				writeLines(t, filepath.Join(l.dir, "exports", file), lines)
			}
			writeLines(t, filepath.Join(l.dir, "exports", "sheet.csv"), sheet)
			l.run(0, "run", "--as-of", "2023-10-31")
			l.wantRows("select distinct Result from price_check where PriceSource = 'price_sheet_export' order by 1", []string{"Matched"}, []string{"Rounding"})
			l.wantRows("select distinct Result from price_check where PriceSource is null order by 1", []string{"Commitment"})
			// 0.0004 at 0.1, 0.0047 at 0.00237, 0.0001 at 0.02 and 0.1351 at 0.0005.
			l.wantRows(`select QuantityScale, Result, count(*), sum(ChargeCount), sum(BilledCost), sum(CalculatedCost), max(abs(PriceMismatch) + abs(QuantityMismatch)) from price_check
				where UnitOfMeasure = '10K' group by all`,
				[]string{map[int64]string{1: "Block", 10000: "Unit"}[factor], "Matched", "4", "4", "0.000120689", "0.000120689", "0"})
		})
	}
}

func readLines(t *testing.T, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func writeLines(t *testing.T, path string, lines [][]string) {
	t.Helper()
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(lines); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pricesOf makes a line of a price sheet for each charge on demand.
func pricesOf(lines [][]string) [][]string {
	at := func(line []string, column string) string { return line[slices.Index(lines[0], column)] }
	var prices [][]string
	for _, line := range lines[1:] {
		if at(line, "ChargeType") == "Usage" && at(line, "PricingModel") == "OnDemand" {
			prices = append(prices, []string{
				at(line, "BillingAccountId"), at(line, "MeterId"), at(line, "PartNumber"), at(line, "OfferId"), at(line, "UnitOfMeasure"), at(line, "UnitPrice"), "USD", "0",
				"9/1/2023", "9/30/2023", "Consumption",
			})
		}
	}
	return prices
}

// countBy multiplies the quantities of what is sold by the ten thousand.
func countBy(t *testing.T, lines [][]string, factor int64) {
	t.Helper()
	quantity, unit := slices.Index(lines[0], "Quantity"), slices.Index(lines[0], "UnitOfMeasure")
	for _, line := range lines[1:] {
		if line[unit] == "10K" {
			var n exactly
			n.add(t, line[quantity])
			n.Mul(&n.Rat, big.NewRat(factor, 1))
			line[quantity] = n.text()
		}
	}
}

// TestPayAsYouGoIsPricedByItsRateCard prices anniversary periods with tiers, included quantities and
// prices that change, and finds the meter of which more was billed than metered.
func TestPayAsYouGoIsPricedByItsRateCard(t *testing.T) {
	t.Parallel()
	asOf := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	sim := azuresim.New(azuresim.Config{Seed: 7, Months: 4, Rows: 600, AsOf: asOf})
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	l := newLedger(t, server.URL, fmt.Sprintf(`    scope: %s
    agreement: mosp
    sources: [billing_periods, usage_details, usage_aggregates, rate_card]
    offer: { id: %s, currency: EUR, locale: en-US, region: DE }
periods: { history: 4 }
`, azuresim.PaygPath, azuresim.PaygOffer))
	l.run(0, "run", "--as-of", asOf.Format(time.DateOnly))
	truth := truthOf(t, sim).Payg
	var want [][]string
	for _, p := range truth.Periods {
		for _, m := range p.Meters {
			want = append(want, []string{p.Start, m.MeterID, m.Consumed, m.Included, m.Cost})
		}
	}
	slices.SortFunc(want, slices.Compare)
	l.wantRows("select BillingPeriodStart, MeterId, sum(BilledQuantity), sum(IncludedQuantity), sum(BilledCost) from price_check where MeterId <> '' group by all order by all", want...)
	over := truth.Mismatch
	l.wantRows("select MeterId, PriceMismatch, QuantityMismatch, MeteredQuantity from price_check where Result in ('PriceMismatch', 'QuantityMismatch', 'Rounding')",
		[]string{over.MeterID, "0", over.Amount, over.Metered})
	l.wantRows("select distinct Result, PriceSource from price_check order by 1",
		[]string{"Marketplace", ""}, []string{"Matched", "rate_card"}, []string{"QuantityMismatch", "rate_card"})
	l.wantRows("select count(*) > 0 from price_check where TierMinimumUnits > 0 and Result = 'Matched'", []string{"true"})
}

// TestAFocusExportIsPricedLikeTheOthers reads FOCUS exports of both agreements.
func TestAFocusExportIsPricedLikeTheOthers(t *testing.T) {
	t.Parallel()
	sim := azuresim.New(azuresim.Config{Seed: 7, Months: 4, Rows: 800, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	l := newLedger(t, server.URL, fmt.Sprintf(`    scope: %s
    agreement: ea
    exports: ea
    sources: [focus_export, price_sheet_download]
  - name: digital
    scope: %s
    agreement: mca
    exports: mca
    sources: [focus_export, price_sheet_download]
periods: { history: 4 }
`, azuresim.EnrollmentPath, azuresim.CustomerPath))
	for _, account := range []string{"ea", "mca"} {
		o := azuresim.ExportOptions{Account: account, Datasets: []string{"focus-1.2"}, Format: "csv.gz"}
		if err := sim.WriteExports(context.Background(), filepath.Join(l.dir, account), o); err != nil {
			t.Fatal(err)
		}
	}
	l.run(0, "run", "--as-of", "2026-11-22")
	f := truthOf(t, sim).Faults
	l.wantRows(`select BillingPeriodStart, MeterId, Result, sum(PriceMismatch), sum(QuantityMismatch) from price_check
		where Result not in ('Adjustment', 'Commitment', 'CostAllocation', 'Marketplace', 'Matched', 'Purchase', 'Refund') and Account = 'real' group by all order by 1`,
		[]string{f.OverbilledMeter.Period + "-01", f.OverbilledMeter.MeterID, "PriceMismatch", f.OverbilledMeter.Overcharge, "0"},
		[]string{f.ShortQuantity.Period + "-01", f.ShortQuantity.MeterID, "QuantityMismatch", "0", f.ShortQuantity.Amount})
	l.wantRows("select distinct BillingPeriodStart = date '2026-11-01', Result from price_check where Account = 'digital' and (PriceSource is not null or Result = 'NoSheet') order by all",
		[]string{"false", "NoSheet"}, []string{"true", "Matched"})
}
