package extract

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	acceptedAt = "/operations/1?api-version=1"
	doneBody   = `{"status":"Completed","properties":{"downloadUrl":"https://store/a?sig=1"}}`
)

// longOperation answers a POST with 202, and the polls in turn.
func longOperation(submits *int, submitHeader []string, polls ...http.HandlerFunc) http.HandlerFunc {
	poll := inTurn(polls...)
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			*submits++
			answerWith(202, "", append([]string{"Location", acceptedAt}, submitHeader...)...)(w, r)
			return
		}
		poll(w, r)
	}
}

func submitThings(t *testing.T, c *Client, location string) (answer *response, started []string, err error) {
	t.Helper()
	answer, err = c.operation(t.Context(), request{Method: http.MethodPost, URL: "/generate?api-version=1", Body: []byte(`{"metric":"ActualCost"}`)}, location,
		func(location string) error {
			started = append(started, strings.TrimPrefix(location, c.base.String()))
			return nil
		})
	return answer, started, err
}

func TestOperationIsWaitedForAsTold(t *testing.T) {
	for _, tc := range []struct {
		name   string
		header []string
		polls  []http.HandlerFunc
		want   []time.Duration
	}{
		{"at once", nil, []http.HandlerFunc{answerWith(200, doneBody)}, []time.Duration{10 * time.Second}},
		{"as told", []string{"Retry-After", "7"}, []http.HandlerFunc{answerWith(202, "", "Retry-After", "9"), answerWith(200, doneBody)}, []time.Duration{7 * time.Second, 9 * time.Second}},
		{
			"growing",
			[]string{"Retry-After", "0"},
			[]http.HandlerFunc{answerWith(202, ""), answerWith(202, ""), answerWith(202, "", "Retry-After", "0"), answerWith(202, ""), answerWith(202, ""), answerWith(200, doneBody)},
			[]time.Duration{10 * time.Second, 15 * time.Second, 20 * time.Second, 25 * time.Second, 30 * time.Second, 30 * time.Second},
		},
		{
			"200 that still runs",
			nil,
			[]http.HandlerFunc{answerWith(200, `{"status":"InProgress"}`), answerWith(200, `{"properties":{"status":"Running"}}`), answerWith(200, `{"status":"Queued"}`), answerWith(200, doneBody)},
			[]time.Duration{10 * time.Second, 15 * time.Second, 20 * time.Second, 25 * time.Second},
		},
		{"503 while it runs", nil, []http.HandlerFunc{answerWith(503, ""), answerWith(200, doneBody)}, []time.Duration{10 * time.Second, 2 * time.Second}},
		{"throttled", nil, []http.HandlerFunc{answerWith(429, "", "Retry-After", "33"), answerWith(200, doneBody)}, []time.Duration{10 * time.Second, 33 * time.Second}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			submits := 0
			c, clock := newTestClient(t, ClientOptions{}, longOperation(&submits, tc.header, tc.polls...))
			c.polling.first = 10 * time.Second
			answer, started, err := submitThings(t, c, "")
			if err != nil || string(answer.Body) != doneBody || submits != 1 {
				t.Fatalf("got %v after %d submits: %v", answer, submits, err)
			}
			if diff := cmp.Diff([]string{acceptedAt}, started); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.want, clock.slept); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOperationGoesOnFromItsLocation(t *testing.T) {
	submits := 0
	c, _ := newTestClient(t, ClientOptions{}, longOperation(&submits, nil, answerWith(200, doneBody)))
	if _, started, err := submitThings(t, c, c.base.String()+acceptedAt); err != nil || submits != 0 || started != nil {
		t.Errorf("%d submits, started %v: %v", submits, started, err)
	}
}

func TestOperationFollowsALocationThatChanges(t *testing.T) {
	var asked []string
	submits := 0
	serve := longOperation(&submits, nil, answerWith(202, "", "Location", "/operations/2"), answerWith(200, doneBody))
	c, _ := newTestClient(t, ClientOptions{}, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		serve(w, r)
	})
	if _, _, err := submitThings(t, c, ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"POST /generate?api-version=1", "GET " + acceptedAt, "GET /operations/2"}, asked); diff != "" {
		t.Error(diff)
	}
}

func TestOperationTakesTheTokenToNoOtherHost(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"submit": answerWith(202, "", "Location", "https://elsewhere.example/1"),
		"poll":   inTurn(answerWith(202, "", "Location", "/1"), answerWith(202, "", "Location", "https://elsewhere.example/1")),
	} {
		c, _ := newTestClient(t, ClientOptions{}, serve)
		if _, _, err := submitThings(t, c, ""); err == nil || !strings.Contains(err.Error(), "another host") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestOperationThatNeverEndsTimesOut(t *testing.T) {
	submits := 0
	c, clock := newTestClient(t, ClientOptions{}, longOperation(&submits, nil, answerWith(200, `{"status":"InProgress"}`)))
	begin := clock.now()
	_, _, err := submitThings(t, c, "")
	var timedOut *unfinishedError
	if !errors.As(err, &timedOut) || !strings.Contains(err.Error(), "timed out") || submits != 1 {
		t.Fatalf("got %v after %d submits", err, submits)
	}
	if took := clock.now().Sub(begin); took < time.Hour || took > time.Hour+2*time.Minute {
		t.Errorf("it waited %s", took)
	}
}

// An answer of 202 whose body breaks off was accepted all the same.
func TestAcceptedOperationIsNotSubmittedAgain(t *testing.T) {
	submits := 0
	c, _ := newTestClient(t, ClientOptions{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			submits++
			w.Header().Set("Location", acceptedAt)
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusAccepted)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		answerWith(200, doneBody)(w, r)
	})
	if _, _, err := submitThings(t, c, ""); err != nil || submits != 1 {
		t.Errorf("%d submits: %v", submits, err)
	}
}

// Every example of an answer to a report leads to a link, and none is an error.
func TestExamplesOfReportAnswers(t *testing.T) {
	read := 0
	for _, pattern := range []string{
		"cost-management/*/GenerateCostDetails*.json", "cost-management/*/CostDetailsOperationResults*.json",
		"cost-management/*/GenerateDetailedCostReport*.json", "cost-management/*/GenerateReservationDetails*.json",
		"cost-management/*/PricesheetDownload*.json", "consumption/*/PricesheetDownload*.json",
	} {
		files, err := filepath.Glob(filepath.Join(sharedFolder(t, "azure", "examples"), pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no example %s (%v)", pattern, err)
		}
		for _, file := range files {
			body := exampleBody(t, file)
			if body == nil {
				continue // 202 only
			}
			read++
			answer, err := readReport(&response{Status: 200, Body: body})
			if err != nil || answer.check() != nil || len(answer.Parts) != 1 || !strings.HasPrefix(answer.Parts[0].Link, "https://") || answer.Until == "" {
				t.Errorf("%s: got %+v, %v, %v", filepath.Base(file), answer, err, answer.check())
			}
		}
	}
	t.Logf("%d answers", read)
}

func TestReportAnswers(t *testing.T) {
	blobs := func(count, total string) string {
		return fmt.Sprintf(`{"status":"Completed","manifest":{"blobCount":%s,"byteCount":%s,"blobs":[{"blobLink":"https://s/1","byteCount":4},{"blobLink":"https://s/2","byteCount":5}]},"validTill":"x"}`, count, total)
	}
	for _, tc := range []struct {
		name, body string
		status     int
		parts      int
		empty      bool
		want       string // part of the error
	}{
		{name: "manifest", body: blobs("2", "9"), parts: 2},
		{name: "manifest under properties", body: `{"id":"1","properties":` + blobs("2", "9") + `}`, parts: 2},
		{name: "a file is missing", body: blobs("3", "9"), want: "announces 3 files and lists 2"},
		{name: "bytes are missing", body: blobs("2", "10"), want: "announces 10 bytes, its files 9"},
		{name: "a link is missing", body: `{"status":"Completed","manifest":{"blobCount":1,"blobs":[{"byteCount":1}]}}`, want: "without a link"},
		{name: "204", status: 204, empty: true},
		{name: "no data", body: `{"status":"NoDataFound"}`, empty: true},
		{name: "no data with leftovers", body: `{"status":"No Data Found","manifest":{"blobCount":3}}`, empty: true},
		{name: "no files", body: `{"status":"Completed","manifest":{"blobCount":0,"byteCount":0,"blobs":[]}}`, empty: true},
		{name: "ready", body: `{"status":"ReadyToDownload","properties":{"reportUrl":"https://s/1"},"error":{"code":"0","message":null}}`, parts: 1},
		{name: "url alone", body: `{"url":"https://s/1"}`, parts: 1},
		{name: "failed", body: `{"status":"Failed","error":{"code":"ReportTooLarge","message":"too many rows"}}`, want: "Failed, ReportTooLarge: too many rows"},
		{name: "failed under properties", body: `{"properties":{"status":"Failed","error":{"code":"X"}}}`, want: "Failed, X"},
		{name: "timed out", body: `{"status":"TimedOut"}`, want: "TimedOut"},
		{name: "no link", body: `{"status":"Completed"}`, want: `status "Completed" and no link`},
		{name: "no JSON", body: `<html>`, want: "invalid character"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer, err := readReport(&response{Status: max(tc.status, 200), Body: []byte(tc.body)})
			if err == nil {
				err = answer.check()
			}
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				return
			}
			if err != nil || len(answer.Parts) != tc.parts || answer.Empty != tc.empty {
				t.Errorf("got %+v, %v", answer, err)
			}
		})
	}
}

func TestReportJournal(t *testing.T) {
	k := lake{dir: t.TempDir()}
	u := Unit{Source: "s", Account: "a", Scope: "/x", Period: "2026-10", Dataset: "actual"}
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	open := func(request string, at time.Time) *reportJournal {
		j, err := k.openReport(u, request, at)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	begin := func() *reportJournal {
		j := open("r", now)
		if err := errors.Join(j.clear("r"), j.begin("https://m/1", now), j.expect([]reportPart{{"https://s/1", 4}, {"https://s/2", -1}})); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 2; n++ {
			if err := j.store(n, writeText("text")); err != nil {
				t.Fatal(err)
			}
		}
		return j
	}
	begin()
	if j := open("r", now.Add(time.Hour)); j.Location != "https://m/1" || !j.has(1) || !j.has(2) {
		t.Errorf("resumed: %+v", j.reportState)
	}
	j := begin()
	if err := os.WriteFile(j.path(1), []byte("tExt"), 0o644); err != nil {
		t.Fatal(err)
	}
	if j := open("r", now); j.has(1) || !j.has(2) {
		t.Errorf("damaged part: %+v", j.reportState)
	}
	j = begin()
	if err := j.expect([]reportPart{{"https://other/9?sig=2", 4}, {"https://s/2?sig=2", -1}}); err != nil || !j.has(1) || !j.has(2) {
		t.Errorf("new links to the same: %+v, %v", j.reportState, err)
	}
	if err := j.expect([]reportPart{{"https://s/1", 5}, {"https://s/2", -1}}); err != nil || j.has(1) || j.has(2) {
		t.Errorf("another report's parts are mixed: %+v, %v", j.reportState, err)
	}
	begin()
	if j := open("another", now); j.Location != "" || len(j.Parts) != 0 {
		t.Errorf("another request: %+v", j.reportState)
	}
	begin()
	if j := open("r", now.Add(resumeWithin+time.Second)); j.Location != "" || len(j.Parts) != 0 {
		t.Errorf("too old: %+v", j.reportState)
	}
}
