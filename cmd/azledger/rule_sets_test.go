package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/azledger/azledger/cmd/azledger/internal/rules"
	"github.com/azledger/azledger/transform"
)

func ownedBy(t *testing.T, owner string) *rules.Set {
	t.Helper()
	file := filepath.Join(t.TempDir(), "owners.csv")
	check(t, os.WriteFile(file, []byte("CostOwner\n"+owner+"\n"), 0o600))
	set, err := rules.Read(rules.Files{Owners: file, OwnerTags: []string{"owner"}}, nil)
	check(t, err)
	return set
}

// Months keep the rules they were closed with: those of two months that had the same stand once.
func TestClosedMonthsKeepTheirRules(t *testing.T) {
	t.Parallel()
	lake := t.TempDir()
	c := config{Lake: lake}
	old, now := ownedBy(t, "Old"), ownedBy(t, "New")
	for i, set := range []*rules.Set{old, now, old} {
		check(t, c.keepRules(set, time.Date(2026, time.Month(i+9), 5, 0, 0, 0, 0, time.UTC)))
	}
	kept := filepath.Join(lake, "rules", old.Digest())
	rows, err := ruleRows(now, map[string]string{"2026-08": kept, "2026-07": kept})
	check(t, err)
	o, n := old.Digest(), now.Digest()
	for table, want := range map[string]string{
		"rule_set":   fmt.Sprintf("[[ current %s] [2026-07 %s %s] [2026-08 %s %s]]", n, o, o, o, o),
		"owner_rule": fmt.Sprintf("[[current 1 2 New      false  ] [%s 1 2 Old      false  ]]", o),
		"owner_tag":  fmt.Sprintf("[[current 1 owner] [%s 1 owner]]", o),
	} {
		if got := fmt.Sprint(rows[table]); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", table, got, want)
		}
	}
	journal, err := os.ReadFile(filepath.Join(lake, "rules", "journal.csv"))
	check(t, err)
	if want := "RulesDigest,FirstUsed\n" + o + ",2026-09-05\n" + n + ",2026-10-05\n"; string(journal) != want {
		t.Errorf("the journal is\n%swant\n%s", journal, want)
	}
}

func TestRulesThatAreGoneAreMissed(t *testing.T) {
	t.Parallel()
	c := config{Lake: t.TempDir()}
	for _, digest := range []string{"", "0123456789abcdef", "../x"} {
		if _, err := c.rulesOf(digest); err == nil || !strings.Contains(err.Error(), "the lake does not have the rules") {
			t.Errorf("%q: %v", digest, err)
		}
	}
	if _, err := ruleRows(ownedBy(t, "A"), map[string]string{"2026-09": filepath.Join(c.Lake, "none")}); err == nil || !strings.Contains(err.Error(), "rules of the closed month 2026-09") {
		t.Errorf("%v", err)
	}
}

func TestKeptRulesThatAreDamagedAreToldAndKeptAnew(t *testing.T) {
	t.Parallel()
	c := config{Lake: t.TempDir()}
	set := ownedBy(t, "A")
	day := time.Date(2026, 9, 5, 0, 0, 0, 0, time.UTC)
	file := filepath.Join(c.Lake, "rules", set.Digest(), "owners.csv")
	for _, damaged := range []string{"CostOwner\nB\n", "CostOwner", ""} {
		check(t, c.keepRules(set, day))
		if _, err := c.rulesOf(set.Digest()); err != nil {
			t.Error(err)
		}
		check(t, os.WriteFile(file, []byte(damaged), 0o600))
		if _, err := c.rulesOf(set.Digest()); err == nil || !strings.Contains(err.Error(), filepath.Dir(file)) || !strings.Contains(err.Error(), "azledger transform") {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}

// Null and the empty text are told apart, and what would break a line does not.
func TestInputFields(t *testing.T) {
	in := transform.Input{Name: "tag_value", Path: filepath.Join(t.TempDir(), "t.csv"), Columns: []transform.Column{{Name: "RuleSet"}, {Name: "TagKey"}, {Name: "Spelling"}, {Name: "TagValue"}}}
	check(t, writeInput(in, [][]string{{"", "a", "", "x, \"y\"\nz"}}))
	got, err := os.ReadFile(in.Path)
	check(t, err)
	if want := "RuleSet,TagKey,Spelling,TagValue\n,a,\"\",\"x, \"\"y\"\"\nz\"\n"; string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
