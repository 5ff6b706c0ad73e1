package extract

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Detailed cost reports are the forerunners of cost details: one file, with the same
// columns. They are read on request only, for two things that nothing else has: the
// charges of one pay-as-you-go invoice, and a second opinion on cost_details.
//
// What is odd about them:
//   - Pay as you go takes an invoice's name instead of a month:
//     {"metric":"ActualCost","invoiceId":"E0400ABCDE"}.
//   - Success carries an error, of code "0".
//   - Location leads to operationResults, Azure-AsyncOperation to operationStatus. Both
//     answer with the file's address; Location is the one asked.
//
// An invoice's charges are a scope of their own, the subscription's followed by
// /invoices/<name>: two invoices can be of one month, and where the subscription's usage
// details count, the invoices within it do not count again.
var _ = register(&Source{
	Name:       "detailed_cost",
	API:        "Cost Management generateDetailedCostReport",
	Version:    reportsVersion,
	Agreements: []string{ea, mca, mpa, mosp},
	Role:       "Cost Management Reader; Billing Reader to list a subscription's invoices",
	Feeds:      "cost_and_usage where no better source has it",
	Status:     "deprecated",
	Successor:  "cost_details or cost_export",
	Columns:    costExportColumns(),
	dateColumn: "Date",
	billed:     true,
	behind:     true,
	standard:   onRequest,
	plan:       planDetailedCost,
})

const detailedCostReport = "generateDetailedCostReport"

func planDetailedCost(ctx context.Context, r *run, a Account) ([]task, error) {
	if a.Agreement != mosp {
		return r.costReports(ctx, a, "detailed_cost", detailedCostReport)
	}
	months, err := r.months()
	if err != nil {
		return nil, err
	}
	invoices, err := r.listInvoices(ctx, a.Scope)
	if err != nil {
		return nil, err
	}
	wanted := Range{From: months[0].Format(monthLayout), To: months[len(months)-1].Format(monthLayout)}
	var tasks []task
	for _, v := range invoices {
		u := Unit{Source: "detailed_cost", Account: a.Name, Scope: a.Scope + "/invoices/" + v.Name, Dataset: "actual"}
		start, end, err := v.bounds()
		if err != nil {
			return nil, err
		}
		u.Period = start.Format(monthLayout)
		if !wanted.contains(u.Period) {
			continue
		}
		t := invoiceCost(a.Scope, v.Name).task(u)
		if t.skip, err = r.settled(u, end); err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

func invoiceCost(scope, invoice string) report {
	return report{submit: request{
		API: reportsAPI, Scope: scope, Method: http.MethodPost, Body: fmt.Appendf(nil, `{"metric":"ActualCost","invoiceId":%q}`, invoice),
		URL: query(scope+"/providers/Microsoft.CostManagement/"+detailedCostReport, "api-version", reportsVersion),
	}}
}

// listedInvoice is an invoice as its API tells it, for planning.
type listedInvoice struct {
	Name       string
	Properties struct{ InvoicePeriodStartDate, InvoicePeriodEndDate string }
}

func (v listedInvoice) bounds() (start, end time.Time, err error) {
	p := billingPeriod{Name: v.Name}
	p.Properties.BillingPeriodStartDate, p.Properties.BillingPeriodEndDate = v.Properties.InvoicePeriodStartDate, v.Properties.InvoicePeriodEndDate
	if start, end, err = p.bounds(); err != nil {
		err = fmt.Errorf("invoice %s: its period: %w", v.Name, err)
	}
	return start, end, err
}

// listInvoices lists the invoices of a scope while planning.
func (r *run) listInvoices(ctx context.Context, scope string) ([]listedInvoice, error) {
	until := day(lastDay(monthOf(r.o.AsOf)))
	version, err := r.invoicesVersion(ctx, scope, until)
	if err != nil {
		return nil, err
	}
	var all []listedInvoice
	next := func(body []byte) (string, error) {
		var list struct {
			Value    []listedInvoice
			NextLink string
		}
		if err := json.Unmarshal(body, &list); err != nil {
			return "", fmt.Errorf("invoices of %s: %w", scope, err)
		}
		all = append(all, list.Value...)
		return list.NextLink, nil
	}
	for _, err := range r.o.Client.pages(ctx, invoicesOf(scope, until, version).first, cursor{}, next) {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
