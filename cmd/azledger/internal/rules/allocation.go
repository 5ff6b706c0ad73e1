package rules

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// The allocation file says how cost that is nobody's alone is shared; example.yaml is one
// with everything it can say.

// allocation is the file while it is read.
type allocation struct {
	*Set
	columns map[string]string // of cost_and_usage: type by name
}

// rule shares some cost among owners.
type rule struct {
	id       int
	name     string
	line     int
	source   string // the owner whose cost is shared; "" for everybody's
	pool     []condition
	split    string
	basis    []condition
	meter    string
	all      bool
	targets  []target
	from, to string
	level    int
}

// target receives a share; month is "" for every month.
type target struct {
	month, owner, weight string
	line                 int
}

func (a *allocation) read(fields map[string]item) {
	if owners, ok := fields["owners"]; ok {
		a.readOwners(owners)
	}
	if policies, ok := fields["policies"]; ok {
		a.readPolicies(policies)
	}
	if rules, ok := fields["rules"]; ok {
		for _, r := range rules.list("rules") {
			a.readRule(r)
		}
	}
	if markup, ok := fields["markup"]; ok {
		a.readMarkups(markup)
	}
}

// readOwners takes the owners that no line of the owners file names.
func (a *allocation) readOwners(owners item) {
	seen := map[string]int{}
	for _, o := range owners.list("owners") {
		name, ok := o.name("an owner")
		switch {
		case !ok:
		case isPattern(name):
			o.wrong("%q: an owner is named in full, without * and ?", name)
		case fold(name) == Unallocated:
			o.wrong("%q is the name of what nobody owns", name)
		case seen[fold(name)] > 0:
			o.wrong("%q stands on line %d already", name, seen[fold(name)])
		case a.spelling[fold(name)] == "":
			a.spelling[fold(name)] = name
			a.ownerNames = append(a.ownerNames, name)
		}
		seen[fold(name)] = o.line()
	}
}

// owner is a known owner, as the files spell it.
func (a *allocation) owner(i item, what string) (string, bool) {
	name, ok := i.name(what)
	if !ok {
		return "", false
	}
	if known := a.spelling[fold(name)]; known != "" && fold(name) != Unallocated {
		return known, true
	}
	i.wrong("%s: there is no owner %q; a line of the owners file or of owners: must name it", what, name)
	return "", false
}

var ruleKeys = []string{"name", "from", "where", "split", "of", "meter", "to", "months", "valid_from", "valid_to"}

func (a *allocation) readRule(i item) {
	fields := i.of(fmt.Sprintf("rule %d", len(a.rules)+1)).fields("a rule", ruleKeys...)
	r := rule{id: len(a.rules) + 1, line: i.line(), level: 1}
	if name, ok := fields["name"]; ok {
		r.name, _ = name.name("name")
		i = i.of(r.label())
		a.uniqueName(name.of(i.rule), r.name)
	} else if i.isMapping() {
		i.wrong("a rule wants a name")
	}
	for key, f := range fields {
		fields[key] = f.of(i.rule)
	}
	a.readPool(i, &r, fields)
	r.from, r.to = readSpan(fields)
	a.readSplit(i, &r, fields)
	a.rules = append(a.rules, r)
}

func (a *allocation) uniqueName(at item, name string) {
	for _, other := range a.rules {
		if name != "" && fold(other.name) == fold(name) {
			at.wrong("the rule on line %d has the name %q as well", other.line, other.name)
		}
	}
}

// readPool takes what is shared: of whom, and what of it.
func (a *allocation) readPool(i item, r *rule, fields map[string]item) {
	from, where := fields["from"], fields["where"]
	if from.at != nil {
		r.source = a.source(from)
	}
	if where.at != nil {
		r.pool = a.conditions(where, "where")
	}
	if from.at == nil && len(r.pool) == 0 && i.isMapping() {
		i.wrong("the rule names no column: say whose cost it shares (from: an owner), or which (where: a column of cost_and_usage and its values)")
	}
	if n := slices.IndexFunc(r.pool, condition.isOwner); n >= 0 && r.source == "" && from.at == nil {
		r.source = r.pool[n].written[0]
		r.pool = slices.Delete(r.pool, n, n+1)
	}
}

// source is the owner a rule takes from, folded.
func (a *allocation) source(from item) string {
	text, ok := from.name("from")
	if !ok || fold(text) == Unallocated {
		return fold(text)
	}
	name, _ := a.owner(from, "from")
	return fold(name)
}

// readSpan are the days a rule or a mark-up holds.
func readSpan(fields map[string]item) (from, to string) {
	days := map[string]string{}
	for _, key := range []string{"valid_from", "valid_to"} {
		f, ok := fields[key]
		if !ok {
			continue
		}
		text, ok := f.name(key)
		if ok && !isDay(text) {
			f.wrong("%s %q: want a day such as 2026-10-31", key, text)
		} else {
			days[key] = text
		}
	}
	from, to = days["valid_from"], days["valid_to"]
	if from != "" && to != "" && to < from {
		fields["valid_to"].wrong("valid_to %s is before valid_from %s", to, from)
	}
	return from, to
}

// splits are the ways to share, and the keys of a rule that each of them needs or knows.
var splits = map[string]struct {
	name           string
	weighed        bool // to: gives each target a number
	of, meter, may bool
}{
	"even":         {name: "Even"},
	"proportional": {name: "Proportional", of: true},
	"usage":        {name: "Usage", meter: true},
	"fixed":        {name: "Fixed", weighed: true},
	"manual":       {name: "Manual", weighed: true, may: true},
}

func (a *allocation) readSplit(i item, r *rule, fields map[string]item) {
	f, ok := fields["split"]
	if !ok {
		if i.isMapping() {
			i.wrong("split is missing: want even, proportional, usage, fixed or manual")
		}
		return
	}
	word, _ := f.text("split")
	split, known := splits[word]
	if !known {
		f.wrong("split %q: want even, proportional, usage, fixed or manual", word)
		return
	}
	r.split = split.name
	for key, may := range map[string]bool{"of": split.of, "meter": split.meter, "months": split.may} {
		if misplaced, given := fields[key]; given && !may {
			misplaced.wrong("%s says nothing to the split %s", key, word)
		}
	}
	if of, ok := fields["of"]; ok && split.of {
		r.basis = a.conditions(of, "of")
	}
	if split.meter {
		r.meter = readMeter(i, fields)
	}
	a.readTargets(i, r, fields, split.weighed)
}

func readMeter(i item, fields map[string]item) string {
	f, ok := fields["meter"]
	if !ok {
		i.wrong("the split usage wants meter: the id of the meter whose quantities are the shares")
		return ""
	}
	text, ok := f.name("meter")
	if ok && !guid.MatchString(fold(text)) {
		f.wrong("meter %q: want the id of a meter, a GUID as in x_SkuMeterId", text)
	}
	return fold(text)
}

func (a *allocation) readTargets(i item, r *rule, fields map[string]item, weighed bool) {
	to, given := fields["to"]
	months, monthly := fields["months"]
	switch {
	case !given && !(monthly && r.split == "Manual"):
		i.wrong("to is missing: name the owners that receive")
	case weighed:
		if given {
			r.targets = a.weights(to, r, "")
		}
		if monthly && r.split == "Manual" {
			a.readMonths(months, r)
		}
	case to.isMapping():
		to.wrong("to: the split %s weighs by itself; want a list of owners, or all", strings.ToLower(r.split))
	default:
		a.readReceivers(to, r)
	}
	for _, t := range r.targets {
		if fold(t.owner) == r.source {
			i.wrong("circular share: %s gives to itself; take it out of the targets", t.owner)
			break
		}
	}
}

// readReceivers takes targets without weights.
func (a *allocation) readReceivers(to item, r *rule) {
	if word, ok := to.node.(*ast.StringNode); ok && word.Value == "all" {
		r.all = true
		return
	}
	for _, t := range to.oneOrMore("to") {
		if owner, ok := a.owner(t, "to"); ok {
			a.addTarget(t, r, target{owner: owner, weight: "1", line: t.line()})
		}
	}
}

func (a *allocation) addTarget(at item, r *rule, t target) {
	for _, other := range r.targets {
		if other.owner == t.owner && other.month == t.month {
			at.wrong("%s stands twice among the targets", t.owner)
			return
		}
	}
	r.targets = append(r.targets, t)
}

// weights takes targets with a number each.
func (a *allocation) weights(to item, r *rule, month string) []target {
	if !to.isMapping() {
		to.wrong("to: the split %s wants a number for each owner, such as {Data: 60, Web: 40}", strings.ToLower(r.split))
		return r.targets
	}
	pairs, sum, sound := to.pairs("to"), new(big.Rat), true
	for _, p := range pairs {
		owner, known := a.owner(p.key, "to")
		weight, n := p.value.weight(r.split)
		if n == nil || !known {
			sound = false
			continue
		}
		sum.Add(sum, n)
		a.addTarget(p.key, r, target{month, owner, weight, p.key.line()})
	}
	switch {
	case len(pairs) == 0:
		to.wrong("to: nobody receives")
	case sound && sum.Cmp(mostWeight) >= 0:
		to.wrong("the shares add up to %s; want less than 21 digits before the point in all", plain(sum))
	case sound && r.split == "Manual" && sum.Cmp(big.NewRat(100, 1)) != 0:
		to.wrong("the percentages add up to %s, not to 100%s", plain(sum), of(month))
	}
	return r.targets
}

// mostWeight is what the shares of a rule stay below, as they are added up in a decimal(38, 18).
var mostWeight = new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil))

func of(month string) string {
	if month == "" {
		return ""
	}
	return " (" + month + ")"
}

// plain writes a sum of decimals without needless digits.
func plain(n *big.Rat) string {
	text := strings.TrimRight(n.FloatString(18), "0")
	return strings.TrimSuffix(text, ".")
}

// weight is a number above zero.
func (i item) weight(split string) (string, *big.Rat) {
	text, ok := i.name("a share")
	if !ok {
		return "", nil
	}
	n := decimal(text)
	switch {
	case n == nil:
		i.wrong("%q: %s", text, wantedDecimal)
		return "", nil
	case n.Sign() <= 0:
		i.wrong("%s: the shares of the split %s are above zero; leave out who receives nothing", text, strings.ToLower(split))
		return "", nil
	}
	return text, n
}

func (a *allocation) readMonths(months item, r *rule) {
	pairs := months.pairs("months")
	if months.isMapping() && len(pairs) == 0 {
		months.wrong("months names no month: want one and its shares, such as 2026-10: {Data: 60, Web: 40}, or leave months out")
	}
	for _, p := range pairs {
		month, ok := p.key.text("a month")
		switch {
		case ok && !monthText.MatchString(month):
			p.key.wrong("%q: want a month such as 2026-10", month)
		case ok && !overlap(month+"-01", month+"-31", r.from, r.to):
			p.key.wrong("the rule does not hold in %s, see valid_from and valid_to", month)
		case ok:
			r.targets = a.weights(p.value, r, month)
		}
	}
}

func (r rule) passesOn() bool { return r.source != "" && len(r.pool) == 0 }

func (s *Set) ruleRows(add func(table string, fields ...string)) {
	for _, r := range s.rules {
		id := fmt.Sprint(r.id)
		add("allocation_rule", id, r.name, fmt.Sprint(r.line), r.split, r.source, fmt.Sprint(r.passesOn()),
			r.meter, fmt.Sprint(r.all), r.from, r.to, fmt.Sprint(r.level))
		filterRows(add, id, "Pool", r.pool)
		filterRows(add, id, "Basis", r.basis)
		for _, t := range r.targets {
			add("allocation_target", id, t.month, t.owner, t.weight)
		}
	}
}
