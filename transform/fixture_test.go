package transform

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// A case of a model is one file, testdata/models/<model>/<case>.txtar: a sentence, the tables the
// model reads, and the rows wanted.
//
//	A subscription billed in two currencies keeps two rows.
//
//	-- stg_usage.csv --
//	ChargeDate,SubAccountId,BillingCurrency,EffectiveCost
//	2026-10-01,s1,EUR,1.25
//	-- want.csv --
//	ChargeDate,SubAccountId,BillingCurrency,EffectiveCost
//	2026-10-01,s1,EUR,1.25
//
// Types come from the headers of the models read, from the input lines, and from the relations that
// are provided. An empty field is null, "" the empty text; columns left out are null; a table left
// out is empty. Only the tables the model declares exist. Of the wanted table only the columns given
// are compared, as a bag of rows. Every case is held to the model's header as well. Checks that are
// meant to break stand in a section broken.csv with the columns rule,count; a case whose rows the
// header must refuse names the kind (grain, period, total …) in a section refused.txt, a line each.

func TestModels(t *testing.T) {
	files := os.DirFS("../sql")
	parsed, _ := parseAll(files) // what does not parse fails by itself below
	set := map[string]*Model{}
	for _, m := range parsed {
		set[m.Name] = m
	}
	paths, err := fs.Glob(files, "*/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range paths {
		if strings.HasPrefix(file, "dialect/") {
			continue
		}
		t.Run(modelName(file), func(t *testing.T) {
			text, err := fs.ReadFile(files, file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Parse(file, string(text))
			if err != nil {
				t.Fatal(err)
			}
			testModel(t, "../testdata/models", m, set)
		})
	}
}

func testModel(t *testing.T, folder string, m *Model, set map[string]*Model) {
	cases, err := filepath.Glob(filepath.Join(folder, m.Name, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatalf("%s has no case: write %s/<case>.txtar", m.Path, filepath.Join("testdata/models", m.Name))
	}
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, complaint := range runCase(t, m, set, archive) {
				t.Errorf("%s: %s", filepath.Base(file), complaint)
			}
		})
	}
}

// runCase runs one case and returns everything that is wrong with it.
func runCase(t *testing.T, m *Model, set map[string]*Model, archive *txtar.Archive) []string {
	t.Helper()
	c := fixture{t: t, m: m, set: set, sections: map[string]string{}}
	var dir string
	c.s, dir = fixtureSession(t)
	var err error
	if c.dir, err = os.MkdirTemp(dir, "case-"); err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		c.sections[f.Name] = string(f.Data)
	}
	if strings.TrimSpace(string(archive.Comment)) == "" {
		c.complain("begins without a sentence that says what the case shows")
	}
	c.run()
	return c.complaints
}

type fixture struct {
	t          *testing.T
	s          *session
	dir        string
	m          *Model
	set        map[string]*Model
	sections   map[string]string
	complaints []string
}

func (c *fixture) complain(format string, args ...any) {
	c.complaints = append(c.complaints, fmt.Sprintf(format, args...))
}

func (c *fixture) run() {
	c.unknownSections()
	for _, read := range c.m.Reads {
		if err := c.table(read); err != nil {
			c.complain("%v", err)
			return
		}
	}
	if len(c.complaints) > 0 {
		return
	}
	_, broken, err := makeTable(c.t.Context(), c.s, c.m, "", filepath.Join(c.dir, "made.parquet"))
	if err != nil {
		c.complain("%v", err)
		return
	}
	c.compareBroken(broken)
	if slices.ContainsFunc(broken, func(b Broken) bool { return b.Kind == KindQuery || b.Kind == KindColumn }) {
		return // there is no table
	}
	if want, ok := c.sections["want.csv"]; ok {
		c.compareRows(want)
	} else if c.sections["refused.txt"] == "" {
		c.complain("has no section want.csv")
	}
}

func (c *fixture) unknownSections() {
	for section := range c.sections {
		table, isTable := strings.CutSuffix(section, ".csv")
		switch {
		case section == "want.csv", section == "broken.csv", section == "refused.txt":
		case !isTable:
			c.complain("the section %s is not known: there are <table>.csv, want.csv, broken.csv and refused.txt", section)
		case !slices.Contains(c.m.Reads, table):
			c.complain("holds %s, which %s does not read", section, c.m.Name)
		}
	}
}

func (c *fixture) table(read string) error {
	columns := columnsOf(c.m, read, c.set)
	if columns == nil {
		return fmt.Errorf("%s: reads %s, which no model makes and nothing provides", c.m.Path, read)
	}
	text, given := c.sections[read+".csv"]
	if !given {
		return c.s.emptyTable(c.t.Context(), read, columns)
	}
	return c.s.csvTable(c.t.Context(), read, c.write(read, text), columns, true)
}

func (c *fixture) write(name, text string) string {
	file := filepath.Join(c.dir, name+".csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return file
}

func (c *fixture) compareBroken(broken []Broken) {
	want := map[string]string{}
	if text := c.sections["broken.csv"]; text != "" {
		for _, row := range c.read("broken", text, columns("rule varchar, count bigint")) {
			want[flat(row[0])] = row[1]
		}
	}
	refused := strings.Fields(c.sections["refused.txt"])
	for _, b := range broken {
		switch {
		case slices.Contains(refused, b.Kind):
			refused = slices.DeleteFunc(refused, func(kind string) bool { return kind == b.Kind })
		case want[b.Rule] != fmt.Sprint(b.Count):
			c.complain("%s", b)
		}
		delete(want, b.Rule)
	}
	for rule, count := range want {
		c.complain("the rule %q should be broken %s times, but is in no header line or holds", rule, count)
	}
	for _, kind := range refused {
		c.complain("should be refused for its %s, but is not", kind)
	}
}

func (c *fixture) read(name, text string, columns []Column) (rows [][]string) {
	if err := c.s.csvTable(c.t.Context(), name, c.write(name, text), columns, false); err != nil {
		c.t.Fatal(err)
	}
	nullable, err := c.s.texts(c.t.Context(), "select cast(columns(*) as varchar) from work."+ident(name))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range nullable {
		row := make([]string, len(r))
		for i := range r {
			row[i] = r[i].String
		}
		rows = append(rows, row)
	}
	return rows
}

func (c *fixture) compareRows(want string) {
	file := c.write("want", want)
	header, err := checkCSV(file, c.m.Columns, true)
	if err != nil {
		c.complain("%v", err)
		return
	}
	if err := c.s.csvTable(c.t.Context(), "want", file, c.m.Columns, true); err != nil {
		c.complain("%v", err)
		return
	}
	got := fmt.Sprintf("select %s from work.%s", idents(header), ident(c.m.Name))
	wanted := fmt.Sprintf("select %s from work.want", idents(header))
	c.differences("extra row", header, got+" except all "+wanted)
	c.differences("missing row", header, wanted+" except all "+got)
}

func (c *fixture) differences(what string, header []string, query string) {
	rows, err := c.s.texts(c.t.Context(), "select cast(columns(*) as varchar) from ("+query+") order by all")
	if err != nil {
		c.complain("comparing: %v", err)
	}
	for _, row := range rows {
		c.complain("%s {%s}", what, showRow(header, row))
	}
}

func showRow(header []string, row []sql.NullString) string {
	fields := make([]string, len(row))
	for i, value := range row {
		fields[i] = header[i] + ": " + value.String
		if !value.Valid {
			fields[i] = header[i] + ": null"
		} else if value.String == "" {
			fields[i] = header[i] + `: ""`
		}
	}
	return strings.Join(fields, ", ")
}

// shared is one database for all cases: opening one takes 25 ms, a case 10.
var shared struct {
	sync.Mutex
	session *session
	dir     string
}

// fixtureSession lends the shared database, emptied, until the test ends.
func fixtureSession(t *testing.T) (*session, string) {
	t.Helper()
	shared.Lock()
	t.Cleanup(shared.Unlock)
	if shared.session == nil {
		openShared(t)
	}
	if err := shared.session.clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	return shared.session, shared.dir
}

func openShared(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "azledger-fixtures-")
	if err != nil {
		t.Fatal(err)
	}
	shared.dir = dir
	shared.session, err = openSession(context.Background(), sessionOptions{
		dir: filepath.Join(dir, "database"), threads: 1, dialect: dialect(t), readable: []string{dir},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.session != nil {
		if err := errors.Join(shared.session.close(), os.RemoveAll(shared.dir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func dialect(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../sql/dialect/duckdb.sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLoad(t *testing.T) {
	models, err := Load(os.DirFS("../sql"))
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	for _, m := range models {
		for _, read := range m.Reads {
			if !isRaw(read) && !isKept(read) && builtin(read) == nil && !done[read] {
				t.Errorf("%s stands before %s, which it reads", m.Name, read)
			}
		}
		done[m.Name] = true
	}
}
