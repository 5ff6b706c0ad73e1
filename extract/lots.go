package extract

import (
	"context"
	"slices"
)

// A lot is money paid ahead or given: prepayment bought, a promotion's credit, or a
// commitment to consume (MACC) of which each eligible charge takes off.
//
// What is odd about them:
//   - Commitments are only at the billing account, credits only at the billing
//     profiles: a filter on the source keeps an account from listing both.
//   - The id of a commitment's lot names a billing profile all the same.
//   - closedBalance is of the last invoice, not of today.
//   - …InBillingCurrency can be a rate alone: {"exchangeRate":5000,"exchangeRateMonth":1}.
//   - status is missing from lots of billing profiles.
//   - Partners see fewer fields.
var _ = register(&Source{
	Name:       "lots",
	API:        "Consumption lots",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca, mpa},
	Role:       "Billing account reader, and billing profile reader for credits; enterprise administrator (read only) on an enrollment",
	Feeds:      "credit",
	Status:     "current",
	Columns:    lotColumns(),
	Instead: map[string]string{
		mosp: "a pay-as-you-go subscription has no prepayment or commitment: a free credit shows on its invoices",
	},
	standard: isBilled,
	plan:     planLots,
})

func lotColumns() []Column {
	columns := append(resource(), unique(fields(Text, "eTag"))...)
	columns = append(columns, Column{Name: "propertiesETag", Path: "properties.eTag", Unique: true})
	columns = append(columns, creditAmounts("originalAmount", "closedBalance", "usedAmount")...)
	columns = append(columns, inBillingCurrency("originalAmount", "closedBalance")...)
	columns = append(columns, properties(Instant, "startDate", "expirationDate", "purchasedDate")...)
	columns = append(columns, properties(Bool, "isEstimatedBalance")...)
	return append(columns, properties(Text, "source", "status", "poNumber", "creditCurrency", "billingCurrency", "orgType",
		"reseller.resellerId", "reseller.resellerDescription")...)
}

// creditAmounts are amounts served as {currency, value}.
func creditAmounts(names ...string) []Column {
	var columns []Column
	for _, n := range names {
		columns = append(columns, properties(Decimal, n+".value")...)
		columns = append(columns, properties(Text, n+".currency")...)
	}
	return columns
}

// inBillingCurrency are the same amounts in the currency of the invoice, with the rate
// that made them. The month of the rate is a number without a year.
func inBillingCurrency(names ...string) []Column {
	var columns []Column
	for _, n := range names {
		n += "InBillingCurrency"
		columns = append(columns, properties(Decimal, n+".value", n+".exchangeRate")...)
		columns = append(columns, properties(Text, n+".currency", n+".exchangeRateMonth")...)
	}
	return columns
}

// The datasets of lots and events: what the billing account has, and what its billing
// profiles have.
const (
	commitmentDataset = "commitment"
	creditDataset     = "credit"
)

func planLots(ctx context.Context, r *run, a Account) ([]task, error) {
	if a.Agreement == mpa {
		customers, err := r.customers(ctx, a.Scope)
		return lotTasks(a, customers, creditDataset), err
	}
	var tasks []task
	if isBillingAccount(a.Scope) {
		tasks = lotTasks(a, []string{a.Scope}, commitmentDataset)
	}
	if a.Agreement == ea {
		return tasks, nil
	}
	profiles, err := r.billingProfiles(ctx, a.Scope)
	return append(tasks, lotTasks(a, profiles, creditDataset)...), err
}

func lotTasks(a Account, scopes []string, dataset string) []task {
	var tasks []task
	for _, scope := range scopes {
		parameters := []string{"api-version", consumptionVersion}
		if dataset == commitmentDataset {
			parameters = slices.Insert(parameters, 0, "$filter", "source eq 'consumptioncommitment'")
		}
		p := consumptionList(consumptionAPI, scope, query(scope+"/providers/Microsoft.Consumption/lots", parameters...))
		p.absent = notFound
		tasks = append(tasks, p.task(Unit{Source: "lots", Account: a.Name, Scope: scope, Period: allPeriods, Dataset: dataset}))
	}
	return tasks
}
