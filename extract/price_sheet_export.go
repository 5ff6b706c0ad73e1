package extract

// Price sheet exports hold what each meter, reservation and savings plan costs under the
// agreement; an enrollment's of a billing period, a customer agreement's of today. Their
// columns are those of a downloaded sheet, see priceSheetColumns.
//
// What is odd about them:
//   - The days in their rows are no help: a price that has held for a year says so. The
//     month is the manifest's, or the latest in which a price began.
//   - A sheet made when its month was over has no prices of reservations any more. It
//     becomes dataset closed and leaves current as it is.
var _ = registerExports(&Source{
	Name:       "price_sheet_export",
	API:        "Cost Management exports (files), PriceSheet",
	Version:    "2023-05-01 dataset",
	Agreements: []string{ea, mca, mpa},
	Role:       "Storage Blob Data Reader on the container, or read access to the folder",
	Feeds:      "price_sheet",
	Status:     "current",
	Columns:    priceSheetColumns(),
	Instead:    map[string]string{mosp: "a pay-as-you-go subscription pays list prices: they are in retail_prices"},
	exports: &exportFormat{
		types:  map[string]string{"pricesheet": "current"},
		known:  []string{"MeterId", "UnitPrice", "EffectiveStartDate"},
		months: []string{"EffectiveStartDate"},
		latest: true,
		closes: true,
	},
})
