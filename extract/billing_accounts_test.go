package extract

import (
	"context"
	"strings"
	"testing"

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
