package extract

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Benefit utilisation summaries tell how much of a savings plan was used, by day and month.
//
// What is odd about them:
//   - A billing account and a billing profile take "filter", a savings plan and its order
//     "$filter". The wrong one is not refused but ignored, and the answer is everything.
//   - The grain is the parameter grainParameter.
//   - Records have a kind: SavingsPlan has average, least and greatest utilisation,
//     IncludedQuantity one utilizationPercentage.
//   - Reservations are not here: they are in reservation_summaries.
//   - benefitId and benefitOrderId are whole resource ids.
//   - A monthly record stands on the month's first day.
var _ = register(&Source{
	Name:       "benefit_utilization_summaries",
	API:        "Cost Management benefitUtilizationSummaries",
	Version:    costAPIVersion,
	Agreements: []string{ea, mca},
	Role:       "EnrollmentReader; Billing account reader; Savings plan reader on a savings plan order",
	Feeds:      "stg_benefit_utilization_summaries",
	Status:     "current",
	Instead: map[string]string{
		mosp: "a subscription does not tell how its savings plans are used: add each savings plan order as an account (scope /providers/Microsoft.BillingBenefits/savingsPlanOrders/…, agreement ea)",
		mpa:  "a partner agreement does not tell how its customers' savings plans are used: the amortized charges of usage_details say what was used and what was not",
	},
	Columns: slices.Concat(fields(Text, "kind"), resource(),
		days(properties(Date, "usageDate")),
		properties(Text, "armSkuName", "benefitId", "benefitOrderId", "benefitType"),
		properties(Decimal, "avgUtilizationPercentage", "minUtilizationPercentage", "maxUtilizationPercentage", "utilizationPercentage")),
	dateColumn: "usageDate",
	standard:   hasSavingsPlans,
	plan:       planBenefitUtilization,
})

func hasSavingsPlans(a Account) bool {
	return isBilled(a) || strings.Contains(strings.ToLower(a.Scope), "/savingsplanorders/")
}

func planBenefitUtilization(ctx context.Context, r *run, a Account) ([]task, error) {
	unit := Unit{Source: "benefit_utilization_summaries", Account: a.Name, Scope: a.Scope}
	return r.monthly(ctx, unit, []string{"daily", "monthly"}, func(u Unit, month time.Time) task {
		return benefitUtilization(a.Scope, u.Dataset, month).task(u)
	})
}

var grainNames = map[string]string{"daily": "Daily", "monthly": "Monthly"}

func benefitUtilization(scope, grain string, month time.Time) pull {
	filter := "filter"
	if strings.Contains(strings.ToLower(scope), "/savingsplanorders/") {
		filter = "$filter"
	}
	url := query(scope+"/providers/Microsoft.CostManagement/benefitUtilizationSummaries",
		filter, "properties/usageDate ge "+day(month)+" and properties/usageDate le "+day(lastDay(month)),
		"grainParameter", grainNames[grain], "api-version", costAPIVersion)
	p := costList(scope, url)
	p.month = month
	return p
}
