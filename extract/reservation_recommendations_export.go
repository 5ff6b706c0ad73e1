package extract

import "slices"

// Reservation recommendation exports say what would have been saved with reservations
// over the days looked back on.
//
// What is odd about them:
//   - An export is of one scope (Single, Shared), resource type and look-back, which its
//     manifest does not tell. So each export is a unit of its own, named after it.
//   - A customer agreement's headers have blanks ("Cost With No ReservedInstances") and
//     its amounts are text: {"currency":"USD","value":1.5} or 1.5 USD. Amounts land as
//     text for all.
//   - LookBackPeriod is "Last7Days" or 7. FirstUsageDate is where it began.
//   - There is no day in a row that it was made on, and an enrollment's has no currency.
//   - From one day to the next there may be far fewer: that is no loss.
var _ = registerExports(&Source{
	Name:       "reservation_recommendations_export",
	API:        "Cost Management exports (files), ReservationRecommendations",
	Version:    "2023-05-01 dataset",
	Agreements: []string{ea, mca, mpa},
	Role:       "Storage Blob Data Reader on the container, or read access to the folder",
	Feeds:      "stg_reservation_recommendations_export",
	Status:     "current",
	Columns: slices.Concat(
		[]Column{{Name: "Sku", Type: Text, Aliases: []string{"SkuName"}}},
		days(named(Date, "FirstUsageDate")),
		named(Decimal, "RecommendedQuantity", "RecommendedQuantityNormalized"),
		named(Text, "Location", "LookBackPeriod", "MeterId", "ResourceType", "Scope", "Term", "NormalizedSize",
			"InstanceFlexibilityGroup", "InstanceFlexibilityRatio", "SkuProperties",
			"CostWithNoReservedInstances", "TotalCostWithReservedInstances", "NetSavings", "_file")),
	momentary: true,
	Instead:   map[string]string{mosp: "a pay-as-you-go subscription exports no recommendations: reservation_recommendations asks for them"},
	exports: &exportFormat{
		types:  map[string]string{"reservationrecommendations": allDatasets},
		known:  []string{"RecommendedQuantity", "LookBackPeriod", "NetSavings"},
		months: []string{"FirstUsageDate"},
		latest: true,
		ahead:  "LookBackPeriod",
		each:   true,
	},
})
