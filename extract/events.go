package extract

import (
	"context"
	"time"
)

// Events are the account of credits and commitments: each addition, invoice, correction
// and expiry with the balance after it.
//
// What is odd about them:
//   - Billing profiles require startDate and endDate; billing accounts take neither and
//     list all, of which a filter keeps those of commitments: the rest is listed at
//     the profiles as well.
//   - Which amounts are there depends on the event: that of an invoice has charges and
//     closedBalance, that of a cancellation canceledCredit and closedBalance.
//   - charges is positive where it takes off the balance.
//   - invoiceNumber is empty for what is not billed yet (PendingCharges …). Those events
//     change from day to day.
//   - lotId is a resource id ("…/Microsoft.Consumption/lots/G2020…"), not the name that
//     the filter of the same name takes.
//   - eventType has values that no documentation lists ("CanceledCredit").
var _ = register(&Source{
	Name:       "events",
	API:        "Consumption events",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca},
	Role:       "Billing account reader, and billing profile reader for credits; enterprise administrator (read only) on an enrollment",
	Feeds:      "credit_event",
	Status:     "current",
	Columns:    eventColumns(),
	dateColumn: "transactionDate",
	Instead: map[string]string{
		mosp: "a pay-as-you-go subscription has no prepayment or commitment whose use could be listed",
		mpa:  "a partner agreement has no events: what is left of its customers' credits is in lots",
	},
	standard: isBilled,
	plan:     planEvents,
})

func eventColumns() []Column {
	amounts := []string{"newCredit", "adjustments", "creditExpired", "charges", "closedBalance"}
	columns := append(resource(), unique(fields(Text, "eTag"))...)
	columns = append(columns, Column{Name: "propertiesETag", Path: "properties.eTag", Unique: true})
	columns = append(columns, properties(Instant, "transactionDate")...)
	columns = append(columns, creditAmounts(append(amounts, "canceledCredit")...)...)
	columns = append(columns, inBillingCurrency(amounts...)...)
	columns = append(columns, properties(Bool, "isEstimatedBalance")...)
	return append(columns, properties(Text, "description", "eventType", "invoiceNumber", "billingAccountId", "billingAccountDisplayName",
		"billingProfileId", "billingProfileDisplayName", "lotId", "lotSource", "creditCurrency", "billingCurrency",
		"reseller.resellerId", "reseller.resellerDescription")...)
}

func planEvents(ctx context.Context, r *run, a Account) ([]task, error) {
	var tasks []task
	if isBillingAccount(a.Scope) {
		p := eventsOf(a.Scope, "$filter", "lotsource eq 'consumptioncommitment'")
		tasks = append(tasks, p.task(Unit{Source: "events", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: commitmentDataset}))
	}
	if a.Agreement == ea {
		return tasks, nil
	}
	profiles, err := r.billingProfiles(ctx, a.Scope)
	if err != nil {
		return nil, err
	}
	unit := Unit{Source: "events", Account: a.Name}
	planned, err := r.monthlyIn(ctx, profiles, unit, []string{creditDataset}, func(u Unit, month time.Time) task {
		return eventsOf(u.Scope, "startDate", day(month), "endDate", day(lastDay(month))).task(u)
	})
	return append(tasks, planned...), err
}

func eventsOf(scope string, parameters ...string) pull {
	parameters = append(parameters, "api-version", consumptionVersion)
	p := consumptionList(consumptionAPI, scope, query(scope+"/providers/Microsoft.Consumption/events", parameters...))
	p.absent = notFound
	return p
}
