package extract

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// Reservation details reports are what reservation_details lists, in one file: which
// resource used how many hours of a reservation on each day. ReservedHours is that of the
// whole reservation, repeated on each of its rows of the day: it must be counted once.
//
// What is odd about them:
//   - The dates stand in the address of the POST, which has no body:
//     …/generateReservationDetailsReport?startDate=2026-10-01&endDate=2026-10-31.
//   - A customer agreement has them for each billing profile, not for the account.
//   - Some versions say InstanceName for InstanceId.
//   - InstanceFlexibilityRatio is a number or text ("NA").
var _ = register(&Source{
	Name:       "reservation_details_report",
	API:        "Cost Management generateReservationDetailsReport",
	Version:    reportsVersion,
	Agreements: []string{ea, mca},
	Role:       "EnrollmentReader; Billing profile reader",
	Feeds:      "reservation_utilisation",
	Status:     "current",
	Columns: slices.Concat(
		days([]Column{{Name: "UsageDate", Type: Date, Required: true}}),
		[]Column{{Name: "InstanceId", Type: Text, Aliases: []string{"InstanceName"}}},
		named(Decimal, "ReservedHours", "UsedHours", "TotalReservedQuantity"),
		named(Text, "ReservationOrderId", "ReservationId", "SkuName", "InstanceFlexibilityGroup", "InstanceFlexibilityRatio", "Kind", "_file")),
	Instead: map[string]string{
		mosp: "a pay-as-you-go subscription lists no reservations; how much of a commitment was used is in benefit_utilization_summaries and in the charges",
		mpa:  "a partner agreement lists no reservations of its customers; their use is in cost_details, in rows with a ReservationId",
	},
	dateColumn: "UsageDate",
	behind:     []string{"reservation_details_export"},
	standard:   isBilled,
	plan:       planReservationReport,
})

func planReservationReport(ctx context.Context, r *run, a Account) ([]task, error) {
	scopes, err := r.profileScopes(ctx, a)
	if err != nil {
		return nil, err
	}
	unit := Unit{Source: "reservation_details_report", Account: a.Name}
	return r.monthlyIn(ctx, scopes, unit, []string{"daily"}, func(u Unit, month time.Time) task {
		return r.reservationReport(u.Scope, month).task(u)
	})
}

func (r *run) reservationReport(scope string, month time.Time) report {
	from, to := r.daysOf(month)
	url := query(scope+"/providers/Microsoft.CostManagement/generateReservationDetailsReport",
		"startDate", day(from), "endDate", day(to), "api-version", reportsVersion)
	return report{submit: request{API: reportsAPI, Scope: scope, Method: http.MethodPost, URL: url}, absent: notFound, month: month}
}
