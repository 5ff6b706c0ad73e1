package rules

import (
	"fmt"
	"slices"
	"strings"
)

// Item is one thing the rules say, in words.
type Item struct {
	Kind string // owner, tag, rule, policy, mark-up or rate
	Name string // what tells it from others of its kind
	Line int
	Text string
}

// Items is everything the rules say, in the order of the files.
func (s *Set) Items() []Item {
	var items []Item
	for _, l := range s.owners {
		items = append(items, l.item())
	}
	for i, key := range s.ownerTags {
		items = append(items, Item{Kind: "tag", Name: fmt.Sprintf("owner tag %d", i+1), Text: s.tags.keySpelling(key) + " names the owner where no line of the owners file does"})
	}
	items = append(items, s.tags.items()...)
	for _, r := range s.rules {
		items = append(items, Item{"rule", r.name, r.line, r.words(s.spelling)})
	}
	for _, p := range s.policies {
		items = append(items, Item{Kind: "policy", Name: p.name, Text: p.words()})
	}
	for _, m := range s.markups {
		items = append(items, m.item())
	}
	for _, r := range s.rates {
		items = append(items, r.item())
	}
	return items
}

// Change is an item that two sets of rules do not have alike. An empty text is an item
// that is not there.
type Change struct {
	Kind, Name, Before, After string
}

// Changes are what tells two sets apart, what is gone first.
func Changes(before, after *Set) []Change {
	old, now := numbered(before.Items()), numbered(after.Items())
	var changes []Change
	for _, key := range old.keys {
		if now.text[key] != old.text[key] {
			changes = append(changes, Change{key[0], key[1], old.text[key], now.text[key]})
		}
	}
	for _, key := range now.keys {
		if _, there := old.text[key]; !there {
			changes = append(changes, Change{key[0], key[1], "", now.text[key]})
		}
	}
	return append(changes, reordered(before, after)...)
}

// keyed are items by kind and name.
type keyed struct {
	keys [][2]string
	text map[[2]string]string
}

// numbered tells items of one name apart.
func numbered(items []Item) keyed {
	k := keyed{text: map[[2]string]string{}}
	for _, i := range items {
		key := [2]string{i.Kind, i.Name}
		for n := 2; k.text[key] != ""; n++ {
			key[1] = fmt.Sprintf("%s (%d)", i.Name, n)
		}
		k.keys, k.text[key] = append(k.keys, key), i.Text
	}
	return k
}

// reordered tells of rules that are the same in another order, which decides as well.
func reordered(before, after *Set) []Change {
	names := func(s, other *Set) (names []string) {
		for _, r := range s.rules {
			if slices.ContainsFunc(other.rules, func(o rule) bool { return fold(o.name) == fold(r.name) }) {
				names = append(names, r.name)
			}
		}
		return names
	}
	old, now := strings.Join(names(before, after), ", "), strings.Join(names(after, before), ", ")
	if strings.EqualFold(old, now) {
		return nil
	}
	return []Change{{"rule", "their order", old, now}}
}

func (l ownerLine) item() Item {
	var where []string
	for i, c := range l.criteria {
		if c != "" {
			where = append(where, ownerColumns[i+1]+" "+c)
		}
	}
	if len(where) == 0 {
		where = []string{"everything else"}
	}
	return Item{"owner", strings.Join(where, ", "), l.line, l.owner + span(l.from, l.to)}
}

// span says the days something holds.
func span(from, to string) string {
	var text string
	if from != "" {
		text += " from " + from
	}
	if to != "" {
		text += " to " + to
	}
	return text
}

func (t *tagRules) items() (items []Item) {
	for _, written := range sortedKeys(t.keys) {
		if m := t.keys[written]; fold(m.text) != written {
			items = append(items, Item{"tag", "key " + written, m.line, "means " + m.text})
		}
	}
	for _, key := range sortedKeys(t.values) {
		for _, written := range sortedKeys(t.values[key]) {
			if m := t.values[key][written]; fold(m.text) != written {
				items = append(items, Item{"tag", "value " + written + " of " + key, m.line, "means " + m.text})
			}
		}
	}
	for _, i := range t.inherited {
		items = append(items, Item{"tag", strings.TrimSpace(i.key + " of " + i.subscription + " " + i.group), i.line, "is " + i.value + span(i.from, i.to)})
	}
	for _, r := range t.required {
		text := "any value"
		if len(r.values) > 0 {
			text = "one of " + strings.Join(r.values, ", ")
		}
		items = append(items, Item{Kind: "tag", Name: "required " + r.key, Text: text})
	}
	return items
}

// words say what a rule does.
func (r rule) words(spelling map[string]string) string {
	of := "the cost"
	if r.source != "" {
		of = "the cost of " + spelling[r.source]
	}
	if len(r.pool) > 0 {
		of += " where " + conditionWords(r.pool)
	}
	return "shares " + of + " " + r.splitWords() + " " + r.targetWords() + span(r.from, r.to)
}

func (r rule) splitWords() string {
	switch r.split {
	case "Proportional":
		if len(r.basis) > 0 {
			return "by what each spends where " + conditionWords(r.basis) + ", among"
		}
		return "by what each spends, among"
	case "Usage":
		return "by what each uses of the meter " + r.meter + ", among"
	case "Even":
		return "evenly among"
	case "Fixed":
		return "by fixed weights among"
	}
	return "by percent among"
}

func (r rule) targetWords() string {
	if r.all {
		return "all owners with cost"
	}
	var words []string
	for _, t := range r.targets {
		text := t.owner
		if r.split == "Fixed" || r.split == "Manual" {
			text += " " + t.weight
		}
		if t.month != "" {
			text += " in " + t.month
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}

func conditionWords(conditions []condition) string {
	var words []string
	for _, c := range conditions {
		verb, values := " is ", make([]string, len(c.shown))
		if c.negated {
			verb = " is not "
		}
		for i, w := range c.shown {
			values[i] = w
			if w == "" {
				values[i] = "empty"
			}
		}
		words = append(words, c.column+verb+strings.Join(values, " or "))
	}
	return strings.Join(words, " and ")
}

var treatmentWords = map[string]string{
	"Buyer": "stays with who bought it", "Users": "goes to who used the commitment, by what each used", "Central": "goes to ",
	"Proportional": "goes to every owner, by what each spends", "None": "stays where it was charged",
}

func (p policy) words() string { return treatmentWords[p.treatment] + p.owner }

func (m markup) item() Item {
	text := "adds " + m.percent + " percent to what " + orAny(m.owner, "every owner") + " is charged for " + orAny(m.service, "everything")
	return Item{"mark-up", m.name, m.line, text + span(m.from, m.to)}
}

func (r rate) item() Item {
	var what []string
	for _, text := range []string{r.meter, r.service, r.sku} {
		if text != "" {
			what = append(what, text)
		}
	}
	return Item{"rate", strings.Join(what, " "), r.line, r.price + " " + r.currency + " for " + r.unit + span(r.from, r.to)}
}

func orAny(text, any string) string {
	if text == "" {
		return any
	}
	return text
}
