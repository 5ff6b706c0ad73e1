package extract

import (
	"context"
	"slices"
	"time"
)

// Reservation transactions are what was paid for reservations and given back: one record
// for each purchase, refund or cancellation, and for each month of one paid monthly.
//
// What is odd about them:
//   - tags is an array here, and an object everywhere else.
//   - billingMonth is a whole number: 20190901.
//   - The name is the minute ("201909091919") and repeats between records: it is no key.
//   - Amounts given back are negative.
//   - An enrollment's record says how the amount was paid, from prepayment
//     (monetaryCommitment) or as overage; a customer agreement's which invoice bills it.
//   - Savings plans are not here. Their payments are charges of the type Purchase.
//   - eventDate has a time of day, and the filter takes days: nothing says whether "le" the
//     last day of a month reaches to its end. It is asked for one day more, and staging
//     keeps what is of the month.
//   - MCA has no route for the billing account: each billing profile is asked.
var _ = register(&Source{
	Name:       "reservation_transactions",
	API:        "Consumption reservationTransactions",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca},
	Role:       "EnrollmentReader or enterprise administrator; Billing profile reader",
	Feeds:      "reservation_transaction",
	Status:     "current",
	Instead: map[string]string{
		mosp: "a pay-as-you-go subscription has no list of reservation payments: they are charges of usage_details with the charge type Purchase or Refund",
		mpa:  "a partner agreement has no list of reservation payments: they are charges of usage_details with the charge type Purchase or Refund",
	},
	Columns: slices.Concat(resource(), fields(JSONText, "tags"),
		properties(Instant, "eventDate"), properties(Date, "billingMonth"),
		properties(Decimal, "quantity", "amount", "monetaryCommitment", "overage"),
		properties(Text, "currency", "eventType", "description", "reservationOrderId", "reservationOrderName", "armSkuName", "term", "region", "billingFrequency",
			"purchasingEnrollment", "currentEnrollment", "purchasingSubscriptionGuid", "purchasingSubscriptionName",
			"accountName", "accountOwnerEmail", "departmentName", "costCenter",
			"billingProfileId", "billingProfileName", "invoiceSectionId", "invoiceSectionName", "invoice", "invoiceId")),
	dateColumn: "eventDate",
	momentary:  true,
	behind:     []string{"reservation_transactions_export"},
	standard:   isBilled,
	plan:       planReservationTransactions,
})

func planReservationTransactions(ctx context.Context, r *run, a Account) ([]task, error) {
	scopes, err := r.profileScopes(ctx, a)
	if err != nil {
		return nil, err
	}
	unit := Unit{Source: "reservation_transactions", Account: a.Name}
	return r.monthlyIn(ctx, scopes, unit, []string{allDatasets}, func(u Unit, month time.Time) task {
		return reservationTransactions(u.Scope, month).task(u)
	})
}

func reservationTransactions(scope string, month time.Time) pull {
	filter := "properties/eventDate ge " + day(month) + " AND properties/eventDate le " + day(month.AddDate(0, 1, 0))
	p := consumptionList(consumptionAPI, scope, query(scope+"/providers/Microsoft.Consumption/reservationTransactions", "$filter", filter, "api-version", consumptionVersion))
	p.absent = notFound
	return p
}
