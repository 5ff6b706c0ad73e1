package extract

import "slices"

// The balance summary of Enterprise Reporting is balances in its first shape.
//
// What is odd about it:
//   - It is one object, where the other reports are arrays.
//   - billingPeriodId is a number (201507).
//   - The currency is currencyCode.
var _ = register(&Source{
	Name:       "ea_balance_summary",
	API:        "Enterprise Reporting balancesummary",
	Version:    enterpriseVersion,
	Agreements: []string{ea},
	Role:       enterpriseRole,
	Feeds:      "archives; balances has it since",
	Status:     statusRetired,
	Successor:  "balances",
	Columns: slices.Concat(
		unique(fields(Text, "id")), fields(Text, "billingPeriodId", "currencyCode"),
		fields(Decimal, "beginningBalance", "endingBalance", "newPurchases", "adjustments", "utilized", "serviceOverage",
			"chargesBilledSeparately", "totalOverage", "totalUsage", "azureMarketplaceServiceCharges"),
		fields(JSONText, "newPurchasesDetails", "adjustmentDetails")),
	Instead:  onlyEnrollments,
	standard: onRequest,
	plan:     reportingAPI{source: "ea_balance_summary", path: "/balancesummary"}.byPeriod(),
})
