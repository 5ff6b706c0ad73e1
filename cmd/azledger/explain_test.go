package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/azledger/azledger/extract/azuresim"
	"github.com/azledger/azledger/sql"
	"github.com/azledger/azledger/transform"
)

// told is what explain says for programs.
type told struct {
	Table      string
	Count      int64
	Rows       []map[string]any
	Matches    bool
	Recomputed []struct{ Column, Currency, Published, From, Recomputed string }
	Steps      []struct {
		Table    string
		LookedUp bool `json:"looked_up"`
		Count    int64
		Rows     []map[string]any
		Pages    []struct {
			File, URL, Run, Fetched string
			SHA256                  string
			Page, Rows              int64
			RequestID               string `json:"request_id"`
			Served                  string `json:"served_sha256"`
		}
	}
}

func (l ledger) explain(args ...string) told {
	l.t.Helper()
	out, _ := l.run(0, append([]string{"explain", "--format", "json"}, args...)...)
	var answer told
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		l.t.Fatalf("explain %v: %v\n%s", args, err, out)
	}
	return answer
}

// pages are the raw pages that the rows were made of.
func (a told) pages() (pages int) {
	for _, s := range a.Steps {
		if !s.LookedUp {
			pages += len(s.Pages)
		}
	}
	return pages
}

// hasCharges says whether the row is made of any: a month may have only what the month before had.
func (a told) hasCharges() bool { return a.Rows[0]["ChargeCount"] != float64(0) }

// ofNoRecord are tables about the lake and the run rather than about records of Azure.
var ofNoRecord = []string{"data_quality", "run", "source_completeness"}

// Rows of every published table, taken by chance, come out as they are published: from the rows they
// were made of and from the model's own query.
func (e enterprise) everyTableIsExplained(t *testing.T) {
	models, err := transform.Load(sql.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models {
		if m.Published() {
			t.Run(m.Name, func(t *testing.T) { e.on(t).explainSome(m) })
		}
	}
}

func (l ledger) explainSome(m *transform.Model) {
	l.t.Helper()
	var grain []string
	for _, g := range m.Grain {
		grain = append(grain, fmt.Sprintf("cast(%q as varchar)", g))
	}
	for _, row := range l.rows(fmt.Sprintf("select %s from %s order by md5(concat_ws('|', %[1]s)) limit 2", strings.Join(grain, ", "), m.Name)) {
		args := []string{m.Name}
		for i, g := range m.Grain {
			args = append(args, g+"="+row[i])
		}
		answer := l.explain(args...)
		if answer.Count != 1 || !answer.Matches {
			l.t.Errorf("explain %v: %d rows, matches %v: %v", args, answer.Count, answer.Matches, answer.Recomputed)
		}
		if answer.pages() == 0 && answer.hasCharges() && !slices.Contains(ofNoRecord, m.Name) {
			l.t.Errorf("explain %v leads to no raw page: %v", args, answer.steps())
		}
	}
}

func (a told) steps() (names []string) {
	for _, s := range a.Steps {
		names = append(names, fmt.Sprintf("%s %d", s.Table, s.Count))
	}
	return names
}

// What is said of rows that are not all shown must not be said of all; amounts are not taken for prices.
func TestExplainPrintsWhatHolds(t *testing.T) {
	var out bytes.Buffer
	j := &job{app: &app{out: &out, format: "table"}}
	rows := transform.Rows{
		Columns: []transform.Column{{Name: "Account", Type: "varchar"}, {Name: "RuleName", Type: "varchar"}, {Name: "Line", Type: "bigint"}},
		Values:  [][]string{{"contoso", "", "1"}, {"contoso", "", "2"}},
		Null:    [][]bool{make([]bool, 3), make([]bool, 3)},
	}
	for of, want := range map[int64]string{2: "  in each: Account contoso\n", 3: "  in each that is shown: Account contoso\n"} {
		out.Reset()
		if err := j.printRows(rows, of, nil); err != nil || !strings.HasPrefix(out.String(), want) {
			t.Errorf("2 of %d rows: %v\n%s\nwant it to begin with %s", of, err, out.String(), want)
		}
	}
	x := &explainedRow{count: 2, totals: []transform.Total{{Column: "SheetPrice", Published: "1"}, {Column: "PriceMismatch", Published: "2"}, {Column: "UsedRatio", Published: "3"}}}
	if shown := x.shownTotals(); len(shown) != 1 || shown[0].Column != "PriceMismatch" {
		t.Errorf("%v: want PriceMismatch alone", shown)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	e := newEnterprise(t, 3, 1500)
	given := e.requests(t)
	e.run(0, "run", "--as-of", "2026-11-22")
	t.Run("every table", e.everyTableIsExplained)
	t.Run("truth", e.explainedTruth(given))
}

// requests notes the id that the simulated Azure gave each answer, by its address.
func (e enterprise) requests(t *testing.T) *sync.Map {
	t.Helper()
	config := filepath.Join(e.dir, "azledger.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(string(text))
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var given sync.Map
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		given.Store(r.Header.Get("x-ms-request-id"), r.Request.URL.Path)
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(string(text), address, server.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	return &given
}

// amount is the sum of a column of the rows that were found.
func (a told) amount(t *testing.T, column string) string {
	t.Helper()
	total := &exactly{}
	for _, r := range a.Rows {
		total.add(t, r[column].(string))
	}
	return total.text()
}

// wantOrigin wants every raw page to be one that was answered, under the id that the answer had. Exports
// have the run that wrote them instead.
func (a told) wantOrigin(t *testing.T, given *sync.Map, wantRequest bool) {
	t.Helper()
	requests := 0
	for _, s := range a.Steps {
		for _, p := range s.Pages {
			path, known := given.Load(p.RequestID)
			switch {
			case p.RequestID == "" && p.Run == "":
				t.Errorf("page %d of %s has neither a request id nor an export's run", p.Page, p.File)
			case p.RequestID != "" && (!known || !strings.Contains(p.URL, path.(string))):
				t.Errorf("page %d of %s: request %s of %s was answered for %v", p.Page, p.File, p.RequestID, p.URL, path)
			case p.RequestID != "":
				requests++
			}
			if p.Fetched == "" || p.SHA256 == "" {
				t.Errorf("page %d of %s has no time or no hash", p.Page, p.File)
			}
		}
	}
	if wantRequest && requests == 0 {
		t.Errorf("%s leads to no request: %v", a.Table, a.steps())
	}
}

// What explain says of a cell is what the simulated Azure billed there.
func (e enterprise) explainedTruth(given *sync.Map) func(t *testing.T) {
	return func(t *testing.T) {
		t.Run("chargeback", func(t *testing.T) { e.chargebackTruth(t, given) })
		t.Run("cost trend", func(t *testing.T) { e.trendTruth(t, given) })
		t.Run("late charge", func(t *testing.T) { e.lateTruth(t, given) })
	}
}

func (e enterprise) chargebackTruth(t *testing.T, given *sync.Map) {
	for _, s := range e.truth.Subs {
		if s.Account != "mca" || s.Subscription == "" || s.Period != "2026-10" || sameNumber(s.Amortized.Cost, "0") {
			continue
		}
		answer := e.on(t).explain("chargeback", "BillingPeriodStart="+s.Period, "Account=digital", "SubAccountId="+s.Subscription, "BillingCurrency="+s.Currency, "--sum", "--limit", "0")
		if got := answer.amount(t, "EffectiveCost"); !sameNumber(got, s.Amortized.Cost) {
			t.Errorf("subscription %s costs %s in chargeback, %s in truth", s.Subscription, got, s.Amortized.Cost)
		}
		if charges := answer.step("cost_and_usage"); charges < s.Amortized.Rows {
			t.Errorf("subscription %s: %d charges, Azure billed %d", s.Subscription, charges, s.Amortized.Rows)
		}
		answer.wantOrigin(t, given, true)
		return
	}
	t.Fatal("no subscription of the customer has costs in 2026-10")
}

// step is how many rows of a table a cell is made of.
func (a told) step(table string) (count int64) {
	for _, s := range a.Steps {
		if s.Table == table && !s.LookedUp {
			count += s.Count
		}
	}
	return count
}

func (e enterprise) trendTruth(t *testing.T, given *sync.Map) {
	for _, account := range []string{"ea", "mca"} {
		d := e.truth.Days[slices.IndexFunc(e.truth.Days, func(d azuresim.TruthDay) bool { return d.Account == account && d.Day >= "2026-10-12" })]
		answer := e.on(t).explain("cost_trend_daily", "ChargeDate="+d.Day, "Account="+accountNames[account], "BillingCurrency="+d.Currency, "--sum", "--limit", "0")
		if got := answer.amount(t, "EffectiveCost"); !sameNumber(got, d.Amortized.Cost) {
			t.Errorf("%s on %s: %s in cost_trend_daily, %s in truth", account, d.Day, got, d.Amortized.Cost)
		}
		answer.wantOrigin(t, given, account == "mca")
	}
}

func (e enterprise) lateTruth(t *testing.T, given *sync.Map) {
	checked := 0
	for _, late := range e.truth.LateCharges {
		if late.Account != "mca" || late.Invoice == "" {
			continue
		}
		answer := e.on(t).explain("invoice_reconciliation", "InvoiceId="+late.Invoice, "Component=LateCharge", "BillingCurrency="+late.Currency, "--sum", "--limit", "0")
		if got := answer.amount(t, "Amount"); !sameNumber(got, late.Cost) {
			t.Errorf("invoice %s bills %s late, %s in truth", late.Invoice, got, late.Cost)
		}
		if charges := answer.step("cost_and_usage"); charges != late.Rows {
			t.Errorf("the late charge of %s is made of %d charges, %d in truth", late.Invoice, charges, late.Rows)
		}
		answer.wantOrigin(t, given, true)
		checked++
	}
	if checked == 0 {
		t.Fatal("no late charge of the customer is on an invoice")
	}
}
