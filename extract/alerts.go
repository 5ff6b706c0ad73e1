package extract

import (
	"context"
	"net/http"
)

// Alerts are what Azure noticed: a budget passed, a credit or a quota that runs out, an
// invoice that is due.
//
// What is odd about them:
//   - The times are texts in the specification. One that never came is the year 1.
//   - threshold is a part of one: 0.8 is 80 per cent.
//   - closeTime is 0001-01-01T00:00:00 while the alert is open.
//   - Which details there are depends on definition.type: a budget's alert has amounts and
//     filters, an enrollment's has company, department and dates.
//   - Anomalies are not in this list: they go out by mail only.
var _ = register(&Source{
	Name:       "alerts",
	API:        "Cost Management alerts",
	Version:    costAPIVersion,
	Agreements: []string{ea, mca, mosp, mpa},
	Role:       "Cost Management Reader",
	Feeds:      "stg_alerts",
	Status:     "current",
	Columns:    alertColumns(),
	momentary:  true,
	standard:   hasCosts,
	plan:       planAlerts,
})

func alertColumns() []Column {
	columns := append(resource(), unique(fields(Text, "eTag"))...)
	columns = append(columns, properties(Text, "definition.type", "definition.category", "definition.criteria", "description", "source", "costEntityId", "status", "statusModificationUserName")...)
	columns = append(columns, properties(Instant, "creationTime", "closeTime", "modificationTime", "statusModificationTime")...)
	columns = append(columns, properties(Text, "details.timeGrainType", "details.triggeredBy", "details.operator", "details.unit", "details.overridingAlert",
		"details.departmentName", "details.companyName", "details.enrollmentNumber")...)
	columns = append(columns, properties(Instant, "details.periodStartDate", "details.enrollmentStartDate", "details.enrollmentEndDate")...)
	columns = append(columns, properties(Decimal, "details.threshold", "details.amount", "details.currentSpend", "details.invoicingThreshold")...)
	return append(columns, properties(JSONText, "details.resourceGroupFilter", "details.resourceFilter", "details.meterFilter", "details.tagFilter",
		"details.contactEmails", "details.contactGroups", "details.contactRoles")...)
}

func planAlerts(_ context.Context, _ *run, a Account) ([]task, error) {
	u := Unit{Source: "alerts", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: allDatasets}
	p := costList(a.Scope, query(a.Scope+"/providers/Microsoft.CostManagement/alerts", "api-version", costAPIVersion))
	return []task{p.task(u)}, nil
}

// costList is a list operation of Cost Management.
func costList(scope, url string) pull {
	return pull{
		first:  request{API: costAPI, Scope: scope, Method: http.MethodGet, URL: url},
		shape:  jsonShape{Rows: "value", Next: "nextLink"},
		absent: notFound,
	}
}

// costAPI has no pace of its own and is held to the general one.
const costAPI = "costmanagement"
