package azuresim

import "strings"

// A row is one cost record before it is spelled out for an API or a file. Money of the customer agreement is worked out in
// pricing currency (pricing) and turned into billing currency (cost); in the enrollment both are the same.
type row struct {
	a       *account
	ds      dataset
	month   int  // billing month
	billed  int  // month whose invoice bills it
	instant bool // billed at once, by an invoice of its own
	day     int  // usage or purchase day
	line    int  // -1 for charges of no resource
	h       uint64
	today   uint64 // differs by line and day; decides spelling oddities
	profile *profile
	section *section
	sub     *subscription
	meter   *meter
	group   string
	number  uint64
	tags    *tagSet

	q       num
	eff     amount
	unit    num
	payg    num
	hasUnit bool // rows of some kinds have no contract price
	hasPayg bool
	rate    num
	cost    amount
	pricing amount

	charge    string
	model     string
	frequency string
	eligible  bool
	c         *commitment
	offer     *offer // Marketplace
	title     string // product text when it is not the meter's
	invoice   string
	previous  string
	rule      string // of Azure's own cost allocation, which moved the row
	id        uint64
}

// bill sets the cost from an amount in pricing currency.
func (r *row) bill(c amount) {
	r.pricing, r.cost = c, c
	if r.rate.s > 0 {
		r.cost = c.times(r.rate)
	}
}

// setCost bills q units at a price. The product is exact, so cost = quantity × effective price holds for every row.
func (r *row) setCost(q, price num) {
	r.q, r.eff = q, price.amount()
	r.bill(mul(q, price))
}

// setOne bills one unit.
func (r *row) setOne(price amount) {
	r.q, r.eff = num{1, 0}, price
	r.bill(price)
}

// An offer is a Marketplace offer.
type offer struct {
	publisher, name, plan, unit string
	price                       num
}

var offers = [...]offer{
	{"Barracuda Networks, Inc.", "Barracuda CloudGen Firewall", "Hourly", "1 Hour", num{515, 4}},
	{"Datadog, Inc.", "Datadog Pro", "Infra Host", "1 Hour", num{208, 4}},
	{"Palo Alto Networks, Inc.", "VM-Series NGFW", "Bundle 1", "1 Hour", num{1103, 4}},
	{"SendGrid", "SendGrid Email API", "Pro 100K", "1/Month", num{8995, 2}},
}

// A selection is which rows are wanted.
type selection struct {
	a          *account
	ds         dataset
	first      int // billing months, inclusive
	last       int
	from, to   int // epoch days, inclusive; 0, 0 means all
	sub        *subscription
	section    *section
	profile    *profile
	market     bool // only Marketplace
	azure      bool // all but Marketplace
	unrounded  bool // without RoundingAdjustment rows, which are made from the sum of the others
	whole      bool // with the day that the records lack
	billed     bool // as it was billed: nothing is restated
	usageOnly  bool
	resource   string // resource group, folded
	chargeType string // folded
	invoice    string // its name
}

// A position is where a cursor stands. It is all that a page link needs to hold.
type position struct {
	month, day, part, i, k int
}

// The parts of a day. Late rows stand before the first day of an enrollment's month.
const (
	partLate = iota
	partLines
	partSpecial
)

// A cursor walks the rows of a selection in the order the service would list them: by day, resource usage first.
type cursor struct {
	selection
	position
	changes changes
	extra   []row // the late or special rows of the day the cursor is at
	extraAt position
}

func (e *Enterprise) cursor(s selection, at position) *cursor {
	if at.month < s.first {
		at.month = s.first
	}
	return &cursor{selection: s, position: at, changes: e.snapshot(), extraAt: position{month: -1}}
}

// next sets r to the next row.
func (c *cursor) next(r *row) bool {
	for c.month <= c.last {
		m := &c.a.e.months[c.month]
		if c.day >= m.data {
			c.position = position{month: c.month + 1}
			continue
		}
		if c.step(r, m) {
			return true
		}
	}
	return false
}

// step looks at one part of one day and moves on when it is done with it.
func (c *cursor) step(r *row, m *month) bool {
	if c.part == partLines {
		if c.nextLine(r, m) {
			return true
		}
		c.part, c.i, c.k = partSpecial, 0, 0
		return false
	}
	if c.nextExtra(r, m) {
		return true
	}
	if c.part == partLate {
		c.part, c.i, c.k = partLines, 0, 0
	} else {
		c.position = position{month: c.month, day: c.day + 1, part: partLines}
	}
	return false
}

func (c *cursor) outside(day int) bool { return c.to != 0 && (day < c.from || day > c.to) }

// skips tells whether a day has no rows for this cursor.
func (c *cursor) skips(day int) bool { return c.outside(day) || c.a.silent(day) && !c.whole }

func (c *cursor) nextLine(r *row, m *month) bool {
	day := m.start + c.day
	if c.skips(day) {
		return false
	}
	restated := !c.billed && c.a.e.restated[restatedMonth{c.a.key, c.month}]
	change := c.changes.of(c.a, day)
	for ; c.i < c.a.lines; c.i, c.k = c.i+1, 0 {
		if c.sub != nil && c.a.subOf(c.i) != c.sub || c.market && !c.a.isMarket(c.i) {
			continue
		}
		if !c.a.fill(r, c.i, m, day, c.ds, change) || restated && !r.restate() || !c.wanted(r) {
			continue
		}
		if c.k == 0 && c.a.twin(c.i) {
			c.k = 1 // the same row once more
			return true
		}
		c.i, c.k = c.i+1, 0
		return true
	}
	return false
}

func (c *cursor) nextExtra(r *row, m *month) bool {
	here := position{month: c.month, day: c.day, part: c.part}
	if c.extraAt != here {
		c.extra, c.extraAt = c.extra[:0], here
		if c.part == partLate {
			c.extra = c.a.lateRows(c.extra, m, c.ds)
		} else if day := m.start + c.day; !c.skips(day) {
			c.extra = c.a.specialRows(c.extra, m, day, c.ds, c.unrounded)
		}
	}
	for c.i < len(c.extra) {
		*r = c.extra[c.i]
		c.i++
		if !c.outside(r.day) && c.wanted(r) {
			return true
		}
	}
	return false
}

func (c *cursor) wanted(r *row) bool {
	switch {
	case c.sub != nil && r.sub != c.sub,
		c.section != nil && r.section != c.section,
		c.profile != nil && r.profile != c.profile,
		c.market && r.offer == nil,
		c.azure && r.offer != nil,
		c.usageOnly && r.charge != "Usage",
		c.chargeType != "" && !strings.EqualFold(r.charge, c.chargeType),
		c.invoice != "" && r.invoice != c.invoice,
		c.resource != "" && !strings.EqualFold(r.group, c.resource):
		return false
	}
	return true
}

// silent tells whether an account's records have no rows on a day, though it was used and is billed: the planted missing day.
func (a *account) silent(day int) bool {
	return a.kind == enterpriseAgreement && day == a.e.plan.missing
}

// twin tells whether line i is charged twice in rows that are alike in every byte. They are two charges, not one.
func (a *account) twin(i int) bool { return i%97 == 9 }

func (a *account) subOf(i int) *subscription {
	if i < len(a.core) {
		return a.core[i].sub
	}
	if a.shares(i) {
		return a.hub
	}
	return a.subs[i%len(a.subs)]
}

func (a *account) isMarket(i int) bool {
	if i < len(a.core) {
		return a.core[i].market
	}
	return i%50 == 8 && !a.shares(i)
}

// meterOf draws the meter of a line: four times in five in the home region of its subscription.
func (a *account) meterOf(i int, h uint64, s *subscription) *meter {
	if i < len(a.core) {
		return a.core[i].meter
	}
	r := s.region
	if h>>32%5 == 0 {
		r = &regions[h>>36%uint64(len(regions))]
	}
	if a.shares(i) {
		return a.sharedMeter(i)
	}
	p := int(h >> 8 % uint64(drawn))
	for j := range regions {
		if &regions[j] == r {
			return a.e.meters[p*len(regions)+j]
		}
	}
	return a.e.meters[p*len(regions)]
}

// alive tells whether a line exists on a day: most do all the time, some are created or deleted within the window.
func (a *account) alive(i int, h uint64, day int) bool {
	if i < len(a.core) || a.shares(i) {
		return true
	}
	age := day - a.e.months[0].start
	turn := int(h >> 20 % 400)
	switch h >> 44 % 100 {
	case 0, 1, 2, 3, 4, 5, 6:
		return age >= turn
	case 7, 8, 9, 10:
		return age < turn+20
	}
	return true
}

// base sets what all rows of line i share.
func (a *account) base(r *row, i int, m *month, day int, ds dataset) {
	h := mix2(a.seed, uint64(i)<<20|0xabc)
	s := a.subOf(i)
	*r = row{a: a, ds: ds, month: m.index, billed: m.index, day: day, line: i, h: h, today: mix2(h, uint64(day)), sub: s, section: s.section, profile: s.section.profile}
	r.rate = r.profile.rate(m.index)
	r.meter = a.meterOf(i, h, s)
	r.group = s.groups[h>>52%4]
	r.number = h >> 12 % uint64(a.lines/3+7) // names repeat across resource groups
	r.tags = tagsOf(h)
	if a.shares(i) {
		r.group, r.tags = s.groups[0], &sharedTags
	}
	r.charge, r.model, r.frequency, r.eligible = "Usage", "OnDemand", "UsageBased", true
	r.invoice = a.invoiceName(r.profile, m.index, false)
	r.id = r.today
	if mix(uint64(i>>2))%10 == 0 {
		r.id = mix2(a.seed^uint64(i>>2), uint64(day)) // one id on four different charges, as real pages have it
	}
}

func (p *profile) rate(month int) num {
	if p.rates == nil {
		return num{1, 0}
	}
	return p.rates[min(month, len(p.rates)-1)]
}

// fill makes the row of line i on a day, or reports that there is none.
func (a *account) fill(r *row, i int, m *month, day int, ds dataset, change change) bool {
	a.base(r, i, m, day, ds)
	if !a.alive(i, r.h, day) || change.hide && i >= len(a.core) && i%3 == 1 {
		return false
	}
	if a.isMarket(i) {
		return r.fillMarket()
	}
	if i < len(a.core) && a.core[i].commitment != nil {
		return r.fillCovered(a.core[i].commitment)
	}
	q, ok := r.quantity(m, change)
	if !ok {
		return false
	}
	r.setPrices(m)
	r.exchange()
	r.setCost(q, r.unit)
	r.shorten()
	return true
}

// setPrices sets contract and list price of the row's meter.
func (r *row) setPrices(m *month) {
	r.hasUnit, r.hasPayg = true, true
	r.unit, r.payg = r.a.billedPrice(r.profile, r.meter, m.index), r.meter.usdPay[m.index]
	if r.a.kind == enterpriseAgreement {
		r.payg = r.meter.eurPay[m.index]
	}
}

// fillMarket makes a Marketplace usage row: no meter, no product, no list price, and in the enrollment no unit price.
func (r *row) fillMarket() bool {
	r.offer, r.eligible = &offers[r.h>>16%3], false
	r.meter = r.a.e.meters[0]
	r.hasUnit = r.a.kind == customerAgreement
	r.unit = r.offer.price
	r.setCost(num{24, 0}, r.offer.price)
	return true
}

// fillCovered makes the row of a machine that a commitment covers: free in actual cost, at the prorated price in amortized.
func (r *row) fillCovered(c *commitment) bool {
	m := &r.a.e.months[r.month]
	r.setPrices(m)
	if !c.active(r.day) {
		r.setCost(num{r.a.coreHours(r.line, r.day), 4}.trim(), r.unit)
		return true
	}
	r.c, r.model = c, c.model()
	price := num{}
	if r.ds == amortized {
		price = c.hourly
	}
	r.setCost(num{c.used(r.line, r.day), 4}.trim(), price)
	if !c.plan {
		r.hasPayg = false
		r.hasUnit = r.a.kind == enterpriseAgreement
	}
	return true
}

// quantity is what a drawn line uses on a day.
func (r *row) quantity(m *month, change change) (num, bool) {
	p := r.meter.product
	weekend := (r.day+4)%7 == 0 || (r.day+4)%7 == 6
	switch p.runs {
	case daily:
		return num{1, 0}, true
	case monthShare:
		units := p.low + int64(r.h>>28%uint64(p.high))
		return num{units * 1e12 / int64(m.length), 12}, true
	case hourly:
		return r.hours(weekend)
	}
	span := uint64(p.high-p.low) >> (r.h >> 24 & 7)
	level := p.low + int64(r.h>>3%(span+1))
	level = level * int64(920+r.today%161) / 1000
	if weekend {
		level = level * 85 / 100
	}
	level = level * int64(1000+min(15*m.index, 900)) / 1000
	if r.day == r.a.e.plan.spike && r.sub == r.a.e.plan.spikeSub && p.category == r.a.e.plan.spikeService {
		level *= spikeFactor
	}
	if change.restate {
		level = level * 3 / 2
	}
	return num{max(level, 1), p.scale}.trim(), true
}

// hours runs machines of dev subscriptions by day on workdays, all else around the clock but for the odd restart.
func (r *row) hours(weekend bool) (num, bool) {
	switch {
	case r.meter.category != "Virtual Machines":
		return num{24, 0}, true
	case r.sub.index%3 == 2:
		return num{9_0000 + int64(r.today>>9%2_0000), 4}.trim(), !weekend
	case r.today>>40%12 == 0:
		return num{18_0000 + int64(r.today>>9%6_0000), 4}.trim(), true
	}
	return num{24, 0}, true
}
