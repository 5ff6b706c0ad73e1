package azuresim

import (
	"bytes"
	"strings"
)

// A column is one field of a row, under the name it has in one API or file.
type column struct {
	name string
	kind kind
	text func(*row, []byte) []byte // appends the value, or nothing for an empty one
}

// A kind is how a field is quoted, and what an empty one looks like in JSON.
type kind uint8

const (
	free     kind = iota // any text
	word                 // text that never needs quoting
	optional             // any text; the JSON row has no such key when it is empty
	number               // the JSON row has no such key when it is empty
	date
	boolean
	verbatim // JSON as it stands
)

func always(s string) func(*row, []byte) []byte {
	return func(_ *row, b []byte) []byte { return append(b, s...) }
}

// odd is true of one row in eight, a different one for each bit: ids change their spelling from row to row.
func (r *row) odd(bit uint) bool { return r.today>>bit&7 == 0 }

func (r *row) exponent() bool { return r.today&1 == 0 }

func (r *row) metered() bool {
	return r.meter != nil && r.offer == nil && !(r.c != nil && r.c.plan && r.line < 0)
}

func (r *row) ownBenefit() bool { return r.c != nil && r.line < 0 }

func appendSubscription(r *row, b []byte) []byte {
	if r.sub == nil {
		return b
	}
	if r.odd(3) {
		return append(b, r.sub.upper...)
	}
	return append(b, r.sub.id...)
}

func appendSubscriptionJSON(r *row, b []byte) []byte {
	if r.sub == nil {
		return append(b, "00000000-0000-0000-0000-000000000000"...)
	}
	return appendSubscription(r, b)
}

func appendSubscriptionName(r *row, b []byte) []byte {
	if r.sub == nil {
		return b
	}
	return append(b, r.sub.name...)
}

func appendGroup(r *row, b []byte) []byte {
	if r.odd(6) {
		return append(b, strings.ToUpper(r.group)...)
	}
	return append(b, r.group...)
}

func appendResourceName(r *row, b []byte) []byte {
	if r.line < 0 {
		return b
	}
	b = append(b, r.meter.kind[:2]...)
	return appendPadded(append(b, '-'), r.number, 5)
}

func appendResourceID(r *row, b []byte) []byte {
	if r.line < 0 {
		if r.c != nil && r.charge == "Purchase" && !r.c.plan {
			return append(b, r.c.benefitID("")...)
		}
		return b
	}
	b = append(b, "/subscriptions/"...)
	b = appendSubscription(r, b)
	if r.odd(9) {
		b = append(b, "/resourcegroups/"...)
	} else {
		b = append(b, "/resourceGroups/"...)
	}
	b = appendGroup(r, b)
	b = append(append(append(b, "/providers/"...), r.meter.provider...), '/')
	b = append(append(b, r.meter.kind...), '/')
	return appendResourceName(r, b)
}

func appendDay(r *row, b []byte) []byte { return append(b, r.a.e.text(r.day).stamp...) }

func appendDayUS(r *row, b []byte) []byte { return append(b, r.a.e.text(r.day).us...) }

func appendDayISO(r *row, b []byte) []byte { return append(b, r.a.e.text(r.day).iso...) }

func (r *row) period() *month { return &r.a.e.months[r.month] }

func (r *row) periodStart() *dayText { return r.a.e.text(r.period().start) }

func (r *row) periodEnd() *dayText { return r.a.e.text(r.period().last()) }

func appendProduct(r *row, b []byte) []byte {
	switch {
	case r.title != "":
		return append(b, r.title...)
	case r.offer != nil:
		if r.a.kind == enterpriseAgreement {
			return b
		}
		return append(b, r.offer.name...)
	case r.meter != nil:
		return append(b, r.meter.title...)
	}
	return b
}

// ofMeter appends a field of the row's meter, when it has one.
func ofMeter(field func(*meter) string) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte {
		if !r.metered() {
			return b
		}
		return append(b, field(r.meter)...)
	}
}

func appendUnit(r *row, b []byte) []byte {
	switch {
	case r.offer != nil:
		return append(b, r.offer.unit...)
	case r.meter != nil:
		return append(b, r.meter.unit...)
	}
	return append(b, "1/Month"...)
}

// category is the row's meter category, or what stands in its place.
func (r *row) category() string {
	switch {
	case r.offer != nil && r.a.kind == customerAgreement:
		return "Marketplace"
	case r.c != nil && r.c.plan && r.line < 0:
		return "Savings Plan"
	case r.metered():
		return r.meter.category
	}
	return ""
}

func appendCategory(r *row, b []byte) []byte { return append(b, r.category()...) }

func appendQuantity(r *row, b []byte) []byte { return appendNum(b, r.q, r.exponent()) }

func appendEffective(r *row, b []byte) []byte { return appendAmount(b, r.eff, r.exponent()) }

func appendCost(r *row, b []byte) []byte { return appendAmount(b, r.cost, r.exponent()) }

func appendUnitPrice(r *row, b []byte) []byte {
	if r.hasUnit {
		return appendNum(b, r.unit, r.exponent())
	}
	if r.a.kind == enterpriseAgreement {
		return append(b, '0')
	}
	return b
}

func appendPayG(r *row, b []byte) []byte {
	if r.hasPayg {
		return appendNum(b, r.payg, r.exponent())
	}
	return append(b, '0')
}

func appendPricing(r *row, b []byte) []byte { return appendAmount(b, r.pricing, r.exponent()) }

func (r *row) paygCost() amount {
	if !r.hasPayg {
		return amount{}
	}
	return mul(r.q, r.payg)
}

func appendPayGCost(r *row, b []byte) []byte { return appendAmount(b, r.paygCost(), r.exponent()) }

func appendPayGCostBilling(r *row, b []byte) []byte {
	c := r.paygCost()
	if r.rate.s > 0 {
		c = c.times(r.rate)
	}
	return appendAmount(b, c, r.exponent())
}

func appendLocation(r *row, b []byte) []byte {
	if r.line < 0 {
		return b
	}
	if r.odd(12) {
		return append(b, r.meter.region.raw...)
	}
	return append(b, r.meter.region.arm...)
}

func appendService(r *row, b []byte) []byte {
	switch {
	case r.offer != nil:
		if r.a.kind == customerAgreement {
			return append(b, "Microsoft.SaaS"...)
		}
		return b
	case r.ownBenefit() && r.c.plan:
		return append(b, "Microsoft.BillingBenefits"...)
	case r.ownBenefit():
		return append(b, "Microsoft.Capacity"...)
	case r.meter != nil:
		return append(b, r.meter.provider...)
	}
	return b
}

// appendInfo writes AdditionalInfo, a JSON text. For covered machines it names the reservation and its ratio.
func appendInfo(r *row, b []byte) []byte {
	if r.line < 0 || r.meter.sku == "" || r.offer != nil {
		return b
	}
	b = append(b, `{"UsageType":"ComputeHR","ImageType":"Canonical","ServiceType":"`...)
	b = append(b, r.meter.sku...)
	b = append(b, `","VMName":"`...)
	b = appendResourceName(r, b)
	b = append(b, `","VMProperties":null,"VCPUs":2`...)
	if r.c != nil && !r.c.plan {
		b = append(b, `,"ReservationOrderId":"`...)
		b = append(b, r.c.order...)
		b = append(b, `","ReservationId":"`...)
		b = append(b, r.c.id...)
		b = append(b, `","RINormalizationRatio":"1","ConsumedMeter":"`...)
		b = append(append(b, r.meter.id...), '"')
	}
	return append(b, '}')
}

func appendTagText(r *row, b []byte) []byte { return append(b, r.tags.text...) }

func appendTagObject(r *row, b []byte) []byte {
	if r.tags.empty {
		return append(b, "null"...)
	}
	return append(b, r.tags.object...)
}

func ofSection(field func(*section) string) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte {
		if r.section == nil {
			return b
		}
		return append(b, field(r.section)...)
	}
}

func ofReservation(field func(*commitment) string) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte {
		if r.c == nil || r.c.plan {
			return b
		}
		return append(b, field(r.c)...)
	}
}

func ofBenefit(field func(*commitment) string) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte {
		if r.c == nil {
			return b
		}
		return append(b, field(r.c)...)
	}
}

func appendBenefit(r *row, b []byte) []byte {
	if r.c == nil {
		return b
	}
	tail := r.c.id
	if r.charge == "Purchase" && !r.c.plan {
		tail = ""
	}
	return append(b, r.c.benefitID(tail)...)
}

func appendOrder(r *row, b []byte) []byte {
	if r.c != nil {
		return append(b, r.c.order...)
	}
	if r.a.kind == customerAgreement {
		return appendGUID(b, r.a.seed+uint64(r.profile.index))
	}
	return b
}

func appendOrderName(r *row, b []byte) []byte {
	if r.c != nil {
		return append(b, r.c.orderName()...)
	}
	if r.a.kind == customerAgreement {
		return append(b, "Microsoft Azure Plan"...)
	}
	return b
}

func appendTerm(r *row, b []byte) []byte {
	if r.c == nil {
		return b
	}
	return append(b, r.c.term()...)
}

func appendPublisher(r *row, b []byte) []byte {
	switch {
	case r.offer != nil && r.charge != "RoundingAdjustment":
		return append(b, r.offer.publisher...)
	case r.c != nil:
		return b // the service leaves it out on commitment rows
	}
	return append(b, "Microsoft"...)
}

func appendPublisherType(r *row, b []byte) []byte {
	switch {
	case r.offer != nil:
		return append(b, "Marketplace"...)
	case r.a.kind == customerAgreement:
		return append(b, "Microsoft"...)
	}
	return append(b, "Azure"...)
}

func appendPlan(r *row, b []byte) []byte {
	if r.offer == nil || r.charge == "RoundingAdjustment" {
		return b
	}
	return append(b, r.offer.plan...)
}

func appendOffer(r *row, b []byte) []byte {
	if r.sub == nil || r.offer != nil {
		return b
	}
	return append(b, r.sub.offer...)
}

// appendModel writes the pricing model as files do; REST rows say "On Demand", with a space.
func appendModel(r *row, b []byte) []byte { return append(b, r.model...) }

func appendModelREST(r *row, b []byte) []byte {
	if r.model == "OnDemand" {
		return append(b, "On Demand"...)
	}
	return append(b, r.model...)
}

func appendEligible(yes, no string) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte {
		if r.eligible {
			return append(b, yes...)
		}
		return append(b, no...)
	}
}

// appendFields writes the columns of a row as members of a JSON object, without its braces.
func (w *writer) appendFields(r *row, columns []column) {
	first := true
	for i := range columns {
		c := &columns[i]
		w.tmp = c.text(r, w.tmp[:0])
		if len(w.tmp) == 0 && (c.kind == optional || c.kind == number) {
			continue
		}
		if !first {
			w.buf = append(w.buf, ',')
		}
		first = false
		w.buf = append(append(append(w.buf, '"'), c.name...), '"', ':')
		w.appendValue(c.kind, w.tmp)
	}
}

func (w *writer) appendValue(k kind, text []byte) {
	switch k {
	case number, boolean, verbatim:
		w.buf = append(w.buf, text...)
	case word, date:
		w.buf = append(append(append(w.buf, '"'), text...), '"')
	default:
		w.buf = appendQuoted(w.buf, text)
	}
}

// appendQuoted writes a JSON string.
func appendQuoted(b, text []byte) []byte {
	b = append(b, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// A writer holds the buffers that rows are spelled out in.
type writer struct {
	buf []byte
	tmp []byte
}

// appendCSV writes a row as a line of a file, quoting as RFC 4180 says.
func (w *writer) appendCSV(r *row, columns []column) {
	for i := range columns {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		c := &columns[i]
		start := len(w.buf)
		w.buf = c.text(r, w.buf)
		if c.kind <= optional && c.kind != word {
			w.quoteFrom(start)
		}
	}
	w.buf = append(w.buf, '\r', '\n')
}

// quoteFrom puts the text from start on in quotes if it must be.
func (w *writer) quoteFrom(start int) {
	if bytes.IndexByte(w.buf[start:], '"') < 0 && bytes.IndexByte(w.buf[start:], ',') < 0 && bytes.IndexByte(w.buf[start:], '\n') < 0 {
		return
	}
	w.tmp = append(w.tmp[:0], w.buf[start:]...)
	w.buf = append(w.buf[:start], '"')
	for _, c := range w.tmp {
		if c == '"' {
			w.buf = append(w.buf, '"')
		}
		w.buf = append(w.buf, c)
	}
	w.buf = append(w.buf, '"')
}
