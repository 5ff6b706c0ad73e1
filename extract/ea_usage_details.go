package extract

import "slices"

// Usage of Enterprise Reporting is the charges of an enrollment in their oldest shape.
//
// What is odd about it:
//   - cost is Cost in answers of version 2.
//   - subscriptionId, productId and other ids are numbers of a portal that is gone:
//     subscriptionGuid is the subscription.
//   - chargesBilledSeparately says the opposite of what isAzureCreditEligible says now.
//   - The API failed for charges with more than 400 characters of tags.
//   - There is one view of cost, the actual one; reservations and what they cover are
//     told apart by additionalInfo alone.
var _ = register(&Source{
	Name:       "ea_usage_details",
	API:        "Enterprise Reporting usagedetails",
	Version:    enterpriseVersion,
	Agreements: []string{ea},
	Role:       enterpriseRole,
	Feeds:      "archives; usage_details and exports have it since",
	Status:     statusRetired,
	Successor:  "cost_details or cost_export",
	Columns: slices.Concat(
		fields(Date, "date"),
		fields(Decimal, "consumedQuantity", "resourceRate", "cost"), []Column{{Name: "pascalCost", Type: Decimal, Path: "Cost"}},
		fields(Bool, "chargesBilledSeparately", "isRecurringCharge"),
		fields(Text, "accountId", "productId", "resourceLocationId", "consumedServiceId", "departmentId", "accountOwnerEmail", "accountName",
			"serviceAdministratorId", "subscriptionId", "subscriptionGuid", "subscriptionName", "product", "meterId", "meterCategory",
			"meterSubCategory", "meterRegion", "meterName", "resourceLocation", "consumedService", "instanceId", "serviceInfo1", "serviceInfo2",
			"additionalInfo", "storeServiceIdentifier", "departmentName", "costCenter", "unitOfMeasure", "resourceGroup",
			"serviceName", "serviceTier", "location", "partNumber", "resourceGuid", "offerId"),
		[]Column{{Name: "tags", Type: Tags}}),
	dateColumn: "date",
	Instead:    onlyEnrollments,
	standard:   onRequest,
	plan: reportingAPI{
		source: "ea_usage_details",
		shape:  jsonShape{Rows: "data", Next: "nextLink"}, path: "/usagedetails",
	}.byPeriod(),
})
