package extract

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

func TestCostManagementExamples(t *testing.T) {
	value := jsonShape{Rows: "value", Next: "nextLink"}
	for _, c := range []struct {
		source   string
		shape    jsonShape
		payloads int
		extra    []string
		patterns []string
	}{
		{"forecast", tableShape, 27, []string{"ResourceGroup"}, []string{"cost-management/*/*Forecast*.json"}},
		{"alerts", value, 27, nil, []string{"cost-management/*/[^D]*Alerts.json", "cost-management/*/DepartmentAlerts.json"}},
		{"alerts", jsonShape{}, 12, nil, []string{"cost-management/*/Single*Alert.json", "cost-management/*/Dismiss*Alerts.json"}},
		{"benefit_utilization_summaries", value, 4, nil, []string{"cost-management/*/BenefitUtilizationSummaries/*.json"}},
		{"benefit_recommendations", value, 1, nil, []string{"cost-management/*/BenefitRecommendations*.json"}},
		{"exports", value, 24, nil, []string{"cost-management/*/ExportsGet*.json", "cost-management/2019-11-01/ExportList*.json"}},
		{"exports", jsonShape{}, 48, nil, []string{"cost-management/*/ExportGet*.json", "cost-management/2019-11-01/ExportBy*.json", "cost-management/*/ExportCreate*.json"}},
		{"reservation_recommendations", value, 14, nil, []string{"consumption/*/ReservationRecommendationsBy*.json", "consumption/*/ReservationRecommendationsFilter*.json", "consumption/*/ReservationRecommendationsList.json"}},
		{"reservation_recommendation_details", jsonShape{}, 8, nil, []string{"consumption/*/ReservationRecommendationDetails*.json"}},
		{"reservation_transactions", value, 4, nil, []string{"consumption/*/ReservationTransactions*.json"}},
	} {
		p := proveExamples(t, c.source, c.shape, c.patterns...)
		var extra []string
		for name := range p.extra {
			extra = append(extra, name)
		}
		slices.Sort(extra)
		if p.payloads != c.payloads || !slices.Equal(extra, c.extra) {
			t.Errorf("%s: proved on %d payloads, want %d; in _extra %v, want %v", c.source, p.payloads, c.payloads, extra, c.extra)
		}
	}
}

// A run's history is a list of its own in the examples, and stands inside the export where
// it is asked for with $expand.
func TestExportRunHistoryExamples(t *testing.T) {
	folder := sharedFolder(t, "azure", "examples", "cost-management")
	history, err := filepath.Glob(folder + "/*/ExportRunHistory*.json")
	if err != nil {
		t.Fatal(err)
	}
	older, err := filepath.Glob(folder + "/2019-11-01/ExportExecutionList*.json")
	if err != nil {
		t.Fatal(err)
	}
	payloads := 0
	for _, file := range append(history, older...) {
		list := exampleBody(t, file)
		if list == nil {
			t.Errorf("%s has no answer", file)
			continue
		}
		payloads++
		body := fmt.Sprintf(`{"value":[{"id":"e","name":"e","properties":{"format":"Csv","runHistory":%s}}]}`, list)
		proveBody(t, filepath.Base(file), sourceNamed(t, "exports"), jsonShape{Rows: "value"}, []byte(body), map[string]int{})
	}
	if t.Logf("%d run histories", payloads); payloads != 24 {
		t.Errorf("%d run histories", payloads)
	}
}

func TestExportRecordings(t *testing.T) {
	lists, single, rows, extra := 0, 0, 0, map[string]int{}
	for _, i := range costRecordings(t, "microsoft.costmanagement/exports") {
		switch {
		case i.Method != http.MethodGet || i.Status != http.StatusOK:
		case strings.Contains(i.URL, "/exports?"):
			lists++
			rows += proveBody(t, i.URL, sourceNamed(t, "exports"), jsonShape{Rows: "value"}, []byte(i.Body), extra)
		default:
			single++
			rows += proveBody(t, i.URL, sourceNamed(t, "exports"), jsonShape{}, []byte(i.Body), extra)
		}
	}
	t.Logf("%d lists, %d exports, %d rows, in _extra: %v", lists, single, rows, extra)
	if lists != 4 || single < 6 || rows < 100 {
		t.Errorf("%d lists, %d exports, %d rows", lists, single, rows)
	}
}

// Each source against the simulated Azure: how many rows each account's units have, and
// no request that is refused.
func TestCostManagementAgainstTheSimulatedAzure(t *testing.T) {
	for _, c := range []struct {
		source string
		units  int
		absent int
		rows   int
	}{
		{"forecast", 3, 0, 3 * 61},
		{"alerts", 2, 0, 0},
		{"benefit_utilization_summaries", 12, 0, 2 * (82 + 3)},
		{"benefit_recommendations", 18, 0, 18},
		{"exports", 2, 0, 4},
		{"reservation_recommendations", 42, 0, 12},
		{"reservation_recommendation_details", 10, 0, 10},
		{"reservation_transactions", 9, 0, 6},
	} {
		s := newCostSimOf(t, azuresim.Config{Seed: 11, Months: 3, Rows: 5000, PageSize: 50})
		o := s.options(c.source, simEnrollment, digital)
		res := mustRun(t, o)
		absent := 0
		for _, u := range res.Units {
			if u.Absent {
				absent++
			}
		}
		rows := rawRows(t, o.Lake, c.source)
		if len(res.Units) != c.units || absent != c.absent || len(rows) != c.rows {
			t.Errorf("%s: %d units, %d absent, %d rows; want %d, %d, %d", c.source, len(res.Units), absent, len(rows), c.units, c.absent, c.rows)
		}
		for _, r := range rows {
			if extra := r["_extra"]; extra != "" && c.source != "alerts" { // alerts have times of seven digits
				t.Errorf("%s: _extra %s", c.source, extra)
			}
		}
		for _, r := range s.azure.Requests() {
			if r.Status != http.StatusOK && r.Status != http.StatusNoContent {
				t.Errorf("%s: %s %s?%s answered with %d", c.source, r.Method, r.Path, r.Query, r.Status)
			}
		}
	}
}

// What is forecast for the days that have passed is what the query says of them.
func TestForecastRepeatsTheQuery(t *testing.T) {
	s := newCostSim(t, 50)
	o := s.options("query", simEnrollment)
	o.Sources = []string{"query", "forecast"}
	o.Periods = Range{From: "2026-11", To: "2026-11"}
	mustRun(t, o)
	actual := map[string]string{}
	for _, r := range rawRows(t, o.Lake, "query") {
		if r["_dataset"] == "actual" {
			actual[r["UsageDate"]] = r["Cost"]
		}
	}
	passed, to := 0, ""
	for _, r := range rawRows(t, o.Lake, "forecast") {
		switch r["CostStatus"] {
		case "Actual":
			if passed++; r["Cost"] != actual[r["UsageDate"]] {
				t.Errorf("%s: %s in the forecast, %s in the query", r["UsageDate"], r["Cost"], actual[r["UsageDate"]])
			}
		case "Forecast":
			to = max(to, r["UsageDate"])
			if r["UsageDate"] < "2026-11-22" || !strings.Contains(r["Cost"], ".") || r["Currency"] != "EUR" {
				t.Errorf("forecast %v", r)
			}
		default:
			t.Errorf("row %v", r)
		}
	}
	if passed != 21 || len(actual) != 21 || to != "2026-12-31" {
		t.Errorf("%d days passed, %d in the query, forecast to %s", passed, len(actual), to)
	}
}

// Where Azure makes no forecast there is none, and the run has not failed.
func TestNoForecastIsNoFailure(t *testing.T) {
	for _, status := range []int{http.StatusFailedDependency, http.StatusNoContent} {
		asked := ""
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			asked += r.Method + " " + r.URL.Path + " " + string(body)
			w.WriteHeader(status)
		}))
		client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: server.URL}})
		if err != nil {
			t.Fatal(err)
		}
		o := newCostSim(t, 50).options("forecast", simEnrollment)
		o.Client = client
		res := mustRun(t, o)
		server.Close()
		if len(res.Units) != 1 || !res.Units[0].Absent {
			t.Errorf("%d: units %+v", status, res.Units)
		}
		want := "POST " + simEnrollment.Scope + `/providers/Microsoft.CostManagement/forecast {"type":"ActualCost","timeframe":"Custom",` +
			`"timePeriod":{"from":"2026-11-01T00:00:00+00:00","to":"2026-12-31T23:59:59+00:00"},` +
			`"dataset":{"granularity":"Daily","aggregation":{"totalCost":{"name":"Cost","function":"Sum"}}},"includeActualCost":true,"includeFreshPartialCost":true}`
		if asked != want {
			t.Errorf("asked %s, want %s", asked, want)
		}
	}
}

// Alerts that were closed are gone from the list, and that is no answer cut short.
func TestAlertsComeAndGo(t *testing.T) {
	list := `{"id":"/a/1","properties":{"status":"Active"}},{"id":"/a/2"},{"id":"/a/3"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"value":[%s],"nextLink":null}`, list)
	}))
	defer server.Close()
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	o := newCostSim(t, 50).options("alerts", simEnrollment)
	o.Client = client
	mustRun(t, o)
	list = `{"id":"/a/2"}`
	mustRun(t, o)
	if rows := rawRows(t, o.Lake, "alerts"); !slices.ContainsFunc(rows, func(r record) bool { return r["id"] == "/a/2" }) {
		t.Errorf("rows %v", rows)
	}
}

// What a scope is not asked for by itself, because Azure would refuse it there.
func TestScopesThatAreNotAsked(t *testing.T) {
	for scope, want := range map[string]string{
		simEnrollment.Scope:                                        "alerts benefit_recommendations benefit_utilization_summaries exports forecast query reservation_recommendations reservation_transactions",
		simEnrollment.Scope + "/departments/84000":                 "alerts exports forecast query",
		digital.Scope + "/billingProfiles/A-B":                     "alerts benefit_recommendations benefit_utilization_summaries exports forecast query reservation_recommendations reservation_transactions",
		"/subscriptions/1":                                         "alerts benefit_recommendations exports forecast query reservation_recommendations",
		"/providers/Microsoft.BillingBenefits/savingsPlanOrders/1": "benefit_utilization_summaries",
		"/providers/Microsoft.Capacity/reservationOrders/1":        "",
	} {
		var standard []string
		for _, name := range []string{"alerts", "benefit_recommendations", "benefit_utilization_summaries", "exports", "forecast", "query", "reservation_recommendation_details", "reservation_recommendations", "reservation_transactions"} {
			if sourceNamed(t, name).isStandard(Account{Scope: scope}) {
				standard = append(standard, name)
			}
		}
		if got := strings.Join(standard, " "); got != want {
			t.Errorf("%s is asked for %s, want %s", scope, got, want)
		}
	}
}

// A month that is not open cannot be forecast, so asking for one reads nothing.
func TestAForecastIsOfTheOpenMonth(t *testing.T) {
	s := newCostSim(t, 50)
	o := s.options("forecast", simEnrollment)
	o.Periods = Range{From: "2026-09", To: "2026-10"}
	if res := mustRun(t, o); len(res.Units) != 0 || len(s.azure.Requests()) != 0 {
		t.Errorf("%d units, %d requests", len(res.Units), len(s.azure.Requests()))
	}
}

// Payments for reservations are those of the cost rows, to the last digit, each in its month.
func TestReservationTransactionsAreTheCharges(t *testing.T) {
	s := newCostSim(t, 50)
	o := s.options("reservation_transactions", simEnrollment, digital)
	o.Sources = []string{"reservation_transactions", "usage_details"}
	mustRun(t, o)
	charged, paid := map[string]string{}, map[string]string{}
	for _, r := range rawRows(t, o.Lake, "usage_details") {
		reservation := strings.Contains(r["product"], "Reserved VM Instance")
		if (r["chargeType"] == "Purchase" || r["chargeType"] == "Refund") && r["_dataset"] == "actual" && reservation {
			cost := r["cost"] + r["costInBillingCurrency"]
			charged[strings.Join([]string{r["_account"], r["date"], r["chargeType"], r["billingCurrency"] + r["billingCurrencyCode"], cost}, " ")] = r["_period"]
		}
	}
	for _, r := range rawRows(t, o.Lake, "reservation_transactions") {
		day, period := r["eventDate"][:10], r["_period"]
		if !strings.HasPrefix(day, period) { // of the day after the month, asked for in case
			continue
		}
		paid[strings.Join([]string{r["_account"], day, r["eventType"], r["currency"], r["amount"]}, " ")] = period
	}
	if diff := gocmp.Diff(charged, paid); diff != "" || len(paid) < 5 {
		t.Errorf("payments differ (-charges +transactions):\n%s", diff)
	}
}

// The details of each recommendation are asked for with all its parameters.
func TestRecommendationDetailsAreOfTheRecommendations(t *testing.T) {
	s := newCostSimOf(t, azuresim.Config{Seed: 11, Months: 3, Rows: 5000, PageSize: 50})
	o := s.options("", simEnrollment)
	o.Sources = []string{"reservation_recommendations", "reservation_recommendation_details"}
	mustRun(t, o)
	want, got := map[string]bool{}, map[string]bool{}
	for _, r := range rawRows(t, o.Lake, "reservation_recommendations") {
		if r["scope"] == "Shared" {
			want[strings.Join([]string{r["location"], r["sku"], r["term"], r["recommendedQuantity"]}, " ")] = true
		}
	}
	for _, r := range rawRows(t, o.Lake, "reservation_recommendation_details") {
		got[strings.Join([]string{r["resource_region"], r["resource_product"], r["savings_reservationOrderTerm"], r["savings_recommendedQuantity"]}, " ")] = true
	}
	if diff := gocmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("details differ from recommendations (-want +got):\n%s", diff)
	}
}

func TestCostManagementFaults(t *testing.T) {
	for _, c := range []struct{ source, month string }{
		{"forecast", ""},
		{"alerts", ""},
		{"exports", ""},
		{"benefit_recommendations", ""},
		{"reservation_recommendations", ""},
		{"benefit_utilization_summaries", "2026-10"},
		{"reservation_transactions", "2026-10"},
	} {
		faultsAtEachCall(t, 13, c.source, c.month, simEnrollment, "429", "503", "cut", "error_200", "loop")
	}
}

// Which utilisation parameter a scope takes is told by its kind: the other is ignored.
func TestBenefitUtilizationFilters(t *testing.T) {
	month := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	dates := "properties/usageDate%20ge%202026-10-01%20and%20properties/usageDate%20le%202026-10-31&grainParameter=Daily"
	for scope, filter := range map[string]string{
		simEnrollment.Scope: "?filter=", digital.Scope + "/billingProfiles/A-B": "?filter=",
		"/providers/Microsoft.BillingBenefits/savingsPlanOrders/1/savingsPlans/2": "?$filter=",
	} {
		if url := benefitUtilization(scope, "daily", month).first.URL; !strings.Contains(url, filter+dates) {
			t.Errorf("%s is asked with %s", scope, url)
		}
	}
	s := newCostSim(t, 50)
	for _, c := range s.azure.Truth().Commitments {
		if c.Kind != "SavingsPlan" {
			continue
		}
		order := Account{Name: "plan", Agreement: ea, Scope: "/providers/Microsoft.BillingBenefits/savingsPlanOrders/" + c.Order}
		o := s.options("benefit_utilization_summaries", order)
		o.Periods = Range{From: "2026-10", To: "2026-10"}
		mustRun(t, o)
		if rows := rawRows(t, o.Lake, "benefit_utilization_summaries"); len(rows) != 32 || !strings.HasSuffix(rows[0]["benefitId"], c.ID) {
			t.Errorf("order %s: %d rows", c.Order, len(rows))
		}
	}
}
