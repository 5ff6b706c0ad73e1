package extract

import (
	"context"
	"slices"
)

// Billing periods of Enterprise Reporting say which of its reports have data for a month.
//
// What is odd about them:
//   - billingEnd is the last day at noon less a second ("2017-04-30T11:59:59Z").
//   - Reports are relative addresses, null where there is no data.
var _ = register(&Source{
	Name:       "ea_billing_periods",
	API:        "Enterprise Reporting billingperiods",
	Version:    enterpriseVersion,
	Agreements: []string{ea},
	Role:       enterpriseRole,
	Feeds:      "archives; billing_periods has it since",
	Status:     statusRetired,
	Successor:  "billing_periods",
	Columns: slices.Concat(fields(Text, "billingPeriodId"), fields(Instant, "billingStart", "billingEnd"),
		fields(Text, "balanceSummary", "usageDetails", "marketplaceCharges", "priceSheet")),
	Instead:  onlyEnrollments,
	standard: onRequest,
	plan: func(_ context.Context, _ *run, a Account) ([]task, error) {
		api := reportingAPI{source: "ea_billing_periods", shape: jsonShape{Rows: wholeArray}}
		call, err := api.call(a, "/billingperiods")
		if err != nil {
			return nil, err
		}
		return []task{call.task(Unit{Source: api.source, Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: allDatasets})}, nil
	},
})
