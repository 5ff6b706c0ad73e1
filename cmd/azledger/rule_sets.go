package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/azledger/azledger/cmd/azledger/internal/rules"
	"github.com/azledger/azledger/transform"
)

// Every set of rules that tables were ever made with is kept in the lake, so that a
// published number can name its rules:
//
//	rules/<digest>/     owners.csv, allocation.yaml and what that names, as they were
//	rules/journal.csv   the run date each was first used for
//
// The table run has the digest.
const (
	rulesFolder  = "rules"
	rulesJournal = "journal.csv"
)

// keepRules puts a set where it can be found again. What is there already stays, unless it is damaged.
func (c *config) keepRules(set *rules.Set, asOf time.Time) error {
	folder := filepath.Join(c.Lake, rulesFolder)
	digest := set.Digest()
	if _, err := c.rulesOf(digest); err != nil {
		texts := set.Texts()
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			if err := replaceFile(filepath.Join(folder, digest, name), texts[name]); err != nil {
				return err
			}
		}
	}
	return noteRules(filepath.Join(folder, rulesJournal), digest, asOf)
}

// noteRules adds a line to the journal for a set that has none.
func noteRules(file, digest string, asOf time.Time) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("RulesDigest,FirstUsed\n"), nil
	}
	if err != nil {
		return err
	}
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if slices.ContainsFunc(lines, func(l []string) bool { return l[0] == digest }) {
		return nil
	}
	return replaceFile(file, append(text, digest+","+asOf.Format(time.DateOnly)+"\n"...))
}

// closedRules are the folders with the rules of closed months.
func closedRules(months []closedMonth) map[string]string {
	folders := map[string]string{}
	for _, m := range months {
		folders[m.Period] = filepath.Join(m.folder, "rules")
	}
	return folders
}

// ruleRows are the tables of the rules in force and of those that closed months keep, given
// by month as folders. A set that several months keep stands once, under its digest.
func ruleRows(current *rules.Set, closed map[string]string) (map[string][][]string, error) {
	rows := current.Rows(transform.CurrentRules)
	rows["rule_set"] = [][]string{{"", transform.CurrentRules, current.Digest()}}
	columns, err := filterColumns()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, month := range slices.Sorted(maps.Keys(closed)) {
		set, err := rules.Open(closed[month], columns)
		if err != nil {
			return nil, fmt.Errorf("rules of the closed month %s: %w", month, err)
		}
		digest := set.Digest()
		rows["rule_set"] = append(rows["rule_set"], []string{month, digest, digest})
		if !seen[digest] {
			appendRows(rows, set.Rows(digest))
		}
		seen[digest] = true
	}
	return rows, nil
}

func appendRows(rows, more map[string][][]string) {
	for table, added := range more {
		rows[table] = append(rows[table], added...)
	}
}

// rulesOf opens the rules that finished tables were made with.
func (c *config) rulesOf(digest string) (*rules.Set, error) {
	columns, err := filterColumns()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(c.Lake, rulesFolder, digest)
	if _, err := os.Stat(folder); digest == "" || strings.ContainsAny(digest, `/\`) || err != nil {
		return nil, fmt.Errorf("the lake does not have the rules %s of its last run any more; azledger transform applies those in force and keeps them", digest)
	}
	const advice = "azledger transform applies the rules in force and keeps them"
	set, err := rules.Open(folder, columns)
	if err != nil {
		return nil, fmt.Errorf("the kept rules of the last run are damaged; %s: %w", advice, err)
	}
	if set.Digest() != digest {
		return nil, fmt.Errorf("%s: is not what the last run kept there, or was kept by another version; %s", folder, advice)
	}
	return set, nil
}
