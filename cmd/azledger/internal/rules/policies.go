package rules

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// policy says what becomes of a kind of cost that belongs to no single owner.
type policy struct{ name, treatment, owner string }

// policyWords are the keys of policies:, the names they have in the tables, and what each allows.
var policyWords = []struct {
	key, name string
	words     []string
}{
	{"unused_commitments", "UnusedCommitment", []string{"buyer", "users"}},
	{"rounding", "Rounding", []string{"none", "proportional"}},
	{"support", "Support", []string{"none", "proportional"}},
	{"credits", "Credit", []string{"none", "proportional"}},
	{"tax", "Tax", []string{"none", "proportional"}},
}

// defaultPolicies leave everything with whom it was charged to.
func defaultPolicies() []policy {
	var policies []policy
	for _, p := range policyWords {
		policies = append(policies, policy{p.name, title(p.words[0]), ""})
	}
	return policies
}

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

func (a *allocation) readPolicies(i item) {
	var keys []string
	for _, p := range policyWords {
		keys = append(keys, p.key)
	}
	for key, f := range i.fields("policies", keys...) {
		n := slices.Index(keys, key)
		a.readPolicy(f.of("policy "+key), &a.policies[n], policyWords[n].words)
	}
}

// readPolicy reads a word, or central: an owner.
func (a *allocation) readPolicy(i item, p *policy, words []string) {
	wanted := fmt.Sprintf("want %s, or {central: <owner>}", strings.Join(words, ", "))
	if i.isMapping() {
		central, ok := i.fields("a policy", "central")["central"]
		if !ok {
			i.wrong("%s", wanted)
			return
		}
		p.treatment = "Central"
		p.owner, _ = a.owner(central, "central")
		return
	}
	word, ok := i.text("a policy")
	switch {
	case !ok:
	case slices.Contains(words, word):
		p.treatment = title(word)
	default:
		i.wrong("%q: %s", word, wanted)
	}
}

func (s *Set) policyRows(add func(table string, fields ...string)) {
	for _, p := range s.policies {
		add("allocation_policy", p.name, p.treatment, p.owner)
	}
}

// markup adds a percentage to what an owner is charged for a service.
type markup struct {
	name, owner, service, percent, from, to string
	line                                    int
}

func (a *allocation) readMarkups(i item) {
	seen := map[string]int{}
	for _, m := range i.list("markup") {
		fields := m.of("mark-up").fields("a mark-up", "name", "owner", "service", "percent", "valid_from", "valid_to")
		if !m.isMapping() {
			continue
		}
		name := ""
		if f, ok := fields["name"]; ok {
			name, _ = f.name("name")
		} else {
			m.wrong("a mark-up wants a name")
		}
		m = m.of(fmt.Sprintf("mark-up %q", name))
		if other := seen[fold(name)]; other > 0 {
			m.wrong("the mark-up on line %d has the name %q as well", other, name)
		}
		seen[fold(name)] = m.line()
		a.readMarkup(m, name, fields)
	}
}

// readMarkup takes one mark-up; owners and services in lists become one each.
func (a *allocation) readMarkup(m item, name string, fields map[string]item) {
	for key, f := range fields {
		fields[key] = f.of(m.rule)
	}
	from, to := readSpan(fields)
	percent := readPercent(m, fields)
	for _, owner := range a.markupOwners(fields) {
		for _, service := range markupServices(fields) {
			a.markups = append(a.markups, markup{name, owner, service, percent, from, to, m.line()})
		}
	}
}

func (a *allocation) markupOwners(fields map[string]item) []string {
	f, ok := fields["owner"]
	if !ok {
		return []string{""}
	}
	var owners []string
	for _, o := range f.oneOrMore("owner") {
		if name, ok := a.owner(o, "owner"); ok {
			owners = append(owners, name)
		}
	}
	return owners
}

func markupServices(fields map[string]item) []string {
	f, ok := fields["service"]
	if !ok {
		return []string{""}
	}
	var services []string
	for _, s := range f.oneOrMore("service") {
		if name, ok := s.name("service"); ok {
			services = append(services, name)
		}
	}
	return services
}

func readPercent(m item, fields map[string]item) string {
	f, ok := fields["percent"]
	if !ok {
		m.wrong("percent is missing: say what is added, such as 3.5")
		return ""
	}
	text, ok := f.name("percent")
	n := decimal(text)
	switch {
	case !ok:
	case n == nil:
		f.wrong("percent %q: %s", text, wantedDecimal)
	case n.Cmp(big.NewRat(-100, 1)) < 0 || n.Cmp(big.NewRat(1000, 1)) > 0:
		f.wrong("percent %s: want a number from -100 to 1000", text)
	}
	return text
}

func (s *Set) markupRows(add func(table string, fields ...string)) {
	for i, m := range s.markups {
		add("allocation_markup", fmt.Sprint(i+1), m.name, fmt.Sprint(m.line), m.owner, like(m.service), m.percent, m.from, m.to)
	}
}
