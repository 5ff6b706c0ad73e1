package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/azledger/azledger/load"
)

// config is the configuration file. Each key can be given as an environment
// variable too, see env.go; the manual describes them all.
type config struct {
	Lake                    string          `yaml:"lake"`
	Publish                 string          `yaml:"publish"`
	PublishWithFailedScopes bool            `yaml:"publish_with_failed_scopes"`
	AcceptRejects           bool            `yaml:"accept_rejects"`
	Cloud                   string          `yaml:"cloud"`
	Endpoints               endpoints       `yaml:"endpoints"`
	Credential              string          `yaml:"credential"`
	Accounts                []accountConfig `yaml:"accounts"`
	Periods                 periodConfig    `yaml:"periods"`
	Limits                  limitConfig     `yaml:"limits"`
	Owners                  string          `yaml:"owners"`
	Allocation              string          `yaml:"allocation"`
	Tags                    tagConfig       `yaml:"tags"`
	Retail                  retailConfig    `yaml:"retail"`

	file   string // "" when there is none
	text   []byte
	secret secrets

	container string // where the lake is, if it is not in the directory Lake, which is then its working copy
}

type endpoints struct {
	Management string `yaml:"management"`
	Authority  string `yaml:"authority"`
	Retail     string `yaml:"retail"`
	Enterprise string `yaml:"enterprise"`
}

type accountConfig struct {
	Name      string      `yaml:"name"`
	Scope     string      `yaml:"scope"`
	Agreement string      `yaml:"agreement"`
	Sources   []string    `yaml:"sources"`
	Exports   string      `yaml:"exports"`
	Offer     offerConfig `yaml:"offer"`
}

// offerConfig is what a pay-as-you-go subscription was bought as; the rate card wants it.
type offerConfig struct {
	ID       string `yaml:"id"`
	Currency string `yaml:"currency"`
	Locale   string `yaml:"locale"`
	Region   string `yaml:"region"`
}

type periodConfig struct {
	History  int `yaml:"history"`
	LateDays int `yaml:"late_days"`
	Versions int `yaml:"versions"`
}

type limitConfig struct {
	Memory  string `yaml:"memory"`
	Threads int    `yaml:"threads"`
	Temp    string `yaml:"temp"`
	Retries int    `yaml:"retries"`
}

type retailConfig struct {
	Currencies []string `yaml:"currencies"`
	Families   []string `yaml:"families"`
}

type tagConfig struct {
	Keys []string `yaml:"keys"`
}

// secrets come from the environment only.
type secrets struct {
	StorageConnectionString load.Secret
	StorageSAS              load.Secret
	EnterpriseKey           load.Secret
	SigningKey              load.Secret // of the records of closed months
}

func defaults() config {
	return config{
		Lake:       "lake",
		Publish:    "published",
		Cloud:      "public",
		Credential: "default",
		Periods:    periodConfig{History: 13, LateDays: 7, Versions: 14},
		Limits:     limitConfig{Memory: "2GB", Retries: 5},
		Tags:       tagConfig{Keys: []string{"owner", "costcenter"}},
	}
}

const defaultConfig = "azledger.yaml"

// loadConfig reads the file, lets the environment override it, and checks the whole.
// Relative paths in the file start at the file's folder, those in the environment
// at the working directory.
func loadConfig(path string, env []string) (config, error) {
	vars := environment(env)
	if path == "" {
		path = vars.take("CONFIG")
	}
	c, err := readConfig(path)
	if err != nil {
		return config{}, usageError{err}
	}
	if problems := c.written(); len(problems) > 0 {
		return config{}, usageError{c.complain(problems)}
	}
	c.resolve(filepath.Dir(c.file))
	if err := vars.override(&c); err != nil {
		return config{}, usageError{err}
	}
	if problems := c.problems(); len(problems) > 0 {
		return config{}, usageError{c.complain(problems)}
	}
	c.workHere()
	return c, nil
}

// readConfig reads a file over the defaults. Without a name the default one is
// read if it is there.
func readConfig(path string) (config, error) {
	c := defaults()
	name := path
	if name == "" {
		name = defaultConfig
	}
	text, err := os.ReadFile(name)
	if path == "" && errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	c.file, c.text = name, text
	return c, decodeYAML(name, text, &c)
}

// written finds secrets in the file: the file is copied, mailed and committed.
func (c *config) written() []problem {
	urls := map[string]string{"lake": c.Lake, "publish": c.Publish}
	for i, a := range c.Accounts {
		urls[fmt.Sprintf("accounts[%d].exports", i)] = a.Exports
	}
	var found []problem
	for key, u := range urls {
		if isURL(u) && strings.Contains(u, "sig=") {
			variable := envPrefix + strings.ToUpper(strings.NewReplacer("[", "_", "]", "", ".", "_").Replace(key))
			found = append(found, problem{key, "a signature does not belong in the file; give the whole URL as " + variable})
		}
	}
	return found
}

// resolve makes the file's relative paths start at the file's folder.
func (c *config) resolve(dir string) {
	paths := []*string{&c.Lake, &c.Publish, &c.Owners, &c.Allocation, &c.Limits.Temp}
	for i := range c.Accounts {
		paths = append(paths, &c.Accounts[i].Exports)
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) && !strings.Contains(*p, "://") {
			*p = filepath.Join(dir, *p)
		}
	}
}

func isURL(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// problem is a value that cannot be right, under the key it stands at.
type problem struct{ key, text string }

var (
	agreements  = []string{"auto", "ea", "mca", "mosp", "mpa"}
	clouds      = []string{"public", "usgov", "china"}
	credentials = []string{"default", "environment", "managed_identity", "workload_identity", "cli", "none"}
	memorySize  = regexp.MustCompile(`^[1-9][0-9]*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)
	tagKey      = regexp.MustCompile(`^[^\s"]+$`)
	currency    = regexp.MustCompile(`^[A-Z]{3}$`)
)

// problems finds what is wrong beyond spelling.
func (c *config) problems() []problem {
	found := oneOf("cloud", c.Cloud, clouds)
	found = append(found, oneOf("credential", c.Credential, credentials)...)
	found = append(found, c.placeProblems()...)
	if !memorySize.MatchString(c.Limits.Memory) {
		found = append(found, problem{"limits.memory", fmt.Sprintf("%q: want a number and a unit, such as 2GB or 800MB", c.Limits.Memory)})
	}
	for _, k := range c.Tags.Keys {
		if !tagKey.MatchString(k) {
			found = append(found, problem{"tags.keys", fmt.Sprintf("%q: want a tag key without blanks and quotes", k)})
		}
	}
	found = append(found, c.endpointProblems()...)
	found = append(found, c.retailProblems()...)
	found = append(found, c.numbers()...)
	return append(found, c.accountProblems()...)
}

func (c *config) retailProblems() []problem {
	var found []problem
	for i, code := range c.Retail.Currencies {
		switch {
		case !currency.MatchString(code):
			found = append(found, problem{"retail.currencies", fmt.Sprintf("%q: want a code of ISO 4217 such as USD", code)})
		case slices.Contains(c.Retail.Currencies[:i], code):
			found = append(found, problem{"retail.currencies", code + " stands twice"})
		}
	}
	if slices.Contains(c.Retail.Families, "") {
		found = append(found, problem{"retail.families", "one has no name; want service families such as Compute, spelled as Microsoft spells them"})
	}
	if len(c.Retail.Families) > 0 && len(c.Retail.Currencies) == 0 {
		found = append(found, problem{"retail.families", "without retail.currencies no prices are copied; name at least one, such as USD"})
	}
	return found
}

func oneOf(key, value string, allowed []string) []problem {
	if slices.Contains(allowed, value) {
		return nil
	}
	return []problem{{key, fmt.Sprintf("%q: want %s", value, strings.Join(allowed, ", "))}}
}

func (c *config) numbers() []problem {
	var found []problem
	for _, n := range []struct {
		key        string
		value, min int
	}{
		{"periods.history", c.Periods.History, 1},
		{"periods.late_days", c.Periods.LateDays, 1},
		{"periods.versions", c.Periods.Versions, 1},
		{"limits.threads", c.Limits.Threads, 0},
		{"limits.retries", c.Limits.Retries, 0},
	} {
		if n.value < n.min {
			found = append(found, problem{n.key, fmt.Sprintf("%d: want %d or more", n.value, n.min)})
		}
	}
	return found
}

// accountProblems is about accounts one by one; that there is one at all only
// matters to the commands that copy, see needAccounts.
func (c *config) accountProblems() []problem {
	var found []problem
	names := map[string]bool{}
	for i := range c.Accounts {
		acc := &c.Accounts[i]
		key := fmt.Sprintf("accounts[%d]", i)
		if acc.Agreement == "" {
			acc.Agreement = "auto"
		}
		found = append(found, oneOf(key+".agreement", acc.Agreement, agreements)...)
		switch {
		case acc.Name == "":
			found = append(found, problem{key, "an account needs a name"})
		case names[acc.Name]:
			found = append(found, problem{key + ".name", fmt.Sprintf("%q is the name of two accounts", acc.Name)})
		case acc.Scope == "" && acc.Exports == "":
			found = append(found, problem{key, fmt.Sprintf("account %s has neither scope nor exports, so there is nothing to read", acc.Name)})
		case acc.Scope != "" && !strings.HasPrefix(acc.Scope, "/"):
			found = append(found, problem{key + ".scope", fmt.Sprintf("%q: want an Azure scope such as /providers/Microsoft.Billing/billingAccounts/1234567 or /subscriptions/<id>", acc.Scope)})
		}
		found = append(found, unknownSources(key, acc.Sources)...)
		found = append(found, offerProblems(key+".offer", acc.Offer)...)
		names[acc.Name] = true
	}
	return found
}

// offerProblems: an offer is given whole or not at all.
func offerProblems(key string, o offerConfig) []problem {
	var found []problem
	for _, part := range []struct{ key, value, form, example string }{
		{"id", o.ID, `^MS-AZR-[A-Z0-9]+$`, "MS-AZR-0003P"},
		{"currency", o.Currency, `^[A-Z]{3}$`, "EUR"},
		{"locale", o.Locale, `^[A-Za-z]{2,3}(-[A-Za-z0-9]+)+$`, "en-US"},
		{"region", o.Region, `^[A-Z]{2}$`, "DE"},
	} {
		if o != (offerConfig{}) && !regexp.MustCompile(part.form).MatchString(part.value) {
			found = append(found, problem{key, fmt.Sprintf("%s %q: the rate card wants one such as %s", part.key, part.value, part.example)})
		}
	}
	return found
}

func unknownSources(key string, names []string) []problem {
	var found []problem
	for _, n := range names {
		if !slices.Contains(sourceNames(), n) {
			found = append(found, problem{key + ".sources", fmt.Sprintf("%q is no source; azledger sources lists them", n)})
		}
	}
	return found
}

// complain turns problems into one error, each with its place in the file.
func (c *config) complain(problems []problem) error {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = fmt.Sprintf("%s%s: %s", c.place(p.key), p.key, p.text)
	}
	return errors.New(strings.Join(lines, "\n"))
}

// place is where the file gives the key; "" when its value comes from elsewhere.
func (c *config) place(key string) string {
	if c.file == "" {
		return "configuration: "
	}
	node := c.node(key)
	if node == nil {
		return c.file + ": "
	}
	p := node.GetToken().Position
	return fmt.Sprintf("%s:%d:%d: ", c.file, p.Line, p.Column)
}

// gives tells whether the file gives the key.
func (c *config) gives(key string) bool { return c.node(key) != nil }

// node is the value of a key in the file; nil where there is none.
func (c *config) node(key string) ast.Node {
	path, err := yaml.PathString("$." + key)
	if err != nil {
		return nil
	}
	node, err := path.ReadNode(bytes.NewReader(c.text))
	if err != nil {
		return nil
	}
	return node
}

// needAccounts is asked by the commands that copy bills.
func (c *config) needAccounts() error {
	if len(c.Accounts) > 0 || len(c.Retail.Currencies) > 0 {
		return nil
	}
	if c.file == "" {
		return usagef("no %s in this folder and no --config: azledger needs to know which accounts to read", defaultConfig)
	}
	return usagef("%s: accounts: none; name at least one account with a scope or a folder of exports", c.file)
}
