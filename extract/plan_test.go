package extract

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// anInvoice answers a list of invoices with one, of the month and the amount given.
func anInvoice(w http.ResponseWriter, month, amount string) bool {
	fmt.Fprintf(w, `{"value":[{"name":"G1","properties":{"invoicePeriodStartDate":"%s-01T00:00:00Z","status":"Due","amountDue":{"currency":"EUR","value":1},
		"billedAmount":{"currency":"EUR","value":%s},"totalAmount":{"currency":"EUR","value":%s}}}],"totalCount":1}`, month, amount, amount)
	return true
}

// asked tells how often each month's usage was asked for, and forgets it.
func (s *usageAPIServer) months() []string {
	var months []string
	for _, u := range s.asked {
		if _, date, ok := strings.Cut(u, "startDate="); ok && !strings.Contains(u, "skiptoken") {
			months = append(months, date[:7])
		}
	}
	s.asked = nil
	slices.Sort(months)
	return slices.Compact(months)
}

func TestAClosedMonthIsFetchedAgainWhenItsInvoiceChanges(t *testing.T) {
	s := newUsageAPI(t)
	amount := "10.00"
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/invoices") && anInvoice(w, "2026-08", amount)
	}
	o := testOptions(t, s, t.TempDir())
	o.Sources = []string{"usage_details", "invoices"}
	o.Periods, o.History, o.Refresh = Range{}, 3, false
	o.AsOf = time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
	mustRun(t, o)
	if got := s.months(); !slices.Equal(got, []string{"2026-08", "2026-09", "2026-10"}) {
		t.Fatalf("first run asked for %v", got)
	}
	o.AsOf = o.AsOf.AddDate(0, 0, 1)
	mustRun(t, o)
	if got := s.months(); !slices.Equal(got, []string{"2026-10"}) {
		t.Errorf("the same invoices: asked for %v, want the open month alone", got)
	}
	amount = "10.50"
	o.AsOf = o.AsOf.AddDate(0, 0, 1)
	mustRun(t, o)
	if got := s.months(); !slices.Equal(got, []string{"2026-08", "2026-10"}) {
		t.Errorf("the invoice of August changed: asked for %v, want August and the open month", got)
	}
	o.AsOf = o.AsOf.AddDate(0, 0, 1)
	mustRun(t, o)
	if got := s.months(); !slices.Equal(got, []string{"2026-10"}) {
		t.Errorf("after that asked for %v, want the open month alone", got)
	}
}

// A charge dated in August that came late is billed with September, and names that invoice
// only once it is there.
func TestAClosedMonthIsFetchedAgainWhenTheNextOneIsInvoiced(t *testing.T) {
	for _, c := range []struct {
		name, scope string
		monthly     bool
		want        []string
	}{
		{"monthly invoice", testScope, true, []string{"2026-08", "2026-09", "2026-10"}},
		{"single purchase", testScope, false, []string{"2026-09", "2026-10"}},
		{"enrollment", "/providers/Microsoft.Billing/billingAccounts/8608480", true, []string{"2026-09", "2026-10"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newUsageAPI(t)
			list := `{"value":[]}`
			s.respond = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/invoices") {
					return false
				}
				fmt.Fprint(w, list)
				return true
			}
			o := testOptions(t, s, t.TempDir())
			o.Accounts = []Account{{Name: "contoso", Scope: c.scope, Agreement: mca, Sources: []string{"usage_details", "invoices"}}}
			o.Sources = nil
			o.Periods, o.History, o.Refresh = Range{}, 3, false
			o.AsOf = time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
			mustRun(t, o)
			s.months()
			list = fmt.Sprintf(`{"value":[{"name":"G2","properties":{"invoicePeriodStartDate":"2026-09-01T00:00:00Z","isMonthlyInvoice":%t}}]}`, c.monthly)
			o.AsOf = o.AsOf.AddDate(0, 0, 1)
			mustRun(t, o)
			if got := s.months(); !slices.Equal(got, c.want) {
				t.Errorf("September is invoiced: asked for %v, want %v", got, c.want)
			}
			o.AsOf = o.AsOf.AddDate(0, 0, 1)
			mustRun(t, o)
			if got := s.months(); !slices.Equal(got, []string{"2026-10"}) {
				t.Errorf("after that asked for %v, want the open month alone", got)
			}
		})
	}
}

func TestPayingAnInvoiceChangesNothing(t *testing.T) {
	s := newUsageAPI(t)
	due := "Due"
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/invoices") {
			return false
		}
		fmt.Fprintf(w, `{"value":[{"name":"G1","properties":{"invoicePeriodStartDate":"2026-08-01T00:00:00Z","status":"%s","totalAmount":{"currency":"EUR","value":1}}}]}`, due)
		return true
	}
	o := testOptions(t, s, t.TempDir())
	o.Sources = []string{"usage_details", "invoices"}
	o.Periods, o.History, o.Refresh = Range{}, 3, false
	mustRun(t, o)
	s.months()
	due = "Paid"
	o.AsOf = o.AsOf.AddDate(0, 0, 1)
	mustRun(t, o)
	if got := s.months(); !slices.Equal(got, []string{"2026-10"}) {
		t.Errorf("asked for %v, want the open month alone", got)
	}
}

func TestASourceThatTheAgreementLacksSaysSoOnce(t *testing.T) {
	s := newUsageAPI(t)
	o := testOptions(t, s, t.TempDir())
	o.Sources = nil
	o.Accounts = []Account{{Name: "contoso", Scope: testScope, Agreement: mca, Sources: []string{"usage_details", "balances"}}}
	res, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	failed := res.Failed()
	if len(failed) != 1 {
		t.Fatalf("%d units failed, want one: %v", len(failed), failed)
	}
	for _, word := range []string{"contoso", "Microsoft Customer Agreement", "balances", "credits"} {
		if !strings.Contains(failed[0].Err.Error(), word) {
			t.Errorf("%q does not say %q", failed[0].Err, word)
		}
	}
}

func TestASourceNamedByTheCommandThatNoAccountHasSaysSo(t *testing.T) {
	s := newUsageAPI(t)
	o := testOptions(t, s, t.TempDir())
	o.Sources = []string{"balances"}
	res, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Failed()) != 1 || len(s.asked) > 0 {
		t.Errorf("%d units failed and %d requests were made, want 1 and none", len(res.Failed()), len(s.asked))
	}
}

func TestEverySourceNamesWhatStandsInForIt(t *testing.T) {
	names := map[string]bool{}
	for _, s := range Sources() {
		names[s.Name] = true
	}
	for _, s := range Sources() {
		if s.global || s.files {
			continue
		}
		for _, agreement := range []string{ea, mca, mosp, mpa} {
			has := slices.Contains(s.Agreements, agreement)
			instead := s.Instead[agreement]
			switch {
			case has && instead != "":
				t.Errorf("%s: %s has it, and yet something stands in for it", s.Name, agreement)
			case !has && instead == "":
				t.Errorf("%s: what has an account under %s instead?", s.Name, agreementNames[agreement])
			}
		}
		if (s.Status == "current") != (s.Successor == "") {
			t.Errorf("%s is %s, and its successor is %q", s.Name, s.Status, s.Successor)
		}
		if s.Role == "" || s.Feeds == "" || !slices.Contains([]string{"current", "deprecated", "retired"}, s.Status) {
			t.Errorf("%s: role %q, feeds %q, status %q", s.Name, s.Role, s.Feeds, s.Status)
		}
	}
}

func TestAnExportSparesTheAPI(t *testing.T) {
	text := exportHeader + costLine("10/01/2026", "1")
	o := testOptions(t, newUsageAPI(t), t.TempDir())
	o.Sources = nil
	o.Accounts = []Account{{Name: "contoso", Scope: testScope, Agreement: mca, Exports: exportOf(t, map[string]string{
		"daily/20261001-20261031/1/part.csv":      text,
		"daily/20261001-20261031/1/manifest.json": exportManifestOf("daily/20261001-20261031/1/part.csv", "ActualCost", "2026-10-19", text, 1),
	})}}
	skipped := func(o Options) (units []string) {
		r, err := newRun(o)
		if err != nil {
			t.Fatal(err)
		}
		tasks, _ := r.plan(t.Context(), func(s *Source) bool { return s.files || s.behind != nil })
		for _, u := range tasks {
			if u.skip != "" {
				units = append(units, u.Period+" "+u.Dataset)
			}
		}
		slices.Sort(units)
		return slices.Compact(units)
	}
	if got := skipped(o); !slices.Equal(got, []string{"2026-10 actual"}) {
		t.Errorf("left alone: %v, want October's actual cost, which the export has", got)
	}
	o.Accounts[0].Sources = []string{"cost_export", "usage_details"}
	if got := skipped(o); len(got) != 0 {
		t.Errorf("left alone although the source is named: %v", got)
	}
}

func TestAPlanForeseesWhatARunDoes(t *testing.T) {
	s := newUsageAPI(t)
	o := testOptions(t, s, t.TempDir())
	o.Periods, o.History, o.Refresh = Range{}, 3, false
	plan, err := MakePlan(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.asked) != 0 {
		t.Errorf("planning asked for %v", s.asked)
	}
	if fetch, calls := counted(plan); fetch != 6 || calls != 6 { // nothing is known yet: one call each
		t.Errorf("the plan fetches %d units with %d calls, want 6 with 6", fetch, calls)
	}
	mustRun(t, o)
	s.asked = nil
	o.AsOf = o.AsOf.AddDate(0, 0, 1)
	if plan, err = MakePlan(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	fetch, calls := counted(plan)
	mustRun(t, o)
	if fetch != 2 || calls != len(s.asked) {
		t.Errorf("the plan fetches %d units with %d calls; the run made %d calls", fetch, calls, len(s.asked))
	}
	if files, _ := filepath.Glob(filepath.Join(o.Lake, "raw", "*", "*", "*", "*.parquet")); len(files) == 0 {
		t.Error("no files")
	}
}

func counted(p Plan) (units, calls int) {
	for _, u := range p.Units {
		if u.Skip == "" {
			units++
			calls += u.Calls
		}
	}
	return units, calls
}

// The plan counts with the pacer's own limits: what it says takes least is what the pacer
// makes it take.
func TestAPlanKeepsThePacersTime(t *testing.T) {
	const scope = "/providers/Microsoft.Billing/billingAccounts/1"
	for _, api := range []string{usageAPI, queryAPI, billingAPI} {
		for _, calls := range []int{1, 6, 7, 50, 200} {
			now := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
			start := now
			p := &pacer{now: func() time.Time { return now }, sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil }}
			for range calls {
				if err := p.wait(t.Context(), api, scope, 1); err != nil {
					t.Fatal(err)
				}
			}
			quotas := map[string]Quota{}
			p.charge(quotas, request{API: api, Scope: scope}, calls)
			var least time.Duration
			for _, q := range quotas {
				least = max(least, q.Least)
			}
			if took := now.Sub(start); (took - least).Abs() > time.Second {
				t.Errorf("%d calls of %s took %s, the plan says %s", calls, api, took, least)
			}
		}
	}
}

func TestARetiredAPINamesItsSuccessor(t *testing.T) {
	s := newUsageAPI(t)
	s.respond = func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, `{"error":{"code":"Gone","message":"This API has been retired."}}`, http.StatusGone)
		return true
	}
	res, err := Run(context.Background(), testOptions(t, s, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, res, "410", "retired", "cost_details")
}

func TestWhyASourceIsNotThereNamesTheAgreementThatAzureTold(t *testing.T) {
	s := newUsageAPI(t)
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/billingAccounts/8608480") {
			fmt.Fprint(w, `{"properties":{"agreementType":"EnterpriseAgreement"}}`)
			return true
		}
		return false
	}
	o := testOptions(t, s, t.TempDir())
	o.Accounts = []Account{{Name: "contoso", Scope: "/providers/Microsoft.Billing/billingAccounts/8608480", Agreement: "auto"}}
	o.Sources = []string{"credits"}
	res, err := Run(t.Context(), o)
	if err != nil || len(res.Failed()) != 1 {
		t.Fatalf("error %v, failed units %v; want one", err, res.Failed())
	}
	text := res.Failed()[0].Err.Error()
	if !strings.Contains(text, "contoso is an Enterprise Agreement, ") || !strings.Contains(text, sourceNamed(t, "credits").Instead[ea]) {
		t.Errorf("error %q does not say which agreement it is, and what to read instead", text)
	}
}

func TestASourceThatIsNamedAndHasNothingIsWorthAWarning(t *testing.T) {
	s := newUsageAPI(t)
	o := testOptions(t, s, t.TempDir())
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	o.Accounts[0].Agreement = ea
	mustRun(t, o)
	if log.Len() > 0 {
		t.Errorf("log %q of a source that has something", &log)
	}
	o.Sources = []string{"aggregated_cost"} // no management group
	mustRun(t, o)
	if !strings.Contains(log.String(), "source=aggregated_cost") {
		t.Errorf("log %q, want a warning that nothing is read", &log)
	}
}

// What is billed as a whole has prepayment, credits and transactions. Parts of it would be
// asked at addresses that Azure does not have.
func TestASubscriptionIsNotAskedForWhatItsAccountHas(t *testing.T) {
	for _, name := range []string{"credits", "lots", "events", "transactions", "charges"} {
		s := sourceOf(name)
		if a := (Account{Scope: "/subscriptions/1", Agreement: mca}); s.isStandard(a) {
			t.Errorf("%s is read of a subscription", name)
		}
		if a := (Account{Scope: testScope, Agreement: mca}); !s.isStandard(a) {
			t.Errorf("%s is not read of a billing account", name)
		}
	}
}
