package main

import (
	"fmt"
	"testing"
)

// prices: priced anew from the sheets, nothing differs from the bill but the one meter that is
// over-billed, by what it is over-billed. What has no price is listed with its cost.
func (e enterprise) prices(t *testing.T) {
	l, over := e.on(t), e.truth.Faults.OverbilledMeter
	l.wantRows(`select Account, cast(BillingPeriodStart as varchar)[1:7], MeterId, UnitOfMeasure, BillingCurrency, sum(ChargeCount),
			sum(BilledCost), sum(CalculatedCost), sum(PriceMismatch), sum(QuantityMismatch)
		from price_check where Result in ('PriceMismatch', 'QuantityMismatch') group by all`,
		[]string{accountNames[over.Account], over.Period, over.MeterID, over.Unit, over.Currency, fmt.Sprint(over.Rows), over.Billed, over.Sheet, over.Overcharge, "0"})
	// Costs are served with more digits than are kept, so a sum is one by one a last digit off.
	l.wantRows("select sum(abs(PriceMismatch) + abs(QuantityMismatch)) < 0.000000000001 from price_check where Result = 'Matched'", []string{"true"})
	l.wantRows(`select strftime(BillingPeriodStart, '%Y-%m'), BillingCurrency, sum(BilledCost), sum(ChargeCount) from price_check group by all
		except select strftime(BillingPeriodStart, '%Y-%m'), BillingCurrency, sum(BilledCost), count(*) from cost_and_usage group by all`)
	// A billing profile's sheet can be had while its month is open and not afterwards.
	l.wantRows(`select distinct Account, Result, coalesce(PriceSource, ''), BillingPeriodStart = date '2026-11-01' from price_check
		where Result not in ('Adjustment', 'Commitment', 'Marketplace', 'Purchase', 'Refund', 'PriceMismatch') order by all`,
		[]string{"contoso", "Matched", "price_sheet_download", "false"},
		[]string{"contoso", "Matched", "price_sheet_download", "true"},
		[]string{"digital", "Matched", "price_sheet_download", "true"},
		[]string{"digital", "NoSheet", "", "false"})
}
