package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/azledger/azledger/transform"
)

// columns are some of cost_and_usage.
var columns = []transform.Column{
	{Name: "ServiceName", Type: "varchar"},
	{Name: "x_ResourceGroupName", Type: "varchar"},
	{Name: "SubAccountId", Type: "varchar"},
	{Name: "x_IsAmortized", Type: "boolean"},
	{Name: "BilledCost", Type: "decimal(38, 18)"},
}

const wantExample = `
allocation_filter: now 1 Pool 1 ServiceName false virtual network
allocation_filter: now 1 Pool 1 ServiceName false vpn gateway
allocation_filter: now 1 Pool 1 ServiceName false load%
allocation_filter: now 1 Pool 2 tag.environment true test
allocation_filter: now 1 Basis 1 ServiceName false virtual machines
allocation_filter: now 2 Pool 1 x_ResourceGroupName false rg-sql-%
allocation_filter: now 4 Pool 1 ServiceName false azure devops
allocation_markup: now 1 Service fee 69 Data virtual % 2.5 2026-01-01 -
allocation_markup: now 2 Service fee 69 Web virtual % 2.5 2026-01-01 -
allocation_policy: now UnusedCommitment Users -
allocation_policy: now Rounding Central Platform
allocation_policy: now Support Proportional -
allocation_policy: now Credit None -
allocation_policy: now Tax None -
allocation_rate: now 1 2 - virtual machines d4s v5 Hours EUR 0.21 2026-01-01 2026-06-30
allocation_rate: now 2 3 - virtual machines d4s v5 Hours EUR 0.205 2026-07-01 -
allocation_rate: now 3 4 aaaaaaaa-0000-4000-8000-00000000000a - - GB EUR 0.000000000000000001 - -
allocation_rule: now 1 Shared network 23 Proportional platform false - true - - 1
allocation_rule: now 2 Database cluster 32 Usage - false 6e0d1f2a-1111-4222-8333-944455566677 false - - 1
allocation_rule: now 3 Security 39 Even security true - false - - 1
allocation_rule: now 4 Platform desk 44 Fixed platform false - false 2026-01-01 2026-12-31 1
allocation_rule: now 5 Platform 52 Manual platform true - false - - 2
allocation_target: now 2 - Data 1
allocation_target: now 2 - Web 1
allocation_target: now 3 - Data 1
allocation_target: now 3 - Web 1
allocation_target: now 3 - Platform 1
allocation_target: now 4 - Data 12
allocation_target: now 4 - Web 30.5
allocation_target: now 5 - Data 60
allocation_target: now 5 - Web 40
allocation_target: now 5 2026-09 Data 55.5
allocation_target: now 5 2026-09 Web 44.5
inherited_tag: now 11111111-2222-4333-8444-555555555555 - Environment production - -
inherited_tag: now 11111111-2222-4333-8444-555555555555 rg-web CostCenter 4711 - 2026-06-30
inherited_tag: now 11111111-2222-4333-8444-555555555555 rg-web CostCenter 4712 2026-07-01 -
owner_name: now Security
owner_rule: now 1 2 Platform - rg-hub-% - - - true - -
owner_rule: now 2 3 Data - - - environment production false - 2026-06-30
owner_rule: now 3 4 Web - - - environment production false 2026-07-01 -
owner_rule: now 4 5 Data 11111111-2222-4333-8444-555555555555 - - - - false - -
owner_rule: now 5 6 Web - - sales & marketing - - false - -
owner_tag: now 1 owner
owner_tag: now 2 environment
tag_key: now cost-center CostCenter
tag_key: now cost_center CostCenter
tag_key: now costcenter CostCenter
tag_key: now env Environment
tag_key: now environment Environment
tag_key: now kostenstelle CostCenter
tag_key: now stage Environment
tag_policy: now CostCenter -
tag_policy: now Environment production
tag_policy: now Environment test
tag_policy: now Environment development
tag_value: now environment live production
tag_value: now environment prd production
tag_value: now environment prod production
tag_value: now environment production production
tag_value: now environment test test
tag_value: now environment testing test
tag_value: now environment tst test
`

func example(t *testing.T) *Set {
	t.Helper()
	set, err := Read(Files{Owners: "testdata/example/owners.csv", Allocation: "testdata/example/allocation.yaml", OwnerTags: []string{"owner", "env"}}, columns)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func listed(set *Set) string {
	var text strings.Builder
	rows := set.Rows("now")
	for _, table := range sortedKeys(rows) {
		for _, row := range rows[table] {
			for i := range row {
				if row[i] == "" {
					row[i] = "-"
				}
			}
			fmt.Fprintf(&text, "%s: %s\n", table, strings.Join(row, " "))
		}
	}
	return text.String()
}

func TestTheExampleBecomesTables(t *testing.T) {
	got, want := strings.Split(listed(example(t)), "\n"), strings.Split(strings.TrimPrefix(wantExample, "\n"), "\n")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %d:\ngot  %s\nwant %s", i, slices.Concat(got, []string{""})[min(i, len(got))], slices.Concat(want, []string{""})[min(i, len(want))])
		}
	}
}

// Every table of the rules is of transform's configuration, and every row fits its columns.
func TestRowsFitTheConfiguration(t *testing.T) {
	rows := example(t).Rows(transform.CurrentRules)
	for _, in := range transform.Configuration() {
		for _, row := range rows[in.Name] {
			if len(row) != len(in.Columns) {
				t.Errorf("%s: %q has %d fields for %d columns", in.Name, row, len(row), len(in.Columns))
			}
		}
		delete(rows, in.Name)
	}
	if len(rows) > 0 {
		t.Errorf("tables that transform does not know: %v", sortedKeys(rows))
	}
}

// A set that was kept means the same wherever its copies stand, and when the files have changed.
func TestAKeptSetIsTheSame(t *testing.T) {
	set, folder := example(t), t.TempDir()
	for name, text := range set.Texts() {
		write(t, folder, name, string(text))
	}
	kept, err := Open(folder, columns)
	if err != nil {
		t.Fatal(err)
	}
	if listed(kept) != listed(set) || kept.Digest() != set.Digest() {
		t.Errorf("kept:\n%s\nwas:\n%s", listed(kept), listed(set))
	}
	write(t, folder, "rates.csv", "PricingUnit,BillingCurrency,UnitPrice,MeterId\n")
	if changed, err := Open(folder, columns); err != nil || changed.Digest() == set.Digest() {
		t.Errorf("%v: another rate card has the same digest", err)
	}
}

const head = "owners: [A, B, C, D, E, F]\nrules:\n"

func allocated(t *testing.T, text string) (*Set, error) {
	t.Helper()
	return Read(Files{Allocation: write(t, t.TempDir(), "allocation.yaml", text)}, columns)
}

func TestAllocationMistakesNameTheirLineAndRule(t *testing.T) {
	for text, want := range map[string]string{
		"rules: [\n":                        "allocation.yaml:1:",
		"- a\n":                             "allocation.yaml:1:1: the file wants keys and values, not a list",
		"rools: []\n":                       `allocation.yaml:1:1: unknown key "rools"; the file knows owners, tags, rules`,
		"rules: {a: b}\n":                   "allocation.yaml:1:8: rules wants a list, not keys and values",
		"rules:\n":                          "allocation.yaml:1:8: rules wants a list, and there is nothing",
		"rules: [a]\n":                      "rule 1: a rule wants keys and values",
		"owners: [A]\n---\nowners: [B]\n":   "allocation.yaml:3:1: a second document",
		"owners: [A, B, a]\n":               `allocation.yaml:1:16: "a" stands on line 1 already`,
		"owners: [A*]\n":                    `"A*": an owner is named in full`,
		"owners: [unallocated]\n":           `"unallocated" is the name of what nobody owns`,
		"owners: [\"\"]\n":                  "an owner is empty",
		"owners: [[A]]\n":                   "an owner wants a text, not a list",
		"owners: &o [A]\nrules: *o\n":       "anchors, aliases and !tags are not read here",
		"\xff\xfeo\x00":                     "allocation.yaml:1: the file begins with a byte order mark of UTF-16",
		"owners: [A]\nowners: [B]\n":        "allocation.yaml:2:1: ",
		"rate_card: none.csv\n":             "allocation.yaml:1:12: rate_card: open ",
		head + "  - {name: R}\n":            `allocation.yaml:3:5: rule "R": the rule names no column: say whose cost`,
		head + "  - {name: R, where: {}}\n": `rule "R": the rule names no column`,
		head + "  - {from: A, split: even, to: [B]}\n":                                                                                                         "allocation.yaml:3:5: a rule wants a name",
		head + "  - {name: R, from: A, to: [B]}\n":                                                                                                             `allocation.yaml:3:5: rule "R": split is missing`,
		head + "  - {name: R, from: A, split: half, to: [B]}\n":                                                                                                `allocation.yaml:3:31: rule "R": split "half": want even, proportional`,
		head + "  - {name: R, from: A, split: even}\n":                                                                                                         `rule "R": to is missing`,
		head + "  - {name: R, from: A, split: even, to: []}\n":                                                                                                 `rule "R": to: the list is empty`,
		head + "  - {name: R, from: A, split: even, to: }\n":                                                                                                   `rule "R": to wants a text, and there is nothing`,
		head + "  - {name: R, from: A, split: even, to: [B, b]}\n":                                                                                             `rule "R": B stands twice among the targets`,
		head + "  - {name: R, from: A, split: even, to: {B: 1}}\n":                                                                                             `rule "R": to: the split even weighs by itself`,
		head + "  - {name: R, from: A, split: even, to: [G]}\n":                                                                                                `allocation.yaml:3:42: rule "R": to: there is no owner "G"`,
		head + "  - {name: R, from: G, split: even, to: [A]}\n":                                                                                                `rule "R": from: there is no owner "G"`,
		head + "  - {name: R, from: A, split: even, to: [Unallocated]}\n":                                                                                      `rule "R": to: there is no owner "Unallocated"`,
		head + "  - {name: R, from: A, split: even, to: [B], of: {ServiceName: x}}\n":                                                                          `rule "R": of says nothing to the split even`,
		head + "  - {name: R, from: A, split: even, to: [B], meter: x}\n":                                                                                      `rule "R": meter says nothing to the split even`,
		head + "  - {name: R, from: A, split: fixed, to: {B: 1}, months: {}}\n":                                                                                `rule "R": months says nothing to the split fixed`,
		head + "  - {name: R, from: A, split: usage, to: [B]}\n":                                                                                               `rule "R": the split usage wants meter`,
		head + "  - {name: R, from: A, split: usage, to: [B], meter: D4}\n":                                                                                    `rule "R": meter "D4": want the id of a meter`,
		head + "  - {name: R, from: A, split: proportional, to: [B], of: {}}\n":                                                                                `rule "R": of names no column`,
		head + "  - {name: R, from: A, split: fixed, to: [B, C]}\n":                                                                                            `rule "R": to: the split fixed wants a number for each owner`,
		head + "  - {name: R, from: A, split: fixed, to: all}\n":                                                                                               `rule "R": to: the split fixed wants a number for each owner`,
		head + "  - {name: R, from: A, split: fixed, to: {}}\n":                                                                                                `rule "R": to: nobody receives`,
		head + "  - {name: R, from: A, split: fixed, to: {B: 1, C: 0}}\n":                                                                                      `allocation.yaml:3:52: rule "R": 0: the shares of the split fixed are above zero`,
		head + "  - {name: R, from: A, split: fixed, to: {B: -1}}\n":                                                                                           `rule "R": -1: the shares of the split fixed are above zero`,
		head + "  - {name: R, from: A, split: fixed, to: {B: 1e3}}\n":                                                                                          `rule "R": "1e3": want a decimal number`,
		head + "  - {name: R, from: A, split: fixed, to: {B: 1_000}}\n":                                                                                        `rule "R": "1_000": want a decimal number`,
		head + "  - {name: R, from: A, split: fixed, to: {B: 0x10}}\n":                                                                                         `rule "R": "0x10": want a decimal number`,
		head + "  - {name: R, from: A, split: fixed, to: {B: .inf}}\n":                                                                                         `rule "R": a share wants a text`,
		head + "  - {name: R, from: A, split: fixed, to: {B: \"1,5\"}}\n":                                                                                      `rule "R": "1,5": want a decimal number`,
		head + "  - {name: R, from: A, split: fixed, to: {B: 0.1234567890123456789}}\n":                                                                        `rule "R": "0.1234567890123456789": want a decimal number with at most 20 digits before the point and 18 behind`,
		head + "  - {name: R, from: A, split: manual, to: {B: 33.3, C: 66.6}}\n":                                                                               `rule "R": the percentages add up to 99.9, not to 100`,
		head + "  - {name: R, from: A, split: manual, to: {B: 99.999999999999999999}}\n":                                                                       `the percentages add up to 99.999999999999999999, not to 100`,
		head + "  - {name: R, from: A, split: manual, to: {B: 100}, months: {2026-09: {B: 90}}}\n":                                                             `the percentages add up to 90, not to 100 (2026-09)`,
		head + "  - {name: R, from: A, split: manual, to: {B: 100}, months: {2026-13: {B: 100}}}\n":                                                            `rule "R": "2026-13": want a month such as 2026-10`,
		head + "  - {name: R, from: A, split: manual, to: {B: 100}, months: {2026-09: {B: 100}}, valid_from: 2026-10-01}\n":                                    `rule "R": the rule does not hold in 2026-09`,
		head + "  - {name: R, from: A, split: even, to: [B], valid_from: 2026-02-30}\n":                                                                        `rule "R": valid_from "2026-02-30": want a day`,
		head + "  - {name: R, from: A, split: even, to: [B], valid_from: 2026-02-01, valid_to: 2026-01-31}\n":                                                  `rule "R": valid_to 2026-01-31 is before valid_from 2026-02-01`,
		head + "  - {name: R, where: {BilledCost: 1}, split: even, to: [B]}\n":                                                                                 `allocation.yaml:3:23: rule "R": BilledCost is a decimal(38, 18); a filter wants`,
		head + "  - {name: R, where: {Service: x}, split: even, to: [B]}\n":                                                                                    `rule "R": unknown column "Service"; azledger models cost_and_usage lists them`,
		head + "  - {name: R, where: {tag.: x}, split: even, to: [B]}\n":                                                                                       `rule "R": "tag.": want tag. and the key of a tag`,
		head + "  - {name: R, where: {x_IsAmortized: maybe}, split: even, to: [B]}\n":                                                                          `rule "R": x_IsAmortized "maybe": want true or false`,
		head + "  - {name: R, where: {ServiceName: {nor: x}}, split: even, to: [B]}\n":                                                                         `rule "R": unknown key "nor"; ServiceName knows not`,
		head + "  - {name: R, where: {ServiceName: }, split: even, to: [B]}\n":                                                                                 `rule "R": ServiceName wants a text, and there is nothing`,
		head + "  - {name: R, where: {ServiceName: []}, split: even, to: [B]}\n":                                                                               `rule "R": ServiceName: the list is empty`,
		head + "  - {name: R, where: {ServiceName: x, servicename: y}, split: even, to: [B]}\n":                                                                `rule "R": where: the column stands twice`,
		head + "  - {name: R, from: A, where: {ServiceName: {}}, split: even, to: [B]}\n":                                                                      `allocation.yaml:3:45: rule "R": ServiceName wants a value, or not: and a value`,
		head + "  - {name: R, from: A, split: proportional, to: [B], of: {ServiceName: {}}}\n":                                                                 `rule "R": ServiceName wants a value`,
		head + "  - {name: R, from: A, split: manual, months: {}}\n":                                                                                           `allocation.yaml:3:47: rule "R": months names no month`,
		head + "  - {name: R, from: A, split: fixed, to: {B: 99999999999999999999, C: 1}}\n":                                                                   `allocation.yaml:3:42: rule "R": the shares add up to 100000000000000000000; want less than 21 digits`,
		head + "  - {name: R, where: {CostOwner: G}, split: even, to: [B]}\n":                                                                                  `rule "R": CostOwner: there is no owner "G"`,
		head + "  - {name: R, from: A, split: even, to: [B]}\n  - {name: r, from: C, split: even, to: [B]}\n":                                                  `allocation.yaml:4:12: rule "r": the rule on line 3 has the name "R" as well`,
		head + "  - {name: R, from: A, split: even, to: [A, B]}\n":                                                                                             `allocation.yaml:3:5: rule "R": circular share: A gives to itself`,
		head + "  - {name: R, from: A, split: even, to: [B]}\n  - {name: S, from: B, split: even, to: [A]}\n":                                                  `allocation.yaml:4: rule "S": circular share: A (rule "R", line 3) → B (rule "S", line 4) → A; take`,
		head + "  - {name: R, from: A, where: {ServiceName: x}, split: even, to: [B]}\n  - {name: S, from: B, split: even, to: [A]}\n":                         `rule "S": circular share: A (rule "R", line 3) → B`,
		head + chain("A", "B", "C", "A"):                                                                                                                       `rule "3": circular share: A (rule "1", line 3) → B (rule "2", line 4) → C (rule "3", line 5) → A`,
		head + "  - {name: R, from: A, split: even, to: [B]}\n  - {name: S, from: a, where: {ServiceName: x}, split: even, to: [C], valid_from: 2026-01-01}\n": `allocation.yaml:4: rule "S": it never applies: rule "R" on line 3 above shares all that A costs`,
		head + chain("A", "B") + "  - {name: S, from: C, split: even, to: [A]}\n":                                                                              `allocation.yaml:4: rule "S": it gives to A, whose cost rule "1" on line 3 above has shared by then; put this rule above that one`,
		head + chain("A", "B", "C", "D", "E", "F"):                                                                                                             `allocation.yaml:7: rule "5": more than 4 levels: "1" (line 3) → "2" (line 4) → "3" (line 5) → "4" (line 6) → "5" (line 7)`,
		"policies: {unused_commitments: none}\n":                                                                                                               `allocation.yaml:1:32: policy unused_commitments: "none": want buyer, users, or {central: <owner>}`,
		"policies: {tax: central}\n":                                                                                                                           `policy tax: "central": want none, proportional, or {central: <owner>}`,
		"policies: {tax: {central: A}}\n":                                                                                                                      `policy tax: central: there is no owner "A"`,
		"policies: {taxes: none}\n":                                                                                                                            `unknown key "taxes"; policies knows unused_commitments, rounding`,
		"markup: [{percent: 1}]\n":                                                                                                                             "a mark-up wants a name",
		"markup: [{name: M}]\n":                                                                                                                                `mark-up "M": percent is missing`,
		"markup: [{name: M, percent: 5%}]\n":                                                                                                                   `mark-up "M": percent "5%": want a decimal number`,
		"markup: [{name: M, percent: -100.1}]\n":                                                                                                               `percent -100.1: want a number from -100 to 1000`,
		"markup: [{name: M, percent: 1, owner: A}]\n":                                                                                                          `mark-up "M": owner: there is no owner "A"`,
		"markup: [{name: M, percent: 1}, {name: m, percent: 2}]\n":                                                                                             `the mark-up on line 1 has the name "m" as well`,
		"tags: {keys: {a: [x], b: [X]}}\n":                                                                                                                     `allocation.yaml:1:27: "X" is a spelling of the key a on line 1 already`,
		"tags: {keys: {a: [b], b: [c]}}\n":                                                                                                                     `"b" is a spelling of the key a on line 1 already`,
		"tags: {values: {env: {prod: [p], test: [P]}}}\n":                                                                                                      `"P" is a spelling of the value prod on line 1 already`,
		"tags: {keys: {env: [stage]}, required: {env: any, stage: any}}\n":                                                                                     "the tag env is required twice",
		"tags: {required: {env: []}}\n":                                                                                                                        "env: the list is empty",
		"tags: {inherit: [subscription]}\n":                                                                                                                    "inherit without inherited",
		"tags: {inherited: nowhere.csv, inherit: [tenant]}\n":                                                                                                  `inherit "tenant": want resource_group, subscription`,
		"tags: {inherited: nowhere.csv}\n":                                                                                                                     "allocation.yaml:1:19: inherited: open ",
	} {
		if _, err := allocated(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant an error with %s", text, err, want)
		}
	}
}

// chain are rules by which each owner gives to the next.
func chain(owners ...string) string {
	var text strings.Builder
	for i := range owners[1:] {
		fmt.Fprintf(&text, "  - {name: %d, from: %s, split: even, to: [%s]}\n", i+1, owners[i], owners[i+1])
	}
	return text.String()
}

func TestWhatLooksWrongAndIsNot(t *testing.T) {
	for _, text := range []string{
		"", "# nothing\n", "\ufeffowners: [A]\n", "rules: []\n",
		head + chain("A", "B", "C", "D", "E"),
		head + "  - {name: R, from: A, where: {ServiceName: x}, split: even, to: [B]}\n  - {name: S, from: C, split: even, to: [A]}\n",
		head + "  - {name: R, from: A, split: even, to: [B], valid_to: 2026-06-30}\n  - {name: S, from: B, split: even, to: [A], valid_from: 2026-07-01}\n",
		head + "  - {name: R, from: A, split: even, to: [B], valid_to: 2026-06-30}\n  - {name: S, from: A, split: even, to: [B], valid_from: 2026-06-01}\n",
		head + "  - {name: R, from: A, split: even, to: all}\n  - {name: S, from: B, split: even, to: all}\n",
		head + "  - {name: R, from: unallocated, split: even, to: all}\n",
		head + "  - {name: R, where: {ServiceName: \"\"}, split: even, to: A}\n",
		head + "  - {name: R, from: A, split: manual, months: {2026-09: {B: 100}}}\n",
		head + "  - {name: R, from: A, split: manual, to: {B: 33.333333333333333333, C: 66.666666666666666667}}\n",
	} {
		if _, err := allocated(t, text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

func TestAnOwnerInWhereIsTheSource(t *testing.T) {
	for text, want := range map[string]string{
		"{CostOwner: a}":                    "allocation_rule: now 1 R 3 Even a true",
		"{CostOwner: a, ServiceName: x_*%}": `allocation_filter: now 1 Pool 1 ServiceName false x\_%\%`,
		"{CostOwner: [a, b]}":               "allocation_filter: now 1 Pool 1 CostOwner false b\n",
		"{CostOwner: {not: a}}":             "allocation_filter: now 1 Pool 1 CostOwner true a\n",
		"{x_isamortized: false}":            "allocation_filter: now 1 Pool 1 x_IsAmortized false false\n",
		"{SubAccountId: /subscriptions/AB}": "allocation_filter: now 1 Pool 1 SubAccountId false ab\n",
	} {
		set, err := allocated(t, head+"  - {name: R, where: "+text+", split: even, to: [C]}\n")
		if err != nil || !strings.Contains(listed(set), want) {
			t.Errorf("%s: %v\n%s\nwant %s", text, err, listed(set), want)
		}
	}
}

// withFile reads an allocation file that names a CSV file.
func withFile(t *testing.T, key, text string) error {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "file.csv", text)
	_, err := Read(Files{Allocation: write(t, dir, "allocation.yaml", key)}, columns)
	return err
}

func TestRateMistakesNameTheirLine(t *testing.T) {
	const columns = "MeterId,ServiceName,PricingUnit,BillingCurrency,UnitPrice,ValidFrom,ValidTo\n"
	for text, want := range map[string]string{
		"ServiceName;UnitPrice\n":                           "file.csv:1: fields are separated by semicolons",
		"ServiceName,UnitPrice\n":                           "file.csv:1: no column PricingUnit",
		columns + ",,Hours,EUR,1,,\n":                       "file.csv:2: the line names no column",
		columns + "D4,,Hours,EUR,1,,\n":                     `file.csv:2: MeterId "D4": want a GUID`,
		columns + ",Virtual *,Hours,EUR,1,,\n":              `file.csv:2: ServiceName "Virtual *": a price is for what is named in full`,
		columns + ",VM,,EUR,1,,\n":                          "file.csv:2: PricingUnit is empty",
		columns + ",VM,Hours,eur,1,,\n":                     `file.csv:2: BillingCurrency "eur": want a code`,
		columns + ",VM,Hours,EUR,-1,,\n":                    "file.csv:2: UnitPrice -1 is below zero",
		columns + ",VM,Hours,EUR,\"1,5\",,\n":               `file.csv:2: UnitPrice "1,5": want a decimal number`,
		columns + ",VM,Hours,EUR,1,2026-02-01,2026-01-01\n": "file.csv:2: ValidTo 2026-01-01 is before",
		columns + ",VM,Hours,EUR,1,,\n,vm,hours,EUR,2,,\n":  "file.csv:3: line 2 has a price for the same on the same day",
	} {
		if err := withFile(t, "rate_card: file.csv\n", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v\nwant an error with %s", text, err, want)
		}
	}
}

func TestInheritedTagMistakesNameTheirLine(t *testing.T) {
	const columns = "SubscriptionId,ResourceGroup,TagKey,TagValue,ValidFrom\n"
	for text, want := range map[string]string{
		"SubscriptionId,TagKey\n":                    "file.csv:1: no column TagValue",
		columns + ",rg,env,prod,\n":                  "file.csv:2: SubscriptionId is empty",
		columns + "s,rg,,prod,\n":                    "file.csv:2: TagKey is empty",
		columns + "s*,rg,env,prod,\n":                `file.csv:2: SubscriptionId "s*": want it in full`,
		columns + "s,rg-?,env,prod,\n":               `file.csv:2: ResourceGroup "rg-?": want it in full`,
		columns + "s,rg,env,prod,1.1.26\n":           `file.csv:2: ValidFrom "1.1.26": want a day`,
		columns + "s,rg,env,prod,\nS,RG,Env,test,\n": `file.csv:3: env is "test", and on line 2 "prod", for the same place`,
		columns + "s,,env,prod,\ns,,stage,test,\n":   `file.csv:3: env is "test", and on line 2 "prod"`,
	} {
		if err := withFile(t, "tags: {keys: {env: [stage]}, inherited: file.csv}\n", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v\nwant an error with %s", text, err, want)
		}
	}
	if err := withFile(t, "tags: {inherited: file.csv}\n", columns+"s,,env,prod,\ns,rg,env,test,\ns,,env,Prod,\n"); err != nil {
		t.Error(err)
	}
}

func TestOnlyTheLevelsAskedForAreInherited(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "file.csv", "SubscriptionId,ResourceGroup,TagKey,TagValue\ns,,a,1\ns,rg,b,2\n")
	for inherit, want := range map[string]string{"resource_group": "rg b 2", "subscription": "- a 1"} {
		set, err := Read(Files{Allocation: write(t, dir, "allocation.yaml", "tags: {inherited: file.csv, inherit: "+inherit+"}\n")}, columns)
		if err != nil || strings.Count(listed(set), "inherited_tag") != 1 || !strings.Contains(listed(set), "inherited_tag: now s "+want) {
			t.Errorf("%s: %v\n%s", inherit, err, listed(set))
		}
	}
}

// Whatever stands in the files, it is either read or told at a place, and never ends the process.
func FuzzAllocation(f *testing.F) {
	text, err := os.ReadFile("testdata/example/allocation.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(head + chain("A", "B", "C", "A"))
	f.Add("owners: &a [A]\nrules: !x [*a]\n? b\n: c\n<<: {a: b}\n")
	f.Add("rules: |\n  a\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		set, err := Read(Files{Allocation: write(t, dir, "allocation.yaml", text)}, columns)
		holdsTogether(t, set, err)
	})
}

func FuzzOwners(f *testing.F) {
	text, err := os.ReadFile("testdata/example/owners.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("CostOwner\n\"a\nb\"\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		set, err := Read(Files{Owners: write(t, dir, "owners.csv", text)}, columns)
		holdsTogether(t, set, err)
	})
}

func FuzzNamedFiles(f *testing.F) {
	for _, name := range []string{"tags.csv", "rates.csv"} {
		text, err := os.ReadFile(filepath.Join("testdata/example", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	dir := f.TempDir()
	allocation := filepath.Join(dir, "allocation.yaml")
	if err := os.WriteFile(allocation, []byte("tags: {inherited: file.csv}\nrate_card: file.csv\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		write(t, dir, "file.csv", text)
		set, err := Read(Files{Allocation: allocation}, columns)
		holdsTogether(t, set, err)
	})
}

// holdsTogether wants a set whose rows fit, or problems that name file and line.
func holdsTogether(t *testing.T, set *Set, err error) {
	t.Helper()
	if err == nil {
		for _, r := range set.Rows(transform.CurrentRules)["allocation_rule"] {
			if r[4] == "" || r[11] < "1" || r[11] > "4" {
				t.Errorf("a rule without split or level: %q", r)
			}
		}
		return
	}
	problems, ok := err.(Problems)
	if !ok || len(problems) == 0 {
		t.Fatalf("%T: %v", err, err)
	}
	for _, p := range problems {
		if p.Line < 1 || filepath.Dir(p.File) == "." || p.Text == "" {
			t.Errorf("a problem without place: %+v", p)
		}
	}
}
