package extract

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Billing periods name the months of classic agreements.
//
// What is odd about them:
//   - The name need not be the month: a pay-as-you-go subscription's "202401-1" ran
//     from 2023-11-01 to 2023-11-30. The lake files a period under the month it
//     starts in.
//   - The end is the last day in some answers and the day after it in others.
//   - Links to the next page are relative to the host.
//   - MCA accounts have no billing periods and answer 400.
var _ = register(&Source{
	Name:       "billing_periods",
	API:        "Billing billingPeriods",
	Version:    billingPeriodsVersion,
	Agreements: []string{ea, mosp},
	Role:       "Billing Reader on the subscription",
	Feeds:      "names and bounds of periods",
	Status:     "current",
	Instead: map[string]string{
		mca: "a customer agreement is billed by calendar month; the periods are in invoices",
		mpa: "a partner agreement is billed by calendar month; the periods are in invoices",
	},
	Columns: slices.Concat(resource(),
		properties(Date, "billingPeriodStartDate", "billingPeriodEndDate"),
		properties(JSONText, "invoiceIds")),
	dateColumn: "billingPeriodEndDate",
	plan:       planBillingPeriods,
})

const billingPeriodsVersion = "2018-03-01-preview"

func planBillingPeriods(_ context.Context, _ *run, a Account) ([]task, error) {
	u := Unit{Source: "billing_periods", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: allDatasets}
	p := billingPeriodsOf(a.Scope)
	p.absent = notFound // an enrollment has them for its subscriptions only
	return []task{p.task(u)}, nil
}

func billingPeriodsOf(scope string) pull {
	return consumptionList(billingAPI, scope, query(scope+"/providers/Microsoft.Billing/billingPeriods", "api-version", billingPeriodsVersion))
}

// billingPeriod is a period as its API tells it, for planning.
type billingPeriod struct {
	Name       string
	Properties struct{ BillingPeriodStartDate, BillingPeriodEndDate string }
}

// perBillingPeriod is monthly for the billing periods of a pay-as-you-go subscription, which
// begin on any day: those that start in a wanted month. What is asked for goes by their
// name, or by their first and last day.
func (r *run) perBillingPeriod(ctx context.Context, unit Unit, datasets []string, taskOf func(u Unit, period string, first, last time.Time) task) ([]task, error) {
	periods, err := r.listBillingPeriods(ctx, unit.Scope)
	if err != nil {
		return nil, err
	}
	months, err := r.months()
	if err != nil {
		return nil, err
	}
	wanted := Range{From: months[0].Format(monthLayout), To: months[len(months)-1].Format(monthLayout)}
	var tasks []task
	for _, p := range periods {
		start, end, err := p.bounds()
		if err != nil {
			return nil, err
		}
		for _, d := range datasets {
			u := unit
			u.Period, u.Dataset = start.Format(monthLayout), d
			if !wanted.contains(u.Period) {
				continue
			}
			t := taskOf(u, p.Name, start, lastOf(start, end))
			if t.skip, err = r.settled(u, end); err != nil {
				return nil, err
			}
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

// lastOf is the last day of a period whose end may be the day after it.
func lastOf(start, end time.Time) time.Time {
	if end.Equal(start.AddDate(0, 1, 0)) {
		return end.AddDate(0, 0, -1)
	}
	return end
}

func (p billingPeriod) bounds() (start, end time.Time, err error) {
	start, err = time.Parse(time.DateOnly, p.Properties.BillingPeriodStartDate[:min(10, len(p.Properties.BillingPeriodStartDate))])
	if err == nil {
		end, err = time.Parse(time.DateOnly, p.Properties.BillingPeriodEndDate[:min(10, len(p.Properties.BillingPeriodEndDate))])
	}
	if err != nil {
		err = fmt.Errorf("billing period %s: %w", p.Name, err)
	}
	return start, end, err
}

func (r *run) listBillingPeriods(ctx context.Context, scope string) ([]billingPeriod, error) {
	periods, err := listAll[billingPeriod](ctx, r, billingPeriodsOf(scope).first, "billing periods of "+scope)
	return periods, notClassic(scope, err)
}

// notClassic explains the 400 that an MCA subscription answers with.
func notClassic(scope string, err error) error {
	if isBadRequest(err) && isSubscription(scope) {
		return fmt.Errorf("%s has no billing periods; if it belongs to a Microsoft Customer Agreement set agreement: mca: %w", scope, err)
	}
	return err
}
