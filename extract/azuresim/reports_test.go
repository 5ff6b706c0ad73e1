package azuresim

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// report asks for a report and waits for its last answer.
func report(t *testing.T, s *httptest.Server, path, body string) (polls int, status int, answer map[string]any) {
	t.Helper()
	r, err := http.Post(s.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if r.StatusCode != http.StatusAccepted {
		t.Fatalf("POST %s: %d %s", path, r.StatusCode, text)
	}
	for link := r.Header.Get("Location"); ; polls++ {
		p, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Body.Close()
		if next := p.Header.Get("Location"); next != "" {
			link = next
		}
		if p.StatusCode == http.StatusAccepted {
			continue
		}
		if p.StatusCode == http.StatusNoContent {
			return polls, p.StatusCode, nil
		}
		if answer = decode(t, p.Body); answer["status"] != "Running" {
			return polls, p.StatusCode, answer
		}
	}
}

// blobs downloads the files of an answer and returns their records without headers.
func blobs(t *testing.T, answer map[string]any) (parts int, records [][]string) {
	t.Helper()
	if inner, ok := answer["properties"].(map[string]any); ok {
		answer = inner
	}
	var links []string
	if m, ok := answer["manifest"].(map[string]any); ok {
		for _, b := range m["blobs"].([]any) {
			links = append(links, b.(map[string]any)["blobLink"].(string))
		}
	}
	for _, name := range []string{"downloadUrl", "reportUrl"} {
		if link, ok := answer[name].(string); ok {
			links = append(links, link)
		}
	}
	for _, link := range links {
		r, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != http.StatusOK || !bytes.HasPrefix(text, []byte(byteOrderMark)) {
			t.Fatalf("GET %s: %d, %v, begins %q", link, r.StatusCode, err, text[:min(len(text), 10)])
		}
		lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, lines[1:]...)
	}
	return len(links), records
}

const costManagement = "/providers/Microsoft.CostManagement/"

// A report has the rows of the export of the same month, whatever the API, the form of the answer and the parts.
func TestReportsHaveTheRowsOfExports(t *testing.T) {
	e, s := serve(t, Config{Seed: 3, Months: 2, Rows: 900, ReportPolls: 2, ReportRows: 100})
	dir := t.TempDir()
	for _, key := range []string{"ea", "mca"} {
		if err := e.WriteExports(context.Background(), dir, ExportOptions{Account: key, Months: []string{"2026-10"}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ account, path, body string }{
		{"ea", EnrollmentPath, `{"metric":%q,"billingPeriod":"202610"}`},
		{"mca", CustomerPath, `{"metric":%q,"timePeriod":{"start":"2026-10-01","end":"2026-10-31"}}`},
	} {
		for dataset, metric := range map[string]string{"actual": "ActualCost", "amortized": "AmortizedCost"} {
			files, _ := filepath.Glob(filepath.Join(dir, "costs", c.account+"-"+dataset, "20261001-20261031", "*", "*", "*.csv"))
			if len(files) != 1 {
				t.Fatalf("%s %s: %d files of the export", c.account, dataset, len(files))
			}
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			want, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, operation := range []string{"generateCostDetailsReport", "generateDetailedCostReport"} {
				polls, _, answer := report(t, s, c.path+costManagement+operation+"?api-version=2023-11-01", fmt.Sprintf(c.body, metric))
				parts, got := blobs(t, answer)
				if polls != 2 || !slices.EqualFunc(got, want[1:], slices.Equal) {
					t.Errorf("%s %s %s: %d records of %d after %d polls", c.account, dataset, operation, len(got), len(want)-1, polls)
				}
				if operation == "generateCostDetailsReport" && parts != (len(want)-1+99)/100 {
					t.Errorf("%s %s: %d parts for %d rows", c.account, dataset, parts, len(want)-1)
				}
			}
		}
	}
}

func TestReservationReportHasTheRowsOfTheList(t *testing.T) {
	e, s := serve(t, Config{Seed: 3, Months: 2, Rows: 900, ReportPolls: 1})
	for scope, dates := range map[string]string{
		EnrollmentPath:         "$filter=properties/usageDate%20ge%202026-10-01%20AND%20properties/usageDate%20le%202026-10-31",
		e.mca.profiles[0].path: "startDate=2026-10-01&endDate=2026-10-31",
	} {
		want, _ := walk(t, s, scope+consumption+"reservationDetails?"+dates+"&api-version=2023-05-01")
		_, _, answer := report(t, s, scope+costManagement+"generateReservationDetailsReport?startDate=2026-10-01&endDate=2026-10-31&api-version=2023-11-01", "")
		_, got := blobs(t, answer)
		if len(got) != len(want) || len(got) == 0 {
			t.Fatalf("%s: %d records, the list has %d", scope, len(got), len(want))
		}
		for i, w := range want {
			if got[i][2] != property(w, "instanceId") || got[i][10] != fmt.Sprint(property(w, "usedHours")) || got[i][9][:10] != property(w, "usageDate").(string)[:10] {
				t.Errorf("record %d is %v, the list has %v", i, got[i], w)
			}
		}
	}
}

func TestReportsOfNothing(t *testing.T) {
	_, s := serve(t, Config{Months: 1, Rows: 500})
	seen := map[int]bool{}
	for month := 1; month <= 9; month++ {
		_, status, answer := report(t, s, EnrollmentPath+costManagement+"generateCostDetailsReport?api-version=2023-11-01", fmt.Sprintf(`{"metric":"ActualCost","billingPeriod":"2026%02d"}`, month))
		seen[status] = true
		if status == http.StatusOK && answer["status"] != "NoDataFound" {
			t.Errorf("month %d: %v", month, answer)
		}
	}
	if !seen[http.StatusOK] || !seen[http.StatusNoContent] {
		t.Errorf("statuses %v, want both ways to say it", seen)
	}
}

func TestRequestsForReportsAreChecked(t *testing.T) {
	e, s := serve(t, Config{Months: 1, Rows: 500})
	cost := costManagement + "generateCostDetailsReport?api-version=2023-11-01"
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{CustomerPath + cost, `{"billingPeriod":"202610"}`, 400},
		{EnrollmentPath + cost, `{"billingPeriod":"202610","invoiceId":"1"}`, 400},
		{EnrollmentPath + cost, `{"billingPeriod":"October"}`, 400},
		{EnrollmentPath + cost, `{"metric":"Usage"}`, 400},
		{EnrollmentPath + cost, `{"colour":"red"}`, 400},
		{EnrollmentPath + cost, `{"timePeriod":{"start":"2026-10-01","end":"2026-11-05"}}`, 400},
		{EnrollmentPath + cost, `{"timePeriod":{"start":"2025-01-01","end":"2025-01-31"}}`, 400},
		{"/subscriptions/" + e.ea.subs[0].id + "/resourceGroups/rg" + cost, `{}`, 400},
		{CustomerPath + costManagement + "generateReservationDetailsReport?startDate=2026-10-01&endDate=2026-10-31&api-version=2023-11-01", ``, 400},
		{EnrollmentPath + costManagement + "generateReservationDetailsReport?api-version=2023-11-01", ``, 400},
		{EnrollmentPath + cost, `{}`, 202},
	} {
		r, err := http.Post(s.URL+c.path, "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != c.want {
			t.Errorf("POST %s %s: %d, want %d", c.path, c.body, r.StatusCode, c.want)
		}
	}
	if status, _ := get(t, s, EnrollmentPath+costManagement+"costDetailsOperationResults/"+guid(1)+"?api-version=2023-11-01"); status != http.StatusNotFound {
		t.Errorf("an operation that nobody started answers %d", status)
	}
}

// A link holds until it is said to have expired; the next answer signs another.
func TestLinksExpireOnRequest(t *testing.T) {
	e, s := serve(t, Config{Months: 1, Rows: 500, Faults: []Fault{{Kind: "expired", Match: "/_blob/armreports", Nth: 2}}})
	path := EnrollmentPath + costManagement + "generateDetailedCostReport?api-version=2023-11-01"
	_, _, answer := report(t, s, path, `{}`)
	link := answer["properties"].(map[string]any)["downloadUrl"].(string)
	for i, want := range []int{200, 403, 403} {
		r, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != want || want == 403 && !bytes.Contains(text, []byte("<Code>AuthenticationFailed</Code>")) {
			t.Errorf("request %d: %d %.80s, want %d", i+1, r.StatusCode, text, want)
		}
	}
	poll := e.Requests()[1]
	_, again := get(t, s, poll.Path+"?"+poll.Query)
	if parts, records := blobs(t, again); parts != 1 || len(records) == 0 {
		t.Errorf("%d files, %d records after the link was signed anew", parts, len(records))
	}
}

// Blobs are written down and struck by faults as every request is, and can be read from a byte on.
func TestBlobsAreRequests(t *testing.T) {
	e, s := serve(t, Config{Months: 1, Rows: 500})
	_, _, answer := report(t, s, EnrollmentPath+costManagement+"generateDetailedCostReport?api-version=2023-11-01", `{}`)
	link := answer["properties"].(map[string]any)["downloadUrl"].(string)
	read := func(header ...string) (*http.Response, string, error) {
		q, _ := http.NewRequest(http.MethodGet, link, nil)
		for i := 0; i < len(header); i += 2 {
			q.Header.Set(header[i], header[i+1])
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			return nil, "", err
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		return r, string(text), err
	}
	r, whole, err := read()
	if err != nil || len(whole) != int(r.ContentLength) {
		t.Fatal(err)
	}
	if r, rest, _ := read("Range", "bytes=1000-", "If-Match", r.Header.Get("Etag")); r.StatusCode != 206 || rest != whole[1000:] {
		t.Errorf("%d with %d bytes, want those from 1000 on of %d", r.StatusCode, len(rest), len(whole))
	}
	if r, _, _ := read("If-Match", `"other"`); r.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("another ETag: %d", r.StatusCode)
	}
	if r, _, _ := read("Authorization", "Bearer x"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("with a token: %d", r.StatusCode)
	}
	for kind, check := range map[string]func(r *http.Response, text string, err error) bool{
		"503": func(r *http.Response, text string, _ error) bool {
			return r.StatusCode == 503 && strings.HasPrefix(text, "<?xml")
		},
		"short": func(_ *http.Response, text string, err error) bool { return err != nil && len(text) < len(whole) },
		"reset": func(_ *http.Response, _ string, err error) bool { return err != nil },
		"cut":   func(r *http.Response, text string, err error) bool { return err == nil && len(text) == len(whole)*3/5 },
		"empty": func(r *http.Response, text string, err error) bool { return err == nil && text == "" },
	} {
		if err := e.AddFault(Fault{Kind: kind, Match: "/_blob/"}); err != nil {
			t.Fatal(err)
		}
		if r, text, err := read(); !check(r, text, err) {
			t.Errorf("%s: %v, %d bytes of %d, %v", kind, r, len(text), len(whole), err)
		}
	}
	last := e.Requests()[len(e.Requests())-1]
	if last.Fault == "" || !strings.HasPrefix(last.Path, "/_blob/armreports/ea/detailedcost-") {
		t.Errorf("the request log ends with %+v", last)
	}
}
