package extract

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A Source is an API or a kind of file, and the raw table its records become.
// Each is declared in a file of its own, which also writes down its oddities.
type Source struct {
	Name       string   // also the folder in the lake and, as raw_<name>, the relation that staging reads
	API        string   // what Microsoft calls it
	Version    string   // api-version asked for
	Agreements []string // ea, mca, mosp, mpa
	Role       string   // the role that reading it needs
	Feeds      string   // what azledger uses it for
	Status     string   // current, deprecated or retired
	Columns    []Column // the raw columns, beside the constant ones every raw file has
	// Instead says, for an agreement that has no such thing, which source has what it is
	// looked for: "the prepayment of a customer agreement is in lots and credits".
	Instead map[string]string
	// Successor names the sources that have the same where Status is not current.
	Successor string

	dateColumn string        // its least and greatest value go to the manifest
	files      bool          // read from Account.Exports rather than from an API
	global     bool          // belongs to no account; read once for all, if Options ask for it
	everywhere bool          // every account has some of it
	first      bool          // read before the others, which depend on it
	billed     bool          // what invoices bill: a month is read again when its invoices change
	momentary  bool          // what is so today: it may be far less than it was
	exports    *exportFormat // of the files read, if files
	behind     []string      // sources of exports: what they have of the same scope, month and dataset is not asked for
	// standard tells which accounts read it without naming it; nil means all. What another
	// source has as well, or what costs many calls, is read on request.
	standard func(Account) bool
	plan     func(ctx context.Context, r *run, a Account) ([]task, error)
}

var registry []*Source

// register adds a source. A source's file calls it in a package variable, so that a
// new source is that file and no line elsewhere.
func register(s *Source) *Source {
	registry = append(registry, s)
	return s
}

// Sources returns all sources by name.
func Sources() []*Source {
	all := slices.Clone(registry)
	slices.SortFunc(all, func(a, b *Source) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// sourceOf is the source of a name that one has.
func sourceOf(name string) *Source {
	return registry[slices.IndexFunc(registry, func(s *Source) bool { return s.Name == name })]
}

// needs tells whether the account has what the source reads.
func (s *Source) needs(a Account) bool {
	if s.files {
		return a.Exports != ""
	}
	return a.Scope != "" && slices.Contains(s.Agreements, a.Agreement)
}

// isStandard tells whether an account reads the source without naming it.
func (s *Source) isStandard(a Account) bool { return s.standard == nil || s.standard(a) }

// explain adds what to read instead to the refusal of an API that is no more.
func (s *Source) explain(err error) error {
	switch {
	case s.Successor == "":
	case s.Status == statusRetired && hasStatus(err, retiredAnswers...):
		return fmt.Errorf("%w; Microsoft has retired this API: read %s instead (if it is a replay, check endpoints.enterprise and the key in AZLEDGER_ENTERPRISE_KEY)", err, s.Successor)
	case hasStatus(err, http.StatusGone) || unknownVersion(err):
		return fmt.Errorf("%w; Microsoft has %s this API: read %s instead", err, s.Status, s.Successor)
	}
	return err
}

// retiredAnswers are what an API that is no more says, or the gateway before it.
var retiredAnswers = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone}

// tagKeys are the configured keys where the source has tags.
func (s *Source) tagKeys(keys []string) []string {
	if slices.ContainsFunc(s.Columns, func(c Column) bool { return c.Type == Tags }) {
		return keys
	}
	return nil
}

// layout identifies the raw columns, so that data landed with other columns is
// fetched again rather than mixed.
func (s *Source) layout() string {
	h := sha256.New()
	for _, c := range s.Columns {
		fmt.Fprintf(h, "%s\x00%d\x00%s\n", c.Name, c.Type, c.Path)
	}
	return hex.EncodeToString(h.Sum(nil))[:8]
}

// fields declares columns of one type by their paths in an API record. The column
// is named by the path without "properties.", its steps joined with "_".
func fields(t Type, paths ...string) []Column {
	columns := make([]Column, len(paths))
	for i, p := range paths {
		columns[i] = Column{Name: fieldName(p), Type: t, Path: p}
	}
	return columns
}

// resource declares the three fields that every resource of the management API has.
func resource() []Column {
	return append(unique(fields(Text, "id", "name")), fields(Text, "type")...)
}

// onRequest is Source.standard of a source that is read only where it is named.
func onRequest(Account) bool { return false }

// properties declares columns that stand under "properties".
func properties(t Type, names ...string) []Column {
	columns := make([]Column, len(names))
	for i, n := range names {
		columns[i] = Column{Name: fieldName(n), Type: t, Path: "properties." + n}
	}
	return columns
}

func fieldName(path string) string {
	return strings.ReplaceAll(strings.TrimPrefix(path, "properties."), ".", "_")
}

// unique marks columns whose values hardly repeat.
func unique(columns []Column) []Column {
	for i := range columns {
		columns[i].Unique = true
	}
	return columns
}

// days marks dates served with a time of day and an offset, whose date part is the
// day meant: reservation usage of "2018-09-01T00:00:00-07:00" is of September 1st.
func days(columns []Column) []Column {
	for i := range columns {
		columns[i].DatePart = true
	}
	return columns
}
