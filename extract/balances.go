package extract

import (
	"context"
	"errors"
	"time"
)

// A balance is what an enrollment's prepayment did in a billing period.
//
// What is odd about it:
//   - It is one object, not a list.
//   - The currency comes padded: "USD  ". Staging trims it.
//   - Versions of 2021 and later take the period as a part of the account's path,
//     older ones as a provider of its own. The newer is tried first.
var _ = register(&Source{
	Name:       "balances",
	API:        "Consumption balances",
	Version:    consumptionVersion,
	Agreements: []string{ea},
	Role:       "EnrollmentReader or enterprise administrator",
	Feeds:      "balance, invoice, invoice_reconciliation",
	Status:     "current",
	Instead: map[string]string{
		mca:  "a customer agreement has no enrollment balance; its prepayment and credits are in lots, credits and events",
		mpa:  "a partner agreement has no enrollment balance; credits of a customer are in lots",
		mosp: "a pay-as-you-go subscription has no prepayment; what is billed is in invoices",
	},
	Columns: balanceColumns(),
	plan:    planBalances,
})

func balanceColumns() []Column {
	columns := resource()
	columns = append(columns, properties(Text, "currency", "billingFrequency")...)
	columns = append(columns, properties(Decimal,
		"beginningBalance", "endingBalance", "newPurchases", "adjustments", "utilized", "serviceOverage", "chargesBilledSeparately",
		"totalOverage", "totalUsage", "azureMarketplaceServiceCharges", "overageRefund")...)
	columns = append(columns, properties(Bool, "priceHidden")...)
	return append(columns, properties(JSONText, "newPurchasesDetails", "adjustmentDetails")...)
}

func planBalances(ctx context.Context, r *run, a Account) ([]task, error) {
	unit := Unit{Source: "balances", Account: a.Name, Scope: a.Scope}
	return r.monthly(ctx, unit, []string{allDatasets}, func(u Unit, month time.Time) task {
		fill := func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
			pages, err := balanceOf(a.Scope, "/billingPeriods/"+month.Format("200601")).fill(ctx, r, u, l, progress)
			if !errors.Is(err, errAbsent) {
				return pages, err
			}
			return balanceOf(a.Scope, "/providers/Microsoft.Billing/billingPeriods/"+month.Format("200601")).fill(ctx, r, u, l, progress)
		}
		return task{Unit: u, fill: fill}
	})
}

func balanceOf(scope, period string) pull {
	p := consumptionList(consumptionAPI, scope, query(scope+period+"/providers/Microsoft.Consumption/balances", "api-version", consumptionVersion))
	p.shape = jsonShape{}
	p.absent = notFound
	return p
}
