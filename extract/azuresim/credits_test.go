package azuresim

import (
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const chargesPath = "charges?api-version=2023-05-01"

// sumOf adds up an amount of records: a number, or an object with a value.
func sumOf(t *testing.T, records []map[string]any, name string) *big.Rat {
	t.Helper()
	sum := new(big.Rat)
	for _, r := range records {
		v := r[name]
		if properties, ok := r["properties"].(map[string]any); ok {
			v = properties[name]
		}
		if o, ok := v.(map[string]any); ok {
			v = o["value"]
		}
		if v != nil {
			sum.Add(sum, ratio(t, fmt.Sprint(v)))
		}
	}
	return sum
}

// charged is all that charges name.
func charged(t *testing.T, records []map[string]any) *big.Rat {
	t.Helper()
	sum := sumOf(t, records, "azureCharges")
	sum.Add(sum, sumOf(t, records, "marketplaceCharges"))
	return sum.Add(sum, sumOf(t, records, "chargesBilledSeparately"))
}

func wantSame(t *testing.T, what string, got, want *big.Rat) {
	t.Helper()
	if got.Cmp(want) != 0 || want.Sign() == 0 {
		t.Errorf("%s: %s, want %s (and not 0)", what, got.FloatString(18), want.FloatString(18))
	}
}

func TestChargesAreTheRows(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 3, Rows: 3000})
	truth := e.Truth()
	for _, p := range truth.Periods {
		month, _ := e.monthNamed(strings.ReplaceAll(p.Period, "-", ""))
		want := ratio(t, p.Actual.Cost)
		if missing := truth.Faults.MissingDay; p.Account == missing.Account && p.Period == missing.Period {
			want.Add(want, ratio(t, missing.Cost)) // charges know the day that the records lack
		}
		if p.Account == "ea" {
			departments, _ := walk(t, s, EnrollmentPath+"/departments?api-version=2024-04-01")
			accounts, _ := walk(t, s, EnrollmentPath+"/enrollmentAccounts?api-version=2024-04-01")
			for kind, scopes := range map[string][]map[string]any{"departments": append(departments, accounts[len(accounts)-1]), "accounts": accounts} {
				var all []map[string]any
				for _, scope := range scopes {
					list, _ := walk(t, s, fmt.Sprint(scope["id"])+"/providers/Microsoft.Billing/billingPeriods/"+month.name+consumption+chargesPath)
					all = append(all, list...)
				}
				wantSame(t, kind+" "+p.Period, charged(t, all), want)
			}
			_, root := get(t, s, "/providers/Microsoft.Management/managementGroups/contoso/providers/Microsoft.Billing/billingPeriods/"+month.name+consumption+"aggregatedCost?api-version=2023-05-01")
			wantSame(t, "management group "+p.Period, charged(t, []map[string]any{root}), want)
			if properties := root["properties"].(map[string]any); len(properties["excludedSubscriptions"].([]any)) != len(e.mca.subs) || len(properties["children"].([]any)) != 3 {
				t.Errorf("root excludes %v and has %d children", properties["excludedSubscriptions"], len(properties["children"].([]any)))
			}
			continue
		}
		dates := fmt.Sprintf("&startDate=%s&endDate=%s", e.text(month.start).iso, e.text(month.last()).iso)
		for _, split := range []string{"", "&$apply=groupby((properties/billingProfileId))", "&$apply=groupby((properties/invoiceSectionId))"} {
			list, _ := walk(t, s, CustomerPath+consumption+chargesPath+dates+split)
			var mine []map[string]any
			for _, r := range list {
				if property(r, "azureCharges").(map[string]any)["currency"] == p.Currency {
					mine = append(mine, r)
				}
			}
			wantSame(t, "split "+split+p.Period+p.Currency, charged(t, mine), want)
		}
	}
}

func TestEventsAddUpToLotsAndLotsToInvoices(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 4, Rows: 3000})
	dates := fmt.Sprintf("&startDate=%s&endDate=%s", e.text(e.months[0].start).iso, e.text(e.asOf).iso)
	for _, p := range e.mca.profiles {
		lots, _ := walk(t, s, p.path+consumption+"lots?api-version=2023-05-01")
		events, _ := walk(t, s, p.path+consumption+"events?api-version=2023-05-01"+dates)
		_, summary := get(t, s, p.path+consumption+"credits/balanceSummary?api-version=2023-05-01")
		balances := property(summary, "balanceSummary").(map[string]any)
		added := sumOf(t, events, "newCredit")
		wantSame(t, p.name+" original amounts", sumOf(t, lots, "originalAmount"), added)
		left := new(big.Rat).Sub(added, sumOf(t, events, "charges"))
		left.Sub(left, sumOf(t, events, "creditExpired"))
		if estimated := sumOf(t, []map[string]any{balances}, "estimatedBalance"); left.Cmp(estimated) != 0 {
			t.Errorf("%s: events leave %s, the summary estimates %s", p.name, left.FloatString(2), estimated.FloatString(2))
		}
		if current, closed := sumOf(t, []map[string]any{balances}, "currentBalance"), sumOf(t, lots, "closedBalance"); current.Cmp(closed) != 0 {
			t.Errorf("%s: lots are closed with %s, the summary says %s", p.name, closed.FloatString(2), current.FloatString(2))
		}
		if last := sumOf(t, events[len(events)-1:], "closedBalance"); last.Cmp(left) != 0 {
			t.Errorf("%s: the last event says %s is left, the events add up to %s", p.name, last.FloatString(2), left.FloatString(2))
		}
		applied := new(big.Rat)
		for _, v := range e.Truth().Invoices {
			if v.Profile == p.id {
				applied.Add(applied, ratio(t, v.Prepaid))
				applied.Add(applied, ratio(t, v.Free))
			}
		}
		var settled []map[string]any
		for _, v := range events {
			if property(v, "eventType") == "SettledCharges" {
				settled = append(settled, v)
			}
		}
		wantSame(t, p.name+" applied to invoices", sumOf(t, settled, "charges"), applied)
	}
}

func TestACommitmentIsTakenOffByEveryInvoice(t *testing.T) {
	_, s := serve(t, Config{Seed: 7, Months: 4, Rows: 3000})
	filter := "%20eq%20'consumptioncommitment'"
	for _, account := range []string{EnrollmentPath, CustomerPath} {
		lots, _ := walk(t, s, account+consumption+"lots?api-version=2023-05-01&$filter=source"+filter)
		events, _ := walk(t, s, account+consumption+"events?api-version=2023-05-01&$filter=lotsource"+filter)
		if len(lots) != 1 || len(events) < 4 {
			t.Fatalf("%s: %d lots, %d events", account, len(lots), len(events))
		}
		left := new(big.Rat).Sub(sumOf(t, events, "newCredit"), sumOf(t, events, "charges"))
		wantSame(t, account, sumOf(t, lots, "closedBalance"), left)
		wantSame(t, account+" last event", sumOf(t, events[len(events)-1:], "closedBalance"), left)
		wantSame(t, account+" original", sumOf(t, lots, "originalAmount"), sumOf(t, events, "newCredit"))
	}
}

// reporting fetches an Enterprise Reporting document that is an array.
func reporting(t *testing.T, s *httptest.Server, path string) (list []map[string]any) {
	t.Helper()
	r, err := http.Get(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %s %v", path, r.StatusCode, text, err)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&list); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return list
}

func TestEnterpriseReportingHasTheSameFigures(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 3, Rows: 3000, PageSize: 100})
	old := "/v3/enrollments/" + EnrollmentID
	if periods := reporting(t, s, old+"/billingperiods"); len(periods) != 3 {
		t.Errorf("%d billing periods, want 3", len(periods))
	}
	for _, b := range e.Truth().Balances {
		period := old + "/billingPeriods/" + strings.ReplaceAll(b.Period, "-", "")
		_, balance := get(t, s, period+"/balancesummary")
		wantSame(t, b.Period+" balance", sumOf(t, []map[string]any{balance}, "totalUsage"), ratio(t, b.TotalUsage))
		usage, pages := new(big.Rat), 0
		for link := period + "/usagedetails"; link != ""; pages++ {
			_, body := get(t, s, link)
			for _, r := range body["data"].([]any) {
				usage.Add(usage, sumOf(t, []map[string]any{r.(map[string]any)}, "cost"))
			}
			link = body["nextLink"].(string)
		}
		rounded := new(big.Rat).Add(ratio(t, b.RowsUsage), ratio(t, b.RowsApart))
		off := new(big.Rat).Sub(usage, rounded)
		if off.Abs(off).Cmp(big.NewRat(1, 1e15)) > 0 || pages < 2 {
			t.Errorf("%s: usage of %d pages is %s, its rows in usageDetails %s", b.Period, pages, usage.FloatString(18), rounded.FloatString(18))
		}
		wantSame(t, b.Period+" marketplace", sumOf(t, reporting(t, s, period+"/marketplacecharges"), "extendedCost"), ratio(t, b.RowsMarket))
	}
	want := new(big.Rat)
	for _, c := range e.Truth().Commitments {
		if c.Account == "ea" && c.Kind == "Reservation" {
			want.Add(want, ratio(t, c.Purchases))
			want.Add(want, ratio(t, c.Refunds))
		}
	}
	paid := reporting(t, s, strings.Replace(old, "v3", "v4", 1)+fmt.Sprintf("/reservationcharges?startDate=%s&endDate=%s", e.text(e.months[0].start).iso, e.text(e.asOf).iso))
	wantSame(t, "reservation charges", sumOf(t, paid, "amount"), want)
	if sheet := reporting(t, s, old+"/pricesheet"); len(sheet) != len(e.sheet(2)) {
		t.Errorf("%d prices, want %d", len(sheet), len(e.sheet(2)))
	}
	if advice := reporting(t, s, old+"/SingleReservationRecommendations?lookBackPeriod=30"); len(advice) == 0 || advice[0]["subscriptionId"] == nil {
		t.Errorf("single recommendations: %v", advice)
	}
}

func TestTagsAreThoseOfTheRows(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 2, Rows: 3000})
	want := map[string]bool{}
	each(e, e.ea, actual, func(r *row) {
		pairs := map[string]string{}
		_ = json.Unmarshal([]byte(r.tags.object), &pairs) // "" has no pairs
		for k, v := range pairs {
			want[k+"="+v] = true
		}
	})
	got, pages := map[string]bool{}, 0
	for link := EnrollmentPath + consumption + "tags?api-version=2023-05-01&$top=2&$expand=properties/tags/value"; link != ""; pages++ {
		_, body := get(t, s, link)
		for _, tag := range property(body, "tags").([]any) {
			for _, v := range tag.(map[string]any)["value"].([]any) {
				got[fmt.Sprint(tag.(map[string]any)["key"], "=", v)] = true
			}
		}
		link, _ = property(body, "nextLink").(string)
	}
	if strings.Join(sortedKeys(got), "|") != strings.Join(sortedKeys(want), "|") || pages < 2 {
		t.Errorf("tags of %d pages: %q, want %q", pages, sortedKeys(got), sortedKeys(want))
	}
}
