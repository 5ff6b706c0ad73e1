package rules

import (
	"fmt"
	"slices"
	"strings"
)

// mostLevels is how often a cost may be shared on, from owner to owner.
const mostLevels = 4

// gives tells whether the rule names the owner among its targets. All targets are no edge of
// a circle: who shares by a rule receives none of them.
func (r rule) gives(owner string) bool {
	return slices.ContainsFunc(r.targets, func(t target) bool { return fold(t.owner) == owner })
}

func (r rule) meets(other rule) bool { return overlap(r.from, r.to, other.from, other.to) }

// covers tells whether nothing is left for the other rule.
func (r rule) covers(other rule) bool {
	return r.passesOn() && r.source == other.source && r.from <= other.from && (r.to == "" || other.to != "" && other.to <= r.to)
}

func (r rule) label() string { return fmt.Sprintf("rule %q", r.name) }

// order gives each rule its level and refuses shares that come too late or never end.
func (a *allocation) order(file string) (problems Problems) {
	for i := range a.rules {
		r := &a.rules[i]
		wrong := func(text string) {
			problems = append(problems, Problem{File: file, Line: r.line, Rule: r.label(), Text: text})
		}
		for _, before := range a.rules[:i] {
			if !before.meets(*r) {
				continue
			}
			if before.covers(*r) {
				wrong(fmt.Sprintf("it never applies: %s on line %d above shares all that %s costs; put this rule above that one", before.label(), before.line, a.spelled(r.source)))
			}
			if text := a.tooLate(before, *r); text != "" {
				wrong(text)
			}
			if r.passesOn() && before.gives(r.source) {
				r.level = max(r.level, before.level+1)
			}
		}
		if r.level == mostLevels+1 {
			wrong(fmt.Sprintf("more than %d levels: %s; let one of them give to the last owners at once", mostLevels, a.way(i)))
		}
	}
	return problems
}

// tooLate says why a rule may not give to the owner whose cost a rule above has shared; ""
// if it may: that rule shares but a part of what is the owner's own.
func (a *allocation) tooLate(before, late rule) string {
	if before.source == "" || before.source == late.source || !late.gives(before.source) {
		return ""
	}
	if circle := a.path(before, late); circle != nil {
		return "circular share: " + a.round(circle) + "; take one of them out of the targets"
	}
	if !before.passesOn() {
		return ""
	}
	return fmt.Sprintf("it gives to %s, whose cost %s on line %d above has shared by then; put this rule above that one", a.spelled(before.source), before.label(), before.line)
}

// round tells a circle: who gives to whom by which rule.
func (a *allocation) round(circle []rule) string {
	var text strings.Builder
	for _, r := range circle {
		fmt.Fprintf(&text, "%s (%s, line %d) → ", a.spelled(r.source), r.label(), r.line)
	}
	return text.String() + a.spelled(circle[0].source)
}

// path are the rules by which cost of the first goes round to the last, which gives it back.
func (a *allocation) path(first, last rule) []rule {
	type way []rule
	queue, seen := []way{}, map[string]bool{first.source: true}
	for _, r := range a.rules {
		if r.source == first.source {
			queue = append(queue, way{r})
		}
	}
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		end := w[len(w)-1]
		if end.id == last.id {
			return w
		}
		for _, next := range a.rules {
			if next.source == "" || !end.gives(next.source) || !end.meets(next) || seen[next.source] && next.id != last.id {
				continue
			}
			queue = append(queue, append(slices.Clone(w), next))
		}
		for _, t := range end.targets {
			seen[fold(t.owner)] = true
		}
	}
	return nil
}

// way tells the longest chain of rules that ends at one.
func (a *allocation) way(i int) string {
	chain := []string{a.rules[i].place()}
	for at := i; at >= 0; {
		r, next := a.rules[at], -1
		for j, before := range a.rules[:at] {
			if before.gives(r.source) && before.level == r.level-1 && before.meets(r) {
				next = j
			}
		}
		if next >= 0 {
			chain = append(chain, a.rules[next].place())
		}
		at = next
	}
	slices.Reverse(chain)
	return strings.Join(chain, " → ")
}

func (r rule) place() string { return fmt.Sprintf("%q (line %d)", r.name, r.line) }

// spelled is an owner as the files spell it.
func (a *allocation) spelled(folded string) string {
	if name := a.spelling[folded]; name != "" {
		return name
	}
	return folded
}
