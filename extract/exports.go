package extract

import (
	"context"
	"slices"
)

// Exports are what Cost Management writes to storage on a schedule: their definitions, and
// the runs that Azure still tells of. They say why a file is missing that was expected.
//
// What is odd about them:
//   - The list is whole: it has no link to a next page.
//   - Runs only come with $expand, as {"value":[…]} inside the export, and only the latest.
//   - Exports made before 2023 have no compression, partitions or overwriting.
//   - The schedule of a one-time export is null, or has the status Inactive.
//   - A suspended export says why in systemSuspensionContext and is otherwise Active.
//   - Those of subscriptions below an account are not listed with the account's.
var _ = register(&Source{
	Name:       "exports",
	API:        "Cost Management exports",
	Version:    exportsVersion,
	Agreements: []string{ea, mca, mosp, mpa},
	Role:       "Cost Management Reader; Cost Management Contributor on a subscription",
	Feeds:      "stg_exports, stg_export_runs",
	Status:     "current",
	Columns:    exportDefinitionColumns(),
	momentary:  true,
	standard:   hasCosts,
	plan:       planExports,
})

const exportsVersion = "2025-03-01"

func exportDefinitionColumns() []Column {
	return slices.Concat(resource(), unique(fields(Text, "eTag")), fields(Text, "location"), fields(JSONText, "identity"),
		properties(Text, "format", "compressionMode", "dataOverwriteBehavior", "exportDescription",
			"deliveryInfo.destination.type", "deliveryInfo.destination.resourceId", "deliveryInfo.destination.container", "deliveryInfo.destination.rootFolderPath",
			"deliveryInfo.destination.storageAccount",
			"definition.type", "definition.timeframe", "definition.dataSet.granularity",
			"schedule.status", "schedule.recurrence"),
		properties(Bool, "partitionData"),
		properties(Instant, "definition.timePeriod.from", "definition.timePeriod.to", "schedule.recurrencePeriod.from", "schedule.recurrencePeriod.to", "nextRunTimeEstimate"),
		properties(JSONText, "definition.dataSet.configuration", "definition.dataSet.aggregation", "definition.dataSet.grouping", "definition.dataSet.filter",
			"systemSuspensionContext", "runHistory.value"))
}

func planExports(_ context.Context, _ *run, a Account) ([]task, error) {
	u := Unit{Source: "exports", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: allDatasets}
	url := query(a.Scope+"/providers/Microsoft.CostManagement/exports", "$expand", "runHistory", "api-version", exportsVersion)
	return []task{costList(a.Scope, url).task(u)}, nil
}
