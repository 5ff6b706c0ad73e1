package azuresim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var (
	_ = handle(http.MethodGet, "payg/billing/invoices", (*server).paygInvoiceList)
	_ = handle(http.MethodPost, "payg/billing/invoices/download", (*server).downloadInvoice)
	_ = handle(http.MethodGet, "payg/billing/invoices/operationresults", (*server).downloadResult)
)

// A paygInvoice bills one kind of charge of a billing period. Of a credit, less is owed for Azure services.
type paygInvoice struct {
	invoice
	period paygPeriod
	kind   string // AzureServices, AzureMarketplace or AzureSupport
}

func (v paygInvoice) id() string { return paygScope + "/invoices/" + v.name }

// What support costs a month, in no cost record, and the credit of the second period.
var (
	paygSupport = cents(2443)
	paygCredit  = cents(-1000)
)

// paygProfile is what the subscription's invoices have in common with those of a billing profile.
var paygProfile = &profile{name: paygName, currency: "EUR", taxBasis: 1900}

// paygInvoices are the three of a closed billing period.
func (e *Enterprise) paygInvoices(p paygPeriod) []paygInvoice {
	sums := map[string]amount{"AzureSupport": paygSupport}
	for _, row := range e.paygRows(p) {
		kind := "AzureServices"
		if row.offer != nil {
			kind = "AzureMarketplace"
		}
		sums[kind] = sums[kind].add(row.cost().rounded())
	}
	var all []paygInvoice
	for i, kind := range []string{"AzureServices", "AzureMarketplace", "AzureSupport"} {
		v := paygInvoice{period: p, kind: kind}
		v.name = fmt.Sprintf("E0%09d", (mix2(e.seed, uint64(p.start))+uint64(i)*104729)%1e9)
		v.profile, v.month, v.monthly, v.billed = paygProfile, p.month, true, sums[kind].round2()
		if i == 0 && p.month.index == 1 {
			v.credit = paygCredit
		}
		e.settleInvoice(&v.invoice)
		v.day, v.due, v.status = p.invoiced(), amount{}, "Paid"
		if p.invoiced()+10 > e.asOf && (amount{}).less(v.total) {
			v.due, v.status = v.total, "Due"
		}
		all = append(all, v)
	}
	return all
}

// paygIssued are all that the subscription has received, oldest first.
func (e *Enterprise) paygIssued() []paygInvoice {
	var all []paygInvoice
	for _, p := range e.paygPeriods() {
		if p.closed {
			all = append(all, e.paygInvoices(p)...)
		}
	}
	return all
}

// paygInvoiceList lists the invoices, newest first, or shows one. The API of 2018 is not simulated for the subscription.
func (s *server) paygInvoiceList(r *http.Request, t *target) (*answer, error) {
	if r.URL.Query().Get("api-version") < "2020" {
		return nil, notFound(t.path)
	}
	list := []any{}
	for _, v := range slices.Backward(s.e.paygIssued()) {
		shown := s.e.paygInvoiceObject(r, v)
		if len(t.rest) == 1 && strings.EqualFold(t.rest[0], v.name) {
			return ok(shown, 1, "billing"), nil
		}
		list = append(list, shown)
	}
	if len(t.rest) > 0 {
		return nil, notFound(t.path)
	}
	return s.scopePage(r, list)
}

func (e *Enterprise) paygInvoiceObject(r *http.Request, v paygInvoice) object {
	o := e.invoiceObject(r, &account{path: paygScope}, v.invoice)
	p := o["properties"].(object)
	for _, name := range []string{"billingProfileId", "billingProfileDisplayName", "isMonthlyInvoice", "purchaseOrderNumber"} {
		delete(p, name)
	}
	p["invoicePeriodStartDate"], p["invoicePeriodEndDate"] = instant(v.period.start), isoDay(v.period.end)+"T23:59:59.9999999Z"
	p["invoiceType"], p["subscriptionId"], p["subscriptionDisplayName"] = v.kind, PaygID, paygName
	o["type"] = "Microsoft.Billing/billingAccounts/billingSubscriptions/invoices"
	return o
}

// issuedInvoice finds an invoice of what a path names.
func (e *Enterprise) issuedInvoice(t *target, name string) (invoice, bool) {
	if !t.payg {
		if t.a == nil {
			return invoice{}, false
		}
		return e.invoiceNamed(t.a, name)
	}
	for _, v := range e.paygIssued() {
		if strings.EqualFold(v.name, name) {
			return v.invoice, true
		}
	}
	return invoice{}, false
}

// A TruthPayg is what the books of the pay-as-you-go subscription say.
type TruthPayg struct {
	Subscription string             `json:"subscriptionId"`
	Scope        string             `json:"scope"`
	Currency     string             `json:"currency"`
	Periods      []TruthPaygPeriod  `json:"periods"`
	Invoices     []TruthPaygInvoice `json:"invoices"`
	Mismatch     *TruthPaygMismatch `json:"quantityMismatch"`
}

// TruthPaygPeriod is a billing period. Costs are before tax, as the records have them.
type TruthPaygPeriod struct {
	Name        string           `json:"name"`
	Start       string           `json:"start"`
	End         string           `json:"end"` // its last day
	Closed      bool             `json:"closed"`
	Azure       string           `json:"azureCost"`
	Marketplace string           `json:"marketplaceCost"`
	Meters      []TruthPaygMeter `json:"meters"`
}

// TruthPaygMeter is what was consumed of a meter in a billing period. Consumed is as billed, Metered as Commerce has it.
type TruthPaygMeter struct {
	MeterID  string `json:"meterId"`
	Meter    string `json:"meterName"`
	Unit     string `json:"unitOfMeasure"`
	Consumed string `json:"consumed"`
	Included string `json:"included"`
	Billable string `json:"billable"`
	Metered  string `json:"metered"`
	Cost     string `json:"cost"`
}

// TruthPaygInvoice is an invoice of the subscription. Rounding is what it bills beyond its records; support has none.
type TruthPaygInvoice struct {
	Name      string `json:"name"`
	Type      string `json:"invoiceType"`
	Period    string `json:"period"`
	Date      string `json:"invoiceDate"`
	Status    string `json:"status"`
	Currency  string `json:"currency"`
	Billed    string `json:"billedAmount"`
	Credit    string `json:"creditAmount"`
	SubTotal  string `json:"subTotal"`
	Tax       string `json:"taxAmount"`
	Total     string `json:"totalAmount"`
	AmountDue string `json:"amountDue"`
	RowsSum   string `json:"rowsCost"`
	Rounding  string `json:"rounding"`
}

// TruthPaygMismatch is the meter of which more was billed than metered.
type TruthPaygMismatch struct {
	Period   string `json:"period"`
	MeterID  string `json:"meterId"`
	Meter    string `json:"meterName"`
	Billed   string `json:"billedQuantity"`
	Metered  string `json:"meteredQuantity"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

func (e *Enterprise) truthPayg() *TruthPayg {
	t := &TruthPayg{Subscription: PaygID, Scope: PaygPath, Currency: "EUR"}
	for _, p := range e.paygPeriods() {
		rows := e.paygRows(p)
		azure, market := amount{}, amount{}
		for _, r := range rows {
			if r.offer != nil {
				market = market.add(r.cost().rounded())
			} else {
				azure = azure.add(r.cost().rounded())
			}
		}
		period := TruthPaygPeriod{Name: p.name, Start: isoDay(p.start), End: isoDay(p.end), Closed: p.closed, Azure: azure.String(), Marketplace: market.String()}
		for _, name := range paygMeters {
			m := e.meterNamed(name, "northeurope")
			period.Meters = append(period.Meters, truthPaygMeter(m, rows))
			if over := truthPaygMismatch(p, m, rows); over != nil {
				t.Mismatch = over
			}
		}
		t.Periods = append(t.Periods, period)
		if p.closed {
			t.addPaygInvoices(e.paygInvoices(p), azure, market)
		}
	}
	return t
}

func (t *TruthPayg) addPaygInvoices(list []paygInvoice, azure, market amount) {
	for _, v := range list {
		rows := map[string]amount{"AzureServices": azure, "AzureMarketplace": market}[v.kind]
		rounding := amount{}
		if v.kind != "AzureSupport" {
			rounding = v.billed.sub(rows)
		}
		t.Invoices = append(t.Invoices, TruthPaygInvoice{
			v.name, v.kind, v.period.name, isoDay(v.day), v.status, "EUR", v.billed.String(), v.credit.String(), v.sub.String(), v.tax.String(),
			v.total.String(), v.due.String(), rows.String(), rounding.String(),
		})
	}
}

func truthPaygMeter(m *meter, rows []paygRow) TruthPaygMeter {
	var consumed, included, metered, cost amount
	for _, r := range rows {
		if r.offer != nil || r.use.meter != m {
			continue
		}
		consumed, cost = consumed.add(r.q.amount()), cost.add(r.cost().rounded())
		metered = metered.add(r.q.amount()).sub(r.extra.amount())
		if r.price.c == 0 {
			included = included.add(r.q.amount())
		}
	}
	return TruthPaygMeter{m.id, m.meter, m.unit, consumed.String(), included.String(), consumed.sub(included).String(), metered.String(), cost.String()}
}

// truthPaygMismatch is nil for a meter that was billed as metered. Its rows are all beyond what is included, at one price.
func truthPaygMismatch(p paygPeriod, m *meter, rows []paygRow) *TruthPaygMismatch {
	over := amount{}
	for _, r := range rows {
		if r.offer == nil && r.use.meter == m {
			over = over.add(mul(r.extra, r.price))
		}
	}
	if over.isZero() {
		return nil
	}
	sum := truthPaygMeter(m, rows)
	return &TruthPaygMismatch{p.name, m.id, m.meter, sum.Consumed, sum.Metered, over.String(), "EUR"}
}
