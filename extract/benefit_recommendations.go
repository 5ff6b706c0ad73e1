package extract

import (
	"context"
	"slices"
	"strings"
)

// Benefit recommendations say which savings plan would have saved how much.
//
// What is odd about them:
//   - Each answer is for one look-back period, term and scope, with defaults (60 days, three
//     years, Shared) that are easily mistaken for all there is. Each of them is a
//     dataset here.
//   - Amounts are of the look-back period, not of the term or a month.
//   - usage and allRecommendationDetails only come with $expand. charges are the on-demand
//     charges of every hour, and stay the list they are.
//   - A recommendation for one subscription (scope Single) must name it.
//   - MCA has no route for the billing account: each billing profile is asked.
//   - 204 means that there is nothing to recommend.
var _ = register(&Source{
	Name:       "benefit_recommendations",
	API:        "Cost Management benefitRecommendations",
	Version:    costAPIVersion,
	Agreements: []string{ea, mca, mosp},
	Role:       "EnrollmentReader; Billing profile reader; Cost Management Reader on a subscription",
	Feeds:      "stg_benefit_recommendations",
	Status:     "current",
	Instead: map[string]string{
		mpa: "a partner agreement has no recommendations of its own: add the customer's subscription as an account",
	},
	Columns:   benefitRecommendationColumns(),
	momentary: true,
	standard:  getsAdvice,
	plan:      planBenefitRecommendations,
})

func benefitRecommendationColumns() []Column {
	columns := slices.Concat(fields(Text, "kind"), resource(),
		properties(Instant, "firstConsumptionDate", "lastConsumptionDate"),
		properties(Text, "scope", "subscriptionId", "resourceGroup", "lookBackPeriod", "term", "armSkuName", "commitmentGranularity", "currencyCode", "usage.usageGrain"),
		properties(Decimal, "totalHours", "costWithoutBenefit"))
	for _, name := range []string{
		"averageUtilizationPercentage", "benefitCost", "commitmentAmount", "coveragePercentage", "overageCost",
		"savingsAmount", "savingsPercentage", "totalCost", "wastageCost",
	} {
		columns = append(columns, properties(Decimal, "recommendationDetails."+name)...)
	}
	return append(columns, properties(JSONText, "usage.charges", "allRecommendationDetails.value")...)
}

var (
	lookBacks = []string{"Last7Days", "Last30Days", "Last60Days"}
	terms     = []string{"P1Y", "P3Y"}
)

func planBenefitRecommendations(ctx context.Context, r *run, a Account) ([]task, error) {
	scopes, err := r.profileScopes(ctx, a)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, scope := range scopes {
		for _, shared := range sharedOrSingle(scope) {
			for _, lookBack := range lookBacks {
				for _, term := range terms {
					u := Unit{Source: "benefit_recommendations", Account: a.Name, Scope: scope, Period: allPeriods, Dataset: strings.ToLower(shared + "_" + lookBack + "_" + term)}
					tasks = append(tasks, benefitRecommendations(scope, shared, lookBack, term).task(u))
				}
			}
		}
	}
	return tasks, nil
}

// sharedOrSingle are the scopes that a savings plan could have: below a billing account it
// is shared; below a subscription it could also be for that one alone.
func sharedOrSingle(scope string) []string {
	if isSubscription(scope) {
		return []string{"Shared", "Single"}
	}
	return []string{"Shared"}
}

func benefitRecommendations(scope, shared, lookBack, term string) pull {
	filter := "properties/lookBackPeriod eq '" + lookBack + "' and properties/term eq '" + term + "' and properties/scope eq '" + shared + "'"
	if shared == "Single" {
		filter += " and properties/subscriptionId eq '" + strings.Split(scope, "/")[2] + "'"
	}
	return costList(scope, query(scope+"/providers/Microsoft.CostManagement/benefitRecommendations",
		"$filter", filter, "$expand", "properties/usage,properties/allRecommendationDetails", "api-version", costAPIVersion))
}
