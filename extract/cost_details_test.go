package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// reportConfig is an enterprise whose reports come in several parts, after one poll in vain.
var reportConfig = azuresim.Config{Seed: 5, Months: 2, Rows: 500, ReportPolls: 1, ReportRows: 90}

// costOptions are those of a run that reads one source of an account for October. The
// client waits on a clock of its own.
func (s simulated) october(t *testing.T, lake, source string, a Account) Options {
	t.Helper()
	o := s.options(t, lake, []Account{a}, source)
	o.Periods = Range{From: "2026-10", To: "2026-10"}
	clock := &testClock{at: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	o.Client.sleep, o.Client.now, o.Now = clock.sleep, clock.now, clock.now
	return o
}

func (s simulated) submits() (n int) {
	for _, r := range s.Requests() {
		if r.Method == http.MethodPost {
			n++
		}
	}
	return n
}

// withoutFile takes out what tells by which source rows came.
func withoutFile(rows []record) []record {
	for _, r := range rows {
		delete(r, "_file")
		delete(r, "_page")
		delete(r, "_row")
	}
	return rows
}

// Both reports of cost land what the exports of the same month land, in the same columns.
func TestCostReportsLandWhatExportsLand(t *testing.T) {
	for _, a := range []Account{enrollment, customer} {
		sim := simulate(t, reportConfig)
		folder := t.TempDir()
		if err := sim.WriteExports(t.Context(), folder, azuresim.ExportOptions{Account: a.Name, Months: []string{"2026-10"}}); err != nil {
			t.Fatal(err)
		}
		exported := sim.october(t, t.TempDir(), "cost_export", Account{Name: a.Name, Agreement: a.Agreement, Exports: folder})
		mustRun(t, exported)
		want := withoutFile(rawRows(t, exported.Lake, "cost_export"))
		if len(want) < 200 {
			t.Fatalf("%s: the export has %d rows", a.Name, len(want))
		}
		for _, source := range []string{"cost_details", "detailed_cost"} {
			o := sim.october(t, t.TempDir(), source, a)
			for _, u := range mustRun(t, o).Units {
				if source == "cost_details" && u.Pages < 2 || source == "detailed_cost" && u.Pages != 1 {
					t.Errorf("%s: %d parts", u.Unit, u.Pages)
				}
			}
			if diff := gocmp.Diff(want, withoutFile(rawRows(t, o.Lake, source))); diff != "" {
				t.Errorf("%s of %s differs from the export (-export +report):\n%.2000s", source, a.Name, diff)
			}
		}
	}
}

// Rows are numbered within their part, so a part and a row tell where a charge stands.
func TestPartsOfAReportAreNumbered(t *testing.T) {
	sim := simulate(t, reportConfig)
	o := sim.october(t, t.TempDir(), "cost_details", enrollment)
	mustRun(t, o)
	last := map[string]string{}
	seen := map[string]bool{}
	for _, r := range rawRows(t, o.Lake, "cost_details") {
		place := r["_dataset"] + " " + r["_page"] + " " + r["_row"]
		if seen[place] || r["_file"] != "part_"+r["_page"] || r["_agreement"] != "ea" {
			t.Fatalf("row %v", r)
		}
		seen[place] = true
		last[r["_dataset"]+" "+r["_page"]] = r["_row"]
	}
	if last["actual 1"] != "90" || last["actual 2"] != "90" {
		t.Errorf("parts end at %v, want 90", last)
	}
}

// faultsAt are those worth trying at a call, the mended before the fatal ones: those leave
// no trace, after these a unit may fail and says so.
func faultsAt(call azuresim.Request) (mended, fatal []string) {
	switch {
	case call.Method == http.MethodPost:
		return []string{"429", "500", "lost"}, []string{"403"}
	case strings.HasPrefix(call.Path, "/_blob/"):
		return []string{"503", "short", "cut", "html", "expired"}, []string{"404"}
	case call.Rows > 0: // the answer with the links
		return []string{"500", "reset", "html", "empty", "stuck", "in_progress", "missing_part", "wrong_bytes"}, []string{"404", "failed"}
	}
	return []string{"500", "reset", "stuck"}, []string{"410"}
}

// Whatever goes wrong at any call, the rows are those of an undisturbed run and the report
// was asked for once, or the unit fails and the next run brings the rows.
func TestReportsSurviveAnyFaultAtAnyCall(t *testing.T) {
	for _, tc := range []struct {
		source string
		a      Account
	}{
		{"cost_details", enrollment},
		{"detailed_cost", customer},
		{"reservation_details_report", Account{Name: "mca", Scope: customerProfile(t), Agreement: mca}},
	} {
		undisturbed := simulate(t, reportConfig)
		clean := undisturbed.october(t, t.TempDir(), tc.source, tc.a)
		mustRun(t, clean)
		want, calls, submits := rawRows(t, clean.Lake, tc.source), undisturbed.Requests(), undisturbed.submits()
		for n, call := range calls {
			if strings.HasPrefix(call.Path, "/_blob/") && strings.HasSuffix(call.Path, "/3") {
				continue // neither the first part nor the last
			}
			if n > 0 && call.Rows == 0 && (tc.source != "cost_details" || n > len(calls)/2) {
				continue // asked for in the same way before
			}
			mended, fatal := faultsAt(call)
			for _, kind := range append(mended, fatal...) {
				name := fmt.Sprintf("%s: %s at call %d (%s %s)", tc.source, kind, n+1, call.Method, call.Path)
				sim := simulate(t, reportConfig)
				if err := sim.AddFault(azuresim.Fault{Kind: kind, Nth: n + 1}); err != nil {
					t.Fatal(err)
				}
				o := sim.october(t, t.TempDir(), tc.source, tc.a)
				res, err := Run(context.Background(), o)
				if err != nil {
					t.Fatal(err)
				}
				failed := res.Failed()
				if len(failed) > 0 && slices.Contains(mended, kind) {
					t.Errorf("%s: %v", name, failed[0].Err)
				}
				if len(failed) > 0 {
					mustRun(t, o) // the fault is over
				} else if asked := sim.submits(); asked != submits && kind != "lost" && call.Method != http.MethodPost {
					t.Errorf("%s: %d reports were asked for, want %d", name, asked, submits)
				}
				if diff := gocmp.Diff(want, rawRows(t, o.Lake, tc.source)); diff != "" {
					t.Errorf("%s: rows differ (-want +got):\n%.500s", name, diff)
				}
			}
		}
	}
}

func customerProfile(t *testing.T) string {
	t.Helper()
	sim := simulate(t, azuresim.Config{Months: 1, Rows: 500})
	r, err := newRun(sim.options(t, t.TempDir(), nil))
	if err != nil {
		t.Fatal(err)
	}
	scopes, err := r.billingProfiles(t.Context(), azuresim.CustomerPath)
	if err != nil || len(scopes) == 0 {
		t.Fatal(scopes, err)
	}
	return scopes[0]
}

// A run that is stopped during any call leaves what the next needs: the same reports, the
// files that are there whole.
func TestReportsAreResumedAfterAnyCall(t *testing.T) {
	whole := simulate(t, reportConfig)
	clean := whole.october(t, t.TempDir(), "cost_details", customer)
	mustRun(t, clean)
	want, calls := rawRows(t, clean.Lake, "cost_details"), len(whole.Requests())
	for stop := 1; stop <= calls; stop++ {
		enterprise := azuresim.New(reportConfig)
		ctx, cancel := context.WithCancel(t.Context())
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked == stop {
				cancel()
				panic(http.ErrAbortHandler)
			}
			enterprise.Handler().ServeHTTP(w, r)
		}))
		sim := simulated{enterprise, server.URL}
		lake := t.TempDir()
		if _, err := Run(ctx, sim.october(t, lake, "cost_details", customer)); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at call %d: %v", stop, err)
		}
		o := sim.october(t, lake, "cost_details", customer)
		o.Refresh = false // units completed before the stop are not asked for again
		mustRun(t, o)
		server.Close()
		if diff := gocmp.Diff(want, rawRows(t, lake, "cost_details")); diff != "" {
			t.Errorf("stopped at call %d: rows differ (-want +got):\n%.500s", stop, diff)
		}
		files := map[string]int{}
		for _, r := range enterprise.Requests() {
			if strings.HasPrefix(r.Path, "/_blob/") {
				files[r.Path]++
			}
		}
		if n := sim.submits(); n != 2 {
			t.Errorf("stopped at call %d: %d reports were asked for, want 2", stop, n)
		}
		for path, n := range files {
			if n != 1 {
				t.Errorf("stopped at call %d: %s was fetched %d times", stop, path, n)
			}
		}
	}
}

// A report that is never finished is another thing than one of nothing.
func TestReportNeverFinishedAndReportOfNothing(t *testing.T) {
	for _, kind := range []string{"stuck", "in_progress"} {
		sim := simulate(t, reportConfig)
		if err := sim.AddFault(azuresim.Fault{Kind: kind, Match: "OperationResults", Times: -1}); err != nil {
			t.Fatal(err)
		}
		lake := t.TempDir()
		o := sim.october(t, lake, "cost_details", enrollment)
		o.Client.polling.total = time.Minute
		res, err := Run(context.Background(), o)
		if err != nil || len(res.Failed()) != 2 || !strings.Contains(res.Failed()[0].Err.Error(), "timed out") {
			t.Fatalf("%s: %+v, %v", kind, res.Units, err)
		}
		clearFaults(t, sim)
		o = sim.october(t, lake, "cost_details", enrollment)
		for _, u := range mustRun(t, o).Units {
			if u.Rows == 0 {
				t.Errorf("%s: no rows", u.Unit)
			}
		}
		if n := sim.submits(); n != 2 {
			t.Errorf("%s: %d reports were asked for, want 2", kind, n)
		}
	}
	sim := simulate(t, reportConfig)
	o := sim.october(t, t.TempDir(), "cost_details", enrollment)
	o.Periods = Range{From: "2026-01", To: "2026-03"}
	for _, u := range mustRun(t, o).Units {
		if u.Rows != 0 || u.Absent {
			t.Errorf("%s: %d rows, absent %v", u.Unit, u.Rows, u.Absent)
		}
	}
}

func clearFaults(t *testing.T, sim simulated) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, sim.url+"/_sim/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
}

// A month that had rows and is said to have none is not believed.
func TestReportThatLostItsRowsIsRefused(t *testing.T) {
	sim := simulate(t, reportConfig)
	lake := t.TempDir()
	mustRun(t, sim.october(t, lake, "cost_details", enrollment))
	before := rawRows(t, lake, "cost_details")
	if err := sim.AddFault(azuresim.Fault{Kind: "no_data", Match: "OperationResults", Times: -1}); err != nil {
		t.Fatal(err)
	}
	res, err := Run(context.Background(), sim.october(t, lake, "cost_details", enrollment))
	if err != nil || len(res.Failed()) != 2 || !strings.Contains(res.Failed()[0].Err.Error(), "refused") {
		t.Errorf("%+v, %v", res.Units, err)
	}
	if diff := gocmp.Diff(before, rawRows(t, lake, "cost_details")); diff != "" {
		t.Error(diff)
	}
}

// An enrollment asks by billing period, a customer agreement by days, of the open month up
// to the run's date.
func TestWhatCostReportsAskFor(t *testing.T) {
	type asked struct{ URL, Body string }
	for _, tc := range []struct {
		source string
		a      Account
		month  string
		want   asked
	}{
		{"cost_details", enrollment, "2026-11", asked{"/providers/Microsoft.CostManagement/generateCostDetailsReport?api-version=2023-11-01", `{"metric":"ActualCost","billingPeriod":"202611"}`}},
		{"cost_details", customer, "2026-10", asked{"/providers/Microsoft.CostManagement/generateCostDetailsReport?api-version=2023-11-01", `{"metric":"ActualCost","timePeriod":{"start":"2026-10-01","end":"2026-10-31"}}`}},
		{"cost_details", customer, "2026-11", asked{"/providers/Microsoft.CostManagement/generateCostDetailsReport?api-version=2023-11-01", `{"metric":"ActualCost","timePeriod":{"start":"2026-11-01","end":"2026-11-22"}}`}},
		{"detailed_cost", enrollment, "2026-10", asked{"/providers/Microsoft.CostManagement/generateDetailedCostReport?api-version=2023-11-01", `{"metric":"ActualCost","billingPeriod":"202610"}`}},
		{"reservation_details_report", enrollment, "2026-11", asked{"/providers/Microsoft.CostManagement/generateReservationDetailsReport?startDate=2026-11-01&endDate=2026-11-22&api-version=2023-11-01", ""}},
	} {
		var got []asked
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = append(got, asked{strings.TrimPrefix(r.URL.String(), tc.a.Scope), string(body)})
			answerWith(404, `{"error":{"code":"NotFound"}}`)(w, r)
		}))
		sim := simulated{nil, server.URL}
		o := sim.october(t, t.TempDir(), tc.source, tc.a)
		o.Periods = Range{From: tc.month, To: tc.month}
		if _, err := Run(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		server.Close()
		if len(got) == 0 || got[0] != tc.want {
			t.Errorf("%s of %s: asked %v, want %v", tc.source, tc.a.Name, got, tc.want)
		}
	}
}

func TestMonthsOutOfReach(t *testing.T) {
	sim := simulate(t, reportConfig)
	o := sim.october(t, t.TempDir(), "cost_details", enrollment)
	o.Periods = Range{From: "2025-09", To: "2025-10"}
	res, err := Run(context.Background(), o)
	if err != nil || len(res.Failed()) != 2 || !strings.Contains(res.Failed()[0].Err.Error(), "usage_details") || res.Failed()[0].Period != "2025-09" {
		t.Errorf("asked by name: %+v, %v", res.Failed(), err)
	}
	o.Lake, o.Periods, o.History = t.TempDir(), Range{}, 24
	plan, err := MakePlan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	left, fetched := 0, 0
	for _, u := range plan.Units {
		if strings.Contains(u.Skip, "exports do") && u.Period < "2025-10" {
			left++
		} else if u.Skip == "" && u.Period >= "2025-10" {
			fetched++
		}
	}
	if left != 20 || fetched != 28 {
		t.Errorf("%d units left alone, want 20; %d fetched, want 28", left, fetched)
	}
}

// What is read without being named: reports where there are reports, else lists.
func TestReportsOrLists(t *testing.T) {
	const account = "/providers/Microsoft.Billing/billingAccounts/1"
	for _, tc := range []struct {
		a    Account
		want []string
	}{
		{Account{Scope: account, Agreement: ea}, []string{"cost_details", "reservation_details_report"}},
		{Account{Scope: account, Agreement: mca}, []string{"cost_details", "reservation_details_report"}},
		{Account{Scope: account + "/billingProfiles/2", Agreement: mca}, []string{"cost_details", "reservation_details_report"}},
		{Account{Scope: account, Agreement: mpa}, []string{"cost_details"}},
		{Account{Scope: account + "/departments/2", Agreement: ea}, []string{"cost_details", "reservation_details"}},
		{Account{Scope: "/subscriptions/1", Agreement: ea}, []string{"cost_details", "reservation_details"}},
		{Account{Scope: "/subscriptions/1", Agreement: mosp}, []string{"usage_details"}},
		{Account{Scope: "/subscriptions/1/resourceGroups/g", Agreement: ea}, []string{"reservation_details", "usage_details"}},
		{Account{Scope: "/providers/Microsoft.Management/managementGroups/g", Agreement: ea}, []string{"reservation_details", "usage_details"}},
		{Account{Scope: "/providers/Microsoft.Capacity/reservationOrders/1", Agreement: mca}, []string{"reservation_details"}},
	} {
		var got []string
		r := run{}
		for _, s := range Sources() {
			if slices.Contains([]string{"usage_details", "cost_details", "detailed_cost", "reservation_details", "reservation_details_report"}, s.Name) && r.wants(tc.a, s) {
				got = append(got, s.Name)
			}
		}
		if diff := gocmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tc.a.Agreement, tc.a.Scope, diff)
		}
	}
}

func TestReportsStandBehindExports(t *testing.T) {
	sim := simulate(t, reportConfig)
	folder := t.TempDir()
	if err := sim.WriteExports(t.Context(), folder, azuresim.ExportOptions{Account: "ea", Months: []string{"2026-10"}}); err != nil {
		t.Fatal(err)
	}
	a := enrollment
	a.Exports, a.Sources = folder, nil
	o := sim.october(t, t.TempDir(), "", a)
	o.Sources = nil
	plan, err := MakePlan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, u := range plan.Units {
		if u.Source == "cost_details" {
			n++
			if !strings.Contains(u.Skip, "export") {
				t.Errorf("%s: skip is %q", u.Unit, u.Skip)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d units of cost_details, want 2", n)
	}
}

// A pay-as-you-go subscription has one report for each invoice.
func TestDetailedCostOfInvoices(t *testing.T) {
	const scope = "/subscriptions/1caaa5a3-2b66-438e-8ab4-bce37d518c5d"
	invoices := `{"value":[
		{"name":"E1","properties":{"invoicePeriodStartDate":"2026-10-01T00:00:00Z","invoicePeriodEndDate":"2026-10-31T00:00:00Z"}},
		{"name":"E2","properties":{"invoicePeriodStartDate":"2026-10-01T00:00:00Z","invoicePeriodEndDate":"2026-10-31T00:00:00Z"}}],"nextLink":"/more?api-version=1"}`
	older := `{"value":[{"name":"E0","properties":{"invoicePeriodStartDate":"2024-01-01","invoicePeriodEndDate":"2024-01-31"}}]}`
	bodies := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/providers/Microsoft.Billing/billingAccounts/default/billingSubscriptions/1caaa5a3-2b66-438e-8ab4-bce37d518c5d/invoices":
			answerWith(200, invoices)(w, r)
		case path == "/more":
			answerWith(200, older)(w, r)
		case path == scope+"/providers/Microsoft.CostManagement/generateDetailedCostReport":
			body, _ := io.ReadAll(r.Body)
			id := fmt.Sprint(len(bodies))
			bodies[id] = string(body)
			answerWith(202, "", "Location", "/operations/"+id, "Azure-AsyncOperation", "/nowhere")(w, r)
		case strings.HasPrefix(path, "/operations/"):
			answerWith(200, fmt.Sprintf(`{"status":"Completed","properties":{"downloadUrl":"http://%s/blob/%s?sig=1","validTill":"x"},"error":{"code":"0","message":null}}`, r.Host, filepath.Base(path)))(w, r)
		case strings.HasPrefix(path, "/blob/"):
			invoice := strings.Split(bodies[filepath.Base(path)], `"`)[7]
			answerWith(200, "SubscriptionGuid,ResourceGroup,UsageDateTime,PreTaxCost,Currency,MeterName\n1,g,2026-10-05,1.25,USD,"+invoice+"\n")(w, r)
		default:
			t.Errorf("unexpected %s %s", r.Method, r.URL)
			answerWith(400, "")(w, r)
		}
	}))
	t.Cleanup(server.Close)
	o := simulated{nil, server.URL}.october(t, t.TempDir(), "detailed_cost", Account{Name: "payg", Scope: scope, Agreement: mosp})
	o.Periods = Range{}
	res := mustRun(t, o)
	var got []string
	for _, u := range res.Units {
		got = append(got, fmt.Sprintf("%s %s %s %d", u.Scope, u.Period, u.Dataset, u.Rows))
	}
	want := []string{scope + "/invoices/E1 2026-10 actual 1", scope + "/invoices/E2 2026-10 actual 1"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if bodies["0"] != `{"metric":"ActualCost","invoiceId":"E1"}` {
		t.Errorf("asked for %v", bodies)
	}
	rows := rawRows(t, o.Lake, "detailed_cost")
	slices.SortFunc(rows, func(a, b record) int { return cmp.Compare(a["MeterName"], b["MeterName"]) })
	if len(rows) != 2 || rows[0]["MeterName"] != "E1" || rows[0]["Date"] != "2026-10-05" || rows[0]["CostInBillingCurrency"] != "1.25" || rows[0]["_agreement"] != "mosp" {
		t.Errorf("rows %v", rows)
	}
}

// The report has the rows of the list, for each billing profile.
func TestReservationReportLandsWhatTheListLands(t *testing.T) {
	for _, a := range []Account{enrollment, customer} {
		sim := simulate(t, reportConfig)
		list := sim.october(t, t.TempDir(), "reservation_details", a)
		report := sim.october(t, t.TempDir(), "reservation_details_report", a)
		mustRun(t, list)
		mustRun(t, report)
		key := func(r record, names ...string) string {
			var b strings.Builder
			for _, n := range names {
				b.WriteString(r[n] + "|")
			}
			return b.String()
		}
		var want, got []string
		for _, r := range rawRows(t, list.Lake, "reservation_details") {
			want = append(want, key(r, "usageDate", "reservationOrderId", "reservationId", "skuName", "instanceId", "reservedHours", "usedHours", "totalReservedQuantity", "instanceFlexibilityGroup", "instanceFlexibilityRatio", "kind"))
		}
		for _, r := range rawRows(t, report.Lake, "reservation_details_report") {
			got = append(got, key(r, "UsageDate", "ReservationOrderId", "ReservationId", "SkuName", "InstanceId", "ReservedHours", "UsedHours", "TotalReservedQuantity", "InstanceFlexibilityGroup", "InstanceFlexibilityRatio", "Kind"))
		}
		if diff := gocmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%s: %d rows (-list +report):\n%.1000s", a.Name, len(want), diff)
		}
	}
}

// A gateway's page in place of a file is fetched again, of the same report, and not kept.
func TestPageInPlaceOfAFileIsFetchedAgain(t *testing.T) {
	for _, times := range []int{1, 2} {
		sim := simulate(t, reportConfig)
		if err := sim.AddFault(azuresim.Fault{Kind: "html", Match: "/_blob/", Times: times}); err != nil {
			t.Fatal(err)
		}
		lake := t.TempDir()
		o := sim.october(t, lake, "detailed_cost", enrollment)
		res, err := Run(context.Background(), o)
		if err != nil || len(res.Failed()) != times-1 {
			t.Fatalf("%d times: %v, %v", times, res.Failed(), err)
		}
		o.Refresh = false
		mustRun(t, o)
		if n := sim.submits(); n != 2 {
			t.Errorf("%d times: %d reports were asked for, want 2", times, n)
		}
	}
}

// Tests leave nothing of a report in the journal but its list.
func TestJournalAfterAReport(t *testing.T) {
	sim := simulate(t, reportConfig)
	o := sim.october(t, t.TempDir(), "cost_details", enrollment)
	mustRun(t, o)
	var left []string
	err := filepath.WalkDir(filepath.Join(o.Lake, "journal"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, filepath.Base(path))
			text, _ := os.ReadFile(path)
			if strings.Contains(string(text), "sig=") {
				t.Errorf("%s holds a signature", path)
			}
		}
		return err
	})
	if diff := gocmp.Diff([]string{"fetched", "pages.jsonl", "fetched", "pages.jsonl"}, left); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
