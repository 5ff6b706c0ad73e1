package extract

import (
	"context"
	"slices"
)

// Reservation details say which resource used how many hours of a reservation on
// each day. reservedHours is that of the whole reservation, repeated on each of its
// rows of the day: it must be counted once. See reservations.go for the rest. Microsoft no
// longer works on this list; where there is a report (reservation_details_report) it is
// read on request only, for reservation orders it is all there is.
var _ = register(&Source{
	Name:       "reservation_details",
	API:        "Consumption reservationDetails",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca},
	Role:       "EnrollmentReader; Billing profile reader; Reservations Reader on an order",
	Feeds:      "reservation_utilisation",
	Status:     "deprecated",
	Successor:  "reservation_details_report",
	Instead: map[string]string{
		mosp: "a pay-as-you-go subscription lists no reservations; how much of a commitment was used is in benefit_utilization_summaries and in the charges",
		mpa:  "a partner agreement lists no reservations of its customers; their use is in cost_details, in rows with a ReservationId",
	},
	Columns: slices.Concat(resource(),
		properties(Text, "reservationOrderId", "reservationId", "skuName", "instanceId", "instanceFlexibilityGroup", "instanceFlexibilityRatio", "kind"),
		days(properties(Date, "usageDate")),
		properties(Decimal, "reservedHours", "usedHours", "totalReservedQuantity")),
	dateColumn: "usageDate",
	standard:   func(a Account) bool { return !isBilled(a) },
	plan: func(ctx context.Context, r *run, a Account) ([]task, error) {
		return r.reservationUnits(ctx, a, "reservation_details", "reservationDetails", []string{"daily"})
	},
})
