package extract

import (
	"context"
	"slices"
)

// Credits are the balance of a billing profile's credits today: what is left as of the
// last invoice, and what is estimated to be left once the open month is billed.
//
// What is odd about them:
//   - It is one object, or an answer 204 without a body where a profile has none.
//   - currentBalance can be less than estimatedBalance: adjustments under way add to it.
//   - Commitments to consume are no credit and are not in it.
var _ = register(&Source{
	Name:       "credits",
	API:        "Consumption credits/balanceSummary",
	Version:    consumptionVersion,
	Agreements: []string{mca},
	Role:       "Billing profile reader",
	Feeds:      "the balance of a billing profile's credits, to check credit",
	Status:     "current",
	Columns: slices.Concat(resource(), unique(fields(Text, "eTag")), []Column{{Name: "propertiesETag", Path: "properties.eTag", Unique: true}},
		creditAmounts("balanceSummary.estimatedBalance", "balanceSummary.currentBalance", "pendingCreditAdjustments", "expiredCredit", "pendingEligibleCharges"),
		inBillingCurrency("balanceSummary.estimatedBalance", "balanceSummary.currentBalance"),
		properties(Bool, "isEstimatedBalance"),
		properties(Text, "creditCurrency", "billingCurrency", "reseller.resellerId", "reseller.resellerDescription")),
	Instead: map[string]string{
		ea:   "an enrollment has no credit balance: its prepayment is in balances, its commitments in lots",
		mosp: "a pay-as-you-go subscription has no credit balance: a free credit shows on its invoices",
		mpa:  "a partner agreement has no credit of its own: those of its customers are in lots",
	},
	standard: isBilled,
	plan:     planCredits,
})

func planCredits(ctx context.Context, r *run, a Account) ([]task, error) {
	profiles, err := r.billingProfiles(ctx, a.Scope)
	var tasks []task
	for _, scope := range profiles {
		p := consumptionList(consumptionAPI, scope, query(scope+"/providers/Microsoft.Consumption/credits/balanceSummary", "api-version", consumptionVersion))
		p.shape, p.absent = jsonShape{}, notFound
		tasks = append(tasks, p.task(Unit{Source: "credits", Account: a.Name, Scope: scope, Period: allPeriods, Dataset: allDatasets}))
	}
	return tasks, err
}
