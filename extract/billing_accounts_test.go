package extract

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

func TestExamplesOfBillingAccounts(t *testing.T) {
	value := jsonShape{Rows: "value", Next: "nextLink"}
	proveExamples(t, "billing_accounts", value,
		"billing/*/?illingAccountsList*.json", "billing/*/?illingProfilesList*.json", "billing/*/?nvoiceSectionsListBy*.json",
		"billing/*/departmentsList*.json", "billing/*/?nrollmentAccountsList*.json", "billing/*/?illingSubscriptionsList*.json", "billing/*/?ustomersList*.json")
	proveExamples(t, "billing_accounts", jsonShape{},
		"billing/*/?vailableBalance*.json", "billing/*/BillingAccount.json", "billing/*/billingAccountsGet*.json", "billing/*/BillingProfile.json",
		"billing/*/billingProfilesGet.json", "billing/*/BillingSubscription.json", "billing/*/billingSubscriptionsGet.json", "billing/*/Customer.json",
		"billing/*/customersGet*.json", "billing/*/departmentGet.json", "billing/*/enrollmentAccountGet.json", "billing/*/InvoiceSection.json", "billing/*/invoiceSectionsGet.json")
}

// simulated is a simulated Azure and the options of a run against it.
type simulated struct {
	*azuresim.Enterprise
	url string
}

func simulate(t *testing.T, config azuresim.Config) simulated {
	t.Helper()
	enterprise := azuresim.New(config)
	server := httptest.NewServer(enterprise.Handler())
	t.Cleanup(server.Close)
	return simulated{enterprise, server.URL}
}

func (s simulated) options(t *testing.T, lake string, accounts []Account, sources ...string) Options {
	t.Helper()
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: s.url}})
	if err != nil {
		t.Fatal(err)
	}
	client.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return Options{
		Lake: lake, Client: client, Accounts: accounts, Sources: sources, Workers: 1, Refresh: true,
		AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), History: 4,
	}
}

var (
	enrollment = Account{Name: "ea", Scope: azuresim.EnrollmentPath, Agreement: ea}
	customer   = Account{Name: "mca", Scope: azuresim.CustomerPath, Agreement: mca}
)

// rawRows reads the rows that a run landed for a source, in the order of unit, page and row.
func rawRows(t *testing.T, lake, source string) []record {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(lake, "raw", source, "scope=*", "period=*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []record
	for _, path := range manifests {
		m, err := readManifest(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.Files {
			_, got := readBack(t, &landedFile{Path: filepath.Join(filepath.Dir(path), f.Path), Rows: f.Rows})
			for _, row := range got {
				row["_dataset"], row["_period"] = m.Dataset, m.Period
			}
			rows = append(rows, got...)
		}
	}
	return rows
}

func TestBillingAccountsOfTheSimulator(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500, PageSize: 3})
	lake := t.TempDir()
	mustRun(t, sim.options(t, lake, []Account{enrollment, customer}, "billing_accounts"))
	count := map[string]int{}
	for _, row := range rawRows(t, lake, "billing_accounts") {
		count[row["_dataset"]]++
		if row["_extra"] != "" {
			t.Errorf("%s %s: _extra %s", row["_dataset"], row["id"], row["_extra"])
		}
	}
	want := map[string]int{"account": 2, "profile": 2, "section": 4, "department": 5, "enrollment_account": 6, "subscription": 14, "balance": 2}
	if diff := gocmp.Diff(want, count); diff != "" {
		t.Error(diff)
	}
	for _, r := range sim.Requests() {
		if strings.Contains(r.Query, "$top") {
			t.Errorf("%s?%s: parameters of 2024-04-01 have no dollar sign", r.Path, r.Query)
		}
	}
}

func TestBillingAccountsOfAProfile(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500})
	whole := t.TempDir()
	mustRun(t, sim.options(t, whole, []Account{customer}, "billing_accounts"))
	profile := ""
	for _, row := range rawRows(t, whole, "billing_accounts") {
		if row["_dataset"] == profileKind && profile == "" {
			profile = row["id"]
		}
	}
	lake := t.TempDir()
	mustRun(t, sim.options(t, lake, []Account{{Name: "profile", Scope: profile, Agreement: mca}}, "billing_accounts"))
	count := map[string]int{}
	for _, row := range rawRows(t, lake, "billing_accounts") {
		count[row["_dataset"]]++
	}
	want := map[string]int{"profile": 1, "section": 2, "subscription": 4, "balance": 1}
	if diff := gocmp.Diff(want, count); diff != "" {
		t.Error(diff)
	}
}

// A unit of several lists that is stopped at any request resumes to the same bytes, and
// asks for no page twice.
func TestSeveralListsStoppedAnywhereResume(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500, PageSize: 1})
	whole := t.TempDir()
	o := sim.options(t, whole, []Account{customer}, "billing_accounts")
	mustRun(t, o)
	want := rawFiles(t, whole)
	requests := sim.Requests()
	var lists []int
	for i, r := range requests {
		if strings.HasSuffix(r.Path, "/invoiceSections") || strings.HasSuffix(r.Path, "/availableBalance/default") {
			lists = append(lists, i+1)
		}
	}
	if len(lists) < 6 {
		t.Fatalf("%d requests of several lists, want sections and balances: %v", len(lists), requests)
	}
	for _, stop := range lists {
		again := simulate(t, azuresim.Config{Rows: 500, PageSize: 1, Faults: []azuresim.Fault{{Kind: "403", Match: "/", Nth: stop, Times: 1}}})
		lake := t.TempDir()
		o := again.options(t, lake, []Account{customer}, "billing_accounts")
		o.Client.retries, o.Refresh = 0, false
		first, err := Run(context.Background(), o)
		if err != nil || len(first.Failed()) != 1 {
			t.Fatalf("stop at %d: %v, failed %v", stop, err, first.Failed())
		}
		mustRun(t, o)
		if diff := gocmp.Diff(dataFiles(want), dataFiles(rawFiles(t, lake))); diff != "" {
			t.Errorf("stopped at request %d: %s", stop, diff)
		}
		seen := map[string]int{}
		for _, r := range again.Requests() {
			if r.Status == 200 && strings.Contains(r.Path, "invoiceSections") {
				seen[r.Path+"?"+r.Query]++
			}
		}
		for page, times := range seen {
			if times > 1 {
				t.Errorf("stopped at request %d: %s was asked for %d times", stop, page, times)
			}
		}
	}
}

// dataFiles are the names of data files, which are hashes of their content.
func dataFiles(files map[string]string) []string {
	var names []string
	for name := range files {
		if strings.HasSuffix(name, ".parquet") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
