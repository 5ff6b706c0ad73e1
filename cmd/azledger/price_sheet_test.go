package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// pricedLedger copies usage and price sheets of both simulated accounts, on days of its
// own choice.
type pricedLedger struct {
	ledger
	azure *simulated
}

func newPricedLedger(t *testing.T) pricedLedger {
	t.Helper()
	p := pricedLedger{azure: &simulated{}}
	server := httptest.NewServer(p.azure)
	t.Cleanup(server.Close)
	p.ledger = newLedger(t, server.URL, fmt.Sprintf("    scope: %s\n    agreement: ea\n    sources: [usage_details, price_sheet_download]\n", azuresim.EnrollmentPath))
	config := filepath.Join(p.dir, "azledger.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = fmt.Appendf(text, "  - name: digital\n    scope: %s\n    agreement: mca\n    sources: [usage_details, price_sheet_download]\nperiods: { history: 2 }\n", azuresim.CustomerPath)
	if err := os.WriteFile(config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// runOn runs azledger on a day, against an Azure of that day.
func (p pricedLedger) runOn(day string, faults ...azuresim.Fault) {
	p.t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		p.t.Fatal(err)
	}
	azure := azuresim.New(azuresim.Config{Seed: 7, Months: 2, Rows: 600, AsOf: at})
	for _, f := range faults {
		if err := azure.AddFault(f); err != nil {
			p.t.Fatal(err)
		}
	}
	p.azure.now.Store(azure)
	p.run(0, "run", "--as-of", day, "--refresh")
}

func TestPricesOfReservationsOutliveTheirMonth(t *testing.T) {
	t.Parallel()
	p := newPricedLedger(t)
	p.runOn("2026-10-31")
	october := `select cast(count(*) as varchar), cast(sum(UnitPrice) as varchar) from price_sheet
		where Account = 'real' and BillingPeriodStart = date '2026-10-01' and PriceType = 'Reservation'`
	before := p.rows(october)
	if before[0][0] == "0" {
		t.Fatal("the sheet of the open month has no prices of reservations")
	}
	p.runOn("2026-11-02")
	p.runOn("2026-12-01")
	p.wantRows(october, before...)
	p.wantRows(`select Account, strftime(BillingPeriodStart, '%Y-%m'), PriceType, string_agg(distinct Source || ' ' || Dataset) from price_sheet group by 1, 2, 3 order by 1, 2, 3`,
		[]string{"digital", "2026-10", "Consumption", "price_sheet_download current"},
		[]string{"digital", "2026-10", "Reservation", "price_sheet_download current"},
		[]string{"digital", "2026-10", "SavingsPlan", "price_sheet_download current"},
		[]string{"digital", "2026-11", "Consumption", "price_sheet_download current"},
		[]string{"digital", "2026-11", "Reservation", "price_sheet_download current"},
		[]string{"digital", "2026-11", "SavingsPlan", "price_sheet_download current"},
		[]string{"digital", "2026-12", "Consumption", "price_sheet_download current"},
		[]string{"digital", "2026-12", "Reservation", "price_sheet_download current"},
		[]string{"digital", "2026-12", "SavingsPlan", "price_sheet_download current"},
		[]string{"real", "2026-09", "Consumption", "price_sheet_download closed"},
		[]string{"real", "2026-10", "Consumption", "price_sheet_download closed"},
		[]string{"real", "2026-10", "Reservation", "price_sheet_download current"},
		[]string{"real", "2026-10", "SavingsPlan", "price_sheet_download current"},
		[]string{"real", "2026-11", "Consumption", "price_sheet_download closed"},
		[]string{"real", "2026-11", "Reservation", "price_sheet_download current"},
		[]string{"real", "2026-11", "SavingsPlan", "price_sheet_download current"},
		[]string{"real", "2026-12", "Consumption", "price_sheet_download current"},
		[]string{"real", "2026-12", "Reservation", "price_sheet_download current"},
		[]string{"real", "2026-12", "SavingsPlan", "price_sheet_download current"},
	)
	// What was bought in the sheet's month costs what the sheet says, for the whole term.
	p.wantRows(`select count(*) > 0, bool_and(bought.Cost = cast(Sheet.UnitPrice as decimal(15, 4)) * cast(bought.PricingQuantity as decimal(10, 4))) from (
			select x_SkuMeterId, x_SkuTerm, BilledCost as Cost, PricingQuantity, BillingPeriodStart from cost_and_usage
			where x_Account = 'real' and x_ChargeType = 'Purchase' and x_PricingModel = 'Reservation') as bought
		join price_sheet as Sheet on Sheet.MeterId = bought.x_SkuMeterId and Sheet.Term = bought.x_SkuTerm and Sheet.PriceType = 'Reservation'
			and Sheet.Account = 'real' and Sheet.BillingPeriodStart = date '2026-11-01'`,
		[]string{"true", "true"})
}

// TestUsageIsPricedWhenItsSheetComes has no price sheet on the first day: costs are
// published and the finding says so; when the sheet is there the month is priced anew.
func TestUsageIsPricedWhenItsSheetComes(t *testing.T) {
	t.Parallel()
	const sources = `select distinct x_ContractedPriceSource from cost_and_usage
		where x_Account = 'digital' and x_ChargeType = 'Usage' and x_PricingModel = 'Reservation' and BillingPeriodStart = timestamp '2026-11-01'`
	const findings = `select Account, BillingCurrency, Severity from data_quality where Rule = 'price_missing' and BillingPeriod = '2026-11' order by all`
	const costs = `select x_Account, BillingCurrency, sum(BilledCost), sum(EffectiveCost) from cost_and_usage group by all order by all`
	p := newPricedLedger(t)
	p.runOn("2026-11-20", azuresim.Fault{Kind: "404", Match: "202611/providers/Microsoft.CostManagement/pricesheets", Times: -1},
		azuresim.Fault{Kind: "404", Match: "billingProfiles/", Times: -1})
	p.wantRows(sources, []string{"Effective price"})
	p.wantRows(findings, []string{"digital", "GBP", "warning"}, []string{"real", "EUR", "warning"})
	published := p.rows(costs)

	p.runOn("2026-11-20")
	p.wantRows(sources, []string{"Price sheet"})
	p.wantRows(findings)
	p.wantRows(costs, published...)
	// Each of these charges found one price: that of its billing profile's sheet, in dollars.
	p.wantRows(`select count(*) > 0, bool_and(charge.PricingCurrencyContractedUnitPrice = sheet.UnitPrice and charge.PricingCurrencyListUnitPrice = sheet.MarketPrice)
		from cost_and_usage as charge left join price_sheet as sheet on sheet.Account = charge.x_Account and sheet.PriceType = 'Consumption'
			and sheet.MeterId = charge.x_SkuMeterId and sheet.BillingProfileId = charge.x_BillingProfileId and sheet.CurrencyCode = charge.PricingCurrency
			and sheet.BillingPeriodStart = cast(charge.BillingPeriodStart as date)
		where charge.x_Account = 'digital' and charge.x_ContractedPriceSource = 'Price sheet'`, []string{"true", "true"})
}
