package extract

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// TestPriceSheetHeaders holds the columns to the header sets that price sheet files are
// documented to have: each header must be a column's, and none may be left for _extra.
func TestPriceSheetHeaders(t *testing.T) {
	index, err := newHeaderIndex(priceSheetColumns())
	if err != nil {
		t.Fatal(err)
	}
	folder := sharedFolder(t, "azure", "examples", "finops-toolkit", "schemas")
	files, err := filepath.Glob(filepath.Join(folder, "pricesheet_*.json"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%d schemas of price sheets in %s (%v)", len(files), folder, err)
	}
	for _, file := range files {
		headers := schemaHeaders(t, file)
		target, err := index.match(headers)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		for i, c := range target {
			if c < 0 {
				t.Errorf("%s: header %s is no column's", filepath.Base(file), headers[i])
			}
		}
		if len(headers) < 23 {
			t.Errorf("%s declares only %d columns", filepath.Base(file), len(headers))
		}
	}
}

// schemaHeaders are the columns that a schema of the FinOps toolkit declares.
func schemaHeaders(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Translator struct {
			Mappings []struct{ Source struct{ Name string } }
		}
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var headers []string
	for _, m := range schema.Translator.Mappings {
		headers = append(headers, m.Source.Name)
	}
	return slices.Compact(headers)
}

// sheetRun copies price sheets from a simulated Azure into a lake, on a day.
type sheetRun struct {
	*httptest.Server
	azure *azuresim.Enterprise
	o     Options
}

func newSheetRun(t *testing.T, lake, day, agreement string) *sheetRun {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	s := &sheetRun{azure: azuresim.New(azuresim.Config{AsOf: at, Months: 3, Rows: 500})}
	s.Server = httptest.NewServer(s.azure.Handler())
	t.Cleanup(s.Close)
	client := quickClient(t, s.URL)
	scope := map[string]string{ea: azuresim.EnrollmentPath, mca: azuresim.CustomerPath}[agreement]
	s.o = Options{
		Lake: lake, Client: client, Workers: 1, Sources: []string{"price_sheet_download"}, Refresh: true, History: 3, AsOf: at,
		Accounts: []Account{{Name: "contoso", Scope: scope, Agreement: agreement}},
	}
	return s
}

// units names the units that a result has, with what became of them.
func (s *sheetRun) units(t *testing.T) (units []string) {
	t.Helper()
	for _, u := range mustRun(t, s.o).Units {
		units = append(units, fmt.Sprintf("%s %s %d files%s", u.Period, u.Dataset, u.Pages, map[bool]string{true: ", absent"}[u.Absent]))
	}
	return units
}

// requests are those made, without the server's name.
func (s *sheetRun) requests() (all []string) {
	for _, q := range s.azure.Requests() {
		all = append(all, fmt.Sprint(q.Method, " ", q.Path, "?", q.Query, " ", q.Status))
	}
	return all
}

// sheetTypes counts the rows of a unit's newest version by price type.
func sheetTypes(t *testing.T, lake, period, dataset string) map[string]int {
	t.Helper()
	types := map[string]int{}
	for _, row := range sheetRows(t, lake, period, dataset) {
		types[row["PriceType"]]++
	}
	return types
}

// sheetRows are the rows of all scopes.
func sheetRows(t *testing.T, lake, period, dataset string) (rows []record) {
	t.Helper()
	for _, row := range rawRows(t, lake, "price_sheet_download") {
		if row["_period"] == period && row["_dataset"] == dataset {
			rows = append(rows, row)
		}
	}
	return rows
}

// TestLastSheetOfAMonthStays runs on the last day of a month, on the first of the next and
// a month later: what reservations cost is in the sheet of the open month alone, so what
// the last run in a month saw has to stay.
func TestLastSheetOfAMonthStays(t *testing.T) {
	lake := t.TempDir()
	open := []string{
		"2026-08 closed 1 files", "2026-09 closed 1 files", "2026-10 current 1 files",
	}
	if diff := gocmp.Diff(open, newSheetRun(t, lake, "2026-10-31", ea).units(t)); diff != "" {
		t.Errorf("in the month: %s", diff)
	}
	october := sheetTypes(t, lake, "2026-10", "current")
	if october["Consumption"] == 0 || october["ReservedInstance"] == 0 || october["Savings Plan"] != october["ReservedInstance"] {
		t.Fatalf("the open month's sheet has %v", october)
	}
	before := rawFiles(t, lake)

	// A closed month that was fetched when it could not change any more is final. An open one never is.
	next := []string{"2026-10 closed 1 files", "2026-11 current 1 files"}
	if diff := gocmp.Diff(next, newSheetRun(t, lake, "2026-11-01", ea).units(t)); diff != "" {
		t.Errorf("on the first of the next month: %s", diff)
	}
	if got := sheetTypes(t, lake, "2026-10", "closed"); len(got) != 1 || got["Consumption"] != october["Consumption"] {
		t.Errorf("the sheet of the month that is over has %v", got)
	}
	last := []string{"2026-10 closed 1 files", "2026-11 closed 1 files", "2026-12 current 1 files"}
	if diff := gocmp.Diff(last, newSheetRun(t, lake, "2026-12-01", ea).units(t)); diff != "" {
		t.Errorf("a month later: %s", diff)
	}
	after := rawFiles(t, lake)
	for name, text := range before {
		if strings.Contains(name, "period=2026-10") && after[name] != text {
			t.Errorf("%s is not what it was when October ended", name)
		}
	}
	if got := sheetTypes(t, lake, "2026-11", "current"); got["ReservedInstance"] != october["ReservedInstance"] {
		t.Errorf("November's last sheet has %v", got)
	}
	if diff := gocmp.Diff([]string{"2026-11 closed 1 files", "2026-12 current 1 files"}, newSheetRun(t, lake, "2026-12-09", ea).units(t)); diff != "" {
		t.Errorf("days later: %s", diff)
	}
	if diff := gocmp.Diff([]string{"2026-12 current 1 files"}, newSheetRun(t, lake, "2026-12-10", ea).units(t)); diff != "" {
		t.Errorf("when all months before are final: %s", diff)
	}
}

func TestSheetsOfBillingProfiles(t *testing.T) {
	lake := t.TempDir()
	s := newSheetRun(t, lake, "2026-11-22", mca)
	if diff := gocmp.Diff([]string{"2026-11 current 1 files", "2026-11 current 1 files"}, s.units(t)); diff != "" {
		t.Error(diff)
	}
	posts := 0
	for _, q := range s.requests() {
		if strings.HasPrefix(q, http.MethodPost) {
			posts++
			if !strings.Contains(q, "/providers/Microsoft.CostManagement/pricesheets/default/download?api-version=2023-11-01 202") {
				t.Errorf("unexpected request %s", q)
			}
		}
	}
	if posts != 2 {
		t.Errorf("%d sheets were asked for, want one for each billing profile", posts)
	}
	rows := sheetRows(t, lake, "2026-11", "current")
	currencies, tiers, files := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		currencies[row["Currency"]+" "+row["BillingCurrency"]], tiers[row["TierMinimumUnits"]], files[row["_file"]] = true, true, true
		if row["_extra"] != "" {
			t.Fatalf("row %s has fields that no column holds: %s", row["_row"], row["_extra"])
		}
	}
	if !currencies["USD GBP"] || !currencies["USD USD"] || len(tiers) != 2 || !files["pricesheet_202611_1.csv"] || len(files) != 2 {
		t.Errorf("currencies %v, tiers %v, files %v", currencies, tiers, files)
	}
	// The sheet says nothing of another month.
	s.o.Periods = Range{From: "2026-09", To: "2026-10"}
	if units := s.units(t); units != nil {
		t.Errorf("months that are over: %v", units)
	}
}

// TestSheetsSurviveFaults disturbs each of the requests that a sheet takes.
func TestSheetsSurviveFaults(t *testing.T) {
	whole := t.TempDir()
	if len(newSheetRun(t, whole, "2026-11-22", ea).units(t)) != 3 {
		t.Fatal("the undisturbed run has not three units")
	}
	want := dataFiles(rawFiles(t, whole))
	for _, match := range []string{"/pricesheets/default/download", "/operationResults/", "/_blob/"} {
		for _, kind := range []string{"429", "500", "502", "503", "short", "reset", "cut", "html", "empty", "lost", "expired"} {
			lake := t.TempDir()
			s := newSheetRun(t, lake, "2026-11-22", ea)
			fault := azuresim.Fault{Kind: kind, Match: match, Nth: 2}
			if kind == "429" {
				fault.Header = map[string]string{"Retry-After": "1"}
			}
			if err := s.azure.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			res, err := Run(t.Context(), s.o)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range res.Failed() {
				t.Logf("%s at %s: %v", kind, match, u.Err)
			}
			if len(res.Failed()) == 0 {
				if diff := gocmp.Diff(want, dataFiles(rawFiles(t, lake))); diff != "" {
					t.Errorf("%s at %s passed for good but the rows differ: %s", kind, match, diff)
				}
				continue
			}
			if res, err = Run(t.Context(), s.o); err != nil || len(res.Failed()) > 0 {
				t.Errorf("%s at %s: the next run does not heal it: %v %v", kind, match, res.Failed(), err)
			}
			if diff := gocmp.Diff(want, dataFiles(rawFiles(t, lake))); diff != "" {
				t.Errorf("%s at %s: after the next run the rows differ: %s", kind, match, diff)
			}
		}
	}
}

// TestOlderRouteIsAskedWhereTheNewOneIsUnknown has a cloud that does not know the download
// of Cost Management.
func TestOlderRouteIsAskedWhereTheNewOneIsUnknown(t *testing.T) {
	s := newSheetRun(t, t.TempDir(), "2026-11-05", ea)
	s.o.History = 2
	known := s.Config.Handler
	for _, refusal := range []struct {
		status int
		code   string
	}{{400, "NoRegisteredProviderFound"}, {400, "InvalidApiVersionParameter"}, {404, "InvalidResourceType"}} {
		var refused, asked int
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPost && strings.Contains(r.URL.Path, "Microsoft.CostManagement"):
				refused++
				answerWith(refusal.status, fmt.Sprintf(`{"error":{"code":%q,"message":"unknown"}}`, refusal.code))(w, r)
				return
			case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/providers/Microsoft.Consumption/pricesheets/download"):
				asked++
			}
			known.ServeHTTP(w, r)
		})
		if units := s.units(t); len(units) != 2 || refused != 2 || asked != 2 {
			t.Errorf("%s: %v; %d refused, %d asked at the older route", refusal.code, units, refused, asked)
		}
	}
}

// TestPeriodsThatAreNotThere tells a period without a sheet from a scope that may not be read.
func TestPeriodsThatAreNotThere(t *testing.T) {
	s := newSheetRun(t, t.TempDir(), "2026-11-22", ea)
	s.o.Periods = Range{From: "2022-12", To: "2023-01"}
	if diff := gocmp.Diff([]string{"2023-01 closed 0 files, absent"}, s.units(t)); diff != "" {
		t.Error(diff)
	}
	s = newSheetRun(t, t.TempDir(), "2026-11-22", ea)
	if err := s.azure.AddFault(azuresim.Fault{Kind: "403", Times: -1}); err != nil {
		t.Fatal(err)
	}
	res, err := Run(t.Context(), s.o)
	if err != nil || len(res.Failed()) != 3 {
		t.Errorf("without a role: %v, %v", res.Units, err)
	}
	var refused *APIError
	for _, u := range res.Failed() {
		if !errors.As(u.Err, &refused) || refused.Status != http.StatusForbidden {
			t.Errorf("%s: %v", u.Unit, u.Err)
		}
	}
}

// TestOnlyTheClocksMonthIsCurrent keeps a run for a day of the past from taking today's
// sheet for that day's.
func TestOnlyTheClocksMonthIsCurrent(t *testing.T) {
	for _, c := range []struct {
		agreement, asOf, clock string
		want                   string
	}{
		{ea, "2026-10-31", "2026-10-31", "2026-10 current"},
		{ea, "2026-10-31", "2026-11-02", "2026-10 closed"},
		{ea, "2026-11-01", "2026-11-01", "2026-10 closed"},
		{ea, "2026-10-31", "2026-09-30", ""},
		{mca, "2026-10-31", "2026-10-31", "2026-10 current"},
		{mca, "2026-10-31", "2026-11-02", ""},
		{mca, "2026-11-01", "2026-11-01", ""},
	} {
		asOf, err1 := time.Parse(time.DateOnly, c.asOf)
		clock, err2 := time.Parse(time.DateOnly, c.clock)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		r, err := newRun(Options{Lake: t.TempDir(), Client: &Client{}, AsOf: asOf, Now: func() time.Time { return clock }})
		if err != nil {
			t.Fatal(err)
		}
		u := Unit{Source: "price_sheet_download", Account: "a", Scope: testScope, Period: "2026-10"}
		tasks, err := r.sheetTask(u, Account{Scope: testScope, Agreement: c.agreement}, time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))
		got := ""
		for _, planned := range tasks {
			got = strings.TrimSpace(got + " " + planned.Period + " " + planned.Dataset)
		}
		if err != nil || got != c.want {
			t.Errorf("%s as of %s on %s: %q, %v; want %q", c.agreement, c.asOf, c.clock, got, err, c.want)
		}
	}
}

// TestMonthThatEndsMeanwhileKeepsItsSheet has the clock strike midnight while the sheet is
// being made. A client of a host elsewhere goes by the clock.
func TestMonthThatEndsMeanwhileKeepsItsSheet(t *testing.T) {
	var late atomic.Bool
	s := newSheetRun(t, t.TempDir(), "2026-10-31", mca)
	known := s.Config.Handler
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/_blob/") {
			late.Store(true)
		}
		known.ServeHTTP(w, r)
	}))
	t.Cleanup(elsewhere.Close)
	transport := elsewhere.Client().Transport.(*http.Transport).Clone() // it trusts the certificate, which is of example.com
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, elsewhere.Listener.Addr().String())
	}
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: "https://example.com"}, Transport: &http.Client{Transport: transport}, Credential: &testToken{}})
	if err != nil {
		t.Fatal(err)
	}
	client.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	s.o.Client = client
	s.o.Now = func() time.Time {
		if late.Load() {
			return time.Date(2026, 11, 1, 0, 1, 0, 0, time.UTC)
		}
		return time.Date(2026, 10, 31, 23, 59, 0, 0, time.UTC)
	}
	res, err := Run(t.Context(), s.o)
	if err != nil || len(res.Units) != 2 || len(res.Failed()) != 2 {
		t.Fatalf("%v, %v, %v", res.Units, res.Failed(), err)
	}
	for _, u := range res.Failed() {
		if !strings.Contains(u.Err.Error(), "2026-10 ended while its price sheet was being made") {
			t.Error(u.Err)
		}
	}
	if rows := sheetRows(t, s.o.Lake, "2026-10", "current"); len(rows) > 0 {
		t.Errorf("%d rows were kept", len(rows))
	}
}

func TestWhoReadsWhichSheet(t *testing.T) {
	sheet, download := sourceNamed(t, "price_sheet"), sourceNamed(t, "price_sheet_download")
	for _, c := range []struct {
		agreement, scope string
		want             string
	}{
		{ea, azuresim.EnrollmentPath, "download"},
		{ea, "/subscriptions/00000000-0000-0000-0000-000000000000", "pages"},
		{ea, azuresim.EnrollmentPath + "/departments/1", "pages"},
		{mca, azuresim.CustomerPath, "download"},
		{mca, azuresim.CustomerPath + "/billingProfiles/AAAA-BBBB-CCC-DDD", "download"},
		{mca, "/subscriptions/00000000-0000-0000-0000-000000000000", ""},
		{mosp, "/subscriptions/00000000-0000-0000-0000-000000000000", ""},
	} {
		a := Account{Scope: c.scope, Agreement: c.agreement}
		got := ""
		if sheet.needs(a) && sheet.isStandard(a) {
			got += "pages"
		}
		if download.needs(a) && download.isStandard(a) {
			got += "download"
		}
		if got != c.want {
			t.Errorf("%s %s reads %q, want %q", c.agreement, c.scope, got, c.want)
		}
	}
	r := &run{o: Options{Client: &Client{}}}
	if _, err := planPriceSheetDownload(t.Context(), r, Account{Name: "a", Scope: "/subscriptions/s", Agreement: ea}); err == nil || !strings.Contains(err.Error(), "/subscriptions/s is neither") {
		t.Errorf("a subscription: %v", err)
	}
}

// TestPriceSheetAnswers reads the answers that the specifications give as examples.
func TestPriceSheetAnswers(t *testing.T) {
	folder := sharedFolder(t, "azure", "examples")
	read := 0
	for _, pattern := range []string{"consumption/*/PricesheetDownload*.json", "cost-management/*/PricesheetDownload*.json", "consumption/*/EAPriceSheetForBillingPeriod.json"} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no example %s (%v)", pattern, err)
		}
		for _, file := range files {
			answer, err := readReport(&response{Status: http.StatusOK, Body: exampleBody(t, file)})
			if err != nil || answer.check() != nil || len(answer.Parts) != 1 {
				t.Errorf("%s: %+v, %v", filepath.Base(file), answer, cmp.Or(err, answer.check()))
				continue
			}
			if !strings.Contains(answer.Parts[0].Link, ".blob.core.windows.net/") || answer.Until == "" {
				t.Errorf("%s: %+v", filepath.Base(file), answer)
			}
			read++
		}
	}
	t.Logf("%d answers read", read)
}
