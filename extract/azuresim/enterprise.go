package azuresim

import (
	"fmt"
	"strings"
)

// An agreement decides the shape of an account's rows: legacy or modern, PascalCase or camelCase files.
type agreement uint8

const (
	enterpriseAgreement agreement = iota
	customerAgreement
)

// A dataset is one of the two views of cost. They are never added together.
type dataset uint8

const (
	actual dataset = iota
	amortized
)

func (d dataset) String() string { return [...]string{"actual", "amortized"}[d] }

// An account is a billing account with all that hangs under it.
type account struct {
	e           *Enterprise
	key         string // ea or mca
	kind        agreement
	id          string
	path        string
	name        string
	profiles    []*profile
	sections    []*section
	subs        []*subscription
	lines       int
	core        []coreLine
	commitments []*commitment
	hub         *subscription // what the others share, of the enrollment
	seed        uint64
	names       [][][2]string // invoice names by profile and month: monthly, immediate
}

// A profile is a billing profile: what one invoice is for. The enrollment has one, itself.
type profile struct {
	index    int
	id       string
	path     string
	name     string
	currency string
	taxBasis int64 // tax in hundredths of a per cent
	rates    []num // pricing currency → billing currency, by month; constant within an invoice month
}

// A section is a department (EA) or an invoice section (MCA).
type section struct {
	index   int
	id      string
	path    string
	name    string
	center  string
	account string // EA enrollment account name
	owner   string
	profile *profile
}

type subscription struct {
	index   int
	id      string
	upper   string
	name    string
	section *section
	region  *region
	offer   string
	groups  []string
}

const (
	offerStandard = "MS-AZR-0017P"
	offerDevTest  = "MS-AZR-0148P"
)

// setAccounts sizes the two accounts: 14 subscriptions for a small enterprise, 40 for a large one, and about three rows
// in five in the enrollment.
func (e *Enterprise) setAccounts() {
	eaSubs, mcaSubs := 8, 6
	if e.config.Rows >= 5_000 {
		eaSubs, mcaSubs = 14, 10
	}
	if e.config.Rows >= 100_000 {
		eaSubs, mcaSubs = 24, 16
	}
	perDay := e.config.Rows * 10 / 290 // a line has a row on about 29 days of a month
	e.ea = &account{
		e: e, key: "ea", kind: enterpriseAgreement, id: EnrollmentID, path: EnrollmentPath,
		name: "Contoso Group AG", seed: mix2(e.seed, 1), lines: max(perDay*6/10-1, 10),
	}
	e.mca = &account{
		e: e, key: "mca", kind: customerAgreement, id: CustomerID, path: CustomerPath,
		name: "Contoso Digital Ltd", seed: mix2(e.seed, 2), lines: max(perDay*4/10-1, 7),
	}
	e.ea.profiles = []*profile{{id: EnrollmentID, path: EnrollmentPath, name: e.ea.name, currency: "EUR", taxBasis: 2100}}
	e.mca.profiles = []*profile{e.mca.makeProfile(0, "Contoso UK", "GBP", 2000), e.mca.makeProfile(1, "Contoso Americas", "USD", 825)}
	e.ea.addSections("Retail Banking", "Insurance", "Platform", "Data & Analytics", "Corporate IT")
	e.mca.addSections("Web Shops", "Logistics", "Store Systems", "Research")
	e.ea.addSubscriptions(eaSubs)
	e.mca.addSubscriptions(mcaSubs)
	e.ea.setHub()
}

func (a *account) makeProfile(index int, name, currency string, taxBasis int64) *profile {
	p := &profile{index: index, id: code(mix2(a.seed, uint64(100+index))), name: name, currency: currency, taxBasis: taxBasis}
	p.path = a.path + "/billingProfiles/" + p.id
	for _, m := range a.e.months {
		rate := num{1, 0}
		if currency != "USD" {
			// A rate of ten digits near 0.78, as the service prints it.
			rate = num{7_800_000_000 + int64(mix2(a.seed, uint64(m.year*12+m.number))%160_000_000), 10}
		}
		p.rates = append(p.rates, rate)
	}
	return p
}

func (a *account) addSections(names ...string) {
	for i, name := range names {
		s := &section{index: i, name: name, profile: a.profiles[i*len(a.profiles)/len(names)]}
		s.center = fmt.Sprintf("CC%04d", 1000+mix2(a.seed, uint64(200+i))%9000)
		s.account = "Cloud " + strings.Fields(name)[0]
		s.owner = "cloud-" + strings.ToLower(strings.Fields(name)[0]) + "@contoso.example"
		if a.kind == enterpriseAgreement {
			s.id = fmt.Sprint(84000 + mix2(a.seed, uint64(300+i))%900)
			s.path = a.path + "/departments/" + s.id
		} else {
			s.id = code(mix2(a.seed, uint64(300+i)))
			s.path = s.profile.path + "/invoiceSections/" + s.id
		}
		a.sections = append(a.sections, s)
	}
}

var subscriptionNames = []string{"Payments", "Claims", "Core Network", "Lakehouse", "Intranet", "Sandbox", "Identity", "Checkout", "Tracking", "Tills", "Labs"}

func (a *account) addSubscriptions(count int) {
	for i := range count {
		h := mix2(a.seed, uint64(400+i))
		s := &subscription{index: i, id: guid(h), section: a.sections[i%len(a.sections)], region: &regions[h%uint64(len(regions))]}
		s.upper = strings.ToUpper(s.id)
		stage := []string{"prod", "test", "dev"}[i%3]
		s.name = subscriptionNames[int(h>>8%11)%len(subscriptionNames)] + " " + stage
		if i == 3 {
			s.name = a.subs[0].name // two subscriptions of one name: a name is no key
		}
		s.offer = offerStandard
		if a.kind == enterpriseAgreement && i%5 == 2 {
			s.offer = offerDevTest
		}
		for g := range 4 {
			s.groups = append(s.groups, fmt.Sprintf("rg-%s-%s-%02d", strings.ToLower(subscriptionNames[int(mix2(h, uint64(g))%11)]), stage, g))
		}
		a.subs = append(a.subs, s)
	}
}

// plan is where and when the known faults are planted. Indices count from the first month, so that a fault stays where it
// is when the window grows; a short window takes the last closed month instead. -1 is nowhere.
type plan struct {
	unbalanced   int // month whose EA balance exceeds its rows by unbalancedBy
	overbilled   int // month in which overbilledMeter is charged 7 % above the sheet
	missing      int // epoch day without any row of the enrollment
	missingMonth int
	spike        int // epoch day on which one subscription's one service costs spikeFactor times
	spikeMonth   int
	spikeSub     *subscription
	spikeService string
	overMeter    *meter
	digital      int // month in which digitalMeter is charged 12 % above the customer agreement's sheet
	digitalMeter *meter
	short        int // month on some days of which the enrollment is charged for more than the rows say was used
	exchange     int // month on some days of which the customer agreement converts at another rate
	rebilled     int // month whose invoice of the customer agreement's second profile was wrong
}

const spikeFactor = 12

var unbalancedBy = cents(12345)

func (e *Enterprise) makePlan() plan {
	p := plan{unbalanced: -1, overbilled: -1, missing: -1, missingMonth: -1, spike: -1, spikeMonth: -1, digital: -1, short: -1, exchange: -1, rebilled: -1}
	closed := 0
	for _, m := range e.months {
		if m.closed {
			closed++
		}
	}
	p.spikeSub, p.spikeService = e.ea.subs[1], "Bandwidth"
	p.overMeter, p.digitalMeter = e.meterNamed("100 RU/s", "westeurope"), e.meterNamed("vCore", "eastus")
	if closed == 0 {
		return p
	}
	at := func(month int) int { return min(month, closed-1) }
	p.overbilled, p.spikeMonth, p.digital, p.short, p.exchange = at(1), at(2), at(2), at(2), at(1)
	p.spike = e.months[p.spikeMonth].start + 16
	if !e.config.Balanced {
		p.unbalanced = 0
	}
	if !e.config.Complete {
		p.setMissing(e, at(1))
	}
	if closed > 1 && e.asOf >= e.rebillDay(at(2)) {
		p.rebilled = at(2)
	}
	return p
}

// setMissing takes the rows of the 25th from a month; in the first month those of the 5th, before anything is bought, so
// that every commitment still adds up.
func (p *plan) setMissing(e *Enterprise, month int) {
	p.missingMonth, p.missing = month, e.months[month].start+24
	if month == 0 {
		p.missing = e.months[0].start + 4
	}
}
