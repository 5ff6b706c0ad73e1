package azuresim

import (
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func handled(t *testing.T, e *Enterprise) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(e.Handler())
	t.Cleanup(s.Close)
	return s
}

// paygUsage are the records of a billing period.
func paygUsage(t *testing.T, e *Enterprise, period string) []map[string]any {
	t.Helper()
	s := handled(t, e)
	rows, _ := walk(t, s, PaygPath+"/providers/Microsoft.Billing/billingPeriods/"+period+consumption+"usageDetails?api-version=2023-05-01")
	return rows
}

func TestPaygBillsWhatIsBeyondIncludedByTheRateCard(t *testing.T) {
	e := New(Config{Seed: 7, Months: 4, Rows: 500})
	truth := e.Truth().Payg
	if len(truth.Periods) != 4 || truth.Periods[1].Name != "202610-1" || truth.Periods[1].Start != "2026-09-18" || truth.Periods[1].End != "2026-10-17" || !truth.Periods[2].Closed || truth.Periods[3].Closed {
		t.Fatalf("periods: %+v", truth.Periods)
	}
	for _, p := range truth.Periods {
		consumed, cost := map[string]*big.Rat{}, map[string]*big.Rat{}
		for _, r := range paygUsage(t, e, p.Name) {
			q, price := numberOf(t, r, "quantity"), numberOf(t, r, "effectivePrice")
			if product := new(big.Rat).Mul(q, price); product.Cmp(numberOf(t, r, "cost")) != 0 {
				t.Errorf("%v: quantity × price ≠ cost", r)
			}
			id := fmt.Sprint(property(r, "meterId"))
			if consumed[id] == nil {
				consumed[id], cost[id] = new(big.Rat), new(big.Rat)
			}
			consumed[id].Add(consumed[id], q)
			cost[id].Add(cost[id], numberOf(t, r, "cost"))
		}
		for _, m := range p.Meters {
			wantSame(t, p.Name+" "+m.Meter+" consumed", consumed[m.MeterID], ratio(t, m.Consumed))
			if cost[m.MeterID].Cmp(ratio(t, m.Cost)) != 0 {
				t.Errorf("%s %s costs %s, truth says %s", p.Name, m.Meter, cost[m.MeterID].FloatString(12), m.Cost)
			}
			if m.Meter == "Standard Data Transfer Out" && p.Closed {
				// 100 GB are included, the next 150 cost the list price, the others a tenth less.
				list := ratOf(t, e.meterNamed(m.Meter, "northeurope").eurPay[0])
				beyond := new(big.Rat).Sub(ratio(t, m.Billable), big.NewRat(150, 1))
				want := beyond.Mul(beyond, big.NewRat(9, 10))
				want.Add(want, big.NewRat(150, 1)).Mul(want, list)
				wantSame(t, p.Name+" tiers", ratio(t, m.Cost), want)
				wantSame(t, p.Name+" included", ratio(t, m.Included), big.NewRat(100, 1))
			}
			if (m.Consumed == m.Metered) == (truth.Mismatch.Period == p.Name && truth.Mismatch.MeterID == m.MeterID) {
				t.Errorf("%s %s: billed %s, metered %s", p.Name, m.Meter, m.Consumed, m.Metered)
			}
		}
	}
}

func TestPaygPriceChangesWithinAPeriod(t *testing.T) {
	e := New(Config{Seed: 7, Months: 4, Rows: 500})
	prices := map[string]map[string]bool{}
	for _, r := range paygUsage(t, e, "202610-1") {
		details, metered := property(r, "meterDetails").(map[string]any)
		if metered && details["meterName"] == "B2ms" {
			month := fmt.Sprint(property(r, "date"))[:7]
			if prices[month] == nil {
				prices[month] = map[string]bool{}
			}
			prices[month][fmt.Sprint(property(r, "unitPrice"))] = true
		}
	}
	if len(prices["2026-09"]) != 1 || len(prices["2026-10"]) != 1 || prices["2026-10"]["0.08932"] || !prices["2026-09"]["0.08932"] {
		t.Errorf("prices of B2ms: %v, want 0.08932 until October", prices)
	}
}

func TestPaygHasThreeInvoicesAPeriod(t *testing.T) {
	e := New(Config{Seed: 7, Months: 4, Rows: 500, PageSize: 4})
	s := handled(t, e)
	list, pages := walk(t, s, paygScope+"/invoices?api-version=2024-04-01&periodStartDate=2014-01-01&periodEndDate=2026-11-30")
	truth := e.Truth().Payg
	if len(list) != 9 || len(truth.Invoices) != 9 || pages != 3 {
		t.Fatalf("%d invoices in %d pages, truth has %d", len(list), pages, len(truth.Invoices))
	}
	kinds := map[string]int{}
	for i, v := range list {
		want := truth.Invoices[len(truth.Invoices)-1-i]
		kinds[fmt.Sprint(property(v, "invoiceType"))]++
		if v["name"] != want.Name || property(v, "subscriptionId") != PaygID || property(v, "billingProfileId") != nil {
			t.Errorf("invoice %v, want %s", v, want.Name)
		}
		for name, amount := range map[string]string{"billedAmount": want.Billed, "creditAmount": want.Credit, "subTotal": want.SubTotal, "taxAmount": want.Tax, "totalAmount": want.Total, "amountDue": want.AmountDue} {
			if got := numberOf(t, v, name); got.Cmp(ratio(t, amount)) != 0 {
				t.Errorf("%s %s is %s, truth says %s", want.Name, name, got.FloatString(2), amount)
			}
		}
		sum := new(big.Rat).Add(ratio(t, want.Billed), ratio(t, want.Credit))
		if sum.Cmp(ratio(t, want.SubTotal)) != 0 || sum.Add(sum, ratio(t, want.Tax)).Cmp(ratio(t, want.Total)) != 0 {
			t.Errorf("%s does not add up: %+v", want.Name, want)
		}
		if rounding := ratio(t, want.Rounding); rounding.Abs(rounding).Cmp(big.NewRat(1, 200)) > 0 {
			t.Errorf("%s is rounded by %s", want.Name, want.Rounding)
		}
		if status, one := get(t, s, paygScope+"/invoices/"+want.Name+"?api-version=2024-04-01"); status != http.StatusOK || one["name"] != want.Name {
			t.Errorf("invoice %s alone: %d %v", want.Name, status, one)
		}
	}
	if kinds["AzureServices"] != 3 || kinds["AzureMarketplace"] != 3 || kinds["AzureSupport"] != 3 {
		t.Errorf("kinds: %v", kinds)
	}
	if e.printed(truth.Invoices[0].Name) == nil {
		t.Error("an invoice has no document")
	}
}

func TestPaygIsThereOnAnyDay(t *testing.T) {
	for _, day := range []int{1, 17, 18, 19} {
		e := New(Config{Months: 1, Rows: 500, AsOf: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)})
		want := 0
		if day > 18 {
			want = 1
		}
		if got := len(e.Truth().Payg.Periods); got != want {
			t.Errorf("on November %d there are %d periods, want %d", day, got, want)
		}
		s := handled(t, e)
		if rows, _ := walk(t, s, PaygPath+consumption+"usageDetails?api-version=2023-05-01"); (len(rows) > 0) != (want > 0) {
			t.Errorf("on November %d there are %d records", day, len(rows))
		}
	}
}

func TestPaygQueryAddsUpItsDays(t *testing.T) {
	e := New(Config{Seed: 7, Months: 3, Rows: 500})
	s := handled(t, e)
	p := e.Truth().Payg.Periods[0]
	body := fmt.Sprintf(`{"type":"ActualCost","timeframe":"Custom","timePeriod":{"from":"%sT00:00:00Z","to":"%sT23:59:59Z"},
		"dataset":{"granularity":"Daily","aggregation":{"totalCost":{"name":"PreTaxCost","function":"Sum"}}}}`, p.Start, p.End)
	_, _, answer := post(t, s, PaygPath+"/providers/Microsoft.CostManagement/query?api-version=2023-11-01", body)
	sum := new(big.Rat)
	rows := answer["properties"].(map[string]any)["rows"].([]any)
	for _, row := range rows {
		sum.Add(sum, ratio(t, fmt.Sprint(row.([]any)[0])))
	}
	want := new(big.Rat).Add(ratio(t, p.Azure), ratio(t, p.Marketplace))
	if off := want.Sub(want, sum); off.Abs(off).Cmp(big.NewRat(1, 1e6)) > 0 || len(rows) != 30 {
		t.Errorf("%d days, off by %s", len(rows), off.FloatString(10))
	}
}
