package azuresim

import "slices"

// lateRows are charges for the last days of a month that reached the service after the month was billed. In the
// enrollment they stand in the next billing period; in the customer agreement they keep their month, but the
// next invoice bills them, so invoices must be added up by invoice id, never by date.
func (a *account) lateRows(rows []row, m *month, ds dataset) []row {
	if a.kind == enterpriseAgreement {
		if m.index == 0 || m.data < 3 {
			return rows
		}
		return a.late(rows, &a.e.months[m.index-1], m.index, ds)
	}
	if m.index+1 >= len(a.e.months) || a.e.months[m.index+1].data < 3 {
		return rows
	}
	return a.domain(a.late(rows, m, m.index+1, ds), m, ds)
}

// domain is a purchase on the last day of the second month, in the profile billed in dollars: its own invoice is one of the
// month after.
func (a *account) domain(rows []row, m *month, ds dataset) []row {
	if m.index != 1 {
		return rows
	}
	i := slices.IndexFunc(a.subs, func(s *subscription) bool { return s.section.profile == a.profiles[1] })
	r := a.special(m, m.last(), ds, a.profiles[1], 42)
	r.sub, r.section, r.charge, r.model, r.frequency, r.title = a.subs[i], a.subs[i].section, "Purchase", "OnDemand", "OneTime", "App Service Domain"
	r.billed, r.instant, r.rate = m.index+1, true, r.profile.rate(m.index+1)
	r.invoice = a.invoiceName(r.profile, r.billed, true)
	r.unit, r.hasUnit = num{1199, 2}, true
	r.setCost(num{1, 0}, r.unit)
	return append(rows, r)
}

// late makes the late rows of usage month m that month billed bills.
func (a *account) late(rows []row, m *month, billed int, ds dataset) []row {
	count := 2 + a.lines/500
	for k := range count {
		i := len(a.core) + 1 + k*7
		if i >= a.lines {
			i = a.lines - 1
		}
		var r row
		a.base(&r, i, m, m.last()-k%2, ds)
		if a.kind == enterpriseAgreement {
			r.month = billed
		}
		r.billed, r.rate = billed, r.profile.rate(billed)
		r.invoice = a.invoiceName(r.profile, billed, false)
		r.id = mix(r.id + uint64(k) + 77)
		r.setPrices(&a.e.months[r.month])
		r.setCost(num{1000 + int64(r.today%9000), 4}.trim(), r.unit)
		rows = append(rows, r)
	}
	return rows
}

// specialRows are the charges of a day that no resource makes: payments and refunds, unused hours, Marketplace and support
// purchases, and on the last day of an invoiced month the rounding that makes the rows add up to the invoice.
func (a *account) specialRows(rows []row, m *month, day int, ds dataset, unrounded bool) []row {
	for _, c := range a.commitments {
		if ds == actual {
			rows = a.payments(rows, c, m, day)
		} else {
			rows = a.unused(rows, c, m, day)
		}
	}
	if a.kind == enterpriseAgreement {
		rows = a.allocations(a.enrollmentPurchases(rows, m, day, ds), m, day, ds)
	} else {
		rows = a.customerPurchases(rows, m, day, ds)
	}
	if day == m.last() && m.closed && !unrounded {
		rows = a.rounding(rows, m, day, ds)
	}
	return rows
}

// special is a row without a resource.
func (a *account) special(m *month, day int, ds dataset, p *profile, salt uint64) row {
	r := row{a: a, ds: ds, month: m.index, billed: m.index, day: day, line: -1, profile: p, rate: p.rate(m.index), eligible: true, tags: &tagSets[0]}
	r.today = mix2(a.seed^salt<<48, uint64(day))
	r.h, r.id = r.today, r.today
	for _, s := range a.sections {
		if s.profile == p && a.kind == customerAgreement {
			r.section = s
			break
		}
	}
	r.invoice = a.invoiceName(p, m.index, false)
	return r
}

// payments are the purchase and the refund of a commitment. They exist in actual cost only.
func (a *account) payments(rows []row, c *commitment, m *month, day int) []row {
	if c.paidOn(day) {
		r := a.commitmentRow(c, m, day, actual, "Purchase")
		r.frequency = "OneTime"
		if c.recurring {
			r.frequency = "Recurring"
		}
		r.unit, r.hasUnit = c.payment, a.kind == enterpriseAgreement || c.plan
		r.instant, r.invoice = true, a.invoiceName(c.profile, m.index, true)
		units := c.quantity
		if c.plan {
			units = 1
		}
		r.setCost(num{units, 0}, c.payment)
		rows = append(rows, r)
	}
	if c.end < c.termEnd && day == c.end {
		r := a.commitmentRow(c, m, day, actual, "Refund")
		r.frequency = "OneTime"
		r.setOne(c.refund.neg())
		rows = append(rows, r)
	}
	return rows
}

func (a *account) commitmentRow(c *commitment, m *month, day int, ds dataset, charge string) row {
	r := a.special(m, day, ds, c.profile, uint64(10+c.index))
	r.c, r.meter, r.charge, r.model, r.title = c, c.meter, charge, c.model(), c.orderName()
	if r.charge == "Purchase" || r.charge == "Refund" {
		r.sub = c.sub
	}
	if r.sub != nil {
		r.section = r.sub.section
	}
	return r
}

// unused is the part of a commitment's day that no machine used. A fully used one sometimes has a row of quantity 0. What
// rounding the hourly price left over is charged in one hour of the last day.
func (a *account) unused(rows []row, c *commitment, m *month, day int) []row {
	if !c.active(day) {
		return rows
	}
	left := c.reserved()*1_0000 - c.usedAll(day).c
	r := a.commitmentRow(c, m, day, amortized, c.unusedType())
	r.frequency = "UsageBased"
	if day == c.end-1 && !c.remainder.isZero() {
		left -= 1_0000
		last := r
		last.id = mix(r.id)
		last.setOne(c.hourly.amount().add(c.remainder))
		rows = append(rows, last)
	}
	if left > 0 || r.today%10 == 0 {
		r.setCost(num{left, 4}.trim(), c.hourly)
		rows = append(rows, r)
	}
	return rows
}

// enrollmentPurchases are a support plan on the 1st, which the prepayment cannot pay for, and a Marketplace subscription
// on the 3rd.
func (a *account) enrollmentPurchases(rows []row, m *month, day int, ds dataset) []row {
	switch day - m.start {
	case 0:
		r := a.special(m, day, ds, a.profiles[0], 40)
		r.charge, r.model, r.frequency, r.eligible, r.title = "Purchase", "OnDemand", "Recurring", false, "Azure Support - Standard"
		r.unit, r.hasUnit = num{8445, 2}, true
		r.setCost(num{1, 0}, r.unit)
		rows = append(rows, r)
	case 2:
		r := a.marketPurchase(m, day, ds, a.profiles[0], a.subs[0])
		r.frequency = "Recurring"
		rows = append(rows, r)
	}
	return rows
}

// customerPurchases are a one-time Marketplace purchase in the first month, and part of it given back two months later.
func (a *account) customerPurchases(rows []row, m *month, day int, ds dataset) []row {
	switch {
	case m.index == 0 && day == m.start+11:
		r := a.marketPurchase(m, day, ds, a.profiles[0], a.subs[0])
		r.frequency = "OneTime"
		r.instant, r.invoice = true, a.invoiceName(r.profile, 0, true)
		rows = append(rows, r)
	case m.index == 2 && day == m.start+14:
		r := a.marketPurchase(m, day, ds, a.profiles[0], a.subs[0])
		r.charge, r.frequency = "Refund", "OneTime"
		r.previous = a.invoiceName(r.profile, 0, true)
		r.setOne(num{-2500, 2}.amount())
		rows = append(rows, r)
	}
	return rows
}

func (a *account) marketPurchase(m *month, day int, ds dataset, p *profile, s *subscription) row {
	r := a.special(m, day, ds, p, 41)
	r.sub, r.section = s, s.section
	r.offer, r.eligible, r.charge, r.model, r.title = &offers[3], false, "Purchase", "OnDemand", offers[3].name
	r.hasUnit, r.unit = a.kind == customerAgreement, r.offer.price
	r.setCost(num{1, 0}, r.offer.price)
	return r
}

// rounding adds the RoundingAdjustment rows of a month: one for each sum that an invoice or a balance states in cents. The
// amounts follow from actual cost; amortized cost carries the same rows. What is rounded are the true books: in the month of
// the missing day the rows, their rounding and what that day cost come to whole cents, and a restated month keeps the
// rounding of its bill.
func (a *account) rounding(rows []row, m *month, day int, ds dataset) []row {
	t := a.e.totalsOf(a, m.index)
	for i, sum := range t.sums {
		off := sum.amount.round2().sub(sum.amount)
		if off.isZero() {
			continue
		}
		r := a.special(m, day, ds, sum.profile, uint64(60+i))
		r.charge, r.model, r.frequency, r.title = "RoundingAdjustment", "OnDemand", "OneTime", "Rounding Adjustment"
		r.setOne(off)
		if a.kind == customerAgreement {
			r.invoice = a.invoiceName(sum.profile, m.index, sum.immediate)
			r.pricing = off.over(r.rate)
			r.eff, r.cost = r.pricing, off
		} else {
			r.eligible = sum.eligible
			r.offer = sum.offer
		}
		rows = append(rows, r)
	}
	return rows
}
