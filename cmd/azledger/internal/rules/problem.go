package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is something wrong in a file of rules, at its place.
type Problem struct {
	File   string
	Line   int
	Column int    // 0 where the whole line is meant
	Rule   string // what it belongs to, such as rule "Network"; may be empty
	Text   string
}

func (p Problem) String() string {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d", place, p.Line)
	}
	if p.Column > 0 {
		place = fmt.Sprintf("%s:%d", place, p.Column)
	}
	if p.Rule != "" {
		place += ": " + p.Rule
	}
	return place + ": " + p.Text
}

// Problems is all that is wrong, as one error with a line for each.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// err is the problems in the order of their places, nil without any.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return p
}
