package azuresim

import (
	"fmt"
)

// A balance is the enrollment's prepayment and what was charged beyond it, in one billing period.
type balance struct {
	month       month
	begin       amount
	purchases   amount
	adjustments amount
	utilized    amount
	overage     amount // of Azure services; the unbalanced period's is too high by unbalancedBy
	separate    amount
	marketplace amount
	end         amount
}

func (b *balance) totalOverage() amount { return b.overage.add(b.separate) }

func (b *balance) totalUsage() amount { return b.utilized.add(b.totalOverage()) }

// balances are those of all months so far. A prepayment that lasts a month and a half is bought at first, in the fourth
// month and every fifth after; a promotion credit comes in the second.
func (e *Enterprise) balances() []balance {
	var all []balance
	first := e.totalsOf(e.ea, 0).sums[totalEligible].amount.share(155, 100)
	left := first
	for _, m := range e.months {
		b := e.balanceOf(m, left)
		if m.index%5 == 3 {
			b.purchases = first
		}
		if m.index == 1 {
			b.adjustments = cents(25000)
		}
		b.settle(e)
		left = b.end
		all = append(all, b)
	}
	return all
}

func (e *Enterprise) balanceOf(m month, begin amount) balance {
	sums := e.totalsOf(e.ea, m.index).sums
	return balance{month: m, begin: begin, separate: sums[totalSeparate].amount.round2(), marketplace: sums[totalMarketplace].amount.round2()}
}

// settle pays the month's usage from the prepayment as far as that goes.
func (b *balance) settle(e *Enterprise) {
	usage := e.totalsOf(e.ea, b.month.index).sums[totalEligible].amount.round2()
	have := b.begin.add(b.purchases).add(b.adjustments)
	b.utilized = usage
	if have.less(usage) {
		b.utilized = have
	}
	if b.utilized.less(amount{}) {
		b.utilized = amount{}
	}
	b.overage = usage.sub(b.utilized)
	b.end = have.sub(b.utilized)
	if b.month.index == e.plan.unbalanced {
		b.overage = b.overage.add(unbalancedBy)
	}
}

// An invoice is what one billing profile owes for one month, or for what it bought in that month and was billed at once.
type invoice struct {
	name    string
	profile *profile
	month   month
	monthly bool
	day     int // invoice date
	billed  amount
	credit  amount // negative
	prepaid amount
	free    amount
	sub     amount
	tax     amount
	total   amount
	due     amount
	status  string

	document  string    // CreditNote; "" is an invoice
	billedAs  string    // of a void invoice: the one that replaces it
	creditFor *invoice  // of a credit note: the void invoice
	instead   [2]string // of an invoice made again: the void one and its credit note
}

// invoiceName is the name of an invoice, or nothing for a month that is not invoiced yet and for the enrollment's rows,
// which never carry one.
func (a *account) invoiceName(p *profile, month int, immediate bool) string {
	if a.kind == enterpriseAgreement || !a.e.months[month].closed {
		return ""
	}
	names := &a.names[p.index][month]
	if immediate {
		return names[1]
	}
	return names[0]
}

// setNames makes the invoice names, which every row of a closed month carries.
func (a *account) setNames() {
	a.names = make([][][2]string, len(a.profiles))
	for _, p := range a.profiles {
		for _, m := range a.e.months {
			a.names[p.index] = append(a.names[p.index], [2]string{a.monthlyName(p, m.index), a.makeInvoiceName(p, m.index, true)})
		}
	}
}

// monthlyName is the name of the invoice that bills a month in the end.
func (a *account) monthlyName(p *profile, month int) string {
	if a.isRebilled(p, month) {
		return a.otherInvoiceName(p, month, 2)
	}
	return a.makeInvoiceName(p, month, false)
}

// otherInvoiceName is the name of a further document of a month's invoice.
func (a *account) otherInvoiceName(p *profile, month, number int) string {
	m := a.e.months[month]
	serial := uint64(m.year*12+m.number)*4 + uint64(p.index)*2 + uint64(number)*500_000
	return fmt.Sprintf("G%09d", (serial*104729+a.seed%100000)%1e9)
}

func (a *account) makeInvoiceName(p *profile, month int, immediate bool) string {
	m := a.e.months[month]
	serial := uint64(m.year*12+m.number)*4 + uint64(p.index)*2
	if immediate {
		serial++
	}
	if a.kind == enterpriseAgreement {
		return fmt.Sprintf("7%09d", (serial*7919+a.seed%1000)%1e9)
	}
	return fmt.Sprintf("G%09d", (serial*104729+a.seed%100000)%1e9)
}

// invoices are all that an account has received, oldest first.
func (e *Enterprise) invoices(a *account) []invoice {
	var all []invoice
	if a.kind == enterpriseAgreement {
		for _, b := range e.balances() {
			if b.month.closed {
				all = append(all, e.enrollmentInvoice(b))
			}
		}
		return all
	}
	for _, m := range e.months {
		if !m.closed {
			break
		}
		for _, t := range e.totalsOf(a, m.index).sums {
			if !t.immediate || !t.amount.round2().isZero() { // a month of nothing has an invoice over 0.00
				all = append(all, e.customerInvoices(a, m, t)...)
			}
		}
	}
	return all
}

// enrollmentInvoice follows from the balance: what the prepayment did not pay, and Marketplace.
func (e *Enterprise) enrollmentInvoice(b balance) invoice {
	v := invoice{name: e.ea.makeInvoiceName(e.ea.profiles[0], b.month.index, false), profile: e.ea.profiles[0], month: b.month, monthly: true}
	v.billed, v.prepaid = b.totalUsage().add(b.marketplace), b.utilized
	e.settleInvoice(&v)
	return v
}

// customerInvoices are the documents of a month: one, or three where it was rebilled.
func (e *Enterprise) customerInvoices(a *account, m month, t total) []invoice {
	v := e.customerInvoice(a, m, t)
	if v.monthly && a.isRebilled(t.profile, m.index) {
		return e.rebill(a, v)
	}
	return []invoice{v}
}

func (e *Enterprise) customerInvoice(a *account, m month, t total) invoice {
	v := invoice{name: a.invoiceName(t.profile, m.index, t.immediate), profile: t.profile, month: m, monthly: !t.immediate, billed: t.amount.round2()}
	if v.monthly {
		switch {
		case m.index == 0 && t.profile.index == 0:
			v.prepaid = v.billed.share(1, 4)
		case m.index == 0 && t.profile.index == 1:
			v.free = v.billed.share(1, 10)
		case m.index == 1 && t.profile.index == 1:
			v.credit = v.billed.share(1, 20).neg()
		}
	}
	e.settleInvoice(&v)
	return v
}

// settleInvoice works out tax and totals: total = subtotal + tax; subtotal = billed + credit − prepayment − free credit;
// paid means nothing is due. The newest month's invoices are due, one of the month before is overdue.
func (e *Enterprise) settleInvoice(v *invoice) {
	v.sub = v.billed.add(v.credit).sub(v.prepaid).sub(v.free)
	v.tax = v.sub.share(v.profile.taxBasis, 10000)
	v.total = v.sub.add(v.tax)
	v.day = v.month.start + v.month.length + invoiceDay - 1
	if !v.monthly {
		v.day = v.month.start + 12
	}
	v.status = "Paid"
	age := 0
	for _, m := range e.months[v.month.index+1:] {
		if m.closed {
			age++
		}
	}
	owed := (amount{}).less(v.total)
	if owed && v.monthly && age == 0 {
		v.due, v.status = v.total, "Due"
	}
	if owed && v.monthly && age == 1 && v.profile.index == 1 {
		v.due, v.status = v.total, "OverDue"
	}
}
