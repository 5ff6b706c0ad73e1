package rules

import (
	"fmt"
	"slices"
	"strings"
)

// The owners file says who pays: a CSV file with a header, whose columns may stand in any
// order and, all but CostOwner, be left out.
//
//	CostOwner       who pays; required
//	SubscriptionId  the line is for this subscription
//	ResourceGroup   … for this resource group
//	InvoiceSection  … for this invoice section or department, by name or id
//	TagKey          … for what carries this tag
//	TagValue        … with this value
//	ValidFrom       first day of the line, yyyy-mm-dd
//	ValidTo         last day of the line
//
// An empty field fits everything, and * and ? stand for any letters and any one. The
// first line from the top that fits a charge in all its fields decides.
var ownerColumns = []string{"CostOwner", "SubscriptionId", "ResourceGroup", "InvoiceSection", "TagKey", "TagValue", "ValidFrom", "ValidTo"}

// ownerLine is a line of the owners file.
type ownerLine struct {
	line  int
	owner string
	// criteria are SubscriptionId, ResourceGroup, InvoiceSection, TagKey, TagValue, as they are compared.
	criteria  [5]string
	isPattern bool
	from, to  string
}

func readOwners(file string, text []byte, tags *tagRules) ([]ownerLine, Problems) {
	records, problems := readCSV(file, text, ownerColumns, []string{"CostOwner"})
	var lines []ownerLine
	for _, r := range records {
		wrong := append(r.checkOwner(file), r.checkSpan(file)...)
		problems = append(problems, wrong...)
		if len(wrong) == 0 {
			lines = append(lines, newOwnerLine(r, tags))
		}
	}
	oneSpelling(lines)
	return lines, append(problems, disputes(file, lines)...)
}

// checkOwner finds what is wrong with a line by itself.
func (r record) checkOwner(file string) (problems Problems) {
	wrong := func(format string, args ...any) {
		problems = append(problems, Problem{File: file, Line: r.line, Text: fmt.Sprintf(format, args...)})
	}
	owner := r.get("CostOwner")
	switch {
	case owner == "":
		wrong("CostOwner is empty")
	case isPattern(owner):
		wrong("CostOwner %q: an owner is named in full; * and ? are for the other columns", owner)
	case fold(owner) == Unallocated:
		wrong("CostOwner %q: that is the name of what nobody owns", owner)
	}
	if r.get("TagKey") == "" && r.get("TagValue") != "" {
		wrong("TagValue without TagKey")
	}
	return problems
}

func newOwnerLine(r record, tags *tagRules) ownerLine {
	key := tags.key(r.get("TagKey"))
	l := ownerLine{line: r.line, owner: strings.Join(strings.Fields(r.get("CostOwner")), " "), from: r.get("ValidFrom"), to: r.get("ValidTo")}
	l.criteria = [5]string{
		subscription(r.get("SubscriptionId")), fold(r.get("ResourceGroup")), fold(r.get("InvoiceSection")), key, tags.value(key, r.get("TagValue")),
	}
	l.isPattern = slices.ContainsFunc(l.criteria[:], isPattern)
	return l
}

// oneSpelling gives an owner the spelling that stands first.
func oneSpelling(lines []ownerLine) {
	spelling := map[string]string{}
	for i, l := range lines {
		key := fold(l.owner)
		if spelling[key] == "" {
			spelling[key] = l.owner
		}
		lines[i].owner = spelling[key]
	}
}

// disputes finds lines that give the same to two owners on the same day.
func disputes(file string, lines []ownerLine) (problems Problems) {
	before := map[[5]string][]ownerLine{}
	for _, l := range lines {
		for _, other := range before[l.criteria] {
			if other.owner != l.owner && overlap(l.from, l.to, other.from, other.to) {
				problems = append(problems, Problem{File: file, Line: l.line, Text: fmt.Sprintf(
					"%s and, on line %d, %s own the same on the same day; give ValidFrom and ValidTo so that one follows the other", l.owner, other.line, other.owner)})
				break
			}
		}
		before[l.criteria] = append(before[l.criteria], l)
	}
	return problems
}

// row is the line as a row of owner_rule, behind RuleSet and Priority.
func (l ownerLine) fields() []string {
	row := []string{fmt.Sprint(l.line), l.owner}
	for _, c := range l.criteria {
		if l.isPattern && c != "" {
			c = like(c)
		}
		row = append(row, c)
	}
	return append(row, fmt.Sprint(l.isPattern), l.from, l.to)
}
