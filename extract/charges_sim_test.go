package extract

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// chargedRun is a simulated enterprise whose charges and credits are copied.
type chargedRun struct {
	t    *testing.T
	sim  *azuresim.Enterprise
	lake string
	o    Options
}

var (
	chargedEnrollment = Account{Name: "contoso", Scope: azuresim.EnrollmentPath, Agreement: ea}
	digital           = Account{Name: "digital", Scope: azuresim.CustomerPath, Agreement: mca}
	tenantGroup       = Account{Name: "group", Scope: "/providers/Microsoft.Management/managementGroups/contoso", Agreement: ea}
)

// newBilled prepares a run of sources over accounts of a simulated enterprise.
func newBilled(t *testing.T, config azuresim.Config, sources []string, accounts ...Account) *chargedRun {
	t.Helper()
	config.Seed, config.AsOf, config.EnterpriseKey = 7, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), testKey
	sim := simulate(t, config)
	b := &chargedRun{t: t, sim: sim.Enterprise, lake: t.TempDir()}
	b.o = Options{
		Lake: b.lake, Client: quickClient(t, sim.url), Accounts: accounts, Sources: sources, Workers: 1, History: config.Months, AsOf: config.AsOf,
	}
	return b
}

// run copies, and fails the test if a unit fails or Azure refused anything.
func (b *chargedRun) run() Result {
	b.t.Helper()
	res := mustRun(b.t, b.o)
	for _, q := range b.sim.Requests() {
		if q.Status >= 400 {
			b.t.Errorf("unexpected request %s?%s: %d", q.Path, q.Query, q.Status)
		}
	}
	return res
}

// query asks DuckDB about raw files: {charges} is those of the source charges.
func (b *chargedRun) query(q string) [][]string {
	b.t.Helper()
	q = regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(q, "read_parquet('"+filepath.Join(b.lake, "raw")+"/$1/*/*/*.parquet', union_by_name = true)")
	return duckQuery(b.t, duck(b.t), "select cast(columns(*) as varchar) from ("+q+")")
}

func (b *chargedRun) wantRows(q string, want [][]string) {
	b.t.Helper()
	got := b.query(q)
	if len(want) == 0 {
		b.t.Errorf("%s: nothing is wanted", q)
	}
	if len(got) != len(want) {
		b.t.Fatalf("%s: %d rows, want %d: %v", q, len(got), len(want), got)
	}
	for i := range want {
		for j := range want[i] {
			if got[i][j] != want[i][j] && !sameRat(got[i][j], want[i][j]) {
				b.t.Errorf("%s: row %d column %d is %s, want %s", q, i+1, j+1, got[i][j], want[i][j])
			}
		}
	}
}

func sameRat(a, b string) bool {
	x, ok1 := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	return ok1 && ok2 && x.Cmp(y) == 0
}

const allCharges = `coalesce(azureCharges, 0) + coalesce(azureCharges_value, 0) + coalesce(chargesBilledSeparately, 0)
	+ coalesce(chargesBilledSeparately_value, 0) + coalesce(marketplaceCharges, 0) + coalesce(marketplaceCharges_value, 0)`

func TestChargesAddUpToUsage(t *testing.T) {
	b := newBilled(t, azuresim.Config{Months: 2, Rows: 1000, Complete: true}, []string{"charges", "usage_details", "aggregated_cost"}, chargedEnrollment, digital)
	group := tenantGroup
	group.Sources = []string{"aggregated_cost"} // its usage is the enrollment's
	b.o.Accounts = append(b.o.Accounts, group)
	b.run()
	b.wantRows(`select _period, sum(`+allCharges+`) from {charges} where _account = 'contoso' group by 1 order by 1`,
		b.query(`select _period, sum(cost) from {usage_details} where _account = 'contoso' and _dataset = 'actual' group by 1 order by 1`))
	for _, split := range []string{"billing_profile", "invoice_section"} {
		b.wantRows(`select _period, azureCharges_currency, sum(`+allCharges+`) from {charges} where _dataset = '`+split+`' group by 1, 2 order by 1, 2`,
			b.query(`select _period, billingCurrencyCode, sum(costInBillingCurrency) from {usage_details} where _account = 'digital' and _dataset = 'actual' group by 1, 2 order by 1, 2`))
	}
	b.wantRows(`select _period, sum(azureCharges + chargesBilledSeparately + marketplaceCharges), bool_and(excludedSubscriptions like '["%') from {aggregated_cost} group by 1 order by 1`,
		b.query(`select _period, sum(cost), true from {usage_details} where _account = 'contoso' and _dataset = 'actual' group by 1 order by 1`))
}

func TestLotsAndCreditsAreTheBooks(t *testing.T) {
	b := newBilled(t, azuresim.Config{Months: 4, Rows: 3000, PageSize: 1}, []string{"lots", "credits", "events"}, chargedEnrollment, digital)
	b.run()
	// What invoices say was paid with prepayment and credit is what events took off.
	sums := map[string]*big.Rat{}
	for _, v := range b.sim.Truth().Invoices {
		for _, x := range []string{v.Prepaid, v.Free} {
			amount, _ := new(big.Rat).SetString(x)
			if amount.Sign() != 0 && v.Account == "mca" {
				sums[v.Name] = amount
			}
		}
	}
	var want [][]string
	for name, amount := range sums {
		want = append(want, []string{name, amount.FloatString(18)})
	}
	slices.SortFunc(want, slices.Compare)
	b.wantRows(`select invoiceNumber, sum(charges_value) from {events} where _dataset = 'credit' and eventType = 'SettledCharges' group by 1 order by 1`, want)
	const opened, closed = `select _scope, _dataset, sum(newCredit_value)`, ` from {events} where eventType not like 'Pending%' group by 1, 2 order by 1, 2`
	b.wantRows(opened+closed, b.query(`select _scope, _dataset, sum(originalAmount_value) from {lots} group by 1, 2 order by 1, 2`))
	b.wantRows(opened+` - sum(charges_value) - sum(coalesce(creditExpired_value, 0))`+closed, b.query(`select _scope, _dataset, sum(closedBalance_value) from {lots} group by 1, 2 order by 1, 2`))
	b.wantRows(`select _scope, balanceSummary_currentBalance_value from {credits} order by 1`,
		b.query(`select _scope, sum(closedBalance_value) from {lots} where _dataset = 'credit' group by 1 order by 1`))
	b.wantRows(`select distinct _account, _dataset from {lots} order by 1, 2`, [][]string{{"contoso", "commitment"}, {"digital", "commitment"}, {"digital", "credit"}})
}

// asked are the requests for a source's last step, by scope and without what the test repeats.
func (b *chargedRun) asked(step string) []string {
	var all []string
	for _, q := range b.sim.Requests() {
		if at := strings.Index(q.Path, "/providers/Microsoft.Consumption/"+step); at >= 0 {
			query := strings.NewReplacer("%20", " ", "&api-version="+consumptionVersion, "", "api-version="+consumptionVersion, "").Replace(q.Query)
			all = append(all, q.Path[:at]+"?"+query)
		}
	}
	return all
}

func TestEachPartOfAnAccountIsAskedForOnce(t *testing.T) {
	b := newBilled(t, azuresim.Config{Months: 1, Rows: 500}, []string{"charges", "lots", "credits", "events", "tags"}, chargedEnrollment, digital)
	b.run()
	departments := 0
	for _, q := range b.asked("charges") {
		switch {
		case strings.HasPrefix(q, azuresim.EnrollmentPath+"/departments/") && strings.HasSuffix(q, "/providers/Microsoft.Billing/billingPeriods/202611?"):
			departments++
		case q == azuresim.EnrollmentPath+"/enrollmentAccounts/90001/providers/Microsoft.Billing/billingPeriods/202611?": // in no department
		case strings.HasPrefix(q, azuresim.CustomerPath+"?startDate=2026-11-01&endDate=2026-11-30&$apply=groupby((properties/"):
		default:
			t.Errorf("asked %s", q)
		}
	}
	if asked := len(b.asked("charges")); departments != 5 || asked != 5+1+2 {
		t.Errorf("%d requests for charges, %d of departments; want 8 and 5", asked, departments)
	}
	if got, want := b.asked("tags"), []string{azuresim.EnrollmentPath + "?$expand=properties/tags/value&$top=1000"}; !slices.Equal(got, want) {
		t.Errorf("tags: asked %q, want %q", got, want)
	}
	if got := len(b.asked("lots")); got != 2+2 {
		t.Errorf("%d requests for lots, want one of each account and billing profile: %q", got, b.asked("lots"))
	}
	if got := b.asked("events"); len(got) != 4 || !slices.Contains(got, azuresim.CustomerPath+"?$filter=lotsource eq 'consumptioncommitment'") {
		t.Errorf("events: asked %q", got)
	}
	if got := b.asked("credits"); len(got) != 2 {
		t.Errorf("credits: asked %q", got)
	}
}

func TestAProfileWithoutCreditsHasNoRow(t *testing.T) {
	b := newBilled(t, azuresim.Config{Months: 1, Rows: 500}, []string{"credits"}, digital)
	empty := 0
	for _, u := range b.run().Units {
		if u.Rows == 0 && !u.Absent {
			empty++
		}
	}
	if empty != 1 {
		t.Errorf("%d billing profiles without credits, want the one that is answered 204", empty)
	}
}

func TestAggregatedCostIsOfManagementGroups(t *testing.T) {
	b := newBilled(t, azuresim.Config{Months: 1, Rows: 500}, []string{"aggregated_cost"}, chargedEnrollment, tenantGroup)
	res := b.run()
	if len(res.Units) != 1 || res.Units[0].Account != "group" || res.Units[0].Rows != 1 {
		t.Errorf("units %v, want the management group's", res.Units)
	}
	b.o.Accounts[0].Sources = []string{"aggregated_cost"}
	res, err := Run(t.Context(), b.o)
	if failed := res.Failed(); err != nil || len(failed) != 1 || !strings.Contains(failed[0].Err.Error(), "add an account with scope /providers/Microsoft.Management/managementGroups/") {
		t.Errorf("asked of an chargedEnrollment: %v %v", res.Failed(), err)
	}
	s := sourceNamed(t, "aggregated_cost")
	if s.isStandard(chargedEnrollment) || !s.isStandard(tenantGroup) {
		t.Error("it is standard for management groups alone")
	}
}

var reportingSources = []string{
	"ea_billing_periods", "ea_usage_details", "ea_marketplace_charges", "ea_balance_summary", "ea_price_sheet", "ea_reservation_recommendations", "ea_reservation_charges",
}

func TestEnterpriseReportingIsReplayed(t *testing.T) {
	b := newBilled(t, azuresim.Config{Months: 2, Rows: 1000, PageSize: 200}, append(reportingSources, "balances", "price_sheet", "usage_details"), chargedEnrollment)
	b.run()
	const fields = `_period, beginningBalance, endingBalance, newPurchases, adjustments, utilized, serviceOverage, chargesBilledSeparately, totalOverage, totalUsage, azureMarketplaceServiceCharges`
	b.wantRows(`select `+fields+` from {ea_balance_summary} order by 1`, b.query(`select `+fields+` from {balances} order by 1`))
	b.wantRows(`select _period, count(*), sum(unitPrice) from {ea_price_sheet} group by 1 order by 1`, b.query(`select _period, count(*), sum(unitPrice) from {price_sheet} group by 1 order by 1`))
	b.wantRows(`select _period, sum(c) from (select _period, cost as c from {ea_usage_details} union all select _period, extendedCost from {ea_marketplace_charges}) group by 1 order by 1`,
		b.query(`select _period, sum(cost) from {usage_details} where _dataset = 'actual' group by 1 order by 1`))
	b.wantRows(`select count(distinct tags), count(tags) from {ea_usage_details}`,
		b.query(`select count(distinct tags), count(tags) from {usage_details} where _dataset = 'actual' and coalesce(publisherType, '') <> 'Marketplace'`))
	b.wantRows(`select sum(amount), count(*) from {ea_reservation_charges}`,
		b.query(`select sum(cost), count(*) from {usage_details} where _dataset = 'actual' and pricingModel = 'Reservation' and chargeType in ('Purchase', 'Refund')`))
	b.wantRows(`select billingPeriodId from {ea_billing_periods} order by 1`, [][]string{{"202610"}, {"202611"}})
	b.wantRows(`select _dataset, count(*), count(subscriptionId) from {ea_reservation_recommendations} group by 1 order by 1`,
		[][]string{{"shared_30", "2", "0"}, {"shared_60", "2", "0"}, {"shared_7", "2", "0"}, {"single_30", "2", "2"}, {"single_60", "2", "2"}, {"single_7", "2", "2"}})
}

func TestEnterpriseReportingIsReadOnRequestOnly(t *testing.T) {
	for _, name := range reportingSources {
		if s := sourceNamed(t, name); s.isStandard(chargedEnrollment) || s.Status != "retired" || s.Instead[mca] == "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	b := newBilled(t, azuresim.Config{Months: 1, Rows: 500}, reportingSources, Account{Name: "sub", Scope: "/subscriptions/1caaa5a3-2b66-438e-8ab4-bce37d518c5d", Agreement: ea})
	res, err := Run(t.Context(), b.o)
	if failed := res.Failed(); err != nil || len(failed) != len(reportingSources) || !strings.Contains(failed[0].Err.Error(), "is of enrollments, and scope /subscriptions/") {
		t.Errorf("asked of a subscription: %v %v", failed, err)
	}
}

func TestARetiredAPINamesItsReplacement(t *testing.T) {
	for _, status := range []int{401, 404, 410} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer server.Close()
		o := Options{
			Lake: t.TempDir(), Client: quickClient(t, server.URL), Accounts: []Account{chargedEnrollment}, Sources: reportingSources, History: 1,
			AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
		}
		res, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for source, replacement := range map[string]string{
			"ea_billing_periods": "billing_periods", "ea_usage_details": "cost_details or cost_export", "ea_marketplace_charges": "cost_details", "ea_balance_summary": "balances",
			"ea_price_sheet": "price_sheet_download", "ea_reservation_recommendations": "reservation_recommendations", "ea_reservation_charges": "reservation_transactions",
		} {
			failed := 0
			for _, u := range res.Units {
				if u.Source == source && u.Err != nil && strings.Contains(u.Err.Error(), fmt.Sprint(status)) &&
					strings.Contains(u.Err.Error(), "Microsoft has retired this API: read "+replacement+" instead") {
					failed++
				}
			}
			if failed == 0 {
				t.Errorf("%d: no unit of %s says what to read instead: %v", status, source, res.Units)
			}
		}
	}
}

// A key that is refused, by a server that says it again in every way there is, must not come to light.
func TestTheEnrollmentsKeyStaysSecret(t *testing.T) {
	answers := map[string]func(w http.ResponseWriter, key string){
		"as an error": func(w http.ResponseWriter, key string) {
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"error":{"code":"401","message":"The key %s is not valid."}}`, key)
		},
		"as HTML": func(w http.ResponseWriter, key string) { fmt.Fprintf(w, "<html>key %s</html>", key) },
		"as data": func(w http.ResponseWriter, key string) {
			fmt.Fprintf(w, `[{"billingPeriodId":%q}]`, key)
		},
		"as broken JSON": func(w http.ResponseWriter, key string) { fmt.Fprintf(w, `[%s`, key) },
		"as a link": func(w http.ResponseWriter, key string) {
			w.Header().Set("Location", "http://elsewhere.example/"+key)
			w.WriteHeader(404)
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "bearer "+testKey {
					t.Errorf("the key was not sent: %q", r.Header.Get("Authorization"))
				}
				answer(w, testKey)
			}))
			defer server.Close()
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: server.URL, Enterprise: server.URL}, EnterpriseKey: testKey, Log: logger, Retries: -1})
			if err != nil {
				t.Fatal(err)
			}
			lake := t.TempDir()
			res, err := Run(t.Context(), Options{Lake: lake, Client: client, Accounts: []Account{chargedEnrollment}, Sources: []string{"ea_billing_periods"}, AsOf: time.Now(), Log: logger})
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range res.Failed() {
				fmt.Fprintln(&log, u.Err)
			}
			for file, text := range rawFiles(t, lake) {
				fmt.Fprintln(&log, file, text)
			}
			if strings.Contains(log.String(), testKey) || log.Len() == 0 {
				t.Errorf("the key came to light, or nothing did:\n%s", log.String())
			}
		})
	}
}

// Whatever goes wrong at whatever request, the rows are those of an undisturbed run or the unit fails and says so.
func TestChargesAndCreditsThroughFaults(t *testing.T) {
	kinds := []string{"429", "reset", "error_200", "cut", "html", "short", "truncated_gzip", "500"}
	healed, failed, next := 0, 0, 0
	for _, source := range []string{"charges", "lots", "credits", "events", "tags", "aggregated_cost", "ea_balance_summary", "ea_usage_details"} {
		undisturbed := newBilled(t, faultyConfig, []string{source}, chargedEnrollment, digital, tenantGroup)
		undisturbed.o.Accounts[2].Sources = []string{"aggregated_cost"}
		undisturbed.run()
		want := rawFiles(t, undisturbed.lake)
		for n := range len(undisturbed.sim.Requests()) {
			kind := kinds[next%len(kinds)]
			next++
			b := newBilled(t, faultyConfig, []string{source}, undisturbed.o.Accounts...)
			if err := b.sim.AddFault(azuresim.Fault{Kind: kind, Nth: n + 1}); err != nil {
				t.Fatal(err)
			}
			res, err := Run(t.Context(), b.o)
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Failed()) > 0 {
				failed++
				continue
			}
			healed++
			if diff := gocmp.Diff(want, rawFiles(t, b.lake)); diff != "" {
				t.Fatalf("%s: %s at request %d: files differ (-want +got):\n%.2000s", source, kind, n+1, diff)
			}
		}
	}
	t.Logf("%d runs healed, %d failed and said so", healed, failed)
	if healed < 4*failed || failed == 0 {
		t.Errorf("%d runs healed, %d failed: want most healed, and those answered with an error to fail", healed, failed)
	}
}

var faultyConfig = azuresim.Config{Months: 1, Rows: 500, PageSize: 100}

func TestListsThatGoInCirclesFail(t *testing.T) {
	for _, c := range []struct {
		source, kind, match string
		nth                 int
	}{
		{"lots", "loop", "/lots", 1},
		{"lots", "repeat", "/lots", 3},
		{"lots", "other_host", "/lots", 1},
		{"events", "loop", "/events", 1},
		{"events", "repeat", "/events", 2},
		{"events", "other_host", "/events", 1},
		{"ea_usage_details", "loop", "/usagedetails", 1},
		{"ea_usage_details", "other_host", "/usagedetails", 1},
	} {
		config, account := azuresim.Config{Months: 2, Rows: 3000, PageSize: 1}, digital
		if c.source == "ea_usage_details" {
			config, account = faultyConfig, chargedEnrollment
		}
		b := newBilled(t, config, []string{c.source}, account)
		times := 1
		if c.kind == "repeat" {
			times = -1 // once is taken for a list that was renewed, and is healed by reading it anew
		}
		if err := b.sim.AddFault(azuresim.Fault{Kind: c.kind, Match: c.match, Nth: c.nth, Times: times}); err != nil {
			t.Fatal(err)
		}
		res, err := Run(t.Context(), b.o)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Failed()) == 0 {
			t.Errorf("%s at %s: %d units failed, want one at least: %v", c.kind, c.match, len(res.Failed()), res.Failed())
		}
	}
}

func TestAKeyThatIsNoneIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	for key, says := range map[string]string{"": "AZLEDGER_ENTERPRISE_KEY is not", "bad key": "blanks", "key\nX-Other: y": "blanks"} {
		_, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: "http://127.0.0.1:1", Enterprise: "https://consumption.azure.com"}, EnterpriseKey: key})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("key %q: error %v, want one that says %q", key, err, says)
		}
	}
	if _, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: "http://127.0.0.1:1", Enterprise: "https://consumption.azure.com"}, EnterpriseKey: " eyJ.key\n"}); err != nil {
		t.Errorf("a key with a line break at its end: %v", err)
	}
}
