package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/azledger/azledger/transform"
)

// A closed month is a folder of the lake that nothing changes any more:
//
//	closed/2026-09/tables/<table>/<hash>.parquet   the month's part of every published table
//	closed/2026-09/rules/                          the files of rules that it was made with
//	closed/2026-09/record.json                     who closed it, and the hash of all it was made of
//	closed/2026-09/signature.json                  the hash of record.json, and who signed it
//
// It appears under its name when it is whole. Each record names the hash of the one before it, so that no month
// of a chain can be exchanged alone. A month that was opened again is kept under closed/undone.
const (
	closedFolder  = "closed"
	undoneFolder  = "closed/undone"
	recordFile    = "record.json"
	signatureFile = "signature.json"
)

// record is what a month was when it was signed off.
type record struct {
	Format         int               `json:"format"`
	Period         string            `json:"period"`
	ClosedAt       time.Time         `json:"closed_at"`
	By             string            `json:"by"`
	Note           string            `json:"note"`
	Accepted       string            `json:"accepted"` // why it was closed although something speaks against it
	AsOf           string            `json:"as_of"`    // run date of the tables
	Version        string            `json:"version"`  // of azledger
	Previous       *link             `json:"previous"` // nil: the first month of the chain
	RuleDigest     string            `json:"rule_digest"`
	Rules          []recordFileEntry `json:"rules"`
	Models         map[string]string `json:"models"` // table → digest of what makes it
	Tables         []recordTable     `json:"tables"`
	Inputs         []recordUnit      `json:"inputs"`
	Reconciliation []recordInvoice   `json:"reconciliation"`
}

// link names a record by its hash.
type link struct {
	Period string `json:"period"`
	SHA256 string `json:"sha256"`
}

// recordFileEntry is a file below the folder of the record.
type recordFileEntry struct {
	Path   string `json:"path"`
	Rows   int64  `json:"rows,omitempty"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// recordTable is the month's part of a table.
type recordTable struct {
	Name  string            `json:"name"`
	Whole bool              `json:"whole"` // the table is kept by month, and the published file is this one
	Files []recordFileEntry `json:"files"` // one
	// Amounts are the columns that are added up, by currency; nil in a table without currencies.
	Amounts []string    `json:"amounts"`
	Sums    []recordSum `json:"sums"`
}

func (t recordTable) file() recordFileEntry { return t.Files[0] }

// recordSum is what the rows of one currency add up to; of a table without currencies only the rows are counted.
type recordSum struct {
	BillingCurrency string            `json:"billing_currency"`
	Rows            string            `json:"rows"`
	Amounts         map[string]string `json:"amounts,omitempty"` // column → sum
}

// recordUnit is a raw unit the tables were made from: its manifest as it was, which names its files and their hashes.
type recordUnit struct {
	Path     string          `json:"path"` // of the manifest, below the lake
	SHA256   string          `json:"sha256"`
	Manifest json.RawMessage `json:"manifest"`
}

// recordInvoice is how the month's invoices stood.
type recordInvoice struct {
	Account         string `json:"account"`
	InvoiceID       string `json:"invoice_id"`
	BillingCurrency string `json:"billing_currency"`
	Status          string `json:"status"`
	TotalAmount     string `json:"total_amount"`
}

// signature says what record.json must be.
type signature struct {
	SHA256    string `json:"sha256"`
	Algorithm string `json:"algorithm"`  // ed25519, or "" where there was no key
	PublicKey string `json:"public_key"` // base64
	Signature string `json:"signature"`  // of the text of sha256, base64
}

// closedMonth is a record as it lies in the lake.
type closedMonth struct {
	record
	folder string // absolute
	sha256 string // of record.json
	signed bool
}

// closedMonths reads the records of the closed months, the oldest first. It holds each to its signature, and the rules it
// keeps to the record, for tables are made from what they say; the rest is for verify.
func (c *config) closedMonths() ([]closedMonth, error) {
	names, err := c.closedNames()
	if err != nil {
		return nil, err
	}
	var months []closedMonth
	for _, name := range names {
		m, err := readClosed(filepath.Join(c.Lake, closedFolder, name))
		if err == nil {
			err = m.checkRules()
		}
		if errors.Is(err, errNoRecord) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w: put the folder back from a copy; azledger verify says what else is damaged", err)
		}
		months = append(months, m)
	}
	return months, nil
}

// closedNames are the folders of closed months, whatever is in them.
func (c *config) closedNames() (names []string, err error) {
	folders, err := os.ReadDir(filepath.Join(c.Lake, closedFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range folders {
		if isMonth(f.Name()) {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// errNoRecord is of a folder without a record. A directory gets the folder whole; a container gets and loses its files one
// by one, the record last and first, so that a host that dies while it saves leaves such a folder.
var errNoRecord = errors.New("there is no " + recordFile + ": closing or opening the month was interrupted while a lake in a container was saved, " +
	"or the file was lost: run azledger again on the host that did it; without its disk, remove the folder if the month is to be open, or put it back from a copy")

// readClosed reads one record.
func readClosed(folder string) (closedMonth, error) {
	m := closedMonth{folder: folder}
	name := filepath.Join(folder, recordFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%s: %w", folder, errNoRecord)
	}
	if err != nil {
		return m, err
	}
	m.sha256 = hashText(text)
	s, err := readSignature(folder)
	if err != nil {
		return m, err
	}
	m.signed = s.Algorithm != ""
	if m.sha256 != s.SHA256 {
		return m, fmt.Errorf("%s: its sha256 is %.16s, but %s beside it was made for %.16s", name, m.sha256, signatureFile, s.SHA256)
	}
	if err := json.Unmarshal(text, &m.record); err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case m.Format != 1:
		return m, fmt.Errorf("%s: format %d, but this program knows 1: use a later release", name, m.Format)
	case m.Period != filepath.Base(folder):
		return m, fmt.Errorf("%s: is of the month %s", name, m.Period)
	}
	return m, m.checkPaths(name)
}

// checkPaths refuses records that lead out of their folder.
func (m closedMonth) checkPaths(name string) error {
	files := slices.Clone(m.Rules)
	for _, t := range m.Tables {
		if len(t.Files) != 1 {
			return fmt.Errorf("%s: the table %s has %d files", name, t.Name, len(t.Files))
		}
		files = append(files, t.file())
	}
	for _, f := range files {
		if !fs.ValidPath(f.Path) {
			return fmt.Errorf("%s: the file %q lies outside the folder", name, f.Path)
		}
	}
	return nil
}

// checkRules refuses rules that are not those the month was closed with: by others it would cost something else, and the
// difference would be charged.
func (m closedMonth) checkRules() error {
	for _, f := range m.Rules {
		name := filepath.Join(m.folder, filepath.FromSlash(f.Path))
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if sum := hashText(text); sum != f.SHA256 {
			return fmt.Errorf("%s: its sha256 is %.16s, but the month was closed with %.16s", name, sum, f.SHA256)
		}
	}
	return nil
}

// readSignature reads a signature; one that is not written as we write it was changed.
func readSignature(folder string) (s signature, err error) {
	name := filepath.Join(folder, signatureFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	if !bytes.Equal(text, indented(s)) {
		return s, fmt.Errorf("%s: is not as it was written", name)
	}
	return s, nil
}

// kept are the files of closed months as transform gives them to models.
func kept(months []closedMonth) (files []transform.Kept) {
	for _, m := range months {
		for _, t := range m.Tables {
			f := t.file()
			files = append(files, transform.Kept{
				Relation: transform.Closed, Table: t.Name, Period: m.Period,
				Path: path.Join(closedFolder, m.Period, f.Path), Rows: f.Rows, Bytes: f.Bytes, SHA256: f.SHA256,
			})
		}
	}
	return files
}

// periodCloseRows are the closed months as a table of the configuration.
func periodCloseRows(months []closedMonth) (rows [][]string) {
	for _, m := range months {
		rows = append(rows, []string{m.Period, m.AsOf, m.By, m.Note})
	}
	return rows
}

// monthAfter is the month after one written yyyy-mm.
func monthAfter(month string) string {
	day, _ := time.Parse("2006-01", month)
	return day.AddDate(0, 1, 0).Format("2006-01")
}

// reason is a text of the user's on one line.
func reason(text string) string { return strings.Join(strings.Fields(text), " ") }
