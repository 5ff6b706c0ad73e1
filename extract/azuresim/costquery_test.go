package azuresim

import (
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func question(kind, from, to, extra string) string {
	return fmt.Sprintf(`{"type":%q,"timeframe":"Custom","timePeriod":{"from":"%sT00:00:00+00:00","to":"%sT23:59:59+00:00"},`+
		`"dataset":{"granularity":"Daily","aggregation":{"totalCost":{"name":"Cost","function":"Sum"}}%s}}`, kind, from, to, extra)
}

func post(t *testing.T, s *httptest.Server, link, body string) (int, http.Header, map[string]any) {
	t.Helper()
	if strings.HasPrefix(link, "/") {
		link = s.URL + link
	}
	r, err := http.Post(link, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode == http.StatusNoContent {
		return r.StatusCode, r.Header, nil
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Header, decode(t, strings.NewReader(string(text)))
}

// costTable posts a question and follows its links with the same body.
func costTable(t *testing.T, s *httptest.Server, link, body string) (columns []string, rows [][]any, pages int) {
	t.Helper()
	for link != "" {
		status, _, answer := post(t, s, link, body)
		if status != http.StatusOK {
			t.Fatalf("POST %s: %d %v", link, status, answer)
		}
		properties := answer["properties"].(map[string]any)
		columns = nil
		for _, c := range properties["columns"].([]any) {
			columns = append(columns, c.(map[string]any)["name"].(string))
		}
		for _, r := range properties["rows"].([]any) {
			rows = append(rows, r.([]any))
		}
		pages++
		link, _ = properties["nextLink"].(string)
	}
	return columns, rows, pages
}

func costOf(t *testing.T, rows [][]any) *big.Rat {
	t.Helper()
	sum := new(big.Rat)
	for _, r := range rows {
		sum.Add(sum, ratio(t, r[0].(json.Number).String()))
	}
	return sum
}

const queryPath = EnrollmentPath + "/providers/Microsoft.CostManagement/query?api-version=2023-11-01"

func TestAQueryCutsTheSameCost(t *testing.T) {
	_, s := serve(t, Config{Rows: 800, PageSize: 9})
	for _, kind := range []string{"ActualCost", "AmortizedCost"} {
		columns, days, pages := costTable(t, s, queryPath, question(kind, "2026-10-01", "2026-10-31", ""))
		if strings.Join(columns, " ") != "Cost UsageDate Currency" || len(days) != 31 || pages != 4 {
			t.Errorf("%s: columns %v, %d rows on %d pages", kind, columns, len(days), pages)
		}
		_, groups, _ := costTable(t, s, queryPath, question(kind, "2026-10-01", "2026-10-31", `,"grouping":[{"type":"Dimension","name":"ServiceName"},{"type":"Dimension","name":"ChargeType"}]`))
		off := new(big.Rat).Sub(costOf(t, days), costOf(t, groups))
		if most := big.NewRat(int64(len(groups)+len(days)), 2e8); len(groups) <= len(days) || off.Abs(off).Cmp(most) > 0 {
			t.Errorf("%s: %d groups miss the days by %s", kind, len(groups), off.FloatString(9))
		}
	}
	one, _, _ := costTable(t, s, queryPath+"&$top=5000", question("ActualCost", "2026-10-01", "2026-10-31", ""))
	if len(one) != 3 {
		t.Errorf("columns %v", one)
	}
}

func TestQueryRefusals(t *testing.T) {
	_, s := serve(t, Config{Rows: 600, PageSize: 9})
	body := question("ActualCost", "2026-10-01", "2026-10-31", "")
	status, header, first := post(t, s, queryPath, body)
	if status != http.StatusOK || header.Get("x-ms-ratelimit-microsoft.costmanagement-qpu-consumed") != "1" {
		t.Errorf("status %d, header %v", status, header)
	}
	link := first["properties"].(map[string]any)["nextLink"].(string)
	for name, c := range map[string]struct {
		link, body string
		status     int
	}{
		"another body with the link": {link, question("AmortizedCost", "2026-10-01", "2026-10-31", ""), http.StatusBadRequest},
		"no body":                    {queryPath, "", http.StatusBadRequest},
		"unknown type":               {queryPath, question("Cost", "2026-10-01", "2026-10-31", ""), http.StatusBadRequest},
		"unknown dimension":          {queryPath, question("ActualCost", "2026-10-01", "2026-10-31", `,"grouping":[{"type":"Dimension","name":"Moon"}]`), http.StatusBadRequest},
		"more than a year":           {queryPath, question("ActualCost", "2024-10-01", "2026-10-31", ""), http.StatusBadRequest},
		"backwards":                  {queryPath, question("ActualCost", "2026-10-31", "2026-10-01", ""), http.StatusBadRequest},
		"nothing was spent":          {queryPath, question("ActualCost", "2020-10-01", "2020-10-31", ""), http.StatusNoContent},
		"several currencies": {
			CustomerPath + "/providers/Microsoft.CostManagement/forecast?api-version=2023-11-01",
			question("ActualCost", "2026-11-01", "2026-12-31", ""), http.StatusFailedDependency,
		},
	} {
		if status, _, answer := post(t, s, c.link, c.body); status != c.status {
			t.Errorf("%s: %d %v, want %d", name, status, answer, c.status)
		}
	}
	if status, _ := get(t, s, queryPath); status != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered with %d", status)
	}
}

func TestRoundingAtTheEighthDigit(t *testing.T) {
	for text, want := range map[string]string{
		"1.000000005": "1", "1.000000015": "1.00000002", "-1.000000015": "-1.00000002", "0.0000000050000001": "0.00000001", "12345678.123456789": "12345678.12345679",
	} {
		a, err := parseAmount(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.round8().String(); got != want {
			t.Errorf("%s is rounded to %s, want %s", text, got, want)
		}
	}
}

// The definitions are those of the exports whose files are written.
func TestExportDefinitionsAreOfTheFiles(t *testing.T) {
	e, s := serve(t, Config{Rows: 600, Months: 2})
	dir := t.TempDir()
	if err := e.WriteExports(t.Context(), dir, ExportOptions{Account: "ea", Months: []string{"2026-11"}}); err != nil {
		t.Fatal(err)
	}
	records, _ := walk(t, s, EnrollmentPath+"/providers/Microsoft.CostManagement/exports?$expand=runHistory&api-version=2025-03-01")
	if len(records) != 2 {
		t.Fatalf("%d exports", len(records))
	}
	for _, r := range records {
		run := property(r, "runHistory").(map[string]any)["value"].([]any)[0].(map[string]any)
		text, err := os.ReadFile(filepath.Join(dir, property(run, "manifestFile").(string)))
		if err != nil {
			t.Fatal(err)
		}
		manifest := decode(t, strings.NewReader(string(text)))
		config := manifest["exportConfig"].(map[string]any)
		definition := property(r, "definition").(map[string]any)
		if config["exportName"] != r["name"] || config["type"] != definition["type"] || manifest["runInfo"].(map[string]any)["runId"] != run["name"] {
			t.Errorf("export %v, manifest %v", r, manifest)
		}
	}
}

// An alert is a budget that was passed, and a passed budget has an alert.
func TestAlertsAreOfBudgets(t *testing.T) {
	e, s := serve(t, Config{Rows: 800, AsOf: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)})
	scopes := []string{EnrollmentPath}
	for _, sub := range e.ea.subs {
		scopes = append(scopes, "/subscriptions/"+sub.id)
	}
	found := 0
	for _, scope := range scopes {
		budgets, _ := walk(t, s, scope+"/providers/Microsoft.Consumption/budgets?api-version=2023-05-01")
		alerts, _ := walk(t, s, scope+"/providers/Microsoft.CostManagement/alerts?api-version=2023-11-01")
		passed := map[string]bool{}
		for _, b := range budgets {
			spent := property(b, "currentSpend").(map[string]any)["amount"].(json.Number)
			limit := ratio(t, property(b, "amount").(json.Number).String())
			passed[b["name"].(string)] = ratio(t, spent.String()).Cmp(limit.Mul(limit, big.NewRat(8, 10))) > 0
		}
		for _, a := range alerts {
			found++
			name := property(a, "costEntityId").(string)
			if !passed[name] {
				t.Errorf("%s has an alert of %s", scope, name)
			}
			delete(passed, name)
		}
		for name, is := range passed {
			if is {
				t.Errorf("%s has no alert of %s", scope, name)
			}
		}
	}
	if found == 0 {
		t.Error("no alert at all")
	}
}

// A recommended plan's figures follow from each other as the documentation says.
func TestRecommendedPlansAddUp(t *testing.T) {
	e, s := serve(t, Config{Rows: 5000})
	path := e.mca.profiles[1].path + "/providers/Microsoft.CostManagement/benefitRecommendations?$expand=properties/usage,properties/allRecommendationDetails&api-version=2023-11-01" +
		"&$filter=properties/lookBackPeriod eq 'Last30Days' and properties/term eq 'P1Y'"
	records, _ := walk(t, s, path)
	if len(records) != 1 {
		t.Fatalf("%d recommendations", len(records))
	}
	r := records[0]
	hours := ratio(t, property(r, "totalHours").(json.Number).String())
	details := append(property(r, "allRecommendationDetails").(map[string]any)["value"].([]any), property(r, "recommendationDetails"))
	if charges := property(r, "usage").(map[string]any)["charges"].([]any); len(charges) != 720 || hours.Cmp(big.NewRat(720, 1)) != 0 || len(details) != 4 {
		t.Errorf("%d charges, %s hours, %d plans", len(charges), hours, len(details))
	}
	for _, d := range details {
		is := func(name string) *big.Rat { return ratio(t, d.(map[string]any)[name].(json.Number).String()) }
		cost := new(big.Rat).Mul(is("commitmentAmount"), hours)
		sum := new(big.Rat).Add(is("benefitCost"), is("overageCost"))
		saved := new(big.Rat).Sub(ratio(t, property(r, "costWithoutBenefit").(json.Number).String()), is("totalCost"))
		if cost.Cmp(is("benefitCost")) != 0 || sum.Cmp(is("totalCost")) != 0 || saved.Cmp(is("savingsAmount")) != 0 || saved.Sign() <= 0 {
			t.Errorf("plan %v does not add up", d)
		}
	}
}
