package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// List prices of two days, and a pay-as-you-go subscription beside them, through the
// command and to the published tables.
func TestListPricesOfTwoDays(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("copies the simulated list of prices twice")
	}
	l := ledger{t, t.TempDir()}
	var lists [2]map[string]string
	for i, day := range []int{21, 22} {
		asOf := time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)
		sim := azuresim.New(azuresim.Config{Seed: 7, Months: 2, Rows: 500, AsOf: asOf})
		server, err := serve(context.Background(), sim, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.close() })
		text := fmt.Sprintf(`lake: lake
publish: published
credential: none
endpoints: { management: %q, retail: %[1]q }
retail: { currencies: [EUR] }
periods: { history: 2 }
accounts:
  - name: lab
    scope: %s
    sources: [billing_periods, usage_details, usage_aggregates, rate_card]
    offer: { id: %s, currency: EUR, locale: en-US, region: DE }
`, server.url, azuresim.PaygPath, azuresim.PaygOffer)
		if err := os.WriteFile(filepath.Join(l.dir, "azledger.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l.run(0, "run", "--as-of", asOf.Format(time.DateOnly))
		lists[i] = servedList(t, server.url, "EUR")
	}
	t.Run("every price served is there", func(t *testing.T) {
		l := ledger{t, l.dir}
		l.wantRows("select PricingCurrency, count(*) from retail_price group by all order by all",
			[]string{"EUR", strconv.Itoa(len(lists[1]))})
		l.wantRows("select count(*) from data_quality where Rule in ('check_broken', 'unit_failed', 'record_rejected') and TableName like '%retail%'", []string{"0"})
	})
	t.Run("changes", func(t *testing.T) { (ledger{t, l.dir}).changesBetween(lists[0], lists[1]) })
	t.Run("charges have the list price", func(t *testing.T) {
		(ledger{t, l.dir}).wantRows(`select count(*) > 100, count(*) filter (where not exists (select 1 from retail_price p where p.MeterId = c.x_SkuMeterId
			and p.PricingCurrency = c.BillingCurrency and p.PriceType = 'Consumption' and p.TierMinimumUnits = 0 and p.ListUnitPrice = c.ListUnitPrice)) from cost_and_usage c
			where c.x_PublisherType <> 'Marketplace'`,
			[]string{"true", "0"})
	})
}

// servedList is the unit price of each record of a list, by what tells offers apart.
func servedList(t *testing.T, base, currency string) map[string]string {
	t.Helper()
	list := map[string]string{}
	for link := base + "/api/retail/prices?currencyCode='" + currency + "'"; link != ""; {
		answer, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Items []struct {
				MeterID         string `json:"meterId"`
				Type            string
				ReservationTerm string
				ProductName     string
				TierMinimum     json.Number `json:"tierMinimumUnits"`
				UnitPrice       json.Number
			}
			NextPageLink string
		}
		if err := json.NewDecoder(answer.Body).Decode(&page); err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		for _, p := range page.Items {
			key := strings.Join([]string{p.MeterID, p.Type, p.ReservationTerm, p.ProductName, p.TierMinimum.String()}, "|")
			if _, twice := list[key]; twice {
				t.Fatalf("%s stands twice in the list", key)
			}
			list[key] = p.UnitPrice.String()
		}
		link = page.NextPageLink
	}
	return list
}

// changesBetween holds retail_price_change to a comparison of two lists as served.
func (l ledger) changesBetween(before, after map[string]string) {
	l.t.Helper()
	var want [][]string
	add := func(kind, key, old, now string) {
		want = append(want, []string{kind, strings.Split(key, "|")[0], old, now})
	}
	for key, price := range before {
		if now, there := after[key]; !there {
			add("gone", key, price, "")
		} else if !sameNumber(now, price) {
			add("changed", key, price, now)
		}
	}
	for key, price := range after {
		if _, there := before[key]; !there {
			add("new", key, "", price)
		}
	}
	slices.SortFunc(want, slices.Compare)
	kinds := map[string]bool{}
	for _, row := range want {
		kinds[row[0]] = true
	}
	if len(kinds) != 3 {
		l.t.Fatalf("the list changed in %v only", kinds)
	}
	l.wantRows(`select ChangeKind, MeterId, OldListUnitPrice, NewListUnitPrice from retail_price_change
		where PricingCurrency = 'EUR' and ChangeDate = date '2026-11-22' and PreviousDate = date '2026-11-21' order by 1, 2`, want...)
}
