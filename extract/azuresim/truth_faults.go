package azuresim

import "fmt"

// A TruthQuantity is a meter some of whose rows cost more than their quantity at their price.
type TruthQuantity struct {
	Account  string   `json:"account"`
	Scope    string   `json:"scope"`
	Period   string   `json:"period"`
	Days     []string `json:"days"`
	MeterID  string   `json:"meterId"`
	Meter    string   `json:"meterName"`
	Currency string   `json:"currency"`
	Rows     int64    `json:"rows"`
	Quantity string   `json:"quantity"`
	Billed   string   `json:"billedCost"`
	Used     string   `json:"usedCost"` // quantity × price
	Amount   string   `json:"amount"`
}

// TruthExchange are rows converted at another rate than the others of their invoice.
type TruthExchange struct {
	Account  string   `json:"account"`
	Scope    string   `json:"scope"`
	Invoice  string   `json:"invoice"`
	Period   string   `json:"period"`
	Days     []string `json:"days"`
	Currency string   `json:"currency"`
	Rate     string   `json:"invoiceRate"`
	Used     string   `json:"usedRate"`
	Rows     int64    `json:"rows"`
	Billed   string   `json:"billedCost"`
	Right    string   `json:"rightCost"`
	Amount   string   `json:"amount"`
}

// TruthLate are charges for a month that a later invoice bills: in the enrollment the balance of the month they stand in.
type TruthLate struct {
	Account  string `json:"account"`
	Profile  string `json:"billingProfileId"`
	Used     string `json:"usagePeriod"`
	Stands   string `json:"rowsPeriod"`   // billing period that the rows stand in
	Billed   string `json:"billedPeriod"` // period of the invoice
	Invoice  string `json:"invoice"`      // "" until there is one
	Currency string `json:"currency"`
	Rows     int64  `json:"rows"`
	Cost     string `json:"cost"`
}

// TruthTiming is a purchase whose invoice is one of a later month than its day.
type TruthTiming struct {
	Account  string `json:"account"`
	Profile  string `json:"billingProfileId"`
	Day      string `json:"day"`
	Stands   string `json:"rowsPeriod"`
	Billed   string `json:"billedPeriod"`
	Invoice  string `json:"invoice"` // "" until there is one
	Currency string `json:"currency"`
	Cost     string `json:"cost"`
}

// TruthRefund is money given back for what an earlier invoice billed.
type TruthRefund struct {
	Account  string `json:"account"`
	Profile  string `json:"billingProfileId"`
	Period   string `json:"period"`
	Day      string `json:"day"`
	Kind     string `json:"kind"`            // Marketplace or Reservation
	Invoice  string `json:"invoice"`         // "" until there is one
	Previous string `json:"previousInvoice"` // "" where rows carry none, as in the enrollment
	Currency string `json:"currency"`
	Amount   string `json:"amount"` // negative
}

func (e *Enterprise) truthFaults(b books) TruthFaults {
	a, p := e.ea, e.plan
	idle := a.commitments[2]
	hours := idle.truth(b)
	var reserved int
	for range hours.Utilized {
		reserved += int(idle.reserved())
	}
	f := TruthFaults{IdleReservation: &TruthIdle{a.key, a.path, idle.order, idle.id, fmt.Sprint(reserved), "0", hours.Unused, "EUR"}}
	if p.unbalanced >= 0 {
		f.UnbalancedPeriod = &TruthUnbalanced{a.key, a.path, e.months[p.unbalanced].iso(), "EUR", unbalancedBy.String()}
	}
	if p.missing >= 0 {
		f.MissingDay = e.truthMissing()
	}
	if p.spikeMonth < 0 {
		return f
	}
	spike := b.of(cut{account: a.key, month: p.spikeMonth, kind: cutSpike})
	f.Spike = &TruthSpike{
		a.key, a.path, e.months[p.spikeMonth].iso(), e.text(p.spike).iso, p.spikeSub.id, p.spikeService, "EUR", spikeFactor,
		spike.cost.String(), spike.exact.over(num{spikeFactor, 0}).String(),
	}
	f.OverbilledMeter = a.truthOver(b, p.overMeter, p.overbilled)
	f.OverbilledDigital = e.mca.truthOver(b, p.digitalMeter, p.digital)
	f.ShortQuantity, f.ExchangeRate = e.truthQuantity(b), e.truthExchange(b)
	f.Misprint = e.misprinted()
	return f
}

// truthOver is an over-billed meter of the last profile, whose currency is that of its prices.
func (a *account) truthOver(b books, m *meter, month int) *TruthOverbilled {
	p := a.profiles[len(a.profiles)-1]
	sum := b.of(cut{account: a.key, profile: p.index, month: month, kind: cutOver})
	return &TruthOverbilled{
		a.key, a.path, a.e.months[month].iso(), m.id, m.meter, m.category, m.region.zone, m.unit, p.currency,
		a.sheetPrice(m, month).String(), a.billedPrice(p, m, month).String(), sum.rows, sum.cost.String(),
		sum.exact.String(), sum.pricing.String(), sum.exact.sub(sum.pricing).String(),
	}
}

// truthMissing adds up the day that the records lack.
func (e *Enterprise) truthMissing() *TruthMissing {
	a, m := e.ea, e.months[e.plan.missingMonth]
	t := &TruthMissing{Account: a.key, Scope: a.path, Period: m.iso(), Day: e.text(e.plan.missing).iso, Currency: "EUR", Invoice: a.makeInvoiceName(a.profiles[0], m.index, false)}
	sums := &totals{sub: make([]amount, len(a.subs)), sums: a.emptyTotals()}
	var whole [2]tally
	for _, ds := range []dataset{actual, amortized} {
		c := e.cursor(selection{a: a, ds: ds, first: m.index, last: m.index, from: e.plan.missing, to: e.plan.missing, whole: true}, position{})
		var r row
		for c.next(&r) {
			whole[ds].add(&r, r.cost.rounded())
			if ds == actual {
				sums.bill(&r)
			}
		}
	}
	t.Rows, t.Cost, t.Amortized = whole[actual].rows, whole[actual].cost.String(), whole[amortized].cost.String()
	t.Eligible, t.Separate, t.Marketplace = sums.sums[totalEligible].amount.String(), sums.sums[totalSeparate].amount.String(), sums.sums[totalMarketplace].amount.String()
	return t
}

func (e *Enterprise) daysFrom(month, from, to int) []string {
	var days []string
	for day := from; day <= to; day++ {
		days = append(days, isoDay(e.months[month].start+day))
	}
	return days
}

func (e *Enterprise) truthQuantity(b books) *TruthQuantity {
	m, month := e.ea.core[shortLine].meter, e.plan.short
	sum := b.of(cut{account: e.ea.key, month: month, kind: cutShort})
	return &TruthQuantity{
		e.ea.key, e.ea.path, e.months[month].iso(), e.daysFrom(month, shortFrom, shortTo), m.id, m.meter, "EUR", sum.rows, sum.cost.String(),
		sum.exact.String(), sum.pricing.String(), sum.exact.sub(sum.pricing).String(),
	}
}

func (e *Enterprise) truthExchange(b books) *TruthExchange {
	a, month := e.mca, e.plan.exchange
	p := a.core[exchangeLine].sub.section.profile
	sum := b.of(cut{account: a.key, profile: p.index, month: month, kind: cutExchange})
	return &TruthExchange{
		a.key, p.path, a.invoiceName(p, month, false), e.months[month].iso(), e.daysFrom(month, exchangeFrom, exchangeTo), p.currency, p.rate(month).String(), p.rate(month).percent(110).String(),
		sum.rows, sum.cost.String(), sum.pricing.String(), sum.cost.sub(sum.pricing).String(),
	}
}

// truthLate lists late charges by account, month of use and profile.
func (e *Enterprise) truthLate() []TruthLate {
	var all []TruthLate
	for _, a := range e.accounts() {
		for _, m := range e.months {
			if m.data == 0 {
				continue
			}
			rows := a.lateRows(nil, &m, actual)
			for _, p := range a.profiles {
				if t, found := a.truthLate(rows, p); found {
					all = append(all, t)
				}
			}
		}
	}
	return all
}

func (a *account) truthLate(rows []row, p *profile) (TruthLate, bool) {
	t, sum := TruthLate{Account: a.key, Profile: p.id, Currency: p.currency}, amount{}
	for i := range rows {
		r := &rows[i]
		if r.profile != p || r.instant {
			continue
		}
		used, _ := a.e.monthNamed(dayTime(r.day).Format("200601"))
		t.Used, t.Stands, t.Billed, t.Invoice = used.iso(), r.period().iso(), a.e.months[r.billed].iso(), a.issuedName(p, r.billed)
		t.Rows, sum = t.Rows+1, sum.add(r.cost.rounded())
	}
	t.Cost = sum.String()
	return t, t.Rows > 0
}

func (e *Enterprise) truthTimings() []TruthTiming {
	var all []TruthTiming
	for _, m := range e.months {
		if m.data == 0 {
			continue
		}
		for _, r := range e.mca.lateRows(nil, &m, actual) {
			if r.instant {
				all = append(all, TruthTiming{e.mca.key, r.profile.id, isoDay(r.day), r.period().iso(), e.months[r.billed].iso(), r.invoice, r.profile.currency, r.cost.rounded().String()})
			}
		}
	}
	return all
}

// issuedName is the name of the invoice of a month, "" until there is one. Rows of the enrollment do not carry it.
func (a *account) issuedName(p *profile, month int) string {
	if a.kind == enterpriseAgreement && a.e.months[month].closed {
		return a.makeInvoiceName(p, month, false)
	}
	return a.invoiceName(p, month, false)
}

func (e *Enterprise) truthRefunds() []TruthRefund {
	var all []TruthRefund
	for _, a := range e.accounts() {
		for _, m := range e.months {
			for day := m.start; day < m.start+m.data; day++ {
				for _, r := range a.specialRows(nil, &m, day, actual, true) {
					if r.charge == "Refund" {
						all = append(all, a.truthRefund(&r))
					}
				}
			}
		}
	}
	return all
}

func (a *account) truthRefund(r *row) TruthRefund {
	t := TruthRefund{a.key, r.profile.id, r.period().iso(), isoDay(r.day), "Marketplace", a.issuedName(r.profile, r.billed), r.previous, r.profile.currency, r.cost.rounded().String()}
	if r.c != nil {
		t.Kind = r.c.model()
	}
	return t
}
