package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The folder tables of a lake:
//
//	tables/<table>/BillingPeriod=2026-10/<hash>.parquet   a table with a period, and beside it
//	tables/<table>/BillingPeriod=2026-10/state.json       what the file was built from
//	tables/<table>/<hash>.parquet, state.json             a table of one piece
//	tables/set.json                                       the published tables, whole and checked
//	tables/previous.json                                  files of the runs before that are compared with
//
// <hash> is the first 16 digits of the file's sha256. Files are never changed; state.json follows
// the file it names, and set.json all of them.
const (
	tablesFolder = "tables"
	setFile      = "set.json"
	stateFile    = "state.json"
)

// state is what is known of the file of one table and period.
type state struct {
	Format  int      `json:"format"`
	Digest  string   `json:"digest"`  // of everything it was built from
	Columns []Column `json:"columns"` // names and types
	File    file     `json:"file"`    // Path beside the state
	Broken  []Broken `json:"broken"`  // checks that do not hold
	Facts   facts    `json:"facts"`
}

// facts are read off a table while it is at hand, so that writing the set opens no database.
type facts struct {
	DataCompleteTo string `json:"data_complete_to,omitempty"`
}

// piece is one table for one period, or one table without periods.
type piece struct {
	m      *Model
	period string
}

// folder is where a piece lies, below tables/, with slashes.
func (p piece) folder() string {
	if p.period == "" {
		return p.m.Name
	}
	return p.m.Name + "/BillingPeriod=" + p.period
}

func (p piece) String() string { return strings.TrimSpace(p.m.Name + " " + p.period) }

// readState returns nil where there is no state that can be relied on: the piece is built anew. The
// file of an absent one may be elsewhere, to be fetched when it is read.
func readState(lake string, p piece, absent bool) *state {
	folder := filepath.Join(lake, tablesFolder, filepath.FromSlash(p.folder()))
	text, err := os.ReadFile(filepath.Join(folder, stateFile))
	if err != nil {
		return nil
	}
	var s state
	if json.Unmarshal(text, &s) != nil || s.Format != 1 || !filepath.IsLocal(s.File.Path) {
		return nil
	}
	info, err := os.Stat(filepath.Join(folder, s.File.Path))
	if absent && errors.Is(err, fs.ErrNotExist) {
		return &s
	}
	if err != nil || info.Size() != s.File.Bytes {
		return nil
	}
	return &s
}

func (s *state) write(lake string, p piece) error {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(lake, tablesFolder, filepath.FromSlash(p.folder()), stateFile), append(text, '\n'))
}

// digest is a hash over labelled parts; no part can run into its neighbour.
type digest struct{ h interface{ io.Writer } }

func newDigest() (digest, func() string) {
	h := sha256.New()
	return digest{h}, func() string { return hex.EncodeToString(h.Sum(nil)) }
}

func (d digest) add(parts ...string) {
	for _, p := range parts {
		fmt.Fprintf(d.h, "%d:%s\n", len(p), p)
	}
}

func (d digest) columns(columns []Column) {
	for _, c := range columns {
		d.add(c.Name, c.Type)
	}
	d.add("")
}

func (d digest) files(files []file) {
	for _, f := range files {
		d.add(f.SHA256)
	}
	d.add("")
}

// contract is the part of a digest that the model itself decides. Its prose is not in it: a better
// sentence rebuilds nothing.
func (d digest) contract(m *Model) {
	d.add(m.Name, m.Query, m.Period, fmt.Sprint(m.Insertion), strings.Join(m.Grain, ","), strings.Join(m.Reads, ","))
	d.columns(m.Inputs)
	d.columns(m.Columns)
	for _, r := range slices.Concat(m.Checks, []Rule{{}}, m.Totals) {
		d.add(r.SQL)
	}
}

// sweep removes what is under tables/ and not in keep (paths below it, with slashes): superseded
// files, pieces whose raw files are gone, what a crash left. Folders left empty go too.
func sweep(lake string, keep map[string]bool) error {
	root := filepath.Join(lake, tablesFolder)
	var folders []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			folders = append(folders, name)
			return nil
		case keep[name]:
			return nil
		}
		return os.Remove(filepath.Join(root, filepath.FromSlash(name)))
	})
	if err != nil {
		return fmt.Errorf("clearing %s: %w", root, err)
	}
	for _, folder := range slices.Backward(folders) { // the deepest first
		if folder != "." {
			// A folder that still holds something refuses, which is what is wanted.
			_ = os.Remove(filepath.Join(root, filepath.FromSlash(folder)))
		}
	}
	return nil
}

// set is the published tables as loading and reading know them.
type set struct {
	Format         int        `json:"format"`
	AsOf           *string    `json:"as_of"`
	DataCompleteTo *string    `json:"data_complete_to"`
	Tables         []setTable `json:"tables"`
}

type setTable struct {
	Name    string     `json:"name"`
	Doc     string     `json:"doc"`
	Grain   []string   `json:"grain"`
	Period  string     `json:"period"`
	Columns []Column   `json:"columns"`
	Files   []setPart  `json:"files"`
	Checks  []setCheck `json:"checks"`
}

type setPart struct {
	Period string `json:"period"`
	file
}

type setCheck struct {
	Rule   string `json:"rule"`
	Kind   string `json:"kind"`
	Broken int64  `json:"broken"`
}

func newSetTable(m *Model) setTable {
	t := setTable{Name: m.Name, Doc: m.Doc, Grain: m.Grain, Period: m.Period, Columns: m.Columns, Files: []setPart{}, Checks: []setCheck{}}
	for _, r := range m.Checks {
		t.Checks = append(t.Checks, setCheck{Rule: flat(r.SQL), Kind: KindCheck})
	}
	for _, r := range m.Totals {
		t.Checks = append(t.Checks, setCheck{Rule: flat(r.SQL), Kind: KindTotal})
	}
	return t
}

func (t *setTable) add(p piece, s *state) {
	f := s.File
	f.Path = path.Join(p.folder(), f.Path)
	t.Files = append(t.Files, setPart{Period: p.period, file: f})
	for _, b := range s.Broken {
		i := slices.IndexFunc(t.Checks, func(c setCheck) bool { return c.Kind == b.Kind && c.Rule == b.Rule })
		if i >= 0 {
			t.Checks[i].Broken += b.Count
		}
	}
}

// setFiles are the files the last good set relies on, below tables/.
func setFiles(lake string) map[string]bool {
	files := map[string]bool{}
	text, err := os.ReadFile(filepath.Join(lake, tablesFolder, setFile))
	var s set
	if err != nil || json.Unmarshal(text, &s) != nil {
		return files
	}
	for _, t := range s.Tables {
		for _, f := range t.Files {
			files[f.Path] = true
		}
	}
	return files
}

func (s *set) write(lake string) error {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(lake, tablesFolder, setFile), append(text, '\n'))
}
