package extract

import (
	"context"
	"net/http"
	"strings"
)

// Invoices are the documents Microsoft issues, with their totals.
//
// What is odd about them:
//   - Every amount is {currency, value}.
//   - Links to the next page are relative, and hold a raw space:
//     "…&periodStartDate=2000-01-01 00:00:00Z&periodEndDate=…".
//   - The first page announces totalCount.
//   - 2020-05-01 requires periodStartDate and periodEndDate, 2024-04-01 accepts them.
//   - Subscriptions (pay as you go) list theirs under the billing account "default".
//   - creditAmount is negative where it is a credit; azurePrepaymentApplied and
//     freeAzureCreditApplied are positive though they too reduce the subtotal.
var _ = register(&Source{
	Name:       "invoices",
	API:        "Billing invoices",
	Version:    billingVersion + ", else " + oldInvoicesVersion,
	Agreements: []string{ea, mca, mosp, mpa},
	Role:       "Billing account or billing profile reader; Invoice manager; Billing Reader on a subscription",
	Feeds:      "invoice, invoice_reconciliation",
	Status:     "current",
	Columns:    invoiceColumns(),
	first:      true,
	dateColumn: "invoiceDate",
	plan:       planInvoices,
})

const (
	billingVersion     = "2024-04-01"
	oldInvoicesVersion = "2020-05-01"
)

func invoiceColumns() []Column {
	columns := resource()
	for _, amount := range []string{"amountDue", "billedAmount", "azurePrepaymentApplied", "creditAmount", "freeAzureCreditApplied", "subTotal", "taxAmount", "totalAmount"} {
		columns = append(columns, properties(Decimal, amount+".value")...)
		columns = append(columns, properties(Text, amount+".currency")...)
	}
	columns = append(columns, properties(Instant, "dueDate", "invoiceDate", "invoicePeriodStartDate", "invoicePeriodEndDate")...)
	columns = append(columns, properties(Bool, "isMonthlyInvoice")...)
	columns = append(columns, properties(Text, "status", "invoiceType", "documentType", "billingProfileId", "billingProfileDisplayName",
		"purchaseOrderNumber", "subscriptionId", "subscriptionDisplayName", "billedDocumentId", "creditForDocumentId", "specialTaxationType")...)
	return append(columns, properties(JSONText, "documents", "payments", "failedPayments", "rebillDetails", "refundDetails")...)
}

// invoicesSince is before the first enrollment: invoices are few, and one that
// dropped out of a moving window would look like one that vanished.
const invoicesSince = "2014-01-01"

func planInvoices(_ context.Context, r *run, a Account) ([]task, error) {
	u := Unit{Source: "invoices", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: allDatasets}
	until := day(lastDay(monthOf(r.o.AsOf)))
	fill := func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
		version, err := r.invoicesVersion(ctx, a.Scope, until)
		if err != nil {
			return 0, err
		}
		return invoicesOf(a.Scope, until, version).fill(ctx, r, u, l, progress)
	}
	return []task{{Unit: u, fill: fill}}, nil
}

func invoicesURL(scope, until, version string) string {
	if strings.HasPrefix(strings.ToLower(scope), "/subscriptions/") {
		scope = mospSubscription(scope)
	}
	return query(scope+"/invoices", "periodStartDate", invoicesSince, "periodEndDate", until, "api-version", version)
}

func invoicesOf(scope, until, version string) pull {
	p := consumptionList(billingAPI, scope, invoicesURL(scope, until, version))
	p.absent = notFound
	return p
}

// invoicesVersion finds out whether the cloud knows the current version: sovereign
// clouds lag behind. The unit is then read with one version from end to end.
func (r *run) invoicesVersion(ctx context.Context, scope, until string) (string, error) {
	url := invoicesURL(scope, until, billingVersion) + "&top=1"
	_, err := r.o.Client.do(ctx, request{API: billingAPI, Scope: scope, Method: http.MethodGet, URL: url})
	if unknownVersion(err) {
		return oldInvoicesVersion, nil
	}
	if err != nil {
		return "", invoicesOf(scope, until, billingVersion).explain(err)
	}
	return billingVersion, nil
}
