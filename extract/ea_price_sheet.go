package extract

import "slices"

// The price sheet of Enterprise Reporting is price_sheet in its first shape: one array
// with a row for each meter, part and offer.
//
// What is odd about it:
//   - The price is for a block of units ("100 Hours").
//   - Without an offerId the same meter stands several times with one part number.
var _ = register(&Source{
	Name:       "ea_price_sheet",
	API:        "Enterprise Reporting pricesheet",
	Version:    enterpriseVersion,
	Agreements: []string{ea},
	Role:       enterpriseRole,
	Feeds:      "archives; price_sheet has it since",
	Status:     statusRetired,
	Successor:  "price_sheet_download",
	Columns: slices.Concat(
		unique(fields(Text, "id")), fields(Decimal, "includedQuantity", "unitPrice"),
		fields(Text, "billingPeriodId", "meterId", "meterName", "unitOfMeasure", "partNumber", "currencyCode", "offerId",
			"serviceName", "serviceTier", "meterRegion")),
	Instead:  onlyEnrollments,
	standard: onRequest,
	plan: reportingAPI{
		source: "ea_price_sheet",
		shape:  jsonShape{Rows: wholeArray}, path: "/pricesheet",
	}.byPeriod(),
})
