package extract

import "context"

// Budgets are amounts somebody meant not to exceed.
//
// What is odd about them:
//   - They have a filter (a tree of dimensions and tags) or, in answers to old
//     versions, filters (lists of resource groups, resources and meters).
//   - notifications is an object keyed by names that people made up.
//   - The currency is that of currentSpend; the amount itself has none.
var _ = register(&Source{
	Name:       "budgets",
	API:        "Consumption budgets",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca, mosp, mpa},
	Role:       "Cost Management Reader",
	Feeds:      "budget",
	Status:     "current",
	Columns:    budgetColumns(),
	plan:       planBudgets,
})

func budgetColumns() []Column {
	columns := append(resource(), unique(fields(Text, "eTag"))...)
	columns = append(columns, properties(Decimal, "amount", "currentSpend.amount", "forecastSpend.amount")...)
	columns = append(columns, properties(Text, "category", "timeGrain", "currentSpend.unit", "forecastSpend.unit")...)
	columns = append(columns, properties(Date, "timePeriod.startDate", "timePeriod.endDate")...)
	return append(columns, properties(JSONText, "filter", "filters", "notifications")...)
}

func planBudgets(_ context.Context, _ *run, a Account) ([]task, error) {
	u := Unit{Source: "budgets", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: allDatasets}
	p := consumptionList(consumptionAPI, a.Scope, query(a.Scope+"/providers/Microsoft.Consumption/budgets", "api-version", consumptionVersion))
	p.absent = notFound
	return []task{p.task(u)}, nil
}
