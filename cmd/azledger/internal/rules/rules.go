// Package rules reads the files that say who pays (owners.csv, allocation.yaml and what that
// names), finds everything wrong in them before anything is computed, and turns them into the
// tables of configuration that the models read.
package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Unallocated is the owner of what nobody owns, folded.
const Unallocated = "unallocated"

// Set is one set of rules, whole and checked.
type Set struct {
	owners     []ownerLine
	ownerNames []string // owners that only owners: names
	ownerTags  []string
	tags       tagRules
	rules      []rule
	policies   []policy
	markups    []markup
	rates      []rate
	spelling   map[string]string // of the known owners, by folded name
	files      map[string][]byte // as they were read, by the name they are kept under
}

// Rows are the tables of configuration, each row beginning with the name of the rule set.
func (s *Set) Rows(name string) map[string][][]string {
	rows := map[string][][]string{}
	add := func(table string, fields ...string) {
		rows[table] = append(rows[table], append([]string{name}, fields...))
	}
	for i, l := range s.owners {
		add("owner_rule", append([]string{fmt.Sprint(i + 1)}, l.fields()...)...)
	}
	for _, name := range s.ownerNames {
		add("owner_name", name)
	}
	for i, key := range s.ownerTags {
		add("owner_tag", fmt.Sprint(i+1), s.tags.key(key))
	}
	s.tags.rows(add)
	s.ruleRows(add)
	s.policyRows(add)
	s.markupRows(add)
	s.rateRows(add)
	return rows
}

// Digest identifies the rules by what they mean and where they stand.
func (s *Set) Digest() string {
	text, err := json.Marshal(s.Rows(""))
	if err != nil {
		panic(err) // texts always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
