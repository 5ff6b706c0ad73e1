package extract

import "slices"

// Reservation details exports say which resource used how many hours of a reservation on
// each day, as reservation_details does: ReservedHours is that of the whole reservation,
// repeated on each of its rows of the day. InstanceFlexibilityRatio is a number in
// Microsoft's list of columns and text in the API; it lands as text, for it is "NA" where
// there is none.
var _ = registerExports(&Source{
	Name:       "reservation_details_export",
	API:        "Cost Management exports (files), ReservationDetails",
	Version:    "2023-03-01 dataset",
	Agreements: []string{ea, mca, mpa},
	Role:       "Storage Blob Data Reader on the container, or read access to the folder",
	Feeds:      "reservation_utilisation",
	Status:     "current",
	Columns: slices.Concat(
		days([]Column{{Name: "UsageDate", Type: Date, Required: true}}),
		[]Column{{Name: "ReservedHours", Type: Decimal, Required: true}, {Name: "UsedHours", Type: Decimal, Required: true}},
		named(Decimal, "TotalReservedQuantity"),
		named(Text, "ReservationOrderId", "ReservationId", "SkuName", "InstanceId", "InstanceFlexibilityGroup", "InstanceFlexibilityRatio", "Kind", "_file")),
	dateColumn: "UsageDate",
	Instead:    map[string]string{mosp: "a pay-as-you-go subscription exports no reservation details: ask reservation_details for the reservation order"},
	exports: &exportFormat{
		types:  map[string]string{"reservationdetails": "daily"},
		known:  []string{"UsageDate", "ReservedHours", "UsedHours"},
		months: []string{"UsageDate"},
	},
})
