package extract

import (
	"context"
	"net/http"
	"slices"
)

// Billing accounts and what hangs under them: who is billed, by which profile, section or
// department, for which subscriptions. One dataset for each kind of thing.
//
// What is odd about them:
//   - The parameters of 2024-04-01 have no dollar sign: "top", at most 50. 2020-05-01, which
//     sovereign clouds still have, takes none.
//   - Sections are listed by profile only, and a profile may be refused or gone by the time
//     its sections are asked for: 404 is a profile without sections.
//   - A section's labels were renamed tags; 2020-05-01 serves both.
//   - The available balance is an object called "default", of the account or of a profile;
//     accounts of companies have it at their profiles only.
//   - The subscriptions of an enrollment name their enrollment account by its number, those of
//     a customer agreement their section by its whole id.
//   - Costs of a subscription (monthToDateCharges, lastMonthCharges) are rounded and late.
var _ = register(&Source{
	Name:       "billing_accounts",
	API:        "Billing accounts, profiles, sections, departments, enrollment accounts, customers, subscriptions, available balance",
	Version:    billingVersion + ", else " + oldInvoicesVersion,
	Agreements: []string{ea, mca, mpa, mosp},
	Role:       "Billing account or billing profile reader; EnrollmentReader",
	Feeds:      "billing_scope",
	Status:     "current",
	Columns:    billingAccountColumns(),
	momentary:  true,
	standard:   func(a Account) bool { return a.Agreement != mosp && billingAccountName.MatchString(a.Scope) },
	plan:       planBillingAccounts,
})

func billingAccountColumns() []Column {
	columns := resource()
	columns = append(columns, fields(JSONText, "systemData")...)
	columns = append(columns, Column{Name: "tags", Type: Tags, Path: "properties.tags"})
	for _, amount := range []string{"amount", "totalPaymentsOnAccount", "lastMonthCharges", "monthToDateCharges"} {
		columns = append(columns, properties(Decimal, amount+".value")...)
		columns = append(columns, properties(Text, amount+".currency")...)
	}
	columns = append(columns, properties(Decimal, "quantity")...)
	columns = append(columns, properties(Int, "invoiceDay")...)
	columns = append(columns, properties(Bool, "hasReadAccess", "invoiceEmailOptIn", "isDevTestEnabled")...)
	columns = append(columns, properties(Instant,
		"enrollmentDetails.startDate", "enrollmentDetails.endDate", "startDate", "endDate", "purchaseDate", "termStartDate", "termEndDate",
		"enrollmentAccountSubscriptionDetails.enrollmentAccountStartDate")...)
	columns = append(columns, properties(Text, billingAccountTexts...)...)
	return append(columns, properties(JSONText,
		"soldTo", "billTo", "shipTo", "registrationNumber", "taxIds", "billingProfiles", "invoiceSections", "departments", "enrollmentAccounts",
		"enrollmentDetails.policies", "enrollmentDetails.indirectRelationshipInfo", "indirectRelationshipInfo",
		"enabledAzurePlans", "invoiceRecipients", "spendingLimitDetails", "targetClouds", "currentPaymentTerm", "otherPaymentTerms",
		"labels", "offerTypes", "resellers", "reseller", "beneficiary", "billingPolicies", "nextBillingCycleDetails", "renewalTermDetails",
		"suspensionReasons", "suspensionReasonDetails", "systemOverrides", "paymentsOnAccount")...)
}

var billingAccountTexts = []string{
	"displayName", "status", "state", "systemId", "costCenter", "reasonCode", "statusReasonCode", "targetCloud",
	"accountStatus", "accountStatusReasonCode", "accountType", "accountSubType", "agreementType", "notificationEmailAddress",
	"primaryBillingTenantId", "enrollmentDetails.billingCycle", "enrollmentDetails.channel", "enrollmentDetails.cloud",
	"enrollmentDetails.countryCode", "enrollmentDetails.currency", "enrollmentDetails.extendedTermOption", "enrollmentDetails.invoiceRecipient",
	"enrollmentDetails.language", "enrollmentDetails.markupStatus", "enrollmentDetails.poNumber", "enrollmentDetails.status",
	"enrollmentDetails.supportCoverage", "enrollmentDetails.supportLevel",
	"billingRelationshipType", "currency", "poNumber", "spendingLimit",
	"accountOwner", "authType", "departmentId", "departmentDisplayName", "principalName",
	"subscriptionId", "offerId", "consumptionCostCenter", "autoRenew", "beneficiaryTenantId", "billingFrequency", "billingProfileId",
	"billingProfileName", "billingProfileDisplayName", "customerId", "customerName", "customerDisplayName", "enrollmentAccountId",
	"enrollmentAccountDisplayName", "enrollmentAccountSubscriptionDetails.subscriptionEnrollmentAccountStatus", "invoiceSectionId",
	"invoiceSectionName", "invoiceSectionDisplayName", "operationStatus", "productCategory", "productType", "productTypeId",
	"provisioningState", "provisioningTenantId", "resourceUri", "skuId", "skuDescription", "subscriptionBillingStatus", "subscriptionBillingType",
	"termDuration",
}

// Datasets of billing_accounts.
const (
	accountKind           = "account"
	profileKind           = "profile"
	sectionKind           = "section"
	departmentKind        = "department"
	enrollmentAccountKind = "enrollment_account"
	subscriptionKind      = "subscription"
	customerKind          = "customer"
	balanceKind           = "balance"
)

var billingKinds = map[string][]string{
	ea:   {accountKind, departmentKind, enrollmentAccountKind, subscriptionKind},
	mca:  {accountKind, profileKind, sectionKind, subscriptionKind, balanceKind},
	mpa:  {accountKind, profileKind, customerKind, subscriptionKind},
	mosp: {subscriptionKind},
}

// kindLists are the lists under a scope.
var kindLists = map[string]string{
	profileKind: "billingProfiles", departmentKind: "departments", enrollmentAccountKind: "enrollmentAccounts",
	subscriptionKind: "billingSubscriptions", customerKind: "customers",
}

func planBillingAccounts(_ context.Context, _ *run, a Account) ([]task, error) {
	var tasks []task
	for _, kind := range billingKinds[a.Agreement] {
		if !isBillingAccount(a.Scope) && kind == accountKind {
			continue // a reader of a profile cannot read its account
		}
		u := Unit{Source: "billing_accounts", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: kind}
		tasks = append(tasks, task{Unit: u, fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
			return r.fillBillingKind(ctx, a, u, l, progress)
		}})
	}
	return tasks, nil
}

func (r *run) fillBillingKind(ctx context.Context, a Account, u Unit, l *landing, progress func(int64)) (int64, error) {
	scopes := []string{a.Scope}
	if u.Dataset == sectionKind || u.Dataset == balanceKind {
		profiles, err := r.billingProfiles(ctx, a.Scope)
		if err != nil {
			return 0, pull{absent: notFound}.explain(err)
		}
		slices.Sort(profiles)
		if len(profiles) == 0 {
			return 0, errAbsent
		}
		scopes = append(scopes, profiles...)
	}
	pages, err := billingKind(a, u.Dataset, scopes, billingVersion).fill(ctx, r, u, l, progress)
	if unknownVersion(err) {
		return billingKind(a, u.Dataset, scopes, oldInvoicesVersion).fill(ctx, r, u, l, progress)
	}
	return pages, err
}

// billingKind is what reads a kind; scopes are the account's, and where they matter those of its profiles.
func billingKind(a Account, kind string, scopes []string, version string) pull {
	var urls []string
	object := false
	switch {
	case kind == sectionKind:
		for _, profile := range slices.Compact(scopes[1:]) {
			urls = append(urls, billingListURL(profile+"/invoiceSections", version))
		}
	case kind == balanceKind:
		object = true
		for _, scope := range slices.Compact(scopes) {
			urls = append(urls, query(scope+"/availableBalance/default", "api-version", version))
		}
	case a.Agreement == mosp:
		object = true
		urls = []string{query(mospSubscription(a.Scope), "api-version", version)}
	case kind == accountKind, kind == profileKind && !isBillingAccount(a.Scope):
		object = true
		urls = []string{query(a.Scope, "api-version", version)}
	default:
		urls = []string{billingListURL(a.Scope+"/"+kindLists[kind], version)}
	}
	return billingPull(a.Scope, urls, object)
}

// billingPull reads lists of Microsoft.Billing one after the other, or objects.
func billingPull(scope string, urls []string, object bool) pull {
	p := pull{shape: jsonShape{Rows: "value", Next: "nextLink"}, absent: notFound}
	if object {
		p.shape = jsonShape{}
	}
	for i, url := range urls {
		list := request{API: billingAPI, Scope: scope, Method: http.MethodGet, URL: url}
		if i == 0 {
			p.first = list
			continue
		}
		p.rest = append(p.rest, list)
	}
	return p
}

func billingListURL(path, version string) string {
	if version < billingVersion {
		return query(path, "api-version", version)
	}
	return query(path, "top", "50", "api-version", version)
}
