package azuresim

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// listPrices walks through the list once, and returns its records as text with how often each came.
func listPrices(t *testing.T, config Config, query string) map[string]int {
	t.Helper()
	_, s := serve(t, config)
	records := map[string]int{}
	for link := "/api/retail/prices?" + strings.ReplaceAll(query, " ", "%20"); link != ""; {
		status, page := get(t, s, link)
		if status != http.StatusOK {
			t.Fatalf("GET %s: %d %v", link, status, page)
		}
		items := page["Items"].([]any)
		if fmt.Sprint(page["Count"]) != fmt.Sprint(len(items)) {
			t.Errorf("Count %v, %d items", page["Count"], len(items))
		}
		for _, item := range items {
			records[string(encode(item))]++
		}
		link, _ = page["NextPageLink"].(string)
	}
	return records
}

func TestEveryWalkThroughAnUnstableListIsAnother(t *testing.T) {
	whole := listPrices(t, Config{Rows: 500}, "currencyCode='EUR'")
	config := Config{Rows: 500, PageSize: 300, Faults: []Fault{{Kind: "unstable"}}}
	_, s := serve(t, config)
	union := map[string]bool{}
	for walk := 1; walk <= 6; walk++ {
		seen, served := map[string]bool{}, 0
		for link := "/api/retail/prices?currencyCode='EUR'"; link != ""; {
			_, page := get(t, s, link)
			for _, item := range page["Items"].([]any) {
				seen[string(encode(item))] = true
				union[string(encode(item))] = true
				served++
			}
			link, _ = page["NextPageLink"].(string)
		}
		if len(seen) > len(whole)*19/20 || served == len(seen) {
			t.Errorf("walk %d met %d of %d records, %d of them twice", walk, len(seen), len(whole), served-len(seen))
		}
	}
	if len(union) != len(whole) {
		t.Errorf("six walks met %d of %d records", len(union), len(whole))
	}
}

func TestListPricesChangeFromDayToDay(t *testing.T) {
	day := func(d int) map[string]int {
		return listPrices(t, Config{Rows: 500, AsOf: time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC)}, "currencyCode='EUR'")
	}
	before, again, after := day(21), day(21), day(22)
	changed := 0
	for record := range before {
		if again[record] == 0 {
			t.Fatalf("%s is there once and once not", record)
		}
		if after[record] == 0 {
			changed++
		}
	}
	if changed == 0 || changed > len(before)/10 {
		t.Errorf("%d of %d records changed in a day", changed, len(before))
	}
}

func TestTheFilterOfListPricesComparesLetterByLetter(t *testing.T) {
	for query, some := range map[string]bool{
		"$filter=serviceFamily eq 'Management and Governance'":                                                true,
		"$filter=serviceFamily eq 'management and governance'":                                                false,
		"$filter=serviceFamily eq 'Compute' and priceType eq 'Reservation' and armRegionName eq 'westeurope'": true,
	} {
		if got := listPrices(t, Config{Rows: 500}, query); len(got) > 0 != some {
			t.Errorf("%s: %d records", query, len(got))
		}
	}
	_, s := serve(t, Config{Rows: 500})
	for _, query := range []string{"currencyCode=EUR", "currencyCode='XXX'", "$filter=serviceFamily ne 'Compute'", "$skip=-1"} {
		if status, _ := get(t, s, "/api/retail/prices?"+query); status != http.StatusBadRequest {
			t.Errorf("%s: %d, want 400", query, status)
		}
	}
}

func TestListPricesTakeNoToken(t *testing.T) {
	_, s := serve(t, Config{Rows: 500, Token: "secret"})
	if status, _ := get(t, s, "/api/retail/prices"); status != http.StatusOK {
		t.Errorf("without a token: %d", status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/retail/prices", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer secret")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("with a token: %d, want 400", answer.StatusCode)
	}
}

// The list price of a meter is the price sheet's standard rate, and the rate card's.
func TestOneListPriceEverywhere(t *testing.T) {
	e := New(Config{Rows: 500})
	rates := string(e.rateCardBody())
	for _, m := range e.meters {
		price := string(appendNum(nil, m.eurPay[e.open().index], true))
		record := retailOf(m, "EUR", m.eurPay[e.open().index])[0]
		if fmt.Sprint(record.fields["unitPrice"]) != price {
			t.Errorf("%s: list price %v, want %s", m.id, record.fields["unitPrice"], price)
		}
		if !strings.Contains(rates, m.id) || !strings.Contains(rates, `":`+price) {
			t.Errorf("%s: the rate card lacks %s", m.id, price)
		}
	}
	if !bytes.Equal(e.rateCardBody(), New(Config{Rows: 500}).rateCardBody()) {
		t.Error("the rate card is another each time")
	}
}

func TestUsageAggregatesWantMidnight(t *testing.T) {
	_, s := serve(t, Config{Rows: 500})
	path := PaygPath + "/providers/Microsoft.Commerce/UsageAggregates?api-version=2015-06-01-preview&aggregationGranularity=Daily&reportedStartTime="
	for times, want := range map[string]int{
		"2026-10-01T00%3a00%3a00%2b00%3a00&reportedEndTime=2026-10-02T00%3a00%3a00%2b00%3a00": http.StatusOK,
		"2026-10-01T01%3a00%3a00%2b00%3a00&reportedEndTime=2026-10-02T00%3a00%3a00%2b00%3a00": http.StatusBadRequest,
		"2026-10-01T00%3a00%3a00%2b00%3a00":                                                   http.StatusBadRequest,
		"2026-11-22T00%3a00%3a00%2b00%3a00&reportedEndTime=2026-11-23T00%3a00%3a00%2b00%3a00": http.StatusAccepted,
	} {
		if status, body := get(t, s, path+times); status != want {
			t.Errorf("%s: %d, want %d: %v", times, status, want, body)
		}
	}
}
