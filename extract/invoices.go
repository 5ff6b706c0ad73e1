package extract

import (
	"context"
	"errors"
	"net/http"
	"regexp"
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
//   - The old subscription API (2018-03-01-preview) still answers where the newer one refuses
//     a pay-as-you-go subscription, as it does until its owner allows access to invoices. It has
//     no amounts. With $expand=downloadUrl it serves links that sign themselves
//     ("https://…/invoice.pdf?sv=…&sig=…"), as it does unasked for a single invoice: who has
//     such a link has the invoice, so its query is not kept.
//   - creditAmount is negative where it is a credit; azurePrepaymentApplied and
//     freeAzureCreditApplied are positive though they too reduce the subtotal.
var _ = register(&Source{
	Name:       "invoices",
	API:        "Billing invoices",
	Version:    billingVersion + ", else " + oldInvoicesVersion + "; " + legacyInvoicesVersion + " for subscriptions",
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
	billingVersion        = "2024-04-01"
	oldInvoicesVersion    = "2020-05-01"
	legacyInvoicesVersion = "2018-03-01-preview"
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
	columns = append(columns, properties(Instant, "downloadUrl.expiryTime")...)
	columns = append(columns, properties(Text, "downloadUrl.url")...)
	return append(columns, properties(JSONText, "documents", "payments", "failedPayments", "rebillDetails", "refundDetails", "billingPeriodIds")...)
}

// invoicesSince is before the first enrollment: invoices are few, and one that
// dropped out of a moving window would look like one that vanished.
const invoicesSince = "2014-01-01"

func planInvoices(_ context.Context, r *run, a Account) ([]task, error) {
	u := Unit{Source: "invoices", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: allDatasets}
	until := day(lastDay(monthOf(r.o.AsOf)))
	fill := func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
		pages, err := r.fillInvoices(ctx, u, until, l, progress)
		if !isSubscription(a.Scope) || !refused(err) {
			return pages, err
		}
		pages, legacy := legacyInvoicesOf(a.Scope).fill(ctx, r, u, l, progress)
		return pages, bothRefuse(err, legacy)
	}
	return []task{{Unit: u, fill: fill}}, nil
}

func (r *run) fillInvoices(ctx context.Context, u Unit, until string, l *landing, progress func(int64)) (int64, error) {
	version, err := r.invoicesVersion(ctx, u.Scope, until)
	if err != nil {
		return 0, err
	}
	return invoicesOf(u.Scope, until, version).fill(ctx, r, u, l, progress)
}

// refused tells whether the API will not answer for this scope, now or later.
func refused(err error) bool {
	return hasStatus(err, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusGone, http.StatusUnprocessableEntity)
}

// bothRefuse is the error of a call that two APIs refuse; that one has no such thing does
// not hide why the other will not answer.
func bothRefuse(first, second error) error {
	switch {
	case second == nil:
		return nil
	case errors.Is(second, errAbsent):
		return first
	case errors.Is(first, errAbsent):
		return second
	}
	return errors.Join(first, second)
}

// legacyInvoicesOf lists a subscription's invoices without asking for the links to them.
func legacyInvoicesOf(scope string) pull {
	p := consumptionList(billingAPI, scope, query(scope+"/providers/Microsoft.Billing/invoices", "api-version", legacyInvoicesVersion))
	p.absent, p.clean = notFound, withoutSignatures
	return p
}

var signedDownload = regexp.MustCompile(`("downloadUrl"\s*:\s*\{[^{}]*?"url"\s*:\s*"[^"?]*)\?[^"]*"`)

// withoutSignatures takes the queries off the links that sign themselves.
func withoutSignatures(body []byte) []byte {
	return signedDownload.ReplaceAll(body, []byte(`$1"`))
}

func invoicesURL(scope, until, version string) string {
	if isSubscription(scope) {
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
