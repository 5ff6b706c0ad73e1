package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// condition holds for a charge if one of its patterns fits the column, or if none does
// where it is negated.
type condition struct {
	column  string // of cost_and_usage, tag.<key>, or CostOwner
	negated bool
	written []string // as they are compared, before they become patterns
	shown   []string // as they stand in the file
}

// isOwner tells whether the condition says what from: says.
func (c condition) isOwner() bool {
	return c.column == "CostOwner" && !c.negated && len(c.written) == 1 && !isPattern(c.written[0])
}

// conditions reads a filter: columns and what they may hold.
func (a *allocation) conditions(i item, what string) []condition {
	var conditions []condition
	pairs := i.pairs(what)
	for _, p := range pairs {
		name, ok := p.key.name("a column")
		if !ok {
			continue
		}
		column := a.column(p.key, name)
		if slices.ContainsFunc(conditions, func(c condition) bool { return c.column == column }) {
			p.key.wrong("%s: the column stands twice", what)
		}
		c := a.condition(p.value, column)
		if column != "" && len(c.written) > 0 {
			conditions = append(conditions, c)
		}
	}
	if i.isMapping() && len(pairs) == 0 {
		i.wrong("%s names no column: want a column of cost_and_usage and its values, such as ServiceName: Bandwidth", what)
	}
	return conditions
}

// column is the column's name as cost_and_usage spells it, "" for none that can be compared.
func (a *allocation) column(at item, name string) string {
	if key, isTag := strings.CutPrefix(strings.ToLower(name), "tag."); isTag {
		if strings.TrimSpace(key) == "" || isPattern(key) {
			at.wrong("%q: want tag. and the key of a tag, such as tag.environment", name)
			return ""
		}
		return "tag." + a.tags.key(key)
	}
	if strings.EqualFold(name, "CostOwner") {
		return "CostOwner"
	}
	for column, kind := range a.columns {
		if !strings.EqualFold(column, name) {
			continue
		}
		if kind != "varchar" && kind != "boolean" {
			at.wrong("%s is a %s; a filter wants a column with texts or with true and false", column, kind)
			return ""
		}
		return column
	}
	at.wrong("unknown column %q; azledger models cost_and_usage lists them, and there are tag.<key> and CostOwner", name)
	return ""
}

// condition reads what a column may hold: a text, a list of them, or not: either.
func (a *allocation) condition(i item, column string) condition {
	c := condition{column: column}
	values := i
	if i.isMapping() {
		fields := i.fields(column, "not")
		not, ok := fields["not"]
		if !ok {
			i.wrong("%s wants a value, or not: and a value", column)
			return c
		}
		c.negated, values = true, not
	}
	for _, v := range values.oneOrMore(column) {
		if text, ok := v.text(column); ok && a.holds(v, column, text) {
			c.written, c.shown = append(c.written, a.compared(column, text)), append(c.shown, text)
		}
	}
	return c
}

// holds tells whether a column can hold the text at all.
func (a *allocation) holds(at item, column, text string) bool {
	switch {
	case a.columns[column] == "boolean" && text != "true" && text != "false":
		at.wrong("%s %q: want true or false", column, text)
		return false
	case column == "CostOwner" && !isPattern(text) && fold(text) != Unallocated:
		_, known := a.owner(at, column)
		return known
	}
	return true
}

// compared is the text as the column is compared.
func (a *allocation) compared(column, text string) string {
	key, isTag := strings.CutPrefix(column, "tag.")
	switch {
	case isTag && !isPattern(text):
		return a.tags.value(key, text)
	case column == "SubAccountId":
		return subscription(text)
	}
	return fold(text)
}

func filterRows(add func(table string, fields ...string), id, use string, conditions []condition) {
	for i, c := range conditions {
		for _, w := range c.written {
			add("allocation_filter", id, use, fmt.Sprint(i+1), c.column, fmt.Sprint(c.negated), like(w))
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
