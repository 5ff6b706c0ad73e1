package extract

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

var tableShape = jsonShape{Rows: "properties.rows", Columns: "properties.columns", Next: "properties.nextLink"}

func TestQueryExamples(t *testing.T) {
	p := proveExamples(t, "query", tableShape, "cost-management/*/*Query*.json")
	if p.payloads != 66 || len(p.extra) != 3 {
		t.Errorf("proved on %d payloads, in _extra %v", p.payloads, p.extra)
	}
}

func TestQueryRecordings(t *testing.T) {
	payloads, rows, extra := 0, 0, map[string]int{}
	for _, i := range costRecordings(t, "microsoft.costmanagement/query?") {
		if i.Status != http.StatusOK || i.Body == "" {
			t.Errorf("recorded answer %d to %s", i.Status, i.URL)
			continue
		}
		payloads++
		rows += proveBody(t, i.URL, sourceNamed(t, "query"), tableShape, []byte(i.Body), extra)
	}
	t.Logf("%d recorded answers, %d rows, in _extra: %v", payloads, rows, extra)
	if payloads < 19 || rows == 0 {
		t.Errorf("%d recorded answers with %d rows", payloads, rows)
	}
}

// Each of these is a page that must not pass for one.
func TestTablesThatAreDamaged(t *testing.T) {
	columns := `"columns":[{"name":"Cost","type":"Number"},{"name":"UsageDate","type":"Number"}]`
	for name, c := range map[string]struct{ body, want string }{
		"a value too few":   {`{"properties":{` + columns + `,"rows":[[1,20261001],[2]]}}`, "as many values as there are columns"},
		"a value too many":  {`{"properties":{` + columns + `,"rows":[[1,20261001,"EUR"]]}}`, "as many values as there are columns"},
		"an empty row":      {`{"properties":{` + columns + `,"rows":[[]]}}`, "as many values as there are columns"},
		"a record":          {`{"properties":{` + columns + `,"rows":[{"Cost":1}]}}`, "a row"},
		"no columns":        {`{"properties":{"rows":[[1]]}}`, "as many values as there are columns"},
		"a column twice":    {`{"properties":{"columns":[{"name":"Cost"},{"name":"Cost"}],"rows":[]}}`, "names that differ"},
		"a nameless column": {`{"properties":{"columns":[{"type":"Number"}],"rows":[]}}`, "names that differ"},
		"columns of text":   {`{"properties":{"columns":["Cost"],"rows":[]}}`, "columns with names"},
		"rows twice":        {`{"properties":{` + columns + `,"rows":[],"rows":[]}}`, "one list properties.rows"},
		"no rows":           {`{"properties":{` + columns + `}}`, `no array "properties.rows"`},
		"cut":               {`{"properties":{` + columns + `,"rows":[[1,20261001`, "the end of the page"},
		"an error":          {`{"error":{"code":"BadRequest"}}`, "error"},
	} {
		l := land(t, queryColumns())
		if _, err := l.jsonPage(1, "page", []byte(c.body), tableShape); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestRowsBeforeTheirColumns(t *testing.T) {
	body := `{"properties":{"rows":[[1.10000000000000000001,20261001,"gs-dev",null,"EUR"],[-2,20261002,"",0,"EUR"]],
		"nextLink":"https://x/y","columns":[{"name":"Cost"},{"name":"UsageDate"},{"name":"ResourceGroup"},{"name":"UsageQuantity"},{"name":"Currency"}]}}`
	l := land(t, queryColumns())
	info, err := l.jsonPage(1, "page", []byte(body), tableShape)
	if err != nil {
		t.Fatal(err)
	}
	if info.Next != "https://x/y" || info.Rows != 2 {
		t.Errorf("page has %d rows and the link %q", info.Rows, info.Next)
	}
	_, rows := readBack(t, l.done().File)
	want := []record{
		{"Cost": "1.1", "UsageDate": "2026-10-01", "Currency": "EUR", "_page": "1", "_row": "1", "_extra": `{"Cost":"1.10000000000000000001","ResourceGroup":"gs-dev"}`},
		{"Cost": "-2", "UsageDate": "2026-10-02", "Currency": "EUR", "_page": "1", "_row": "2", "_extra": `{"UsageQuantity":0}`},
	}
	for i := range rows {
		rows[i].without()
	}
	if diff := gocmp.Diff(want, rows); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
}

func FuzzTablePage(f *testing.F) {
	f.Add(`{"properties":{"columns":[{"name":"Cost"},{"name":"UsageDate"},{"name":"x"}],"rows":[[1e-3,20261001,{"a":[]}],[null,"2026-10-01",""]]}}`)
	f.Add(`{"properties":{"rows":[[],[1]],"columns":[]}}`)
	f.Add(`{"properties":{"rows":[ ],"columns":[{"name":"\u0043ost"}],"nextLink":null}}`)
	f.Fuzz(func(t *testing.T, body string) {
		l := land(t, queryColumns())
		info, err := l.jsonPage(1, "page", []byte(body), tableShape)
		if err != nil {
			return
		}
		// What passes is JSON, and each of its rows became one of ours.
		rows, _ := atPath(decodeJSON(body), "properties.rows").([]any)
		if int64(len(rows)) != info.Rows+info.Rejects && json.Valid([]byte(body)) {
			t.Errorf("%d rows and %d rejects of %d served: %s", info.Rows, info.Rejects, len(rows), body)
		}
		if !json.Valid([]byte(body)) {
			t.Errorf("no JSON, but a page: %s", body)
		}
	})
}

// The daily sums must be those of the truth, which the simulator added up by another way.
func TestQueryAgainstTheSimulatedAzure(t *testing.T) {
	s := newCostSim(t, 7)
	o := s.options("query", simEnrollment, digital)
	mustRun(t, o)
	got := map[string]string{}
	for _, r := range rawRows(t, o.Lake, "query") {
		got[strings.Join([]string{r["_account"], r["_dataset"], r["UsageDate"], r["Currency"]}, " ")] = r["Cost"]
	}
	want := 0
	for _, d := range s.azure.Truth().Days {
		if d.Day < "2026-09-01" {
			continue // a late charge of a month that nobody asked for
		}
		account := map[string]string{"ea": "group", "mca": "digital"}[d.Account]
		for dataset, sum := range map[string]azuresim.TruthSum{"actual": d.Actual, "amortized": d.Amortized} {
			if sum.Rows == 0 {
				continue
			}
			want++
			key := strings.Join([]string{account, dataset, d.Day, d.Currency}, " ")
			if !within(got[key], sum.Exact, "0.000000005") {
				t.Errorf("%s costs %q, the truth is %s", key, got[key], sum.Exact)
			}
		}
	}
	// Azure adds up the day that its records lack.
	missing := s.azure.Truth().Faults.MissingDay
	for dataset, cost := range map[string]string{"actual": missing.Cost, "amortized": missing.Amortized} {
		want++
		if key := strings.Join([]string{"group", dataset, missing.Day, missing.Currency}, " "); !within(got[key], cost, "0.000000005") {
			t.Errorf("%s costs %q, the truth is %s", key, got[key], cost)
		}
	}
	if want != len(got) {
		t.Errorf("%d sums, the truth has %d", len(got), want)
	}
	for _, r := range s.azure.Requests() {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.Path, "/providers/Microsoft.CostManagement/query") || r.Status != http.StatusOK {
			t.Errorf("request %s %s answered with %d", r.Method, r.Path, r.Status)
		}
	}
}

func TestQueryFaults(t *testing.T) {
	if rows := faultsAtEachCall(t, 7, "query", "2026-10", simEnrollment, append(mendedFaults, refusedFaults...)...); len(rows) != 62 {
		t.Errorf("%d rows, want a day's sum in both datasets", len(rows))
	}
}

func TestARepeatedPageOfAQueryIsRefused(t *testing.T) {
	s := newCostSim(t, 7)
	o := s.options("query", simEnrollment)
	o.Periods = Range{From: "2026-10", To: "2026-10"}
	if err := s.azure.AddFault(azuresim.Fault{Kind: "repeat", Match: "query"}); err != nil {
		t.Fatal(err)
	}
	res, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Failed()) != 1 || !strings.Contains(res.Failed()[0].Err.Error(), "same rows as page 1") {
		t.Errorf("result %v, want one unit that repeats a page", res.Failed())
	}
}

// oldScope is a pay-as-you-go subscription that knows PreTaxCost only, of a billing period
// from the 18th to the 17th.
func oldScope(t *testing.T, bodies *[]string) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.Contains(r.URL.Path, "/billingPeriods"):
			fmt.Fprint(w, `{"value":[{"name":"202610-1","properties":{"billingPeriodStartDate":"2026-09-18","billingPeriodEndDate":"2026-10-17"}}]}`)
		case strings.HasSuffix(r.URL.Path, "/query"):
			*bodies = append(*bodies, string(body))
			if strings.Contains(string(body), `"Cost"`) {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":{"code":"BadRequest","message":"Invalid query definition, Invalid dataset aggregation column Cost."}}`)
				return
			}
			fmt.Fprint(w, `{"properties":{"nextLink":null,"columns":[{"name":"PreTaxCost","type":"Number"},{"name":"UsageDate","type":"Number"},{"name":"Currency","type":"String"}],"rows":[[1.25,20260930,"USD"]]}}`)
		default:
			t.Errorf("unexpected request %s", r.URL)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestOldScopesAreAskedForPreTaxCost(t *testing.T) {
	var bodies []string
	server := oldScope(t, &bodies)
	s := newCostSim(t, 0)
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	o := s.options("query", Account{Name: "old", Scope: "/subscriptions/11111111-1111-1111-1111-111111111111", Agreement: mosp})
	o.Client = client
	mustRun(t, o)
	if len(bodies) != 3 { // Cost is asked for once, PreTaxCost for both datasets
		t.Errorf("asked %d times: %s", len(bodies), strings.Join(bodies, "\n"))
	}
	want := `{"type":"ActualCost","timeframe":"Custom","timePeriod":{"from":"2026-09-18T00:00:00+00:00","to":"2026-10-17T23:59:59+00:00"},"dataset":{"granularity":"Daily","aggregation":{"totalCost":{"name":"Cost","function":"Sum"}}}}`
	if bodies[0] != want {
		t.Errorf("asked %s, want %s", bodies[0], want)
	}
	rows := rawRows(t, o.Lake, "query")
	if len(rows) != 2 || rows[0]["PreTaxCost"] != "1.25" || rows[0]["UsageDate"] != "2026-09-30" || rows[0]["_period"] != "2026-09" {
		t.Errorf("rows %v", rows)
	}
}

// A run that stops between two pages goes on with the next one, and only if the question
// is still the same.
func TestAQueryResumesWithTheSameBody(t *testing.T) {
	s := newCostSim(t, 7)
	o := s.options("query", simEnrollment)
	o.Periods = Range{From: "2026-10", To: "2026-10"}
	ctx, cancel := context.WithCancel(context.Background())
	pages := 0
	o.Progress = func(e Event) {
		if pages++; pages == 3 {
			cancel()
		}
	}
	if _, err := Run(ctx, o); err == nil {
		t.Fatal("the run was not stopped")
	}
	before := len(s.azure.Requests())
	o.Progress, o.Refresh = nil, false
	mustRun(t, o)
	if asked := len(s.azure.Requests()); before >= 10 || asked != 10 {
		t.Errorf("%d calls before the stop, %d in all, want 10 in all", before, asked)
	}
	if rows := rawRows(t, o.Lake, "query"); len(rows) != 62 {
		t.Errorf("%d rows", len(rows))
	}
	u := Unit{Source: "query", Account: "group", Scope: simEnrollment.Scope, Period: "2026-10", Dataset: "actual"}
	dir := lake{dir: t.TempDir()}
	spool, err := dir.openSpool(u, pageLine{URL: "x", Asked: "a"}, o.AsOf)
	if err != nil {
		t.Fatal(err)
	}
	if err := spool.add(pageLine{Number: 1, URL: "x", Asked: "a", At: o.AsOf, SHA256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	spool.close()
	for _, c := range []struct {
		asked string
		kept  int
	}{{"a", 1}, {"b", 0}} {
		again, err := dir.openSpool(u, pageLine{URL: "x", Asked: c.asked}, o.AsOf)
		if err != nil {
			t.Fatal(err)
		}
		if len(again.lines) != c.kept {
			t.Errorf("body %s: %d pages kept, want %d", c.asked, len(again.lines), c.kept)
		}
		again.close()
	}
}
