package extract

import "slices"

// Marketplace charges of Enterprise Reporting are what third parties sold by use.
//
// What is odd about them:
//   - usageEndDate is the last second of its day ("2015-09-17T23:59:59Z").
//   - One-time fees are not in it.
//   - There is no currency: it is that of the enrollment, which ea_balance_summary says.
var _ = register(&Source{
	Name:       "ea_marketplace_charges",
	API:        "Enterprise Reporting marketplacecharges",
	Version:    enterpriseVersion,
	Agreements: []string{ea},
	Role:       enterpriseRole,
	Feeds:      "archives; marketplaces has it since",
	Status:     statusRetired,
	Successor:  "cost_details",
	Columns: slices.Concat(
		unique(fields(Text, "id")), fields(Instant, "usageStartDate", "usageEndDate"),
		fields(Decimal, "consumedQuantity", "resourceRate", "extendedCost"), fields(Bool, "isRecurringCharge"),
		fields(Text, "subscriptionGuid", "subscriptionName", "meterId", "offerName", "resourceGroup", "instanceId", "additionalInfo",
			"orderNumber", "unitOfMeasure", "costCenter", "accountId", "accountName", "accountOwnerId", "departmentId", "departmentName",
			"publisherName", "planName"),
		[]Column{{Name: "tags", Type: Tags}}),
	dateColumn: "usageStartDate",
	Instead:    onlyEnrollments,
	standard:   onRequest,
	plan: reportingAPI{
		source: "ea_marketplace_charges",
		shape:  jsonShape{Rows: wholeArray}, path: "/marketplacecharges",
	}.byPeriod(),
})
