package extract

import (
	"context"
	"slices"
)

// Reservation summaries say how much of each reservation was used, per day and per
// month. A month's row is dated its first day. See reservations.go for what is odd.
var _ = register(&Source{
	Name:       "reservation_summaries",
	API:        "Consumption reservationSummaries",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca},
	Role:       "EnrollmentReader; Billing profile reader; Reservations Reader on an order",
	Feeds:      "reservation_utilisation, reservation",
	Status:     "current",
	Instead: map[string]string{
		mosp: "a pay-as-you-go subscription lists no reservations; how much of a commitment was used is in benefit_utilization_summaries and in the charges",
		mpa:  "a partner agreement lists no reservations of its customers; their use is in cost_details, in rows with a ReservationId",
	},
	Columns: slices.Concat(resource(),
		properties(Text, "reservationOrderId", "reservationId", "skuName", "kind"),
		days(properties(Date, "usageDate")),
		properties(Decimal, "reservedHours", "usedHours", "minUtilizationPercentage", "avgUtilizationPercentage", "maxUtilizationPercentage",
			"purchasedQuantity", "remainingQuantity", "totalReservedQuantity", "usedQuantity", "utilizedPercentage")),
	dateColumn: "usageDate",
	plan: func(ctx context.Context, r *run, a Account) ([]task, error) {
		return r.reservationUnits(ctx, a, "reservation_summaries", "reservationSummaries", []string{"daily", "monthly"})
	},
})
