package extract

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Transactions are the lines of an invoice: usage added up by product and invoice section,
// purchases, refunds and credits. They stand between the invoice and the cost records.
//
// What is odd about them:
//   - Those of an invoice are listed by invoice, those not billed yet by billing profile, with
//     type, periodStartDate and periodEndDate required.
//   - invoice is "Pending" (or "pending") where there is none yet.
//   - kind, transactionType and productFamily are free text, spelled as Azure likes: "all", "Cancel".
//   - Every amount is {currency, value}; exchangeRate is a number, in some answers a text.
//   - An enrollment has them since 2024, with a partNumber; its older invoices answer 404.
//   - quantity is a whole number, units is not ("1.25").
//   - Charges not billed yet move to an invoice: the next time there are fewer.
var _ = register(&Source{
	Name:       "transactions",
	API:        "Billing transactions, by invoice and not billed yet",
	Version:    billingVersion + ", else " + oldInvoicesVersion,
	Agreements: []string{mca, mpa, ea},
	Role:       "Billing account or billing profile reader; Invoice manager",
	Feeds:      "invoice_transaction",
	Status:     "current",
	Columns:    transactionColumns(),
	Instead: map[string]string{
		mosp: "pay as you go has no transactions: the charges of an invoice are in usage_details, its amounts in invoices",
	},
	standard: func(a Account) bool { return a.Agreement != ea && isBilled(a) },
	plan:     planTransactions,
})

func transactionColumns() []Column {
	columns := resource()
	for _, amount := range []string{
		"transactionAmount", "subTotal", "tax", "azureCreditApplied", "consumptionCommitmentDecremented", "effectivePrice", "marketPrice",
	} {
		columns = append(columns, properties(Decimal, amount+".value")...)
		columns = append(columns, properties(Text, amount+".currency")...)
	}
	columns = append(columns, properties(Decimal, "quantity", "units", "discount", "exchangeRate")...)
	columns = append(columns, properties(Instant, "date", "servicePeriodStartDate", "servicePeriodEndDate")...)
	columns = append(columns, properties(Bool, "isThirdParty")...)
	columns = append(columns, properties(Text,
		"kind", "invoice", "invoiceId", "orderId", "orderName", "productFamily", "productTypeId", "productType", "productDescription",
		"transactionType", "invoiceSectionId", "invoiceSectionDisplayName", "customerId", "customerDisplayName", "billingProfileId",
		"billingProfileDisplayName", "subscriptionId", "subscriptionName", "azurePlan", "billingCurrency", "pricingCurrency",
		"unitOfMeasure", "unitType", "partNumber", "creditType", "reasonCode", "specialTaxationType")...)
	return append(columns, properties(JSONText, "refundTransactionDetails")...)
}

// Datasets of transactions.
const (
	billed   = "billed"
	unbilled = "unbilled"
)

func planTransactions(ctx context.Context, r *run, a Account) ([]task, error) {
	tasks, err := r.planBilled(ctx, a)
	if err != nil || a.Agreement == ea {
		return tasks, err
	}
	pending, err := r.planUnbilled(ctx, a)
	return append(tasks, pending...), err
}

// planBilled plans a unit for each month that has invoices: the transactions of one after
// another. It is read again when the month gets another invoice.
func (r *run) planBilled(ctx context.Context, a Account) ([]task, error) {
	byMonth, err := r.issuedByMonth(ctx, a)
	if err != nil {
		return nil, err
	}
	account := billingAccountName.FindString(a.Scope)
	var tasks []task
	for _, month := range slices.Sorted(maps.Keys(byMonth)) {
		var urls []string
		for _, v := range byMonth[month] {
			urls = append(urls, billingListURL(account+"/invoices/"+v.Name+"/transactions", v.version))
		}
		slices.Sort(urls)
		u := Unit{Source: "transactions", Account: a.Name, Scope: a.Scope, Period: month, Dataset: billed}
		t := billingPull(a.Scope, urls, false).task(u)
		t.origin = r.originOf(byMonth[month])
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// planUnbilled plans a unit for each billing profile and month that may not be billed yet.
func (r *run) planUnbilled(ctx context.Context, a Account) ([]task, error) {
	months, err := r.months()
	if err != nil {
		return nil, err
	}
	months = slices.DeleteFunc(months, func(m time.Time) bool {
		return r.o.Periods == Range{} && r.o.AsOf.After(lastDay(m).AddDate(0, 0, r.o.LateDays))
	})
	if len(months) == 0 {
		return nil, nil
	}
	profiles, err := r.billingProfiles(ctx, a.Scope)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, profile := range profiles {
		for _, m := range months {
			u := Unit{Source: "transactions", Account: a.Name, Scope: profile, Period: m.Format(monthLayout), Dataset: unbilled}
			tasks = append(tasks, task{Unit: u, momentary: true, fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
				return r.fillUnbilled(ctx, u, m, l, progress)
			}})
		}
	}
	return tasks, nil
}

func (r *run) fillUnbilled(ctx context.Context, u Unit, month time.Time, l *landing, progress func(int64)) (int64, error) {
	of := func(version string) pull {
		url := query(u.Scope+"/transactions", "type", "Unbilled", "periodStartDate", day(month), "periodEndDate", day(lastDay(month)), "api-version", version)
		return billingPull(u.Scope, []string{url}, false)
	}
	pages, err := of(billingVersion).fill(ctx, r, u, l, progress)
	if unknownVersion(err) {
		return of(oldInvoicesVersion).fill(ctx, r, u, l, progress)
	}
	return pages, err
}
