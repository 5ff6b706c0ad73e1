package extract

import (
	"slices"
	"time"
)

// Reservation charges of Enterprise Reporting are purchases of reservations, and what
// was given back.
//
// What is odd about them:
//   - The documentation spells purchasingSubscriptionGuid and …Name as
//     PurchasingsubscriptionGuid and PurchasingsubscriptionName; clients of the time
//     read the first. Both are read.
//   - Version 4 has billingFrequency, versions 2 and 3 have not.
//   - They go by dates, in the path's version 4 as startDate and endDate.
var _ = register(&Source{
	Name:       "ea_reservation_charges",
	API:        "Enterprise Reporting reservationcharges",
	Version:    "v4",
	Agreements: []string{ea},
	Role:       enterpriseRole,
	Feeds:      "archives; reservation_transactions has it since",
	Status:     statusRetired,
	Successor:  "reservation_transactions",
	Columns: slices.Concat(
		fields(Date, "eventDate"), fields(Decimal, "quantity", "amount"),
		fields(Text, "purchasingEnrollment", "armSkuName", "term", "region", "purchasingSubscriptionGuid", "purchasingSubscriptionName",
			"accountName", "accountOwnerEmail", "departmentName", "costCenter", "currentEnrollment", "billingFrequency",
			"reservationOrderId", "reservationOrderName", "description", "eventType", "currency"),
		[]Column{{Name: "documentedSubscriptionGuid", Path: "PurchasingsubscriptionGuid"}, {Name: "documentedSubscriptionName", Path: "PurchasingsubscriptionName"}}),
	dateColumn: "eventDate",
	Instead:    onlyEnrollments,
	standard:   onRequest,
	plan: reportingAPI{source: "ea_reservation_charges", shape: jsonShape{Rows: wholeArray}, version: "v4"}.
		monthly(func(month time.Time) string {
			return query("/reservationcharges", "startDate", day(month), "endDate", day(lastDay(month)))
		}),
})
