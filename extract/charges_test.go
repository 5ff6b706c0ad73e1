package extract

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestExamplesOfChargesAndCredits(t *testing.T) {
	value := jsonShape{Rows: "value", Next: "nextLink"}
	proveExamples(t, "charges", value, "consumption/*/ChargesList*.json", "consumption/2019-10-01/ChargesFor*.json", "consumption/2021-10-01/ChargesFor*.json")
	proveExamples(t, "charges", jsonShape{}, "consumption/2018-10-01/ChargesFor*.json", "consumption/2019-04-01-preview/ChargesFor*.json")
	proveExamples(t, "lots", value, "consumption/*/Lots*.json")
	proveExamples(t, "credits", jsonShape{}, "consumption/*/CreditSummary*.json")
	proveExamples(t, "events", value, "consumption/*/Events*.json")
	proveExamples(t, "aggregated_cost", jsonShape{}, "consumption/*/AggregatedCost*.json")
	proveExamples(t, "tags", jsonShape{Rows: "properties.tags", Next: "properties.nextLink"}, "consumption/*/Tags*.json")
}

// A run may die between an answer 204 and the commit: the journal then has a page without a body.
func TestAnAnswerWithoutABodyResumes(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	r, err := newRun(Options{Lake: t.TempDir(), Client: quickClient(t, server.URL)})
	if err != nil {
		t.Fatal(err)
	}
	u := Unit{Source: "credits", Account: "digital", Scope: testScope, Period: allPeriods, Dataset: allDatasets}
	p := pull{first: request{URL: testScope + "/credits"}}
	for range 2 {
		l := land(t, sourceNamed(t, "credits").Columns)
		pages, err := p.fill(t.Context(), r, u, l.landing, func(int64) {})
		if err != nil || pages != 1 {
			t.Errorf("%d pages, %v; want one", pages, err)
		}
		if done := l.done(); done.Rows != 0 {
			t.Errorf("%d rows, want none", done.Rows)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once and then the journal", asked)
	}
}
