package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The owners file says who pays: a CSV file with a header, whose columns may stand in
// any order and, all but CostOwner, be left out.
//
//	CostOwner       who pays; required
//	SubscriptionId  the rule is for this subscription
//	ResourceGroup   … for this resource group
//	TagKey          … for what carries this tag
//	TagValue        … with this value
//	ValidFrom       first day of the rule, yyyy-mm-dd
//	ValidTo         last day of the rule
//
// An empty field fits everything. The first rule from the top that fits a charge in
// all its fields decides.
var ownerColumns = []string{"CostOwner", "SubscriptionId", "ResourceGroup", "TagKey", "TagValue", "ValidFrom", "ValidTo"}

// ownerRules returns the rules as rows of the owner_rule input: the line's place, then
// ownerColumns.
func (c *config) ownerRules() ([][]string, error) {
	if c.Owners == "" {
		return nil, nil
	}
	file, err := os.Open(c.Owners)
	if err != nil {
		return nil, usageError{c.complain([]problem{{"owners", err.Error()}})}
	}
	defer file.Close()
	rules, err := parseOwners(file)
	if err != nil {
		return nil, usagef("owners: %s: %w", c.Owners, err)
	}
	return rules, nil
}

func parseOwners(r io.Reader) ([][]string, error) {
	lines := csv.NewReader(r)
	lines.TrimLeadingSpace = true
	header, err := lines.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	places, err := ownerPlaces(header)
	if err != nil {
		return nil, err
	}
	var rules [][]string
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return rules, nil
		}
		if err != nil {
			return nil, err
		}
		rule, err := ownerRule(fields, places)
		if err != nil {
			line, _ := lines.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		rules = append(rules, append([]string{strconv.Itoa(len(rules) + 1)}, rule...))
	}
}

// ownerPlaces finds each of ownerColumns in the header, -1 where it is left out.
func ownerPlaces(header []string) ([]int, error) {
	header[0] = strings.TrimPrefix(header[0], "\ufeff") // spreadsheets save a byte order mark
	for _, name := range header {
		if !slices.Contains(ownerColumns, name) {
			return nil, fmt.Errorf("line 1: unknown column %q; known: %s", name, strings.Join(ownerColumns, ", "))
		}
	}
	places := make([]int, len(ownerColumns))
	for i, name := range ownerColumns {
		places[i] = slices.Index(header, name)
	}
	if places[0] < 0 {
		return nil, errors.New("line 1: no column CostOwner")
	}
	return places, nil
}

// ownerRule puts a line's fields in the order of ownerColumns.
func ownerRule(fields []string, places []int) ([]string, error) {
	rule := make([]string, len(places))
	for i, p := range places {
		if p >= 0 {
			rule[i] = strings.TrimSpace(fields[p])
		}
	}
	if rule[0] == "" {
		return nil, errors.New("CostOwner is empty")
	}
	if rule[3] == "" && rule[4] != "" {
		return nil, errors.New("TagValue without TagKey")
	}
	for i := 5; i < 7; i++ {
		if _, err := time.Parse(time.DateOnly, rule[i]); rule[i] != "" && err != nil {
			return nil, fmt.Errorf("%s %q: want a day such as 2026-10-31", ownerColumns[i], rule[i])
		}
	}
	return rule, nil
}
