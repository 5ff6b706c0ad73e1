package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// A record that Azure serves twice counts twice, as two equal charges are two charges. The ledger
// says that there is one, and Azure's own sum tells whether it was.
func TestARecordServedTwiceIsSaidAndHeldAgainstAzuresSum(t *testing.T) {
	t.Parallel()
	sim := azuresim.New(azuresim.Config{Seed: 7, Months: 2, Rows: 400, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	handler, cost := sim.Handler(), ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "usageDetails") || r.URL.Query().Get("$skiptoken") != "" || !strings.Contains(r.URL.RawQuery+r.URL.Path, "2026-10-01") || r.URL.Query().Get("metric") != "actualcost" {
			handler.ServeHTTP(w, r)
			return
		}
		r.Header.Del("Accept-Encoding")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		var page struct {
			Value    []json.RawMessage `json:"value"`
			NextLink *string           `json:"nextLink"`
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil || len(page.Value) == 0 {
			t.Errorf("%s: %v", r.URL, err)
		}
		for _, record := range page.Value { // the first charge that is of any amount
			var charge struct {
				Properties struct {
					Cost       json.Number `json:"costInBillingCurrency"`
					ChargeType string
				}
			}
			if err := json.Unmarshal(record, &charge); err != nil {
				t.Error(err)
			}
			if p := charge.Properties; p.ChargeType == "Usage" && len(p.Cost) > 4 && p.Cost[0] != '0' && p.Cost[0] != '-' {
				page.Value, cost = append(page.Value, record), p.Cost.String()
				break
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(page)
	}))
	t.Cleanup(server.Close)
	l := newLedger(t, server.URL, fmt.Sprintf("    scope: %s\n    agreement: mca\n    sources: [usage_details, query]\nperiods: { history: 2 }\n", azuresim.CustomerPath))
	l.run(0, "run", "--as-of", "2026-11-22")
	if cost == "" {
		t.Fatal("no record was served twice")
	}
	l.wantRows(`select TableName, BillingPeriod, Subject, Severity, AffectedRows from data_quality where Rule = 'record_served_twice'`,
		[]string{"raw_usage_details", "2026-10", "actual", "info", "1"})
	l.wantRows(`select Severity, abs(Amount - `+cost+`) < 0.0001 from data_quality where Rule = 'cost_differs_from_query' and Subject like '% actual %'`, []string{"error", "true"})
}

// One account of two may not be read. The other is copied all the same; whether it is published
// alone is for the configuration to say, and what is missing is named.
func TestOneAccountOfTwoIsForbidden(t *testing.T) {
	e := newEnterprise(t, 2, 400)
	if err := e.sim.AddFault(azuresim.Fault{Kind: "403", Match: azuresim.CustomerPath, Times: -1}); err != nil {
		t.Fatal(err)
	}
	_, stderr := e.run(1, "run", "--as-of", "2026-11-22", "--source", "usage_details", "--source", "budgets")
	_, summary, _ := strings.Cut(stderr, "\nazledger: 5 units failed; nothing was published")
	if !strings.Contains(summary, "usage_details digital 2026-10 actual: ") || strings.Contains(summary, " contoso ") || !strings.Contains(summary, "403") {
		t.Errorf("it does not name the account that failed, and it alone: %s", stderr)
	}
	if _, err := os.Stat(filepath.Join(e.dir, "published", "current.json")); err == nil {
		t.Fatal("a bill without one of its accounts was published")
	}
	if files, _ := filepath.Glob(filepath.Join(e.dir, "lake", "raw", "usage_details", "scope=contoso-*", "period=*", "*.parquet")); len(files) != 4 {
		t.Errorf("%d files of the other account are in the lake, want two months of two datasets", len(files))
	}
	t.Setenv("AZLEDGER_PUBLISH_WITH_FAILED_SCOPES", "true")
	e.run(exitPartial, "run", "--as-of", "2026-11-22", "--source", "usage_details", "--source", "budgets")
	var want [][]string
	for _, p := range e.truth.Periods {
		if p.Account == "ea" {
			want = append(want, []string{"contoso", p.Period, p.Actual.Cost})
		}
	}
	e.wantRows(`select x_Account, strftime(BillingPeriodStart, '%Y-%m'), sum(BilledCost) from cost_and_usage group by all order by all`, want...)
	e.wantRows(`select distinct Account, TableName, Severity from data_quality where Rule = 'unit_failed' order by all`,
		[]string{"digital", "raw_budgets", "error"}, []string{"digital", "raw_usage_details", "error"})
}

// handMade is a ledger of accounts whose export folders hold one file each.
func handMade(t *testing.T, files map[string]string) ledger {
	t.Helper()
	l := ledger{t, t.TempDir()}
	config := "lake: lake\npublish: published\ncredential: none\nperiods: { history: 2 }\naccounts:\n"
	for _, account := range slices.Sorted(maps.Keys(files)) {
		agreement, _, _ := strings.Cut(account, "-")
		config += fmt.Sprintf("  - { name: %s, agreement: %s, exports: exports/%[1]s }\n", account, agreement)
		if err := os.MkdirAll(filepath.Join(l.dir, "exports", account), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(l.dir, "exports", account, "actual.csv"), []byte(files[account]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(l.dir, "azledger.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

const (
	enrollmentHeader = "BillingAccountId,BillingPeriodStartDate,BillingPeriodEndDate,Date,SubscriptionId,ResourceId,MeterId,ChargeType,PublisherType,PricingModel,Quantity,EffectivePrice,CostInBillingCurrency,BillingCurrencyCode,UnitOfMeasure,Tags\n"
	customerHeader   = "billingAccountId,billingPeriodStartDate,billingPeriodEndDate,date,SubscriptionId,ResourceId,meterId,chargeType,publisherType,pricingModel,quantity,effectivePrice,costInBillingCurrency,billingCurrency,unitOfMeasure,tags\n"
)

// usedOn is a line of either file: usage of a subscription on a day of October.
func usedOn(account string, day int, subscription, cost, currency string) string {
	return fmt.Sprintf("%s,10/01/2026,10/31/2026,10/%02d/2026,%s,/subscriptions/%[3]s/a,m1,Usage,Azure,OnDemand,1,%[4]s,%[4]s,%s,1 Hour,\n", account, day, subscription, cost, currency)
}

// A subscription moves from an enrollment to a customer agreement on the 15th. Each account has
// its days of it, and the month has all of them once.
func TestASubscriptionThatMovesCountsInBothAccounts(t *testing.T) {
	t.Parallel()
	old, now := enrollmentHeader, customerHeader
	for day := 1; day <= 31; day++ {
		if day < 15 {
			old += usedOn("8608480", day, "s1", "1.5", "EUR")
		} else {
			now += usedOn("a:b_2019-05-31", day, "s1", "2.25", "EUR")
		}
		old += usedOn("8608480", day, "s2", "4", "EUR")
	}
	l := handMade(t, map[string]string{"ea-contoso": old, "mca-digital": now})
	l.run(0, "run", "--as-of", "2026-10-31")
	l.wantRows(`select x_Account, SubAccountId, min(cast(ChargePeriodStart as date)), max(cast(ChargePeriodStart as date)), sum(BilledCost), count(*) from cost_and_usage group by all order by 1, 2`,
		[]string{"ea-contoso", "s1", "2026-10-01", "2026-10-14", "21", "14"},
		[]string{"ea-contoso", "s2", "2026-10-01", "2026-10-31", "124", "31"},
		[]string{"mca-digital", "s1", "2026-10-15", "2026-10-31", "38.25", "17"})
	l.wantRows(`select count(*) from (select SubAccountId, ChargePeriodStart from cost_and_usage group by all having count(distinct x_Account) > 1)`, []string{"0"})
	l.wantRows(`select Account, IsUsed, UsedReason from source_completeness where IsCost order by 1`,
		[]string{"ea-contoso", "true", "counts"}, []string{"mca-digital", "true", "counts"})
}

// An account is billed in euros up to the 14th and in dollars from then on.
func TestACurrencyThatChangesInAMonthIsNotAddedUp(t *testing.T) {
	t.Parallel()
	text := enrollmentHeader
	for day := 1; day <= 31; day++ {
		text += usedOn("8608480", day, "s1", "1.1", map[bool]string{true: "EUR", false: "USD"}[day < 15])
	}
	l := handMade(t, map[string]string{"ea-contoso": text})
	l.run(0, "run", "--as-of", "2026-10-31")
	for _, table := range []string{"cost_and_usage", "cost_trend_daily", "cost_trend_monthly", "chargeback"} {
		l.wantRows("select BillingCurrency, sum(BilledCost) from "+table+" group by all order by all", []string{"EUR", "15.4"}, []string{"USD", "18.7"})
	}
	// No table may have a row of both, or one without a currency.
	l.wantRows("select count(*) from cost_and_usage where BillingCurrency is null or BillingCurrency = 'EUR' and ChargePeriodStart >= timestamp '2026-10-15'", []string{"0"})
	l.wantRows("select BillingCurrency, sum(SpentBilled) from month_to_date group by all order by all", []string{"EUR", "15.4"}, []string{"USD", "18.7"})
}
