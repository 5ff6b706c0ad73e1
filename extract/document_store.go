package extract

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The documents of a lake:
//
//	documents/<account>/<invoice>/<document>-<hash>.pdf   as downloaded, named by content, never changed
//	documents/<account>/<invoice>/<document>.json         what it is: which invoice's amounts it states, and what its text says
//
// The file is there before what tells of it. One that a run which died had just brought is taken
// up by the next, so that a document is downloaded once.
const documentsFolder = "documents"

// storedDocument is the .json beside a document.
type storedDocument struct {
	Format   int        `json:"format"`
	Amounts  string     `json:"amounts"` // of the invoice when the newest file was made, hashed
	Files    []dataFile `json:"files"`   // the newest last
	Reader   int        `json:"reader"`  // which reading of the text this is
	Pages    int        `json:"pages"`
	Total    string     `json:"total"`
	Currency string     `json:"currency"`
	Reason   string     `json:"reason"` // why there is no total
}

const (
	documentFormat = 1
	// textReader counts up when more can be read: then texts are read again from the files that are here.
	textReader = 1
)

var unsafeInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// fileNamed is a name that any file system and blob store takes, and another one for each text.
func fileNamed(text string) string {
	safe := strings.Trim(unsafeInNames.ReplaceAllString(text, "-"), ".-")
	if safe == text && text != "" && len(text) <= 80 {
		return text
	}
	return safe[:min(len(safe), 80)] + "-" + hashOf([]byte(text))[:8]
}

func (d invoiceDocument) folder() string {
	return fileNamed(d.account) + "/" + fileNamed(d.invoice.Name)
}

// amounts identify what the document states.
func (d invoiceDocument) amounts() string { return hashOf([]byte(d.invoice.amounts()))[:16] }

func (k lake) documentDir(d invoiceDocument) string {
	return filepath.Join(k.dir, documentsFolder, filepath.FromSlash(d.folder()))
}

func (k lake) documentNote(d invoiceDocument) string {
	return filepath.Join(k.documentDir(d), fileNamed(d.name())+".json")
}

// document is what the lake has of a document; nil for nothing.
func (k lake) document(d invoiceDocument) (*storedDocument, error) {
	path := k.documentNote(d)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s storedDocument
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s: %w; delete it to have the document looked at again", path, err)
	}
	if s.Format != documentFormat {
		return nil, fmt.Errorf("%s: format %d, this version reads format %d", path, s.Format, documentFormat)
	}
	return &s, nil
}

// holds tells whether the lake has the document of the invoice as it is now, whole.
func (k lake) holds(d invoiceDocument, s *storedDocument) bool {
	if s.Amounts != d.amounts() || len(s.Files) == 0 {
		return false
	}
	newest := s.Files[len(s.Files)-1]
	info, err := os.Stat(filepath.Join(k.documentDir(d), newest.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return k.elsewhere
	}
	return err == nil && info.Size() == newest.Bytes
}

func (k lake) holdsAll(documents []invoiceDocument) (bool, error) {
	for _, d := range documents {
		if d.isTable() {
			continue
		}
		s, err := k.document(d)
		if err != nil || s == nil || !k.holds(d, s) {
			return false, err
		}
	}
	return true, nil
}

// adopt is the document that the lake holds, or the file of it that a run which died left, checked
// by its content. Nil means that it has to be downloaded.
func (k lake) adopt(d invoiceDocument) (*storedDocument, error) {
	s, err := k.document(d)
	if err != nil {
		return nil, err
	}
	if s != nil && k.holds(d, s) {
		return k.reread(d, s)
	}
	files, err := filepath.Glob(filepath.Join(k.documentDir(d), fileNamed(d.name())+"-????????????????.pdf"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		if s != nil && slices.ContainsFunc(s.Files, func(f dataFile) bool { return f.Path == filepath.Base(path) }) {
			continue // of the amounts before, or damaged
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(path, "-"+hashOf(file)[:16]+".pdf") {
			return k.note(d, s, file)
		}
	}
	return nil, nil
}

// reread reads the text again where this version can read more, and holds the file to its hash.
func (k lake) reread(d invoiceDocument, s *storedDocument) (*storedDocument, error) {
	newest := s.Files[len(s.Files)-1]
	file, err := os.ReadFile(filepath.Join(k.documentDir(d), newest.Path))
	if errors.Is(err, fs.ErrNotExist) && k.elsewhere {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if hashOf(file) != newest.SHA256 {
		return nil, nil // damaged: downloaded again
	}
	if s.Reader == textReader {
		return s, nil
	}
	return k.note(d, s, file)
}

// keepDocument makes a document that was downloaded durable.
func (k lake) keepDocument(d invoiceDocument, file []byte) (*storedDocument, error) {
	before, err := k.document(d)
	if err != nil {
		return nil, err
	}
	if err := writeWhole(filepath.Join(k.documentDir(d), d.fileName(file)), file); err != nil {
		return nil, err
	}
	return k.note(d, before, file)
}

func (d invoiceDocument) fileName(file []byte) string {
	return fileNamed(d.name()) + "-" + hashOf(file)[:16] + ".pdf"
}

// note writes what a document is beside it. Earlier files of it stay.
func (k lake) note(d invoiceDocument, before *storedDocument, file []byte) (*storedDocument, error) {
	newest := dataFile{Path: d.fileName(file), Bytes: int64(len(file)), SHA256: hashOf(file)}
	s := &storedDocument{Format: documentFormat, Amounts: d.amounts(), Reader: textReader}
	if before != nil {
		s.Files = slices.DeleteFunc(slices.Clone(before.Files), func(f dataFile) bool { return f.Path == newest.Path })
	}
	s.Files = append(s.Files, newest)
	text := readText(file)
	s.Pages, s.Reason = text.Pages, text.Reason
	if text.Reason == "" {
		total := findTotal(text.Lines)
		s.Total, s.Currency, s.Reason = total.Total, total.Currency, total.Reason
	}
	note, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, err
	}
	return s, writeWhole(k.documentNote(d), append(note, '\n'))
}
