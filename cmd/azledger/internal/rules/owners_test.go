package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func ownersOf(t *testing.T, text string) (*Set, error) {
	t.Helper()
	return Read(Files{Owners: write(t, t.TempDir(), "owners.csv", text)}, nil)
}

func TestOwners(t *testing.T) {
	set, err := ownersOf(t, "\ufeffSubscriptionId,CostOwner,ValidFrom,ResourceGroup,InvoiceSection,TagKey,TagValue\n"+
		"/subscriptions/AB, Ledger  Team ,2026-01-01,,,,\n"+
		",ledger team,,RG-*_1?,Sales  EMEA,Env,\n"+
		",\"Everybody, Else\",,,,,\n")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%q", set.Rows("now")["owner_rule"])
	want := `[["now" "1" "2" "Ledger Team" "ab" "" "" "" "" "false" "2026-01-01" ""]` +
		` ["now" "2" "3" "Ledger Team" "" "rg-%\\_1_" "sales emea" "env" "" "true" "" ""]` +
		` ["now" "3" "4" "Everybody, Else" "" "" "" "" "" "false" "" ""]]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOwnersMistakesNameTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"CostOwner,Subscription\n":                               `owners.csv:1: unknown column "Subscription"; known: CostOwner, `,
		"SubscriptionId\ns1\n":                                   "owners.csv:1: no column CostOwner",
		"CostOwner,CostOwner\na,b\n":                             "owners.csv:1: the column CostOwner stands twice",
		"CostOwner\na\n\"\"\n":                                   "owners.csv:3: CostOwner is empty",
		"CostOwner\na*\n":                                        `owners.csv:2: CostOwner "a*": an owner is named in full`,
		"CostOwner\nUnallocated\n":                               `owners.csv:2: CostOwner "Unallocated": that is the name of what nobody owns`,
		"CostOwner,ValidTo\na,31.12.2026\n":                      `owners.csv:2: ValidTo "31.12.2026": want a day such as 2026-10-31`,
		"CostOwner,ValidTo\na,2026-02-29\n":                      `owners.csv:2: ValidTo "2026-02-29": want a day`,
		"CostOwner,TagKey,TagValue\na,,x\n":                      "owners.csv:2: TagValue without TagKey",
		"CostOwner,ResourceGroup\na,rg,more\n":                   "owners.csv:2: the header has 2 fields, the line 3",
		"CostOwner,ResourceGroup\na\n":                           "owners.csv:2: the header has 2 fields, the line 1",
		"CostOwner,ResourceGroup\na,\"rg\n":                      "owners.csv:",
		"":                                                       "owners.csv:1: there is no header line",
		"\ufeff":                                                 "owners.csv:1: there is no header line",
		"CostOwner;ResourceGroup\na;b\n":                         "owners.csv:1: fields are separated by semicolons; save the file as",
		"CostOwner\tResourceGroup\na\tb\n":                       "owners.csv:1: fields are separated by tabs",
		"\xff\xfeC\x00o\x00":                                     "owners.csv:1: the file begins with a byte order mark of UTF-16; save the file as",
		"CostOwner\nM\xfcller\n":                                 "owners.csv:2: the line is not UTF-8 text",
		"CostOwner\n\x00\n":                                      "owners.csv:2: the line is not UTF-8 text",
		"CostOwner,ValidFrom,ValidTo\na,2026-02-01,2026-01-31\n": "owners.csv:2: ValidTo 2026-01-31 is before ValidFrom 2026-02-01",
		"CostOwner,ResourceGroup\na,rg-1\nb,rg-2\nc, RG-1\n":     "owners.csv:4: c and, on line 2, a own the same on the same day",
		"CostOwner,ResourceGroup,ValidFrom,ValidTo\na,rg,,2026-06-30\nb,rg,2026-06-30,\n": "owners.csv:3: b and, on line 2, a own the same on the same day",
		"CostOwner,SubscriptionId\na,/subscriptions/AB\nb,ab\n":                           "owners.csv:3: b and, on line 2, a own the same on the same day",
		"CostOwner\na\nb\n": "owners.csv:3: b and, on line 2, a own the same on the same day",
		"CostOwner,TagKey,TagValue,ValidFrom\na,Env,Prod  one,\nb,env,prod one,2026-01-01\n": "owners.csv:3: b and, on line 2, a own",
	} {
		if _, err := ownersOf(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v\nwant an error with %s", text, err, want)
		}
	}
}

// One owner twice, or one after the other, is no dispute.
func TestOwnersWithoutDispute(t *testing.T) {
	for _, text := range []string{
		"CostOwner,ResourceGroup,ValidFrom,ValidTo\na,rg,,2026-06-30\nb,rg,2026-07-01,\n",
		"CostOwner,ResourceGroup\na,rg\nA,rg\n",
		"CostOwner,ResourceGroup\na,rg\nb,rg*\nc,\n",
		"CostOwner\n",
	} {
		if _, err := ownersOf(t, text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAllMistakesAreToldAtOnceInTheirOrder(t *testing.T) {
	_, err := ownersOf(t, "CostOwner,ValidTo\n,2026-01-01\nb,2026\nc,x\n")
	if err == nil || strings.Count(err.Error(), "\n") != 2 || strings.Index(err.Error(), ":2:") > strings.Index(err.Error(), ":4:") {
		t.Errorf("got %v, want three lines", err)
	}
}
