package main

import (
	"fmt"
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
	p := newPricedLedger(t)
	p.runFor(3, time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC))
	p.runFor(4, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	over := truthOf(t, p.azure.now.Load()).Faults.OverbilledDigital
	p.wantRows(`select cast(BillingPeriodStart as varchar)[1:7], MeterId, BillingCurrency, Result, sum(ChargeCount), sum(BilledCost), sum(CalculatedCost), sum(PriceMismatch), sum(QuantityMismatch)
		from price_check where Account = 'digital' and Result in ('PriceMismatch', 'QuantityMismatch') group by all`,
		[]string{over.Period, over.MeterID, over.Currency, "PriceMismatch", fmt.Sprint(over.Rows), over.Billed, over.Sheet, over.Overcharge, "0"})
	p.wantRows("select distinct BillingPeriodStart, InvoiceId = 'Not invoiced', Result from price_check where Account = 'digital' and PriceSource is not null order by all",
		[]string{"2026-10-01", "false", "Matched"}, []string{"2026-10-01", "false", "PriceMismatch"}, []string{"2026-10-01", "true", "Matched"}, []string{"2026-11-01", "true", "Matched"})
}

// runFor runs on a day of an Azure that has so many months.
func (p pricedLedger) runFor(months int, day time.Time) {
	p.t.Helper()
	p.azure.now.Store(azuresim.New(azuresim.Config{Seed: 7, Months: months, Rows: 800, AsOf: day}))
	p.run(0, "run", "--as-of", day.Format(time.DateOnly), "--refresh")
}
