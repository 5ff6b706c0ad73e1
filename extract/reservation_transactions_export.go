package extract

import "slices"

// Reservation transaction exports list what was bought, refunded and cancelled of
// reservations. Savings plans are not among them.
//
// What is odd about them:
//   - BillingMonth is a day written as one number, 20190901.
//   - Of an enrollment a row says how it split between MonetaryCommitment (the
//     prepayment) and Overage; of a customer agreement which invoice it is on, its id
//     under Invoice or InvoiceId.
var _ = registerExports(&Source{
	Name:       "reservation_transactions_export",
	API:        "Cost Management exports (files), ReservationTransactions",
	Version:    "2023-05-01 dataset",
	Agreements: []string{ea, mca, mpa},
	Role:       "Storage Blob Data Reader on the container, or read access to the folder",
	Feeds:      "reservation_transaction",
	Status:     "current",
	Columns: slices.Concat(
		[]Column{{Name: "EventDate", Type: Instant, Required: true}, {Name: "Amount", Type: Decimal, Required: true}},
		days(named(Date, "BillingMonth")),
		named(Decimal, "Quantity", "MonetaryCommitment", "Overage"),
		named(Text, "EventType", "ReservationOrderId", "ReservationOrderName", "Description", "ArmSkuName", "Region", "Term", "BillingFrequency",
			"Currency", "PurchasingSubscriptionGuid", "PurchasingSubscriptionName", "PurchasingEnrollment", "CurrentEnrollmentId",
			"AccountName", "AccountOwnerEmail", "DepartmentName", "CostCenter",
			"BillingProfileId", "BillingProfileName", "Invoice", "InvoiceId", "InvoiceSectionId", "InvoiceSectionName", "_file")),
	dateColumn: "EventDate",
	Instead:    map[string]string{mosp: "a pay-as-you-go subscription exports no reservation transactions: its purchases are in cost_export and usage_details"},
	exports: &exportFormat{
		types:  map[string]string{"reservationtransactions": "all"},
		known:  []string{"EventDate", "EventType", "Amount"},
		months: []string{"EventDate"},
	},
})
