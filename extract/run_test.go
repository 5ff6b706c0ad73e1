package extract

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// usageAPIServer serves three pages of MCA usage for every month and metric.
type usageAPIServer struct {
	*httptest.Server
	asked   []string
	respond func(w http.ResponseWriter, r *http.Request) bool // answers instead, when it returns true
}

const testScope = "/providers/Microsoft.Billing/billingAccounts/a:b_2019-05-31"

func newUsageAPI(t *testing.T) *usageAPIServer {
	s := &usageAPIServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = append(s.asked, r.URL.String())
		if s.respond != nil && s.respond(w, r) {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, usagePage(r))
	}))
	t.Cleanup(s.Close)
	return s
}

// usagePage is a page of two records; page 2 and 3 are asked for with $skiptoken.
func usagePage(r *http.Request) string {
	number := "1"
	if token := r.URL.Query().Get("$skiptoken"); token != "" {
		number = token
	}
	next := map[string]string{"1": "2", "2": "3"}[number]
	link := ""
	if next != "" {
		link = "http://" + r.Host + r.URL.Path + "?$skiptoken=" + next + "&metric=" + r.URL.Query().Get("metric") + "&startDate=" + r.URL.Query().Get("startDate")
	}
	start := cmp.Or(r.URL.Query().Get("startDate"), "2026-10-01")
	return fmt.Sprintf(`{"value":[%s,%s],"nextLink":%q}`, usageRecord(start, number, "0.1000000000000000001"), usageRecord(start, number, "1E-07"), link)
}

func usageRecord(day, id, cost string) string {
	return fmt.Sprintf(`{"kind":"modern","id":%q,"name":"n","tags":{"owner":"ann"},"properties":{"date":"%sT00:00:00.0000000Z","costInBillingCurrency":%s,"billingCurrencyCode":"EUR"}}`, id, day, cost)
}

func testOptions(t *testing.T, s *usageAPIServer, lake string) Options {
	t.Helper()
	client := quickClient(t, s.URL)
	return Options{
		Lake: lake, Client: client, Workers: 1, Sources: []string{"usage_details"}, Refresh: true,
		Accounts: []Account{{Name: "contoso", Scope: testScope, Agreement: mca}},
		Periods:  Range{From: "2026-09", To: "2026-10"}, AsOf: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC),
	}
}

func TestARunStoppedAtAnyPageResumesToTheSameBytes(t *testing.T) {
	whole := t.TempDir()
	undisturbed := newUsageAPI(t)
	mustRun(t, testOptions(t, undisturbed, whole))
	want := rawFiles(t, whole)
	if len(want) != 8 { // 2 months × 2 metrics × (manifest + data)
		t.Fatalf("undisturbed run made %d files, want 8", len(want))
	}
	pages := len(undisturbed.asked)
	for stop := range pages {
		lake := t.TempDir()
		s := newUsageAPI(t)
		ctx, cancel := context.WithCancel(context.Background())
		s.respond = func(http.ResponseWriter, *http.Request) bool {
			if len(s.asked) == stop+1 {
				cancel()
			}
			return len(s.asked) == stop+1
		}
		if _, err := Run(ctx, testOptions(t, s, lake)); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at request %d: error %v", stop, err)
		}
		s.respond = nil
		o := testOptions(t, s, lake)
		o.Refresh = false // units completed before the stop are not asked for again
		mustRun(t, o)
		if diff := gocmp.Diff(want, rawFiles(t, lake)); diff != "" {
			t.Errorf("stopped at request %d: files differ (-want +got):\n%s", stop, diff)
		}
		if asked := len(s.asked); asked != pages+1 {
			t.Errorf("stopped at request %d: %d requests in all, want %d: a page was fetched twice", stop, asked, pages+1)
		}
	}
}

func TestAnExpiredLinkBeginsTheUnitAnew(t *testing.T) {
	lake := t.TempDir()
	s := newUsageAPI(t)
	ctx, cancel := context.WithCancel(context.Background())
	s.respond = func(http.ResponseWriter, *http.Request) bool {
		if len(s.asked) == 3 {
			cancel()
		}
		return len(s.asked) == 3
	}
	o := testOptions(t, s, lake)
	o.Periods.To = "2026-09"
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	refused := 0
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("$skiptoken") == "3" && refused == 0 {
			refused++
			http.Error(w, `{"error":{"code":"BadRequest","message":"skiptoken has expired"}}`, http.StatusBadRequest)
			return true
		}
		return false
	}
	res := mustRun(t, o)
	if refused != 1 {
		t.Fatal("the link of the journal was not tried")
	}
	for _, u := range res.Units {
		if u.Rows != 6 || u.Pages != 3 {
			t.Errorf("%s: %d rows over %d pages, want 6 over 3", u.Unit, u.Rows, u.Pages)
		}
	}
}

func TestADamagedJournalIsReadUpToTheDamage(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"line cut short": func(dir string) error { return truncate(filepath.Join(dir, pagesFile), 20) },
		"body cut short": func(dir string) error { return truncate(filepath.Join(dir, "000002.json.zst"), 5) },
		"body gone":      func(dir string) error { return os.Remove(filepath.Join(dir, "000001.json.zst")) },
	} {
		t.Run(name, func(t *testing.T) {
			lake := t.TempDir()
			s := newUsageAPI(t)
			o := testOptions(t, s, lake)
			o.Periods.To = "2026-09"
			ctx, cancel := context.WithCancel(context.Background())
			s.respond = func(http.ResponseWriter, *http.Request) bool {
				if len(s.asked) == 3 {
					cancel()
				}
				return len(s.asked) == 3
			}
			if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			partials, _ := filepath.Glob(filepath.Join(lake, "journal", "*", "*", "*", "actual", partialFolder))
			if len(partials) != 1 {
				t.Fatalf("partial journals: %v", partials)
			}
			if err := damage(partials[0]); err != nil {
				t.Fatal(err)
			}
			s.respond = nil
			for _, u := range mustRun(t, o).Units {
				if u.Rows != 6 {
					t.Errorf("%s: %d rows, want 6", u.Unit, u.Rows)
				}
			}
		})
	}
}

func truncate(path string, fewer int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()-fewer)
}

func TestAFailedUnitKeepsItsLastGoodVersionAndTheOthersGoOn(t *testing.T) {
	lake := t.TempDir()
	s := newUsageAPI(t)
	o := testOptions(t, s, lake)
	mustRun(t, o)
	before := rawFiles(t, lake)
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("metric") == "amortizedcost" && r.URL.Query().Get("startDate") == "2026-10-01" {
			http.Error(w, `{"error":{"code":"AuthorizationFailed","message":"no role"}}`, http.StatusForbidden)
			return true
		}
		return false
	}
	res, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if failed := res.Failed(); len(failed) != 1 || !strings.Contains(failed[0].Err.Error(), "AuthorizationFailed") {
		t.Fatalf("failed units: %v, want the one without a role", failed)
	}
	after := rawFiles(t, lake)
	for name, text := range before {
		if strings.HasSuffix(name, ".parquet") && after[name] != text {
			t.Errorf("%s changed", name)
		}
	}
	m := manifestOf(t, lake, "2026-10", "amortized")
	if m.State != stateFailed || m.Rows != 6 || len(m.Files) != 1 {
		t.Errorf("manifest of the failed unit: state %s, %d rows, %d files; want failed with the last good 6 rows", m.State, m.Rows, len(m.Files))
	}
}

func manifestOf(t *testing.T, lake, period, dataset string) *manifest {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(lake, "raw", "*", "*", "period="+period, dataset+".json"))
	if len(paths) != 1 {
		t.Fatalf("manifests of %s %s: %v", period, dataset, paths)
	}
	m, err := readManifest(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAPageCutInTheMiddleIsAskedForAgain(t *testing.T) {
	s := newUsageAPI(t)
	cuts := 0
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("$skiptoken") == "2" && cuts < 2 {
			cuts++
			text := usagePage(r)
			fmt.Fprint(w, text[:len(text)/2])
			return true
		}
		return false
	}
	o := testOptions(t, s, t.TempDir())
	for _, u := range mustRun(t, o).Units {
		if u.Rows != 6 {
			t.Errorf("%s: %d rows, want 6", u.Unit, u.Rows)
		}
	}
}

func TestAnOpenMonthThatLostItsLastDayIsRefused(t *testing.T) {
	lake := t.TempDir()
	s := newUsageAPI(t)
	o := testOptions(t, s, lake)
	o.Periods = Range{From: "2026-10", To: "2026-10"}
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		fmt.Fprintf(w, `{"value":[%s,%s]}`, usageRecord("2026-10-08", "a", "1"), usageRecord("2026-10-09", "b", "1"))
		return true
	}
	mustRun(t, o)
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		fmt.Fprintf(w, `{"value":[%s,%s]}`, usageRecord("2026-10-05", "a", "1"), usageRecord("2026-10-05", "b", "1"))
		return true
	}
	res, err := Run(context.Background(), o)
	if err != nil || len(res.Failed()) != 2 {
		t.Fatalf("error %v, failed %v; want both datasets refused", err, res.Failed())
	}
	if got := manifestOf(t, lake, "2026-10", "actual").MaxDate; got != "2026-10-09" {
		t.Errorf("the lake now ends on %s, want the last good 2026-10-09", got)
	}
	o.AcceptShrink = true
	mustRun(t, o)
	if got := manifestOf(t, lake, "2026-10", "actual").MaxDate; got != "2026-10-05" {
		t.Errorf("accepted, but the lake still ends on %s", got)
	}
}

func TestClosedMonthsAreFetchedUntilTheyAreFinal(t *testing.T) {
	lake := t.TempDir()
	s := newUsageAPI(t)
	o := testOptions(t, s, lake)
	o.Periods, o.History = Range{}, 2
	asked := func(asOf string) string {
		s.asked = nil
		o.AsOf, _ = time.Parse(time.DateOnly, asOf)
		mustRun(t, o)
		months := map[string]bool{}
		for _, url := range s.asked {
			_, rest, _ := strings.Cut(url, "startDate=")
			months[rest[:7]] = true
		}
		text, _ := json.Marshal(months)
		return string(text)
	}
	for _, step := range []struct{ asOf, want string }{
		{"2026-10-05", `{"2026-09":true,"2026-10":true}`}, // September may still change
		{"2026-10-08", `{"2026-09":true,"2026-10":true}`}, // fetched last on the 5th, so once more after the 7th
		{"2026-10-09", `{"2026-10":true}`},                // and now it is final
		{"2026-12-01", `{"2026-11":true,"2026-12":true}`}, // a missed month is caught up
	} {
		if got := asked(step.asOf); got != step.want {
			t.Errorf("as of %s: months asked for %s, want %s", step.asOf, got, step.want)
		}
	}
}

func TestSupersededVersionsAreKeptAndThenPruned(t *testing.T) {
	lake := t.TempDir()
	s := newUsageAPI(t)
	o := testOptions(t, s, lake)
	o.Periods, o.Versions = Range{From: "2026-10", To: "2026-10"}, 2
	for version := range 5 {
		s.respond = func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprintf(w, `{"value":[%s]}`, usageRecord("2026-10-08", "a", fmt.Sprint(version)))
			return true
		}
		mustRun(t, o)
	}
	files, _ := filepath.Glob(filepath.Join(lake, "raw", "*", "*", "*", "actual-*.parquet"))
	if len(files) != 3 {
		t.Errorf("%d data files are kept, want the visible one and 2 superseded", len(files))
	}
}

func TestTheSameRecordsAreNoNewVersion(t *testing.T) {
	lake := t.TempDir()
	s := newUsageAPI(t)
	o := testOptions(t, s, lake)
	mustRun(t, o)
	before := rawFiles(t, lake)
	for _, u := range mustRun(t, o).Units {
		if !u.Unchanged {
			t.Errorf("%s is said to have changed", u.Unit)
		}
	}
	if diff := gocmp.Diff(before, rawFiles(t, lake)); diff != "" {
		t.Errorf("the lake changed:\n%s", diff)
	}
}

func TestRowsOfAnotherMonthAreRejectedNotCountedTwice(t *testing.T) {
	lake := t.TempDir()
	s := newUsageAPI(t)
	s.respond = func(w http.ResponseWriter, r *http.Request) bool { // a service that ignores the dates it is asked for
		fmt.Fprintf(w, `{"value":[%s,%s]}`, usageRecord("2026-09-30", "a", "1"), usageRecord("2026-10-01", "b", "1"))
		return true
	}
	for _, u := range mustRun(t, testOptions(t, s, lake)).Units {
		if u.Rows != 1 || u.Rejects != 1 {
			t.Errorf("%s: %d rows and %d rejects, want 1 and 1", u.Unit, u.Rows, u.Rejects)
		}
	}
}

func TestMonthsBeforeTheEnrollmentAreAbsentAndAScopeWithoutAnyIsAnError(t *testing.T) {
	s := newUsageAPI(t)
	began := "202610"
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/billingPeriods/"+began) {
			http.Error(w, `{"error":{"code":"NotFound","message":"no such billing period"}}`, http.StatusNotFound)
			return true
		}
		return false
	}
	o := testOptions(t, s, t.TempDir())
	o.Accounts[0].Agreement = ea
	absent := 0
	for _, u := range mustRun(t, o).Units {
		if u.Absent {
			absent++
		}
	}
	if absent != 2 {
		t.Errorf("%d units are absent, want both datasets of September", absent)
	}
	o.Periods = Range{From: "2026-11", To: "2026-11"} // the enrollment has ended, and is known
	mustRun(t, o)
	o = testOptions(t, s, t.TempDir())
	o.Accounts[0].Agreement, began = ea, "never"
	res, err := Run(context.Background(), o)
	if err != nil || len(res.Failed()) != 4 || !strings.Contains(res.Failed()[0].Err.Error(), "is the scope right?") {
		t.Errorf("error %v, failed units %v; want all four, asking whether the scope is right", err, res.Failed())
	}
}

func TestAMonthThatMustBeThereAndIsAbsentIsAFailure(t *testing.T) {
	for _, test := range []struct {
		name   string
		gone   string // part of the address that gets a 404
		before bool   // the lake has all months from a run before
		want   []string
	}{
		{"between others", "/202610/", false, []string{"2026-10 actual", "2026-10 amortized"}},
		{"one dataset", "/202609/ actualcost", false, []string{"2026-09 actual"}},
		{"once copied", "/202611/", true, []string{"2026-11 actual", "2026-11 amortized"}},
		{"the whole API", "", true, []string{"2026-09 actual", "2026-09 amortized", "2026-10 actual", "2026-10 amortized", "2026-11 actual", "2026-11 amortized"}},
		{"after the last", "/202611/", false, nil},
		{"before the first", "/202609/", false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newUsageAPI(t)
			o := testOptions(t, s, t.TempDir())
			o.Accounts[0].Agreement, o.Periods.To, o.AsOf = ea, "2026-11", time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
			if test.before {
				mustRun(t, o)
			}
			month, metric, _ := strings.Cut(test.gone, " ")
			s.respond = func(w http.ResponseWriter, r *http.Request) bool {
				gone := strings.Contains(r.URL.Path, month) && strings.Contains(r.URL.RawQuery, metric)
				if gone {
					http.Error(w, `{"error":{"code":"NotFound","message":"gone for a test"}}`, http.StatusNotFound)
				}
				return gone
			}
			res, err := Run(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, u := range res.Failed() {
				failed = append(failed, u.Period+" "+u.Dataset)
				if text := u.Err.Error(); !strings.Contains(text, "no such month") || !strings.Contains(text, "gone for a test") {
					t.Errorf("error %q does not say what is missing and what the API answered", text)
				}
			}
			if !slices.Equal(failed, test.want) {
				t.Errorf("failed: %q, want %q", failed, test.want)
			}
		})
	}
}

func TestMonthsAllOfThemAfterTheLastOneKnownAreWorthAWarning(t *testing.T) {
	s := newUsageAPI(t)
	o := testOptions(t, s, t.TempDir())
	o.Accounts[0].Agreement = ea
	mustRun(t, o)
	s.respond = func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, `{"error":{"code":"NotFound","message":"no such billing period"}}`, http.StatusNotFound)
		return true
	}
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	o.Periods, o.AsOf = Range{From: "2031-01", To: "2031-01"}, time.Date(2031, 1, 20, 0, 0, 0, 0, time.UTC)
	mustRun(t, o)
	if text := log.String(); !strings.Contains(text, "run date wrong") || !strings.Contains(text, "last_month=2026-10") {
		t.Errorf("log %q asks nothing", text)
	}
}

func TestARecordThatCannotBeReadKeepsTheLastGoodVersion(t *testing.T) {
	lake := t.TempDir()
	s := newUsageAPI(t)
	o := testOptions(t, s, lake)
	o.Periods.To = "2026-09"
	mustRun(t, o)
	before := rawFiles(t, lake)
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		fmt.Fprintf(w, `{"value":[%s,%s]}`, usageRecord("2026-09-01", "a", "1"), usageRecord("2026-09-01", "b", "1e700000000"))
		return true
	}
	o.AcceptShrink = true
	res, err := Run(context.Background(), o)
	if err != nil || len(res.Failed()) != 2 {
		t.Fatalf("error %v, failed units %v; want both", err, res.Failed())
	}
	if text := res.Failed()[0].Err.Error(); !strings.Contains(text, "1 of 2 records cannot be read, the first at page 1 row 2: costInBillingCurrency: \"1e700000000\"") {
		t.Errorf("the error does not name the record: %s", text)
	}
	for name, text := range rawFiles(t, lake) {
		if strings.HasSuffix(name, ".parquet") && before[name] != text {
			t.Errorf("%s is new or changed", name)
		}
	}
	o.AcceptRejects = true
	for _, u := range mustRun(t, o).Units {
		if u.Rows != 1 || u.Rejects != 1 {
			t.Errorf("accepted: %s has %d rows and %d rejects, want 1 and 1", u.Unit, u.Rows, u.Rejects)
		}
	}
}

func TestDamagedFilesAreFetchedAgain(t *testing.T) {
	for name, damage := range map[string]func(string) error{"cut": func(f string) error { return truncate(f, 9) }, "gone": os.Remove} {
		t.Run(name, func(t *testing.T) {
			lake := t.TempDir()
			s := newUsageAPI(t)
			o := testOptions(t, s, lake)
			o.Periods, o.History, o.Refresh = Range{}, 4, false
			mustRun(t, o)
			want := rawFiles(t, lake)
			files, _ := filepath.Glob(filepath.Join(lake, "raw", "*", "*", "period=2026-07", "actual-*.parquet"))
			if len(files) != 1 {
				t.Fatalf("files of July: %v", files)
			}
			if err := damage(files[0]); err != nil {
				t.Fatal(err)
			}
			mustRun(t, o)
			if diff := gocmp.Diff(want, rawFiles(t, lake)); diff != "" {
				t.Errorf("not healed:\n%s", diff)
			}
		})
	}
}

// pagesOf answers a list of one month with pages of the ids given.
func pagesOf(w http.ResponseWriter, r *http.Request, total int, pages ...[]string) bool {
	number := 1
	if token := r.URL.Query().Get("$skiptoken"); token != "" {
		fmt.Sscan(token, &number)
	}
	var records []string
	for _, id := range pages[number-1] {
		records = append(records, usageRecord("2026-09-01", id, "1"))
	}
	link := ""
	if number < len(pages) {
		link = fmt.Sprintf("http://%s%s?$skiptoken=%d", r.Host, r.URL.Path, number+1)
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"totalCount":%d,"value":[%s],"nextLink":%q}`, total, strings.Join(records, ","), link)
	return true
}

func TestAListThatChangesBetweenItsPagesIsReadAnew(t *testing.T) {
	for name, first := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"a record was put in front": func(w http.ResponseWriter, r *http.Request) bool {
			return pagesOf(w, r, 5, []string{"a", "b"}, []string{"b", "c"}, []string{"d"})
		},
		"another number is announced": func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("$skiptoken") == "" {
				return pagesOf(w, r, 4, []string{"a", "b"}, []string{"c"})
			}
			return pagesOf(w, r, 5, []string{"a", "b"}, []string{"c"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newUsageAPI(t)
			o := testOptions(t, s, t.TempDir())
			o.Periods.To = "2026-09"
			walks := 0
			s.respond = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("$skiptoken") == "" {
					walks++
				}
				if walks%2 == 1 { // the first walk of each of the two datasets
					return first(w, r)
				}
				return pagesOf(w, r, 5, []string{"z", "a"}, []string{"b", "c"}, []string{"d"})
			}
			for _, u := range mustRun(t, o).Units {
				if u.Rows != 5 {
					t.Errorf("%s: %d rows, want the 5 of the second walk", u.Unit, u.Rows)
				}
			}
			if walks != 4 {
				t.Errorf("%d walks, want two for each dataset", walks)
			}
		})
	}
}

func TestChargesThatAreAlikeAllCountAndAreReported(t *testing.T) {
	s := newUsageAPI(t)
	o := testOptions(t, s, t.TempDir())
	o.Periods.To = "2026-09"
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		return pagesOf(w, r, 6, []string{"a", "a", "b"}, []string{"b", "c", "a"})
	}
	for _, u := range mustRun(t, o).Units {
		if u.Rows != 6 {
			t.Errorf("%s: %d rows, want all 6", u.Unit, u.Rows)
		}
		m, err := (&lake{dir: o.Lake}).read(u.Unit)
		if err != nil || m.Duplicates != 3 {
			t.Errorf("%s: %d duplicates in the manifest, want 3 (%v)", u.Unit, m.Duplicates, err)
		}
	}
}
