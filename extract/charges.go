package extract

import (
	"context"
	"strings"
	"time"
)

// Charges are Microsoft's own sums of a month: what Azure, the Marketplace and what the
// prepayment cannot pay for came to, for each part of a billing account. They check
// what is added up from single charges.
//
// What is odd about them:
//   - Records come in two kinds. Those of an enrollment are "legacy": azureCharges is
//     5000 and the currency stands beside it. Those of a customer agreement are
//     "modern": azureCharges is {"currency":"USD","value":5000}. Both land in one raw
//     table, in azureCharges and in azureCharges_value. Answers of before 2019 are
//     modern and say no kind.
//   - An enrollment has none for itself, only for its departments and its enrollment
//     accounts. An enrollment account in a department is part of it, so only those
//     in no department are asked for: the units of a month then add up.
//   - Legacy charges go by billing period; modern ones take startDate and endDate,
//     and $apply to be split. The split by billing profile and the one by invoice
//     section are two views of the same money: datasets, never to be added together.
//   - An invoice section is spelled with and without its billing profile:
//     "…/billingAccounts/1234:56789/invoiceSections/4567" and
//     "…/billingAccounts/1234:56789/billingProfiles/42425/invoiceSections/4567".
//   - Marketplace charges are marketplaceCharges, marketPlaceCharges or
//     azureMarketplaceCharges, by version.
//   - There is no paging. Up to 2019 a billing period's charges were one object.
var _ = register(&Source{
	Name:       "charges",
	API:        "Consumption charges",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca, mpa},
	Role:       "EnrollmentReader; Billing account or billing profile reader",
	Feeds:      "Microsoft's own sums of a month, to check cost_and_usage",
	Status:     "current",
	Columns:    chargeColumns(),
	Instead: map[string]string{
		mosp: "a pay-as-you-go subscription has no sums of Microsoft's: usage_details has its charges, one by one",
	},
	standard: func(a Account) bool { return !isSubscription(a.Scope) },
	plan:     planCharges,
})

func chargeColumns() []Column {
	columns := append(fields(Text, "kind"), resource()...)
	columns = append(columns, unique(fields(Text, "eTag"))...)
	columns = append(columns, properties(Text, "billingPeriodId", "currency", "billingAccountId", "billingProfileId", "invoiceSectionId", "customerId")...)
	columns = append(columns, properties(Date, "usageStart", "usageEnd")...)
	columns = append(columns, properties(Bool, "isInvoiced")...)
	for _, amount := range []string{"azureCharges", "chargesBilledSeparately", "marketplaceCharges"} {
		columns = append(columns, properties(Decimal, amount, amount+".value")...)
		columns = append(columns, properties(Text, amount+".currency")...)
	}
	return append(columns, Column{Name: "olderMarketPlaceCharges", Type: Decimal, Path: "properties.marketPlaceCharges"},
		Column{Name: "azureMarketplaceCharges", Type: Decimal, Path: "properties.azureMarketplaceCharges"})
}

// The ways in which modern charges are split, by the name of the dataset.
var chargeSplits = map[string]string{
	"billing_profile": "groupby((properties/billingProfileId))",
	"invoice_section": "groupby((properties/invoiceSectionId))",
	"customer":        "groupby((properties/customerId))",
	allDatasets:       "",
}

func planCharges(ctx context.Context, r *run, a Account) ([]task, error) {
	if a.Agreement == ea {
		return r.departmentCharges(ctx, a)
	}
	unit := Unit{Source: "charges", Account: a.Name, Scope: a.Scope}
	return r.monthly(ctx, unit, chargeDatasets(a), func(u Unit, month time.Time) task {
		return modernCharges(a.Scope, month, chargeSplits[u.Dataset]).task(u)
	})
}

// chargeDatasets are the splits that the account's scope has.
func chargeDatasets(a Account) []string {
	scope := strings.ToLower(a.Scope)
	switch {
	case strings.Contains(scope, "/invoicesections/"), strings.Contains(scope, "/customers/"):
		return []string{allDatasets}
	case strings.Contains(scope, "/billingprofiles/"):
		return []string{"invoice_section"}
	case a.Agreement == mpa:
		return []string{"customer"}
	}
	return []string{"billing_profile", "invoice_section"}
}

// departmentCharges plans the parts of an enrollment: each department, and each
// enrollment account that is in none.
func (r *run) departmentCharges(ctx context.Context, a Account) ([]task, error) {
	scopes, err := r.enrollmentParts(ctx, a.Scope)
	if err != nil {
		return nil, err
	}
	unit := Unit{Source: "charges", Account: a.Name}
	return r.monthlyIn(ctx, scopes, unit, []string{allDatasets}, func(u Unit, month time.Time) task {
		p := consumptionList(consumptionAPI, u.Scope, query(billingPeriodScope(u.Scope, month.Format("200601"))+"/providers/Microsoft.Consumption/charges", "api-version", consumptionVersion))
		p.absent = notFound // a period before the department was made
		return p.task(u)
	})
}

func (r *run) enrollmentParts(ctx context.Context, scope string) ([]string, error) {
	if path := strings.ToLower(scope); strings.Contains(path, "/departments/") || strings.Contains(path, "/enrollmentaccounts/") {
		return []string{scope}, nil
	}
	departments, err := r.billingChildren(ctx, scope, "departments")
	if err != nil {
		return nil, err
	}
	accounts, err := r.billingChildren(ctx, scope, "enrollmentAccounts")
	for _, c := range accounts {
		if c.Properties.DepartmentID == "" {
			departments = append(departments, c)
		}
	}
	return idsOf(departments), err
}

func modernCharges(scope string, month time.Time, split string) pull {
	parameters := []string{"startDate", day(month), "endDate", day(lastDay(month))}
	if split != "" {
		parameters = append(parameters, "$apply", split)
	}
	parameters = append(parameters, "api-version", consumptionVersion)
	p := consumptionList(consumptionAPI, scope, query(scope+"/providers/Microsoft.Consumption/charges", parameters...))
	p.absent = notFound
	return p
}
