package azuresim

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A tagSet is the tags of a resource in both spellings: the object of JSON rows and the text of CSV files, which has no
// braces.
type tagSet struct {
	object string
	text   string
	owner  bool
	empty  bool
}

// tagSets[0] is no tags at all; about one resource in eight has it. The others have gaps, keys that differ in case or are
// spelled otherwise, and misspelt owners.
var tagSets = makeTagSets()

var owners = [...][]string{
	{"payments", "payments", "payments", "Payments ", "paymnets"},
	{"claims", "claims", "claims", "CLAIMS", "claims-team"},
	{"platform", "platform", "platform", "plattform", "platform"},
	{"data", "data", "data & analytics", "data", "Data"},
	{"web", "web", "web", "web", "web \"shop\""},
	{"stores", "stores", "stores", "store", "stores"},
	{"zoë.müller", "zoë.müller", "zoe.mueller", "zoë.müller", "zoë.müller"},
	{"research", "research", "research", "Research", "research"},
}

func makeTagSets() []tagSet {
	sets := []tagSet{{empty: true}}
	for team := range owners {
		for variant := range 16 {
			sets = append(sets, makeTagSet(team, variant))
		}
	}
	return sets
}

func makeTagSet(team, variant int) tagSet {
	var pairs []string
	pair := func(key, value string) {
		k, _ := json.Marshal(key)
		v, _ := json.Marshal(value)
		pairs = append(pairs, string(k)+": "+unescape(string(v)))
	}
	set := tagSet{}
	if variant%8 != 5 {
		set.owner = true
		key := "owner"
		if variant == 11 {
			key = "Owner"
		}
		pair(key, owners[team][variant%5])
	}
	if variant%5 != 3 {
		pair(map[bool]string{false: "costcenter", true: "CostCenter"}[variant%7 == 6], fmt.Sprintf("CC%04d", 1100+team*111))
	}
	pair(environment(variant))
	if variant == 9 {
		pair("note", "line one\nline two")
	}
	set.text = strings.Join(pairs, ",")
	set.object = "{" + strings.ReplaceAll(set.text, "\": \"", "\":\"") + "}"
	return set
}

// environment is the tag that says what a resource is for, whose key has three spellings, and one value as many.
func environment(variant int) (key, value string) {
	key, value = "env", []string{"prod", "dev", "test", "prod"}[variant%4]
	switch variant {
	case 4, 6:
		key = "environment"
	case 12:
		key = "Environment"
	case 3:
		value = "Production"
	case 7:
		value = "prd"
	}
	return key, value
}

// unescape keeps & and non-ASCII letters as themselves, as the service writes them.
func unescape(s string) string { return strings.ReplaceAll(s, "\\u0026", "&") }

func tagsOf(h uint64) *tagSet {
	if h>>48%100 < 12 {
		return &tagSets[0]
	}
	return &tagSets[1+h>>4%uint64(len(tagSets)-1)]
}
