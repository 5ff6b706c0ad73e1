package azuresim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
)

// TruthFormat is the format number of truth.json.
const TruthFormat = 1

// Truth is what the enterprise's books say. Amounts are decimals as text, in billing currency, before tax unless a name
// says otherwise. cost is the sum of the rows' costs, each rounded half to even at the 18th digit as a DECIMAL(38, 18)
// holds it; costExact is the sum of the costs as served, which can have 21.
type Truth struct {
	Format      int                 `json:"format"`
	Seed        uint64              `json:"seed"`
	Months      int                 `json:"months"`
	Rows        int                 `json:"rows"`
	AsOf        string              `json:"asOf"`
	DataTo      string              `json:"dataCompleteTo"`
	Accounts    []TruthAccount      `json:"accounts"`
	Faults      TruthFaults         `json:"faults"`
	Periods     []TruthPeriod       `json:"periods"`
	Subs        []TruthSubscription `json:"subscriptions"`
	Days        []TruthDay          `json:"days"`
	Services    []TruthService      `json:"services"`
	MonthToDate []TruthToDate       `json:"monthToDate"`
	Commitments []TruthCommitment   `json:"commitments"`
	Invoices    []TruthInvoice      `json:"invoices"`
	Balances    []TruthBalance      `json:"balances"`

	LateCharges  []TruthLate        `json:"lateCharges"`
	Timings      []TruthTiming      `json:"purchaseTimings"`
	Rebills      []TruthRebill      `json:"rebills"`
	Refunds      []TruthRefund      `json:"refunds"`
	Groups       []TruthGroup       `json:"resourceGroups"`
	Allocations  []TruthAllocation  `json:"costAllocations"`
	Restatements []TruthRestatement `json:"restatements"`
	Payg         *TruthPayg         `json:"payAsYouGo"`
}

// TruthAccount is a billing account.
type TruthAccount struct {
	Account       string         `json:"account"`
	ID            string         `json:"id"`
	Scope         string         `json:"scope"`
	Agreement     string         `json:"agreement"`
	Profiles      []TruthProfile `json:"profiles"`
	Subscriptions []TruthSub     `json:"subscriptions"`
}

// TruthProfile is a billing profile; the enrollment counts as its own.
type TruthProfile struct {
	ID       string            `json:"id"`
	Scope    string            `json:"scope"`
	Name     string            `json:"name"`
	Currency string            `json:"currency"`
	Rates    map[string]string `json:"exchangeRates"` // by period, pricing to billing currency
}

// TruthSub is a subscription.
type TruthSub struct {
	ID         string `json:"subscriptionId"`
	Name       string `json:"name"`
	Section    string `json:"section"`
	CostCenter string `json:"costCenter"`
	Currency   string `json:"currency"`
}

// TruthFaults are the planted faults. One that had no room in the window is null.
type TruthFaults struct {
	OverbilledMeter  *TruthOverbilled `json:"overbilledMeter"`
	MissingDay       *TruthMissing    `json:"missingDay"`
	Spike            *TruthSpike      `json:"spike"`
	IdleReservation  *TruthIdle       `json:"idleReservation"`
	UnbalancedPeriod *TruthUnbalanced `json:"unbalancedPeriod"`
	Misprint         *TruthMisprint   `json:"misprint"`

	OverbilledDigital *TruthOverbilled `json:"overbilledCustomerMeter"` // of the customer agreement
	ShortQuantity     *TruthQuantity   `json:"shortQuantity"`
	ExchangeRate      *TruthExchange   `json:"exchangeRate"`
}

// TruthMisprint is an invoice whose document states another total than the API.
type TruthMisprint struct {
	Account  string `json:"account"`
	Invoice  string `json:"invoice"`
	Period   string `json:"period"`
	Currency string `json:"currency"`
	Total    string `json:"totalAmount"`
	Printed  string `json:"printedTotal"`
}

// TruthOverbilled is a meter whose rows are priced above the price sheet for a month. Prices and costs are in pricing
// currency; in the customer agreement the meter is over-billed in the profile whose currency is the same.
type TruthOverbilled struct {
	Account     string `json:"account"`
	Scope       string `json:"scope"`
	Period      string `json:"period"`
	MeterID     string `json:"meterId"`
	Meter       string `json:"meterName"`
	Category    string `json:"meterCategory"`
	Region      string `json:"meterRegion"`
	Unit        string `json:"unitOfMeasure"`
	Currency    string `json:"currency"`
	SheetPrice  string `json:"sheetPrice"`
	BilledPrice string `json:"billedPrice"`
	Rows        int64  `json:"rows"`
	Quantity    string `json:"quantity"`
	Billed      string `json:"billedCost"`
	Sheet       string `json:"sheetCost"`
	Overcharge  string `json:"overcharge"`
}

// TruthMissing is a day without any row of an account, though it was used and is billed. Eligible, Separate and Marketplace
// are the parts of Cost as the balance has them.
type TruthMissing struct {
	Account     string `json:"account"`
	Scope       string `json:"scope"`
	Period      string `json:"period"`
	Day         string `json:"day"`
	Invoice     string `json:"invoice"`
	Currency    string `json:"currency"`
	Rows        int64  `json:"rows"` // of actual cost
	Cost        string `json:"cost"`
	Amortized   string `json:"amortizedCost"`
	Eligible    string `json:"eligibleCost"`
	Separate    string `json:"separateCost"`
	Marketplace string `json:"marketplaceCost"`
}

// TruthSpike is a day on which one service of one subscription costs Factor times what it would have.
type TruthSpike struct {
	Account      string `json:"account"`
	Scope        string `json:"scope"`
	Period       string `json:"period"`
	Day          string `json:"day"`
	Subscription string `json:"subscriptionId"`
	Service      string `json:"meterCategory"`
	Currency     string `json:"currency"`
	Factor       int64  `json:"factor"`
	Cost         string `json:"cost"`
	Expected     string `json:"expectedCost"`
}

// TruthIdle is a reservation that nothing ever uses.
type TruthIdle struct {
	Account     string `json:"account"`
	Scope       string `json:"scope"`
	Order       string `json:"reservationOrderId"`
	Reservation string `json:"reservationId"`
	Reserved    string `json:"reservedHours"`
	Used        string `json:"usedHours"`
	UnusedCost  string `json:"unusedCost"` // amortized, over the window
	Currency    string `json:"currency"`
}

// TruthUnbalanced is the period whose balance exceeds its rows.
type TruthUnbalanced struct {
	Account  string `json:"account"`
	Scope    string `json:"scope"`
	Period   string `json:"period"`
	Currency string `json:"currency"`
	Amount   string `json:"amount"` // in balances.serviceOverage, totalOverage, totalUsage and in the invoice
}

// TruthSum is a sum over rows.
type TruthSum struct {
	Rows  int64  `json:"rows"`
	Cost  string `json:"cost"`
	Exact string `json:"costExact"`
}

// TruthDataset is a dataset of a period and currency. Each of its parts is a cut of the whole.
type TruthDataset struct {
	TruthSum
	Pricing     string              `json:"costInPricingCurrency"`
	Charges     map[string]TruthSum `json:"chargeTypes"`
	Marketplace TruthSum            `json:"marketplace"`
	Untagged    TruthSum            `json:"untagged"` // no tags at all
	NoOwner     TruthSum            `json:"withoutOwner"`
	Late        TruthSum            `json:"lateCharges"`
	MinDate     string              `json:"minDate"`
	MaxDate     string              `json:"maxDate"`
}

// TruthPeriod is a billing period of an account in one currency; the customer agreement has one for each billing profile.
type TruthPeriod struct {
	Account   string       `json:"account"`
	Scope     string       `json:"scope"`
	Profile   string       `json:"billingProfileId"`
	Period    string       `json:"period"`
	Currency  string       `json:"currency"`
	Closed    bool         `json:"closed"`
	Actual    TruthDataset `json:"actual"`
	Amortized TruthDataset `json:"amortized"`
}

// TruthSubscription is a subscription's month. An empty id stands for charges of no subscription.
type TruthSubscription struct {
	Account      string   `json:"account"`
	Subscription string   `json:"subscriptionId"`
	Period       string   `json:"period"`
	Currency     string   `json:"currency"`
	Actual       TruthSum `json:"actual"`
	Amortized    TruthSum `json:"amortized"`
}

// TruthDay is an account's day in one currency, by usage date.
type TruthDay struct {
	Account   string   `json:"account"`
	Day       string   `json:"day"`
	Currency  string   `json:"currency"`
	Actual    TruthSum `json:"actual"`
	Amortized TruthSum `json:"amortized"`
}

// TruthService is a meter category's month; an empty one is charges that have none.
type TruthService struct {
	Account   string   `json:"account"`
	Period    string   `json:"period"`
	Service   string   `json:"meterCategory"`
	Currency  string   `json:"currency"`
	Actual    TruthSum `json:"actual"`
	Amortized TruthSum `json:"amortized"`
}

// TruthToDate compares the open month with the month before at the same number of days. An empty subscription is the
// whole account in that currency.
type TruthToDate struct {
	Account      string `json:"account"`
	Subscription string `json:"subscriptionId"`
	Currency     string `json:"currency"`
	Period       string `json:"period"`
	Days         int    `json:"days"`
	Actual       string `json:"actual"`
	Amortized    string `json:"amortized"`
	ActualThen   string `json:"actualSameDaysLastMonth"`
	AmortThen    string `json:"amortizedSameDaysLastMonth"`
}

// TruthCommitment is a reservation or savings plan over the window. Amounts are in pricing currency. Complete says that
// its purchases and its whole life lie in the window with no day missing; then amortized = purchases + refunds exactly.
type TruthCommitment struct {
	Account    string           `json:"account"`
	Scope      string           `json:"scope"`
	Kind       string           `json:"kind"`
	Order      string           `json:"orderId"`
	ID         string           `json:"id"`
	BenefitID  string           `json:"benefitId"`
	Name       string           `json:"name"`
	SKU        string           `json:"skuName"`
	MeterID    string           `json:"meterId"`
	Quantity   int64            `json:"quantity"`
	Start      string           `json:"start"`
	End        string           `json:"end"` // exclusive
	Returned   bool             `json:"returned"`
	Term       string           `json:"termMonths"`
	Recurring  bool             `json:"recurring"`
	Hourly     string           `json:"hourlyPrice"`
	Total      string           `json:"total"`
	Currency   string           `json:"currency"`
	Purchases  string           `json:"purchases"`
	Refunds    string           `json:"refunds"` // negative
	Amortized  string           `json:"amortized"`
	Used       string           `json:"amortizedUsed"`
	Unused     string           `json:"amortizedUnused"`
	OnDemand   string           `json:"onDemandCost"` // Σ unit price × quantity of the covered rows, EA and plans
	Complete   bool             `json:"complete"`
	Utilized   []TruthUsedDay   `json:"days"`
	MonthsUsed []TruthUsedMonth `json:"months"`
}

// TruthUsedDay is a commitment's day as the reservation API serves it.
type TruthUsedDay struct {
	Day      string `json:"day"`
	Reserved string `json:"reservedHours"`
	Used     string `json:"usedHours"`
}

// TruthUsedMonth is the same for a month.
type TruthUsedMonth struct {
	Period   string `json:"period"`
	Reserved string `json:"reservedHours"`
	Used     string `json:"usedHours"`
}

// TruthInvoice is an invoice. RowsSum is the sum of the rows it bills.
type TruthInvoice struct {
	Account   string `json:"account"`
	Name      string `json:"name"`
	Profile   string `json:"billingProfileId"`
	Period    string `json:"period"`
	Monthly   bool   `json:"isMonthlyInvoice"`
	Date      string `json:"invoiceDate"`
	Status    string `json:"status"`
	Currency  string `json:"currency"`
	Document  string `json:"documentType"`
	RowsSum   string `json:"rowsCost"`
	Billed    string `json:"billedAmount"`
	Credit    string `json:"creditAmount"`
	Prepaid   string `json:"azurePrepaymentApplied"`
	Free      string `json:"freeAzureCreditApplied"`
	SubTotal  string `json:"subTotal"`
	Tax       string `json:"taxAmount"`
	Total     string `json:"totalAmount"`
	AmountDue string `json:"amountDue"`
	Printed   string `json:"printedTotal"` // on the document; "" where it is scanned
}

// TruthBalance is an EA balance, as served; RowsSum are the sums of the rows that its fields stand for.
type TruthBalance struct {
	Account     string `json:"account"`
	Period      string `json:"period"`
	Currency    string `json:"currency"`
	Closed      bool   `json:"closed"`
	Begin       string `json:"beginningBalance"`
	Purchases   string `json:"newPurchases"`
	Adjustments string `json:"adjustments"`
	Utilized    string `json:"utilized"`
	Overage     string `json:"serviceOverage"`
	Separate    string `json:"chargesBilledSeparately"`
	TotalOver   string `json:"totalOverage"`
	TotalUsage  string `json:"totalUsage"`
	Marketplace string `json:"azureMarketplaceServiceCharges"`
	End         string `json:"endingBalance"`
	RowsUsage   string `json:"rowsEligible"`
	RowsApart   string `json:"rowsNotEligible"`
	RowsMarket  string `json:"rowsMarketplace"`
}

// WriteTruth writes truth.json: all rows are walked once more and added up, a month at a time.
func (e *Enterprise) WriteTruth(path string) error {
	text, err := json.MarshalIndent(e.Truth(), "", " ")
	if err != nil {
		return fmt.Errorf("WriteTruth(%s): %w", path, err)
	}
	if err := os.WriteFile(path+".part", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("WriteTruth(%s): %w", path, err)
	}
	return os.Rename(path+".part", path)
}

// Truth adds up the books.
func (e *Enterprise) Truth() Truth {
	t := Truth{
		Format: TruthFormat, Seed: e.config.Seed, Months: e.config.Months, Rows: e.config.Rows,
		AsOf: isoDay(e.asOf), DataTo: isoDay(e.asOf - 1),
	}
	for _, a := range e.accounts() {
		t.Accounts = append(t.Accounts, a.truth())
	}
	books := e.keepBooks()
	t.addPeriods(e, books)
	t.addToDate(e, books)
	for _, a := range e.accounts() {
		for _, c := range a.commitments {
			t.Commitments = append(t.Commitments, c.truth(books))
		}
		for _, v := range e.invoices(a) {
			t.Invoices = append(t.Invoices, v.truth(a, books))
		}
	}
	for _, b := range e.balances() {
		t.Balances = append(t.Balances, b.truth(e, books))
	}
	t.Faults = e.truthFaults(books)
	t.LateCharges, t.Rebills, t.Refunds = e.truthLate(), e.truthRebills(), e.truthRefunds()
	t.Groups, t.Allocations, t.Restatements = e.truthGroups(books), e.truthAllocations(books), e.truthRestatements()
	t.Payg, t.Timings = e.truthPayg(), e.truthTimings()
	return t
}

func (a *account) truth() TruthAccount {
	t := TruthAccount{Account: a.key, ID: a.id, Scope: a.path, Agreement: [...]string{"EnterpriseAgreement", "MicrosoftCustomerAgreement"}[a.kind]}
	for _, p := range a.profiles {
		rates := map[string]string{}
		for _, m := range a.e.months {
			rates[m.iso()] = string(appendNum(nil, p.rate(m.index), false))
		}
		t.Profiles = append(t.Profiles, TruthProfile{p.id, p.path, p.name, p.currency, rates})
	}
	for _, s := range a.subs {
		t.Subscriptions = append(t.Subscriptions, TruthSub{s.id, s.name, s.section.name, s.section.center, s.section.profile.currency})
	}
	return t
}

// A tally is a running sum.
type tally struct {
	rows    int64
	cost    amount // each row rounded at the 18th digit
	exact   amount
	pricing amount
}

func (t *tally) add(r *row, rounded amount) {
	t.rows++
	t.cost, t.exact, t.pricing = t.cost.add(rounded), t.exact.add(r.cost), t.pricing.add(r.pricing)
}

func (t *tally) sum() TruthSum {
	if t == nil {
		t = &tally{}
	}
	return TruthSum{t.rows, t.cost.String(), t.exact.String()}
}

// A cut names a tally: a part of a dataset's month in one profile.
type cut struct {
	ds      dataset
	account string
	profile int
	month   int
	kind    cutKind
	name    string
	number  int
}

type cutKind uint8

const (
	cutAll cutKind = iota
	cutCharge
	cutMarket
	cutUntagged
	cutNoOwner
	cutLate
	cutSub        // number is the subscription, -1 for none
	cutService    // name is the category
	cutDay        // number is the day; over all months
	cutToDate     // the first days of the month, as many as the open one has
	cutSubToDate  // the same by subscription
	cutCommitment // number is the commitment, name the charge type
	cutOnDemand   // unit price × quantity of its covered rows, as cost
	cutInvoice    // name is the invoice's
	cutBucket     // EA: number is the total it belongs to
	cutOver       // quantity as cost, cost at the sheet's price as pricing
	cutSpike
	cutShort    // quantity as cost, cost of that quantity as pricing
	cutExchange // cost at the right rate as pricing
	cutGroup    // name is the resource group, number the subscription: what has no tags there
	cutRule     // name is the rule of a cost allocation, number the subscription
)

type books map[cut]*tally

func (b books) of(c cut) *tally {
	t := b[c]
	if t == nil {
		t = &tally{}
		b[c] = t
	}
	return t
}

// keepBooks walks all rows, several months at a time.
func (e *Enterprise) keepBooks() books {
	type job struct {
		a  *account
		ds dataset
		m  int
	}
	var jobs []job
	for _, a := range e.accounts() {
		for _, m := range e.months {
			jobs = append(jobs, job{a, actual, m.index}, job{a, amortized, m.index})
		}
	}
	parts := make([]books, len(jobs))
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, j := range jobs {
		wait.Add(1)
		slots <- struct{}{}
		go func() {
			defer wait.Done()
			parts[i] = e.keepMonth(j.a, j.ds, j.m)
			<-slots
		}()
	}
	wait.Wait()
	all := books{}
	for _, part := range parts {
		for c, t := range part {
			sum := all.of(c)
			sum.rows += t.rows
			sum.cost, sum.exact, sum.pricing = sum.cost.add(t.cost), sum.exact.add(t.exact), sum.pricing.add(t.pricing)
		}
	}
	return all
}

// keepMonth adds up one month of one dataset. Tallies that every row goes to are held outside the map.
func (e *Enterprise) keepMonth(a *account, ds dataset, month int) books {
	b := books{}
	c := e.cursor(selection{a: a, ds: ds, first: month, last: month}, position{})
	k := keeper{b: b, e: e, base: cut{ds: ds, account: a.key, month: month}, subs: make([][2]tally, len(a.subs))}
	var r row
	for c.next(&r) {
		k.keep(&r)
	}
	k.settle(a)
	return b
}

// A keeper adds rows to the books of one month.
type keeper struct {
	b    books
	e    *Enterprise
	base cut
	subs [][2]tally // whole month, and to date
	near [512]near
}

// near is a tally lately used, kept where its cut says so that most rows need no look into the map.
type near struct {
	c cut
	t *tally
}

func (k *keeper) cut(r *row, kind cutKind, name string, number int) *tally {
	place := uint(kind)*31 + uint(r.profile.index)*7 + uint(number)*13 + uint(len(name))*17
	if name != "" {
		place += uint(name[0])*5 + uint(name[len(name)-1])*11
	}
	n := &k.near[place%uint(len(k.near))]
	if n.t == nil || n.c.kind != kind || n.c.profile != r.profile.index || n.c.number != number || n.c.name != name {
		n.c = k.base
		n.c.profile, n.c.kind, n.c.name, n.c.number = r.profile.index, kind, name, number
		n.t = k.b.of(n.c)
	}
	return n.t
}

func (k *keeper) keep(r *row) {
	rounded := r.cost.rounded()
	m := r.period()
	toDate := r.day-m.start < k.e.open().data && r.day >= m.start
	k.cut(r, cutAll, "", 0).add(r, rounded)
	k.cut(r, cutCharge, r.charge, 0).add(r, rounded)
	k.cut(r, cutDay, "", r.day).add(r, rounded)
	if r.sub != nil {
		k.subs[r.sub.index][0].add(r, rounded)
	} else {
		k.cut(r, cutSub, "", -1).add(r, rounded)
	}
	if toDate {
		k.cut(r, cutToDate, "", 0).add(r, rounded)
		if r.sub != nil {
			k.subs[r.sub.index][1].add(r, rounded)
		}
	}
	k.cut(r, cutService, r.category(), 0).add(r, rounded)
	k.keepParts(r, rounded)
	k.keepAnswers(r, rounded)
}

func (k *keeper) keepParts(r *row, rounded amount) {
	if r.offer != nil {
		k.cut(r, cutMarket, "", 0).add(r, rounded)
	}
	if r.tags.empty {
		k.cut(r, cutUntagged, "", 0).add(r, rounded)
	}
	if !r.tags.owner {
		k.cut(r, cutNoOwner, "", 0).add(r, rounded)
	}
	if !r.instant && (r.billed != r.month || r.day < r.period().start) {
		k.cut(r, cutLate, "", 0).add(r, rounded)
	}
}

// keepAnswers adds a row to the sums that answer a question: what a commitment cost, what an invoice bills, what a
// planted fault is worth.
func (k *keeper) keepAnswers(r *row, rounded amount) {
	if r.c != nil {
		k.cut(r, cutCommitment, r.charge, r.c.index).add(r, rounded)
		if r.charge == "Usage" && r.hasUnit {
			list := &row{cost: mul(r.q, r.unit)}
			k.cut(r, cutOnDemand, "", r.c.index).add(list, list.cost)
		}
	}
	if r.ds == amortized {
		if r.tags.empty && r.group != "" {
			k.cut(r, cutGroup, r.group, r.sub.index).add(r, rounded)
		}
		return
	}
	if r.invoice != "" {
		k.cut(r, cutInvoice, r.invoice, 0).add(r, rounded)
	}
	k.keepPlanted(r, rounded)
	if r.a.kind == customerAgreement {
		return
	}
	bucket := totalEligible
	if r.offer != nil {
		bucket = totalMarketplace
	} else if !r.eligible {
		bucket = totalSeparate
	}
	k.cut(r, cutBucket, "", bucket).add(r, rounded)
	if r.rule != "" {
		k.cut(r, cutRule, r.rule, r.sub.index).add(r, rounded)
	}
}

// keepPlanted adds a row to what the planted faults are worth.
func (k *keeper) keepPlanted(r *row, rounded amount) {
	p := &k.e.plan
	switch {
	case r.isExchanged():
		right := &row{cost: rounded, pricing: r.pricing.times(r.profile.rate(r.month)).rounded()}
		k.cut(r, cutExchange, "", 0).add(right, rounded)
	case r.isShort():
		used := &row{cost: r.cost, pricing: mul(r.q, r.unit)}
		k.cut(r, cutShort, "", 0).add(used, r.q.amount())
	case r.metered() && r.line >= 0 && r.c == nil && r.unit != r.a.sheetPrice(r.meter, r.month):
		sheet := &row{cost: r.cost, pricing: mul(r.q, r.a.sheetPrice(r.meter, r.month))}
		k.cut(r, cutOver, "", 0).add(sheet, r.q.amount())
	}
	if r.a.kind == enterpriseAgreement && r.day == p.spike && r.sub == p.spikeSub && r.metered() && r.meter.category == p.spikeService {
		k.cut(r, cutSpike, "", 0).add(r, rounded)
	}
}

// settle moves the sums by subscription into the books.
func (k *keeper) settle(a *account) {
	for i, s := range a.subs {
		for j, kind := range []cutKind{cutSub, cutSubToDate} {
			c := k.base
			c.profile, c.kind, c.number = s.section.profile.index, kind, i
			t := k.b.of(c)
			*t = k.subs[i][j]
		}
	}
}

func (t *Truth) addPeriods(e *Enterprise, b books) {
	for _, a := range e.accounts() {
		for _, m := range e.months {
			for _, p := range a.profiles {
				base := cut{account: a.key, profile: p.index, month: m.index}
				t.Periods = append(t.Periods, TruthPeriod{
					a.key, a.path, p.id, m.iso(), p.currency, m.closed,
					e.truthDataset(b, base, actual), e.truthDataset(b, base, amortized),
				})
				t.addSubs(a, p, m, b)
				t.addServices(a, p, m, b)
			}
		}
		t.addDays(e, a, b)
	}
}

func (e *Enterprise) truthDataset(b books, base cut, ds dataset) TruthDataset {
	base.ds = ds
	part := func(kind cutKind) TruthSum {
		c := base
		c.kind = kind
		return b[c].sum()
	}
	d := TruthDataset{TruthSum: part(cutAll), Charges: map[string]TruthSum{}, Marketplace: part(cutMarket), Untagged: part(cutUntagged), NoOwner: part(cutNoOwner), Late: part(cutLate), Pricing: "0"}
	if all := b[base]; all != nil {
		d.Pricing = all.pricing.String()
	}
	first, last := 1<<30, 0
	for c, t := range b {
		if c.account != base.account || c.month != base.month || c.ds != ds || c.profile != base.profile {
			continue
		}
		if c.kind == cutCharge {
			d.Charges[c.name] = t.sum()
		}
		if c.kind == cutDay {
			first, last = min(first, c.number), max(last, c.number)
		}
	}
	if last > 0 {
		d.MinDate, d.MaxDate = e.text(first).iso, e.text(last).iso
	}
	return d
}

func (t *Truth) addSubs(a *account, p *profile, m month, b books) {
	for i := -1; i < len(a.subs); i++ {
		c := cut{account: a.key, profile: p.index, month: m.index, kind: cutSub, number: i}
		of := func(ds dataset) TruthSum { c.ds = ds; return b[c].sum() }
		s := TruthSubscription{Account: a.key, Period: m.iso(), Currency: p.currency, Actual: of(actual), Amortized: of(amortized)}
		if i >= 0 {
			s.Subscription = a.subs[i].id
		}
		if s.Actual.Rows+s.Amortized.Rows > 0 {
			t.Subs = append(t.Subs, s)
		}
	}
}

func (t *Truth) addServices(a *account, p *profile, m month, b books) {
	names := map[string]bool{}
	for c := range b {
		if c.kind == cutService && c.account == a.key && c.month == m.index && c.profile == p.index {
			names[c.name] = true
		}
	}
	for _, name := range sortedKeys(names) {
		c := cut{account: a.key, profile: p.index, month: m.index, kind: cutService, name: name}
		of := func(ds dataset) TruthSum { c.ds = ds; return b[c].sum() }
		t.Services = append(t.Services, TruthService{a.key, m.iso(), name, p.currency, of(actual), of(amortized)})
	}
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// addDays adds up days over billing months, for a late charge stands in a month that is not its day's.
func (t *Truth) addDays(e *Enterprise, a *account, b books) {
	for _, p := range a.profiles {
		for day := e.months[0].start - 5; day < e.asOf; day++ {
			sums := [2]tally{}
			for _, m := range e.months {
				for ds := range sums {
					if part := b[cut{ds: dataset(ds), account: a.key, profile: p.index, month: m.index, kind: cutDay, number: day}]; part != nil {
						sums[ds].rows += part.rows
						sums[ds].cost, sums[ds].exact = sums[ds].cost.add(part.cost), sums[ds].exact.add(part.exact)
					}
				}
			}
			if sums[0].rows+sums[1].rows > 0 {
				t.Days = append(t.Days, TruthDay{a.key, e.text(day).iso, p.currency, sums[0].sum(), sums[1].sum()})
			}
		}
	}
}

func (t *Truth) addToDate(e *Enterprise, b books) {
	open := e.open()
	for _, a := range e.accounts() {
		for _, p := range a.profiles {
			t.MonthToDate = append(t.MonthToDate, toDate(b, a, p.currency, open, "", cut{profile: p.index, kind: cutAll}, cut{profile: p.index, kind: cutToDate}))
		}
		for i, s := range a.subs {
			p := s.section.profile
			t.MonthToDate = append(t.MonthToDate, toDate(b, a, p.currency, open, s.id, cut{profile: p.index, kind: cutSub, number: i}, cut{profile: p.index, kind: cutSubToDate, number: i}))
		}
	}
}

func toDate(b books, a *account, currency string, open month, sub string, now, then cut) TruthToDate {
	cost := func(c cut, ds dataset, month int) string {
		c.account, c.ds, c.month = a.key, ds, month
		return b[c].sum().Cost
	}
	return TruthToDate{
		a.key, sub, currency, open.iso(), open.data, cost(now, actual, open.index), cost(now, amortized, open.index),
		cost(then, actual, open.index-1), cost(then, amortized, open.index-1),
	}
}

func (c *commitment) truth(b books) TruthCommitment {
	a := c.a
	e := a.e
	t := TruthCommitment{
		Account: a.key, Scope: a.path, Kind: c.model(), Order: c.order, ID: c.id, BenefitID: c.benefitID(c.id), Name: c.name, SKU: c.meter.sku, MeterID: c.meter.id,
		Quantity: c.quantity, Start: isoDay(c.start), End: isoDay(c.end), Returned: c.end < c.termEnd, Term: c.term(),
		Recurring: c.recurring, Hourly: string(appendNum(nil, c.hourly, false)), Total: c.total.String(), Currency: "USD",
	}
	if a.kind == enterpriseAgreement {
		t.Currency = "EUR"
	}
	if c.profile.path != a.path {
		t.Scope = c.profile.path
	}
	sum := func(ds dataset, kind cutKind, charge string) amount {
		total := amount{}
		for _, m := range e.months {
			if part := b[cut{ds, a.key, c.profile.index, m.index, kind, charge, c.index}]; part != nil {
				total = total.add(part.pricing)
				if kind == cutOnDemand {
					total = total.add(part.cost)
				}
			}
		}
		return total
	}
	used, unused := sum(amortized, cutCommitment, "Usage"), sum(amortized, cutCommitment, c.unusedType())
	t.Purchases, t.Refunds = sum(actual, cutCommitment, "Purchase").String(), sum(actual, cutCommitment, "Refund").String()
	t.Used, t.Unused, t.Amortized = used.String(), unused.String(), used.add(unused).String()
	t.OnDemand = sum(amortized, cutOnDemand, "").String()
	whole := c.start >= e.months[0].start && c.end <= e.asOf && (c.end == c.termEnd || c.end < e.asOf)
	t.Complete = whole && !(a.kind == enterpriseAgreement && c.active(e.plan.missing))
	c.truthHours(&t)
	return t
}

func (c *commitment) truthHours(t *TruthCommitment) {
	e := c.a.e
	for _, m := range e.months {
		var reserved, used int64
		for day := m.start; day < m.start+m.data; day++ {
			if !c.active(day) {
				continue
			}
			hours := c.usedAll(day)
			reserved, used = reserved+c.reserved(), used+hours.c
			t.Utilized = append(t.Utilized, TruthUsedDay{e.text(day).iso, fmt.Sprint(c.reserved()), hours.String()})
		}
		if reserved > 0 {
			t.MonthsUsed = append(t.MonthsUsed, TruthUsedMonth{m.iso(), fmt.Sprint(reserved), num{used, 4}.String()})
		}
	}
}

func (v *invoice) truth(a *account, b books) TruthInvoice {
	t := TruthInvoice{
		Account: a.key, Name: v.name, Profile: v.profile.id, Period: v.month.iso(), Monthly: v.monthly, Date: isoDay(v.day), Status: v.status,
		Currency: v.profile.currency, Billed: v.billed.String(), Credit: v.credit.String(), Prepaid: v.prepaid.String(), Free: v.free.String(),
		SubTotal: v.sub.String(), Tax: v.tax.String(), Total: v.total.String(), AmountDue: v.due.String(),
		Printed: a.e.document(a, *v).shown(), Document: cmp.Or(v.document, "Invoice"),
	}
	rows := amount{}
	for c, part := range b {
		switch {
		case c.kind == cutInvoice && c.account == a.key && c.name == v.name,
			a.kind == enterpriseAgreement && c.kind == cutBucket && c.month == v.month.index:
			rows = rows.add(part.cost)
		}
	}
	t.RowsSum = rows.String()
	return t
}

func (l *balance) truth(e *Enterprise, b books) TruthBalance {
	bucket := func(i int) string {
		return b[cut{account: e.ea.key, month: l.month.index, kind: cutBucket, number: i}].sum().Cost
	}
	return TruthBalance{
		Account: e.ea.key, Period: l.month.iso(), Currency: "EUR", Closed: l.month.closed, Begin: l.begin.String(), Purchases: l.purchases.String(),
		Adjustments: l.adjustments.String(), Utilized: l.utilized.String(), Overage: l.overage.String(), Separate: l.separate.String(),
		TotalOver: l.totalOverage().String(), TotalUsage: l.totalUsage().String(), Marketplace: l.marketplace.String(), End: l.end.String(),
		RowsUsage: bucket(totalEligible), RowsApart: bucket(totalSeparate), RowsMarket: bucket(totalMarketplace),
	}
}

// misprinted is the invoice whose document has a wrong total; nil in a window too short for it.
func (e *Enterprise) misprinted() *TruthMisprint {
	for _, v := range e.invoices(e.mca) {
		if printed := e.document(e.mca, v).total; printed != v.total {
			return &TruthMisprint{e.mca.key, v.name, v.month.iso(), v.profile.currency, v.total.String(), printed.String()}
		}
	}
	return nil
}
