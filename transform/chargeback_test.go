package transform

import (
	"bytes"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Random enterprises with random rules go through the real models, from the charges to chargeback,
// and the result is held against a reference that divides with big.Rat and knows nothing of SQL.
//
// Each enterprise is a month of its own with a rule set of its own, so that all of them are one run:
// the models keep months apart, and building a table costs more than a few rows in it.
func TestChargebackIsExact(t *testing.T) {
	const enterprises = 150
	var all []*enterprise
	for i := range enterprises {
		e := rapid.Custom(drawEnterprise).Example(i)
		e.begin(i)
		all = append(all, e)
	}
	s, dir := fixtureSession(t)
	first := runChargeback(t, s, dir, all, func([][]string) {})
	for _, e := range all {
		want := e.reference()
		if diff := cmp.Diff(want, first.rows[e.month]); diff != "" {
			t.Errorf("enterprise %s: reference (-) and chargeback (+) differ:\n%s\n%s", e.month, diff, e)
			return
		}
	}
	rareCasesAreThere(t, s)
	if err := s.clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	shuffled := rand.New(rand.NewPCG(1, 2))
	again := runChargeback(t, s, dir, all, func(rows [][]string) {
		shuffled.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	})
	for _, table := range []string{"int_chargeback", "allocation_trace"} {
		if !bytes.Equal(first.files[table], again.files[table]) {
			t.Errorf("%s: the same rows in another order make another file", table)
		}
	}
}

// rareCasesAreThere keeps the test from passing because nothing much was drawn.
func rareCasesAreThere(t *testing.T, s *session) {
	t.Helper()
	for what, query := range map[string]string{
		"received cost passed on":          "select count(*) from work.allocation_trace where Level >= 2 and NextRuleId is null and RuleId in (select NextRuleId from work.allocation_trace)",
		"three levels":                     "select count(*) from work.allocation_trace where Level >= 3",
		"a pool nobody receives":           "select count(*) from work.allocation_trace where TargetOwner = '' and PoolAmount <> 0",
		"a share that stays":               "select count(*) from work.allocation_trace where TargetOwner = SourceOwner",
		"a negative pool":                  "select count(*) from work.allocation_trace where TargetOwner <> '' and PoolAmount < 0",
		"a cent over owners that it cuts":  "select count(*) from work.allocation_trace where PoolAmount = 0.01 and Amount not in (0, 0.01)",
		"unused commitment that moved":     "select count(*) from work.int_chargeback where AllocationKind = 'UnusedCommitmentOut'",
		"tax in two currencies":            "select count(*) from (select Account, BillingPeriodStart from work.int_chargeback where AllocationKind = 'Tax' group by 1, 2 having count(distinct BillingCurrency) > 1)",
		"a mark-up on what was received":   "select count(*) from work.int_chargeback as a join work.int_chargeback as b using (BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency) where a.AllocationKind = 'Shared' and b.AllocationKind = 'MarkUp'",
		"an internal price":                "select count(*) from work.int_chargeback where AllocationKind = 'RateCard'",
		"what Azure has allocated already": "select count(*) from work.int_chargeback where AllocationKind = 'AzureAllocated'",
	} {
		var n int64
		if err := s.value(t.Context(), query, &n); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n == 0 {
			t.Errorf("no enterprise has %s: draw others", what)
		}
	}
}

// chargebackChain is what lies between charges and chargeback, in building order.
var chargebackChain = []string{
	"int_owner_target", "int_charge_condition", "int_owner_daily", "int_allocation_match", "int_allocation_line", "int_commitment_buyer",
	"int_commitment_subscription", "int_share_weight", "allocation_trace", "int_markup", "int_invoice_pool", "int_invoice_share", "int_chargeback",
}

type chargebackRun struct {
	rows  map[string]map[string]string // by month, by key of the row
	files map[string][]byte
}

func runChargeback(t *testing.T, s *session, dir string, all []*enterprise, order func([][]string)) chargebackRun {
	t.Helper()
	dir, err := os.MkdirTemp(dir, "chargeback-")
	if err != nil {
		t.Fatal(err)
	}
	models := loadModels(t)
	tables := map[string][][]string{}
	for _, e := range all {
		e.write(tables)
	}
	for _, name := range chargebackChain {
		for _, read := range models[name].Reads {
			if models[read] == nil || !slices.Contains(chargebackChain, read) {
				provideRows(t, s, dir, read, columnsOf(models[name], read, models), tables[read], order)
			}
		}
	}
	run := chargebackRun{rows: map[string]map[string]string{}, files: map[string][]byte{}}
	for _, name := range chargebackChain {
		path := filepath.Join(dir, name+".parquet")
		_, broken, err := makeTable(t.Context(), s, models[name], "", path)
		if err != nil || len(broken) > 0 {
			t.Fatalf("%s: %v %v", name, err, broken)
		}
		if run.files[name], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := s.texts(t.Context(), `select cast(columns(*) as varchar) from (select month_text(BillingPeriodStart), Account, CostOwner, SubAccountId, ServiceName,
		AllocationKind, BillingCurrency, RuleName, EffectiveCost, BilledCost, ListCost, PolicyAmount, ChargeCount from work.int_chargeback)`)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		month := r[0].String
		if run.rows[month] == nil {
			run.rows[month] = map[string]string{}
		}
		var key, value []string
		for i := 1; i < 8; i++ {
			key = append(key, r[i].String)
		}
		for i := 8; i < 13; i++ {
			value = append(value, r[i].String)
		}
		run.rows[month][strings.Join(key, "|")] = strings.Join(value, "|")
	}
	return run
}

func loadModels(t *testing.T) map[string]*Model {
	t.Helper()
	parsed, err := Load(os.DirFS("../sql"))
	if err != nil {
		t.Fatal(err)
	}
	models := map[string]*Model{}
	for _, m := range parsed {
		models[m.Name] = m
	}
	return models
}

// provideRows makes a table of the rows, whose first is the header.
func provideRows(t *testing.T, s *session, dir, name string, columns []Column, rows [][]string, order func([][]string)) {
	t.Helper()
	path := filepath.Join(dir, name+".csv")
	if _, err := os.Stat(path); err == nil {
		return
	}
	if rows == nil {
		rows = [][]string{{columns[0].Name}}
	}
	order(rows[1:])
	var text strings.Builder
	for n, row := range rows {
		for i, field := range row {
			// Configuration says '' where it means any; a charge has nulls.
			if n > 0 && (field != "" || name != "cost_and_usage" && columns[columnIndex(columns, rows[0][i])].Type == "varchar") {
				field = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
			}
			if i > 0 {
				text.WriteString(",")
			}
			text.WriteString(field)
		}
		text.WriteString("\n")
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.csvTable(t.Context(), name, path, columns, true); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// enterprise is one month of a few owners' charges, and the rules that divide them.
type enterprise struct {
	month, set string
	first      time.Time
	charges    []*charge
	owners     map[string]string // by subscription
	rules      []rule
	policies   map[string]policy
	markups    []markup
	rates      []rate
	invoices   []invoiceLine
}

type charge struct {
	day                                    int // of the month, from 0
	account, sub, service, rg, env         string
	kind, currency, commitment, status     string
	meter, unit                            string
	isAllocated                            bool
	effective, billed, list, priced, usage *big.Int // units of the eighteenth digit
}

type condition struct {
	column    string
	isNegated bool
	patterns  []string
}

type rule struct {
	split, source, meter string
	passesOn, all        bool
	from, to             int // days of the month; -1 is open
	level                int
	pool, basis          []condition
	targets              []target
}

type target struct {
	owner   string
	monthly bool
	weight  *big.Int
}

type policy struct{ treatment, owner string }

type markup struct {
	owner, service string
	percent        *big.Int
	from, to       int
}

type rate struct {
	meter, service, unit, currency string
	price                          *big.Int
	from, to                       int
}

type invoiceLine struct {
	account, currency, component string
	amount                       *big.Int
}

var (
	unitOne    = new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)
	someOwners = []string{"Ada", "Bea", "Cem", "Dov", "Eva", "Fay", "Gus"}
	services   = []string{"Storage", "Virtual Machines", "Virtual Network"}
	envs       = []string{"", "prod", "dev"}
	groups     = []string{"", "rg-shared", "rg-web"}
)

func drawEnterprise(t *rapid.T) *enterprise {
	e := &enterprise{owners: map[string]string{}, policies: map[string]policy{}}
	for i := range 6 {
		if owner := rapid.SampledFrom(append([]string{""}, someOwners...)).Draw(t, "owner"); owner != "" {
			e.owners[fmt.Sprintf("s%d", i)] = owner
		}
	}
	for range rapid.IntRange(0, 14).Draw(t, "charges") {
		e.charges = append(e.charges, drawCharge(t))
	}
	sources := map[string]bool{}
	for range rapid.IntRange(0, 5).Draw(t, "rules") {
		r := drawRule(t, e.rules, sources)
		e.rules = append(e.rules, r)
		sources[r.source] = true
	}
	for _, name := range []string{"UnusedCommitment", "Rounding", "Support", "Tax", "Credit"} {
		words := []string{"None", "Proportional", "Central"}
		if name == "UnusedCommitment" {
			words = []string{"Buyer", "Users", "Central", "None"}
		}
		p := policy{treatment: rapid.SampledFrom(words).Draw(t, name)}
		if p.treatment == "Central" {
			p.owner = rapid.SampledFrom(someOwners).Draw(t, "central")
		}
		e.policies[name] = p
	}
	for range rapid.IntRange(0, 2).Draw(t, "markups") {
		from, to := drawDays(t)
		e.markups = append(e.markups, markup{
			owner: rapid.SampledFrom(append([]string{""}, someOwners...)).Draw(t, "marked"), service: rapid.SampledFrom([]string{"", "virtual%", "storage"}).Draw(t, "markedService"),
			percent: rapid.SampledFrom([]*big.Int{units("5"), units("-2.5"), units("0.333")}).Draw(t, "percent"), from: from, to: to,
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "rates") {
		from, to := drawDays(t)
		e.rates = append(e.rates, rate{
			meter: rapid.SampledFrom([]string{"", "m1", "m2"}).Draw(t, "ratedMeter"), service: rapid.SampledFrom([]string{"", "storage"}).Draw(t, "ratedService"),
			unit: rapid.SampledFrom([]string{"Hours", "GB"}).Draw(t, "ratedUnit"), currency: rapid.SampledFrom([]string{"EUR", "USD"}).Draw(t, "ratedCurrency"),
			price: units("0.123456789"), from: from, to: to,
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "invoices") {
		e.invoices = append(e.invoices, invoiceLine{
			account: rapid.SampledFrom([]string{"north", "south"}).Draw(t, "invoiced"), currency: rapid.SampledFrom([]string{"EUR", "USD"}).Draw(t, "invoiceCurrency"),
			component: rapid.SampledFrom([]string{"Tax", "Credit", "SupportPlan", "Usage"}).Draw(t, "component"), amount: drawAmount(t, "invoiceAmount"),
		})
	}
	return e
}

// drawAmount likes one cent, nothing, negative amounts, and digits down to the eighteenth.
func drawAmount(t *rapid.T, label string) *big.Int {
	switch rapid.IntRange(0, 5).Draw(t, label+"Kind") {
	case 0:
		return units("0.01")
	case 1:
		return new(big.Int)
	case 2:
		return big.NewInt(rapid.Int64Range(-9, 9).Draw(t, label))
	case 3:
		return new(big.Int).Mul(big.NewInt(rapid.Int64Range(-1_000_000_000_000, 1_000_000_000_000).Draw(t, label)), big.NewInt(1_000_003))
	}
	return new(big.Int).Mul(big.NewInt(rapid.Int64Range(1, 1_000_000).Draw(t, label)), big.NewInt(1_000_000_000_000_003))
}

func drawDays(t *rapid.T) (from, to int) {
	from, to = -1, -1
	if rapid.Bool().Draw(t, "begins") {
		from = rapid.IntRange(0, 3).Draw(t, "from")
	}
	if rapid.IntRange(0, 3).Draw(t, "ends") == 0 {
		to = max(from, 0) + rapid.IntRange(0, 2).Draw(t, "to")
	}
	return from, to
}

func drawCharge(t *rapid.T) *charge {
	c := &charge{
		day: rapid.IntRange(0, 4).Draw(t, "day"), account: rapid.SampledFrom([]string{"north", "south"}).Draw(t, "account"),
		sub: fmt.Sprintf("s%d", rapid.IntRange(0, 5).Draw(t, "sub")), service: rapid.SampledFrom(services).Draw(t, "service"),
		rg: rapid.SampledFrom(groups).Draw(t, "rg"), env: rapid.SampledFrom(envs).Draw(t, "env"), currency: rapid.SampledFrom([]string{"EUR", "EUR", "USD"}).Draw(t, "currency"),
		meter: rapid.SampledFrom([]string{"", "m1", "m2"}).Draw(t, "meter"), isAllocated: rapid.IntRange(0, 9).Draw(t, "allocated") == 0,
		effective: drawAmount(t, "effective"), list: drawAmount(t, "list"), usage: drawAmount(t, "usage"), priced: drawAmount(t, "priced"),
	}
	c.kind = rapid.SampledFrom([]string{"Usage", "Usage", "Usage", "Covered", "Unused", "Bought", "Rounding", "Support", "Nobody"}).Draw(t, "kind")
	c.billed = c.effective
	switch c.kind {
	case "Usage":
		c.unit = rapid.SampledFrom([]string{"Hours", "GB"}).Draw(t, "unit")
	case "Covered":
		c.commitment, c.status, c.billed = drawCommitment(t), "Used", new(big.Int)
	case "Unused":
		c.commitment, c.status, c.billed, c.sub = drawCommitment(t), "Unused", new(big.Int), ""
	case "Bought":
		c.commitment, c.billed, c.effective = drawCommitment(t), c.effective, new(big.Int)
	case "Nobody":
		c.sub = ""
	}
	return c
}

func drawCommitment(t *rapid.T) string {
	return rapid.SampledFrom([]string{"o1/reservations/r1", "o1/reservations/r2", "o2/reservations/r1"}).Draw(t, "commitment")
}

func drawConditions(t *rapid.T, most int) (conditions []condition) {
	for range rapid.IntRange(0, most).Draw(t, "conditions") {
		c := condition{column: rapid.SampledFrom([]string{"ServiceName", "x_ResourceGroupName", "tag.env", "CostOwner", "x_SkuMeterId"}).Draw(t, "column"), isNegated: rapid.Bool().Draw(t, "negated")}
		words := map[string][]string{
			"ServiceName": {"storage", "virtual%", "%e%"}, "x_ResourceGroupName": {"rg-shared", "", "rg\\_%", "rg-%"}, "tag.env": {"prod", "", "d_v"},
			"CostOwner": {"ada", "%a%", "unallocated"}, "x_SkuMeterId": {"m1", "m%", ""},
		}[c.column]
		c.patterns = rapid.SliceOfNDistinct(rapid.SampledFrom(words), 1, 2, rapid.ID).Draw(t, "patterns")
		conditions = append(conditions, c)
	}
	return conditions
}

// drawRule draws a rule that gives to nobody whose cost a rule above already shares.
func drawRule(t *rapid.T, above []rule, sources map[string]bool) rule {
	r := rule{split: rapid.SampledFrom([]string{"Even", "Proportional", "Usage", "Fixed", "Manual"}).Draw(t, "split"), level: 1}
	r.source = rapid.SampledFrom(append([]string{"", "Unallocated"}, someOwners...)).Draw(t, "source")
	r.from, r.to = drawDays(t)
	r.pool = drawConditions(t, 2)
	r.passesOn = len(r.pool) == 0
	if r.split == "Proportional" {
		r.basis = drawConditions(t, 1)
	}
	if r.split == "Usage" {
		r.meter = rapid.SampledFrom([]string{"m1", "m2", "m3"}).Draw(t, "splitMeter")
	}
	if r.split != "Fixed" && r.split != "Manual" {
		r.all = rapid.Bool().Draw(t, "all")
	}
	free := slices.DeleteFunc(slices.Clone(someOwners), func(o string) bool { return sources[o] })
	if !r.all && len(free) == 0 {
		r.all, r.split = true, "Even"
	}
	if !r.all {
		for i, owner := range rapid.SliceOfNDistinct(rapid.SampledFrom(free), 1, len(free), rapid.ID).Draw(t, "targets") {
			w := target{owner: owner, weight: new(big.Int).Set(unitOne)}
			if r.split == "Fixed" || r.split == "Manual" {
				w.weight = units(rapid.SampledFrom([]string{"1", "2", "0.5", "33.333333333333333333"}).Draw(t, "weight"))
			}
			w.monthly = r.split == "Manual" && i == 0 && rapid.Bool().Draw(t, "monthly")
			r.targets = append(r.targets, w)
		}
	}
	if r.passesOn {
		for _, a := range above {
			if r.source == "" || a.all || slices.ContainsFunc(a.targets, func(w target) bool { return w.owner == r.source }) {
				r.level = max(r.level, a.level+1)
			}
		}
	}
	r.level = min(r.level, 4)
	return r
}

func units(text string) *big.Int {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	r.Mul(r, new(big.Rat).SetInt(unitOne))
	if !r.IsInt() {
		panic(text)
	}
	return new(big.Int).Set(r.Num())
}

func inFull(v *big.Int) string {
	digits := fmt.Sprintf("%019d", new(big.Int).Abs(v))
	text := digits[:len(digits)-18] + "." + digits[len(digits)-18:]
	if v.Sign() < 0 {
		return "-" + text
	}
	return text
}

// begin gives the enterprise a month and a rule set of its own.
func (e *enterprise) begin(i int) {
	e.first = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC).AddDate(0, i, 0)
	e.month, e.set = e.first.Format("2006-01"), fmt.Sprintf("set%d", i)
}

func (e *enterprise) day(d int) string {
	if d < 0 {
		return ""
	}
	return e.first.AddDate(0, 0, d).Format(time.DateOnly)
}

// commitmentID is unlike in every month, for buyers are looked for in all of them.
func (e *enterprise) commitmentID(c string) string {
	if c == "" {
		return ""
	}
	return "/providers/microsoft.capacity/reservationorders/" + e.month + c
}

func (e *enterprise) String() string {
	tables := map[string][][]string{}
	e.write(tables)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		fmt.Fprintf(&text, "-- %s --\n", name)
		for _, row := range tables[name] {
			fmt.Fprintln(&text, strings.Join(row, ","))
		}
	}
	return text.String()
}

// write adds the enterprise's rows to the tables the models read, each beginning with its header.
func (e *enterprise) write(tables map[string][][]string) {
	add := func(table, header string, row ...string) {
		if tables[table] == nil {
			tables[table] = [][]string{strings.Split(header, ",")}
		}
		tables[table] = append(tables[table], row)
	}
	add("int_rule_set", "BillingPeriodStart,RuleSet", e.day(0), e.set)
	for i, c := range e.charges {
		e.writeCharge(add, i, c)
	}
	for _, sub := range slices.Sorted(maps.Keys(e.owners)) {
		add("owner_rule", "RuleSet,Priority,Line,CostOwner,SubscriptionId,IsPattern", e.set, "1", "2", e.owners[sub], sub, "false")
	}
	for i, r := range e.rules {
		id := strconv.Itoa(i + 1)
		add("allocation_rule", "RuleSet,RuleId,RuleName,Line,Split,SourceOwner,PassesOn,MeterId,IsAllTargets,ValidFrom,ValidTo,Level",
			e.set, id, "rule "+id, id, r.split, strings.ToLower(r.source), strconv.FormatBool(r.passesOn), r.meter, strconv.FormatBool(r.all), e.day(r.from), e.day(r.to), strconv.Itoa(r.level))
		for _, use := range []string{"Pool", "Basis"} {
			conditions := r.pool
			if use == "Basis" {
				conditions = r.basis
			}
			for n, c := range conditions {
				for _, pattern := range c.patterns {
					add("allocation_filter", "RuleSet,RuleId,Use,ConditionId,ColumnName,IsNegated,Pattern",
						e.set, id, use, strconv.Itoa(n+1), c.column, strconv.FormatBool(c.isNegated), pattern)
				}
			}
		}
		for _, w := range r.targets {
			month := ""
			if w.monthly {
				month = e.month
			}
			add("allocation_target", "RuleSet,RuleId,Month,CostOwner,Weight", e.set, id, month, w.owner, inFull(w.weight))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.policies)) {
		add("allocation_policy", "RuleSet,Policy,Treatment,CostOwner", e.set, name, e.policies[name].treatment, e.policies[name].owner)
	}
	for i, m := range e.markups {
		add("allocation_markup", "RuleSet,MarkUpId,MarkUpName,Line,CostOwner,ServiceName,PercentAdded,ValidFrom,ValidTo",
			e.set, strconv.Itoa(i+1), fmt.Sprintf("markup %d", i+1), "1", m.owner, m.service, inFull(m.percent), e.day(m.from), e.day(m.to))
	}
	for i, r := range e.rates {
		add("allocation_rate", "RuleSet,RateId,Line,MeterId,ServiceName,SkuMeter,PricingUnit,BillingCurrency,UnitPrice,ValidFrom,ValidTo",
			e.set, strconv.Itoa(i+1), "1", r.meter, r.service, "", r.unit, r.currency, inFull(r.price), e.day(r.from), e.day(r.to))
	}
	for i, l := range e.invoices {
		add("invoice_reconciliation", "Account,InvoiceId,BillingCurrency,Component,InvoicePeriodStart,Amount",
			l.account, strconv.Itoa(i), l.currency, l.component, e.day(0), inFull(l.amount))
	}
}

func (e *enterprise) writeCharge(add func(string, string, ...string), i int, c *charge) {
	tags, allocated, model, kind, category, description := "", "", "", "Usage", "Usage", "x"
	if c.env != "" {
		tags = fmt.Sprintf(`{"Env":"%s"}`, strings.ToUpper(c.env))
	}
	if c.isAllocated {
		allocated = "azure's rule"
	}
	switch c.kind {
	case "Covered":
		model = "Reservation"
	case "Unused":
		model, kind = "Reservation", "UnusedReservation"
	case "Bought":
		model, kind, category = "Reservation", "Purchase", "Purchase"
	case "Rounding":
		kind, category = "RoundingAdjustment", "Adjustment"
	case "Support":
		kind, category, description = "Purchase", "Purchase", "Support Plan"
	}
	priced := ""
	if c.unit != "" {
		priced = inFull(c.priced)
	}
	add("cost_and_usage", "BillingPeriodStart,ChargePeriodStart,x_Account,x_Source,x_Scope,x_Dataset,x_Page,x_Row,SubAccountId,x_ResourceGroupName,Tags,ServiceName,"+
		"ChargeCategory,ChargeDescription,x_ChargeType,x_PricingModel,CommitmentDiscountId,CommitmentDiscountStatus,x_CostAllocationRuleName,BillingCurrency,"+
		"x_SkuMeterId,PricingUnit,PricingQuantity,ConsumedQuantity,EffectiveCost,BilledCost,ListCost",
		e.day(0), e.day(c.day), c.account, "cost_export", "scope", "amortized", "1", strconv.Itoa(i), c.sub, c.rg, tags, c.service,
		category, description, kind, model, e.commitmentID(c.commitment), c.status, allocated, c.currency,
		c.meter, c.unit, priced, inFull(c.usage), inFull(c.effective), inFull(c.billed), inFull(c.list))
}
