package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azledger/azledger/extract"
)

// load reads a configuration text as the file azledger.yaml of a folder of its own.
func loadText(t *testing.T, text string, env ...string) (config, string, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "azledger.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(file, env)
	return c, dir, err
}

const oneAccount = `
accounts:
  - name: contoso
    scope: /providers/Microsoft.Billing/billingAccounts/8608480
`

func TestConfigMistakesNameTheirPlace(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"unknown key", "lake: a\npublsh: b\n", "azledger.yaml:2:1: unknown key \"publsh\""},
		{"unknown key of an account", "accounts:\n  - name: a\n    scop: /x\n", "azledger.yaml:3:5: unknown key \"scop\""},
		{"key of no feature", "budgets: budgets.yaml\n", "azledger.yaml:1:1: unknown key \"budgets\""},
		{"caret", "lake: a\npublsh: b\n", "\n       ^"},
		{"wrong type", "periods: {history: many}\n", "azledger.yaml:1:20: history wants a whole number\n"},
		{"fraction", "periods: {history: 1.5}\n", "azledger.yaml:1:20: history wants a whole number\n"},
		{"too large", "periods: {history: 99999999999999999999}\n", "azledger.yaml:1:20: "},
		{"no mapping", "lake: a\nperiods: 3\n", "azledger.yaml:2:10: periods wants a mapping\n"},
		{"no list", "accounts:\n  name: a\n", "azledger.yaml:2:3: accounts wants a list\n"},
		{"no mapping in a list", "accounts:\n  - a\n", "azledger.yaml:2:5: each of accounts wants a mapping\n"},
		{"no text", "lake: [a]\n", "azledger.yaml:1:7: lake wants a text\n"},
		{"currency", "retail: {currencies: [usd]}\n", "retail.currencies: \"usd\": want a code of ISO 4217"},
		{"currency twice", "retail: {currencies: [USD, EUR, USD]}\n", "retail.currencies: USD stands twice"},
		{"families alone", "retail: {families: [Compute]}\n", "retail.families: without retail.currencies no prices are copied"},
		{"half an offer", "accounts:\n  - name: a\n    scope: /subscriptions/b\n    offer: {id: MS-AZR-0003P, currency: EUR, locale: en-US}\n", "azledger.yaml:4:12: accounts[0].offer: region \"\": the rate card wants one such as DE"},
		{"no truth", "publish_with_failed_scopes: maybe\n", "azledger.yaml:1:29: publish_with_failed_scopes wants true or false\n"},
		{"list at the top", "- lake: a\n", "azledger.yaml:1:1: the file wants a mapping\n"},
		{"second document", "lake: a\n---\npublish: b\n", "azledger.yaml:3:8: a second document"},
		{"publish is the lake", "lake: a\npublish: ./a/\n", "azledger.yaml:2:10: publish: the same place as lake"},
		{"publish in the lake", "lake: a\npublish: a/b/c\n", "azledger.yaml:2:10: publish: inside lake"},
		{"lake in publish", "publish: a\nlake: a/b\n", "azledger.yaml:1:10: publish: lake is inside it"},
		{"lake in the default of publish", "lake: published/lake\n", "azledger.yaml:1:7: lake: "},
		{"publish in a lake in a container", "lake: https://a.example/c/lake\npublish: https://A.example/c/lake/out\n", "azledger.yaml:2:10: publish: inside lake"},
		{"lake in a prefix of publish", "lake: https://a.example/c/lake\npublish: https://a.example/c\n", "azledger.yaml:2:10: publish: lake is inside it"},
		{"publish in clear text", "publish: http://x.example/z\n", "azledger.yaml:1:10: publish: bills do not travel in clear text: want a directory or https://<account>.blob.core.windows.net/<container>/<prefix>"},
		{"publish without container", "publish: https://x.example/\n", "azledger.yaml:1:10: publish: the address names no container"},
		{"publish elsewhere", "publish: s3://bucket/z\n", "azledger.yaml:1:10: publish: s3:// is not supported"},
		{"not YAML", "lake: [a\n", "azledger.yaml:1:"},
		{"cloud", "cloud: germany\n", "azledger.yaml:1:8: cloud: \"germany\": want public, usgov, china"},
		{"agreement", oneAccount + "    agreement: csp\n", "azledger.yaml:5:16: accounts[0].agreement: \"csp\": want auto, ea, mca, mosp, mpa"},
		{"scope", "accounts:\n  - {name: a, scope: 8608480}\n", "accounts[0].scope: \"8608480\": want an Azure scope such as"},
		{"nothing to read", "accounts:\n  - {name: a}\n", "account a has neither scope nor exports"},
		{"two accounts of one name", "accounts:\n  - {name: a, scope: /x}\n  - {name: a, scope: /y}\n", "azledger.yaml:3:12: accounts[1].name: \"a\" is the name of two accounts"},
		{"source", oneAccount + "    sources: [usage_reports]\n", "\"usage_reports\" is no source"},
		{"memory", "limits: {memory: 2}\n", "limits.memory: \"2\": want a number and a unit"},
		{"history", "periods: {history: 0}\n", "azledger.yaml:1:20: periods.history: 0: want 1 or more"},
		{"secret in the file", "publish: https://contoso.example/tables?sv=1&sig=hush\n", "azledger.yaml:1:10: publish: a signature does not belong in the file; give the whole URL as AZLEDGER_PUBLISH"},
		{"clear text", "endpoints: {management: \"http://management.example\"}\n", "endpoints.management: \"http://management.example\": want https://"},
		{"no credential", "credential: none\n" + oneAccount, "credential: none is for the simulated Azure"},
		{"secret of the lake in the file", "lake: https://contoso.example/lake?sig=hush\n", "give the whole URL as AZLEDGER_LAKE"},
		{"lake in clear text", "lake: http://contoso.example/lake\n", "lake: bills do not travel in clear text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := loadText(t, test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v\nwant an error with %s", err, test.want)
			}
			if code := exitCode(t.Context(), err); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
		})
	}
}

func TestGoTypesAreNotTold(t *testing.T) {
	for _, text := range []string{
		"periods: {history: 99999999999999999999}\n", "periods: [1]\n", "lake: {a: b}\n", "tags: {keys: [[a]]}\n", "limits: {threads: \"2\"}\n",
	} {
		_, _, err := loadText(t, text)
		if err == nil || strings.Contains(err.Error(), "Go ") || strings.Contains(err.Error(), "unmarshal") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// What is right must stay so: folders side by side of which one's name begins with the
// other's, comments alone, numbers as texts, anchors, an end of the document.
func TestConfigIsAccepted(t *testing.T) {
	for _, text := range []string{
		"lake: a\npublish: a-out\n", "lake: https://a.example/c/lake\npublish: https://a.example/c/lake2\n",
		"lake: https://a.example/c/lake\npublish: out\n", "publish: http://127.0.0.1:10000/devstoreaccount1/c\n",
		"", "# nothing\n", "---\nlake: a\n", "lake: a\n...\n", "lake: a\n---\n# no more\n",
		"accounts:\n  - {name: 2026, scope: /x}\n", "periods: &p\n  history: &h 3\n  late_days: *h\n", "owners:\n", "publish_with_failed_scopes: true\n",
	} {
		if _, _, err := loadText(t, text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestALinkToTheLakeIsTheLake(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "lake"), 0o700))
	check(t, os.Symlink("lake", filepath.Join(dir, "link")))
	lake, publish := filepath.Join(dir, "lake"), filepath.Join(dir, "link", "published")
	if got := overlap(publish, lake); !strings.HasPrefix(got, "inside lake") {
		t.Errorf("overlap(%s, %s) = %q", publish, lake, got)
	}
}

func TestFailuresTellEachUnitAndEachCauseOnce(t *testing.T) {
	refused := func(period, request string) extract.UnitResult {
		u := extract.Unit{Source: "balances", Account: "contoso", Period: period, Dataset: "all"}
		return extract.UnitResult{Unit: u, Err: fmt.Errorf("%s: %w", u, &extract.APIError{Status: 403, Message: "not for you", URL: "/" + period, RequestID: request})}
	}
	e := failedError{consequence: "; so be it", units: []extract.UnitResult{
		refused("2026-09", "r1"), refused("2026-10", "r2"), refused("2026-11", "r3"),
		{Unit: extract.Unit{Source: "account", Account: "fabrikam", Period: "all", Dataset: "all"}, Err: errors.New("no agreement")},
	}}
	for text, times := range map[string]int{
		"4 units failed; so be it\n": 1, "not for you": 1, "balances contoso 2026-09 all: ": 1, "balances contoso 2026-10 all: the same": 1,
		"balances contoso 2026-11 all: the same": 1, "account fabrikam all all: no agreement": 1,
	} {
		if got := strings.Count(e.Error(), text); got != times {
			t.Errorf("%q is told %d times in\n%s", text, got, e.Error())
		}
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	_, _, err := loadText(t, "cloud: a\ncredential: b\n")
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got %v, want two lines", err)
	}
}

func TestPathsStartAtTheFile(t *testing.T) {
	c, dir, err := loadText(t, "lake: data\npublish: https://a.example/b\nowners: owners.csv\n", "AZLEDGER_OWNERS=elsewhere.csv")
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "data"); c.Lake != want {
		t.Errorf("lake %s, want %s", c.Lake, want)
	}
	if c.Publish != "https://a.example/b" {
		t.Errorf("publish %s changed", c.Publish)
	}
	if c.Owners != "elsewhere.csv" {
		t.Errorf("owners %s, want the path in the environment as it is", c.Owners)
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	c, _, err := loadText(t, oneAccount,
		"AZLEDGER_LIMITS_MEMORY=4GB", "AZLEDGER_PERIODS_HISTORY=3", "AZLEDGER_TAGS_KEYS=[team, env]", "AZLEDGER_PUBLISH_WITH_FAILED_SCOPES=true",
		"AZLEDGER_ACCOUNTS_0_AGREEMENT=ea", "AZLEDGER_ACCOUNTS_1_NAME=fabrikam", "AZLEDGER_ACCOUNTS_1_EXPORTS=/mnt/exports", "OTHER=1")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(c.Limits.Memory, c.Periods.History, c.Tags.Keys, c.PublishWithFailedScopes, c.Accounts)
	want := "4GB 3 [team env] true [{contoso /providers/Microsoft.Billing/billingAccounts/8608480 ea []  {   }} {fabrikam  auto [] /mnt/exports {   }}]\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestUnknownEnvironmentIsRefused(t *testing.T) {
	for env, want := range map[string]string{
		"AZLEDGER_PUBLSH=x":                           "AZLEDGER_PUBLSH is no key",
		"AZLEDGER_ACCOUNTS_0_SCOP=x":                  "AZLEDGER_ACCOUNTS_0_SCOP is no key",
		"AZLEDGER_PERIODS_HISTORY=many":               "AZLEDGER_PERIODS_HISTORY: \"many\": want a whole number",
		"AZLEDGER_PERIODS_HISTORY=1.5":                "AZLEDGER_PERIODS_HISTORY: \"1.5\": want a whole number",
		"AZLEDGER_LIMITS={memry: 1}":                  "AZLEDGER_LIMITS: ",
		"AZLEDGER_LIMITS_MEMORY=plenty":               "limits.memory: \"plenty\"",
		"AZLEDGER_PUBLISH_WITH_FAILED_SCOPES=perhaps": "want true or false",
	} {
		if _, _, err := loadText(t, oneAccount, env); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %s", env, err, want)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c, _, err := loadText(t, oneAccount, "AZLEDGER_STORAGE_SAS=sig=hush", "AZLEDGER_STORAGE_CONNECTION_STRING=AccountKey=hush")
	if err != nil {
		t.Fatal(err)
	}
	if c.secret.StorageSAS.Reveal() != "sig=hush" {
		t.Error("the secret itself is lost")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, c.secret); strings.Contains(text, "hush") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

func TestSecretsAreNoKeysOfTheFile(t *testing.T) {
	if _, _, err := loadText(t, "storage_sas: sig=hush\n"); err == nil || !strings.Contains(err.Error(), "unknown key") {
		t.Errorf("got %v, want an unknown key", err)
	}
}

func TestListPricesNeedNoAccount(t *testing.T) {
	c, _, err := loadText(t, "retail: {currencies: [USD], families: [Compute]}\n")
	if err != nil || c.needAccounts() != nil {
		t.Errorf("%v, %v", err, c.needAccounts())
	}
}

func TestAnOfferIsGivenByTheEnvironmentToo(t *testing.T) {
	c, _, err := loadText(t, oneAccount, "AZLEDGER_ACCOUNTS_0_OFFER_ID=MS-AZR-0003P", "AZLEDGER_ACCOUNTS_0_OFFER_CURRENCY=EUR",
		"AZLEDGER_ACCOUNTS_0_OFFER_LOCALE=en-US", "AZLEDGER_ACCOUNTS_0_OFFER_REGION=DE", "AZLEDGER_RETAIL_CURRENCIES=[USD, EUR]")
	if want := (offerConfig{"MS-AZR-0003P", "EUR", "en-US", "DE"}); err != nil || c.Accounts[0].Offer != want || len(c.Retail.Currencies) != 2 {
		t.Errorf("%v: %+v %v", err, c.Accounts[0].Offer, c.Retail)
	}
}
