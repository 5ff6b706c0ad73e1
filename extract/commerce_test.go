package extract

import (
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

var paygOffer = Offer{ID: azuresim.PaygOffer, Currency: "EUR", Locale: "en-US", Region: "DE"}

// paygOptions is a pay-as-you-go subscription at a simulated Azure.
func paygOptions(t *testing.T, sources []string, faults ...azuresim.Fault) (*azuresim.Enterprise, Options) {
	t.Helper()
	sim := simulate(t, azuresim.Config{Rows: 500, Months: 3, PageSize: 50, Faults: faults})
	return sim.Enterprise, Options{
		Lake: t.TempDir(), Client: quickClient(t, sim.url), Workers: 1, Sources: sources, History: 3, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Refresh: true,
		Accounts: []Account{{Name: "lab", Scope: azuresim.PaygPath, Agreement: "auto", Offer: paygOffer}},
	}
}

func TestUsageAggregatesGoByTheDayTheyWereReported(t *testing.T) {
	sim, o := paygOptions(t, []string{"usage_aggregates"})
	mustRun(t, o)
	sums := map[string]*big.Rat{}
	late := 0
	for _, r := range rawRows(t, o.Lake, "usage_aggregates") {
		q, ok := new(big.Rat).SetString(r["quantity"])
		if !ok {
			t.Fatalf("quantity of %v", r)
		}
		key := r["_dataset"] + " " + r["meterId"]
		if sums[key] == nil {
			sums[key] = new(big.Rat)
		}
		sums[key].Add(sums[key], q)
		if !strings.Contains(r["instanceData"], `"resourceUri":"`+azuresim.PaygPath) {
			t.Errorf("instanceData %s", r["instanceData"])
		}
		if start, _, _ := strings.Cut(r["usageStartTime"], "T"); r["_dataset"] == "daily" && start < "2026-10-01" {
			late++
		}
	}
	if len(sums) != 10 || late == 0 {
		t.Fatalf("%d meters and granularities, %d days", len(sums), late)
	}
	for key, sum := range sums {
		if other := sums[strings.Replace(key, "hourly", "daily", 1)]; sum.Cmp(other) != 0 {
			t.Errorf("%s: %s by the hour, %s by the day", key, sum.FloatString(6), other.FloatString(6))
		}
	}
	var ranges []string
	for _, r := range sim.Requests() {
		q, err := url.ParseQuery(r.Query)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(r.Query, "+") || !strings.HasSuffix(r.Path, "/UsageAggregates") && !strings.HasSuffix(r.Path, "/billingPeriods") {
			t.Errorf("request %s?%s", r.Path, r.Query)
		}
		if q.Get("aggregationGranularity") == "Daily" && q.Get("continuationToken") == "" {
			ranges = append(ranges, q.Get("reportedStartTime")+" "+q.Get("reportedEndTime"))
		}
	}
	if diff := gocmp.Diff([]string{
		"2026-09-01T00:00:00+00:00 2026-10-01T00:00:00+00:00",
		"2026-10-01T00:00:00+00:00 2026-11-01T00:00:00+00:00",
		"2026-11-01T00:00:00+00:00 2026-11-22T00:00:00+00:00",
	}, ranges); diff != "" {
		t.Errorf("ranges asked for (-want +got):\n%s", diff)
	}
}

func TestUsageThatIsNotWorkedOutYetIsWaitedFor(t *testing.T) {
	_, o := paygOptions(t, []string{"usage_aggregates"})
	mustRun(t, o)
	want := parquets(t, o.Lake, "usage_aggregates")
	for _, nth := range []int{1, 2} {
		_, again := paygOptions(t, []string{"usage_aggregates"}, azuresim.Fault{Kind: "202", Nth: nth, Times: unreadyWaits, Match: "Hourly"})
		mustRun(t, again)
		if diff := gocmp.Diff(want, parquets(t, again.Lake, "usage_aggregates")); diff != "" {
			t.Errorf("202 from request %d on: the files differ", nth)
		}
	}
	_, never := paygOptions(t, []string{"usage_aggregates"}, azuresim.Fault{Kind: "202", Times: -1, Match: "Hourly&"})
	res, err := Run(t.Context(), never)
	if err != nil {
		t.Fatal(err)
	}
	if failed := res.Failed(); len(failed) != 3 || !strings.Contains(failed[0].Err.Error(), "has not worked this out yet") || failed[0].Dataset != "hourly" {
		t.Errorf("failed: %v", failed)
	}
}

// An empty 202 must not pass for a month without usage.
func TestAnEmpty202IsNoPage(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	t.Cleanup(s.Close)
	_, o := paygOptions(t, []string{"usage_aggregates"})
	client := quickClient(t, s.URL)
	o.Client, o.Accounts[0].Agreement = client, mosp
	res, err := Run(t.Context(), o)
	if err != nil || len(res.Failed()) != len(res.Units) || len(res.Units) == 0 {
		t.Errorf("error %v, units %v", err, res.Units)
	}
}

func TestNothingIsAskedOfAMonthThatBeginsToday(t *testing.T) {
	sim, o := paygOptions(t, []string{"usage_aggregates"})
	o.AsOf, o.History = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), 2
	for _, u := range mustRun(t, o).Units {
		if u.Period != "2026-10" {
			t.Errorf("unit %s", u.Unit)
		}
	}
	if n := len(sim.Requests()); n < 3 {
		t.Errorf("%d requests", n)
	}
}

func TestTheRateCardIsReadBehindItsRedirectWithoutTheToken(t *testing.T) {
	tokens := map[string]int{}
	sim := azuresim.New(azuresim.Config{Rows: 500, Months: 3})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			tokens[r.URL.Path]++
		}
		if strings.HasPrefix(r.URL.Path, "/_blob/") && strings.HasPrefix(r.Host, "127.0.0.1") {
			t.Errorf("%s was asked for at the host that redirected", r.URL.Path)
		}
		sim.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: s.URL, Audience: "https://management.azure.com"}, Credential: &testToken{}})
	if err != nil {
		t.Fatal(err)
	}
	_, o := paygOptions(t, []string{"rate_card"})
	o.Client = client
	mustRun(t, o)
	if len(tokens) != 2 || tokens["/_blob/_ratecard.json"] > 0 {
		t.Errorf("tokens went to %v, want the list of periods and the rate card's own address only", tokens)
	}
	rows := rawRows(t, o.Lake, "rate_card")
	tiers := slices.IndexFunc(rows, func(r record) bool { return strings.Contains(r["MeterRates"], "100.0000000000") })
	last := rows[len(rows)-1]
	if len(rows) < 100 || tiers < 0 || last["Currency"] != "EUR" || last["IsTaxIncluded"] != "false" || rows[len(rows)-2]["Name"] != "Monetary Credit" {
		t.Errorf("%d rows, the last two %v %v", len(rows), rows[len(rows)-2], last)
	}
	if units, _ := filepath.Glob(filepath.Join(o.Lake, "raw", "rate_card", "*", "*", "ms_azr_0003p_eur_de.json")); len(units) != 1 {
		t.Errorf("units %v", units)
	}
}

func TestTheRateCardWantsTheOffer(t *testing.T) {
	_, o := paygOptions(t, []string{"rate_card"})
	o.Accounts[0].Offer = Offer{ID: "MS-AZR-0003P", Currency: "EUR"}
	res, err := Run(t.Context(), o)
	if failed := res.Failed(); err != nil || len(failed) != 1 || !strings.Contains(failed[0].Err.Error(), "the configuration lacks offer.locale, offer.region") {
		t.Errorf("error %v, failed %v", err, failed)
	}
}

func TestFaultsOnTheWayToTheRateCard(t *testing.T) {
	_, o := paygOptions(t, []string{"rate_card"})
	mustRun(t, o)
	want := parquets(t, o.Lake, "rate_card")
	for _, kind := range []string{"429", "500", "503", "reset"} {
		_, again := paygOptions(t, []string{"rate_card"}, azuresim.Fault{Kind: kind, Match: "RateCard"})
		mustRun(t, again)
		if diff := gocmp.Diff(want, parquets(t, again.Lake, "rate_card")); diff != "" {
			t.Errorf("%s: the files differ", kind)
		}
	}
	for _, body := range []string{`{"code":"x","message":"y"}`, `{"Meters":[{"MeterId":"a",}]}`, `{"Meters":{}}`, `[]`} {
		l := land(t, rateCardColumns())
		if err := landRateCard(l.landing, []byte(body), func(int64) {}); err == nil {
			t.Errorf("%s was taken for a rate card", body)
		}
	}
}

// The example of the specification: every field of the meter, its rates as they are written.
func TestExamplesOfCommerce(t *testing.T) {
	p := proveExamples(t, "rate_card", jsonShape{Rows: "Meters"}, "commerce/2015-06-01-preview/GetRateCard.json")
	if len(p.extra) > 0 {
		t.Errorf("fields that no column has: %v", p.extra)
	}
	body := exampleBody(t, filepath.Join(sharedFolder(t, "azure", "examples"), "commerce/2015-06-01-preview/GetRateCard.json"))
	l := land(t, rateCardColumns())
	if err := landRateCard(l.landing, body, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	_, rows := readBack(t, l.done().File)
	if len(rows) != 1 || rows[0]["MeterRates"] != `{"0":1.99,"100":0.99}` {
		t.Errorf("rows %v", rows)
	}
}

func TestPayAsYouGoIsRecognisedAndReadByItsOddPeriods(t *testing.T) {
	sim, o := paygOptions(t, []string{"usage_details", "billing_periods"})
	res := mustRun(t, o)
	var units []string
	for _, u := range res.Units {
		units = append(units, u.String())
	}
	want := []string{"billing_periods lab all all", "usage_details lab 2026-09 actual", "usage_details lab 2026-10 actual", "usage_details lab 2026-11 actual"}
	if diff := gocmp.Diff(want, units); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	if !slices.ContainsFunc(sim.Requests(), func(r azuresim.Request) bool { return strings.Contains(r.Path, "/billingPeriods/202611-1/") }) {
		t.Error("October was not asked for by its name, 202611-1")
	}
}

func TestFaultsOnTheWayToUsageAggregates(t *testing.T) {
	period := Range{From: "2026-10", To: "2026-10"}
	_, o := paygOptions(t, []string{"usage_aggregates"})
	o.Periods = period
	mustRun(t, o)
	want := parquets(t, o.Lake, "usage_aggregates")
	for _, kind := range []string{"429", "500", "503", "html", "empty", "truncated_gzip", "short", "reset", "cut", "loop", "repeat", "other_host", "error_200", "202"} {
		for _, nth := range []int{1, 2, 3} {
			if kind == "repeat" && nth == 1 {
				continue // there is no page before it
			}
			_, again := paygOptions(t, []string{"usage_aggregates"}, azuresim.Fault{Kind: kind, Nth: nth, Match: "UsageAggregates"})
			again.Periods = period
			res, err := Run(t.Context(), again)
			if err != nil {
				t.Fatal(err)
			}
			if failed := res.Failed(); len(failed) > 0 {
				if !slices.Contains([]string{"loop", "repeat", "other_host", "error_200"}, kind) {
					t.Errorf("%s at request %d: %v", kind, nth, failed[0].Err)
				}
				continue
			}
			if diff := gocmp.Diff(want, parquets(t, again.Lake, "usage_aggregates")); diff != "" {
				t.Errorf("%s at request %d: the files differ", kind, nth)
			}
		}
	}
}
