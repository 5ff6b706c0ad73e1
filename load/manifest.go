package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	format      = 1 // of set.json, of manifests and of the pointer
	setName     = "set.json"
	pointerName = "current.json"
)

// A Pointer is the content of current.json.
type Pointer struct {
	Format         int       `json:"format"`
	Version        int64     `json:"version"`
	Manifest       string    `json:"manifest"` // the manifest's name in the store
	ManifestSHA256 string    `json:"manifest_sha256"`
	PublishedAt    time.Time `json:"published_at"` // UTC, whole seconds
	DataCompleteTo Day       `json:"data_complete_to"`
}

// A Manifest describes one version. It holds no clock and no host name, so the same set under the same number
// gives the same bytes, and a publisher that is repeated after a crash finds its own manifest.
type Manifest struct {
	Format         int             `json:"format"`
	Version        int64           `json:"version"`
	AsOf           Day             `json:"as_of"` // the run date
	DataCompleteTo Day             `json:"data_complete_to"`
	Tables         []Table         `json:"tables"`
	Sources        json.RawMessage `json:"sources,omitempty"`
	Accepted       []Accepted      `json:"accepted,omitempty"`
}

// A Table is a published table.
type Table struct {
	Name    string   `json:"name"`
	Doc     string   `json:"doc"`
	Grain   []string `json:"grain"`
	Period  string   `json:"period"` // the column that says the billing period; empty if the table has none
	Columns []Column `json:"columns"`
	Files   []File   `json:"files"`
	Checks  []Check  `json:"checks"`
}

// A Column is a column of a table with its meaning.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Doc  string `json:"doc"`
}

// A File is a file of a table. In a manifest Path is its name in the store, in set.json it is relative to the
// folder of the set.
type File struct {
	Period string `json:"period"` // 2026-10, or empty
	Path   string `json:"path"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// A Check is a rule of a table and how often it is broken.
type Check struct {
	Rule   string `json:"rule"`
	Kind   string `json:"kind"` // check or total
	Broken int64  `json:"broken"`
}

// Accepted records a loss of rows that was let through.
type Accepted struct {
	Fall
	By string `json:"by"`
}

// A Day is a date like 2026-11-22, or empty for a day that is not known, which JSON has as null.
type Day string

// MarshalJSON implements json.Marshaler.
func (d Day) MarshalJSON() ([]byte, error) {
	if d == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(d))
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *Day) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil && s != "" {
		return fmt.Errorf("%q is not a date like 2026-11-22", s)
	}
	*d = Day(s)
	return nil
}

// A set is the content of the transform's set.json: the manifest to be, and where its files are now.
type set struct {
	Manifest
	paths []string // of the files in order, relative to the folder
}

// readSet reads and checks set.json in the folder tables, and gives each file the name it will have in the store.
func readSet(tables string) (set, error) {
	name := filepath.Join(tables, setName)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return set{}, fmt.Errorf("%w: there is no finished set of tables: run the transform first", err)
	}
	if err != nil {
		return set{}, err
	}
	var s set
	if err := decode(text, &s.Manifest); err != nil {
		return set{}, fmt.Errorf("%s: %w: run the transform again", name, err)
	}
	if err := s.check(); err != nil {
		return set{}, fmt.Errorf("%s: %w: run the transform again", name, err)
	}
	for _, t := range s.Tables {
		for i, f := range t.Files {
			s.paths = append(s.paths, f.Path)
			t.Files[i].Path = storedName(t.Name, f)
		}
	}
	return s, nil
}

// manifest is the set as a manifest that has no version yet.
func (s set) manifest(sources json.RawMessage) Manifest {
	m := s.Manifest
	m.Version, m.Accepted, m.Sources = 0, nil, sources
	return m
}

// storedName is where a file of a table is published. 16 digits of the hash tell the versions of one table's period
// apart; the manifest has all 64.
func storedName(table string, f File) string {
	folder := ""
	if f.Period != "" {
		folder = "BillingPeriod=" + f.Period
	}
	return path.Join("data", table, folder, f.SHA256[:16]+".parquet")
}

var (
	tableName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	monthName = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])$`)
	hexSHA256 = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// check says what is wrong with a set, so that nothing half-made is published and no path leads out of the folders.
func (s set) check() error {
	if s.AsOf == "" || len(s.Tables) == 0 {
		return errors.New("as_of or tables are missing")
	}
	seen := map[string]bool{}
	for _, t := range s.Tables {
		if !tableName.MatchString(t.Name) || seen[t.Name] {
			return fmt.Errorf("table name %q is not lower_case or stands twice", t.Name)
		}
		seen[t.Name] = true
		if err := t.check(); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

func (t Table) check() error {
	for _, c := range t.Checks {
		if c.Kind == "total" && c.Broken > 0 {
			return fmt.Errorf("total %q does not hold", c.Rule)
		}
	}
	for _, f := range t.Files {
		if err := f.check(); err != nil {
			return fmt.Errorf("file %q: %w", f.Path, err)
		}
		if (f.Period != "") != (t.Period != "") {
			return fmt.Errorf("file %q: period %q in a table with period column %q", f.Path, f.Period, t.Period)
		}
	}
	return nil
}

func (f File) check() error {
	switch {
	case !fs.ValidPath(strings.TrimPrefix(f.Path, "../closed/")): // months signed off lie beside the folder
		return errors.New("not a path within the folder")
	case f.Period != "" && !monthName.MatchString(f.Period):
		return fmt.Errorf("period %q is not a month like 2026-10", f.Period)
	case !hexSHA256.MatchString(f.SHA256):
		return fmt.Errorf("sha256 %q is not 64 hex digits", f.SHA256)
	case f.Rows < 0 || f.Bytes <= 0:
		return fmt.Errorf("%d rows in %d bytes", f.Rows, f.Bytes)
	}
	return nil
}

// files are the files of all tables in order.
func (m Manifest) files() []File {
	var all []File
	for _, t := range m.Tables {
		all = append(all, t.Files...)
	}
	return all
}

// Files returns the files of a table, for example to open them in an SQL engine, and whether there is such a table.
func (m Manifest) Files(table string) ([]File, bool) {
	for _, t := range m.Tables {
		if t.Name == table {
			return t.Files, true
		}
	}
	return nil, false
}

// same says whether two manifests describe the same publication, whatever their number and whoever accepted it.
func (m Manifest) same(other Manifest) bool {
	m.Version, m.Accepted = other.Version, other.Accepted
	var a, b Manifest // once through JSON, so that an absent list and an empty one, and any spacing, are alike
	if decode(m.encode(), &a) != nil || decode(other.encode(), &b) != nil {
		return false
	}
	return reflect.DeepEqual(a, b)
}

func (m Manifest) encode() []byte {
	m.Format = format
	return encode(m)
}

func (p Pointer) encode() []byte { return encode(p) }

// encode writes JSON for people and programs: indented, in the order of the fields, with < and > as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("encode(%T): %v", v, err)) // only Options.Sources can be no JSON, and Publish checks it
	}
	return b.Bytes()
}

// decode reads one JSON document of our format. Unknown fields are let through: a later release may add some.
func decode(text []byte, v any) error {
	var head struct{ Format int }
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	if head.Format != format {
		return fmt.Errorf("format %d, but this program knows format %d: use the release that wrote it, or a later one", head.Format, format)
	}
	return json.Unmarshal(text, v)
}

func manifestName(version int64) string { return fmt.Sprintf("manifests/%06d.json", version) }

// highestVersion is the highest number that any manifest of the store has, in force or not.
func highestVersion(ctx context.Context, store Store) (int64, error) {
	var highest int64
	for info, err := range store.List(ctx, "manifests/") {
		if err != nil {
			return 0, err
		}
		number := strings.TrimSuffix(strings.TrimPrefix(info.Name, "manifests/"), ".json")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			highest = max(highest, n)
		}
	}
	return highest, nil
}
