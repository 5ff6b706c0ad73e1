package extract

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Detailed cost reports are the forerunners of cost details: one file, with the same
// columns. They are read on request only, for two things that nothing else has: the
// charges of one pay-as-you-go invoice, and a second opinion on cost_details.
//
// What is odd about them:
//   - Pay as you go takes an invoice's name instead of a month:
//     {"metric":"ActualCost","invoiceId":"E0400ABCDE"}.
//   - Success carries an error, of code "0".
//   - Location leads to operationResults, Azure-AsyncOperation to operationStatus. Both
//     answer with the file's address; Location is the one asked.
//
// An invoice's charges are a scope of their own, the subscription's followed by
// /invoices/<name>: two invoices can be of one month, and where the subscription's usage
// details count, the invoices within it do not count again.
var _ = register(&Source{
	Name:       "detailed_cost",
	API:        "Cost Management generateDetailedCostReport",
	Version:    reportsVersion,
	Agreements: []string{ea, mca, mpa, mosp},
	Role:       "Cost Management Reader; Billing Reader to list a subscription's invoices",
	Feeds:      "cost_and_usage where no better source has it",
	Status:     "deprecated",
	Successor:  "cost_details or cost_export",
	Columns:    costExportColumns(),
	dateColumn: "Date",
	billed:     true,
	behind:     costExports,
	standard:   onRequest,
	plan:       planDetailedCost,
})

const detailedCostReport = "generateDetailedCostReport"

func planDetailedCost(ctx context.Context, r *run, a Account) ([]task, error) {
	if a.Agreement != mosp {
		return r.costReports(ctx, a, "detailed_cost", detailedCostReport)
	}
	months, err := r.issuedByMonth(ctx, a)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, period := range slices.Sorted(maps.Keys(months)) {
		for _, v := range months[period] {
			t := invoiceCost(a.Scope, v.Name).task(Unit{Source: "detailed_cost", Account: a.Name, Scope: a.Scope + "/invoices/" + v.Name, Period: period, Dataset: "actual"})
			end, err := v.end()
			if err == nil {
				t.skip, err = r.settled(t.Unit, end)
			}
			if err != nil {
				return nil, err
			}
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

func invoiceCost(scope, invoice string) report {
	return report{submit: request{
		API: reportsAPI, Scope: scope, Method: http.MethodPost, Body: fmt.Appendf(nil, `{"metric":"ActualCost","invoiceId":%q}`, invoice),
		URL: query(scope+"/providers/Microsoft.CostManagement/"+detailedCostReport, "api-version", reportsVersion),
	}}
}
