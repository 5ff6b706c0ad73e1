package extract

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Aggregated cost is what the subscriptions of a management group, and of the groups
// below it, cost in a billing period.
//
// What is odd about it:
//   - It is one object; the groups below are objects of the same form in children, and
//     theirs in turn. They are kept as JSON: how deep they go is up to each tenant.
//   - A figure is partial where excludedSubscriptions is not empty: subscriptions of
//     another agreement, or that the identity may not read. Some answers by billing
//     period leave both lists out; then nobody knows.
//   - The last step of the path is aggregatedCost by billing period and aggregatedcost
//     without one.
//   - usageStart and usageEnd carry seven digits of a second, all of them zero, and
//     usageEnd is the last day.
var _ = register(&Source{
	Name:       aggregatedCost,
	API:        "Consumption aggregatedCost",
	Version:    consumptionVersion,
	Agreements: []string{ea},
	Role:       "Cost Management Reader on the management group",
	Feeds:      "the cost of a management group as Azure adds it up",
	Status:     "current",
	Columns: slices.Concat(resource(), unique(fields(Text, "eTag")),
		properties(Text, "billingPeriodId", "currency"),
		properties(Date, "usageStart", "usageEnd"),
		properties(Decimal, "azureCharges", "marketplaceCharges", "chargesBilledSeparately"),
		properties(JSONText, "children", "includedSubscriptions", "excludedSubscriptions")),
	Instead: map[string]string{
		mca:  "Azure adds up management groups for enrollments only: group cost_and_usage by subscription",
		mpa:  "Azure adds up management groups for enrollments only: group cost_and_usage by subscription",
		mosp: "Azure adds up management groups for enrollments only: group cost_and_usage by subscription",
	},
	standard: func(a Account) bool { return isManagementGroup(a.Scope) },
	plan:     planAggregatedCost,
})

const aggregatedCost = "aggregated_cost"

func planAggregatedCost(ctx context.Context, r *run, a Account) ([]task, error) {
	if !isManagementGroup(a.Scope) {
		if slices.Contains(a.Sources, aggregatedCost) {
			return nil, fmt.Errorf("account %s: %s is of management groups, and scope %s is none: add an account with scope /providers/Microsoft.Management/managementGroups/<id>, agreement ea and sources [%s]",
				a.Name, aggregatedCost, a.Scope, aggregatedCost)
		}
		return nil, nil
	}
	unit := Unit{Source: aggregatedCost, Account: a.Name, Scope: a.Scope}
	return r.monthly(ctx, unit, []string{allDatasets}, func(u Unit, month time.Time) task {
		p := consumptionList(consumptionAPI, a.Scope, query(billingPeriodScope(a.Scope, month.Format("200601"))+"/providers/Microsoft.Consumption/aggregatedCost", "api-version", consumptionVersion))
		p.shape, p.absent = jsonShape{}, notFound
		return p.task(u)
	})
}
