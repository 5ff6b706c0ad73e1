package extract

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	partialFolder = "partial"
	pagesFile     = "pages.jsonl"
)

// A spool keeps the pages of a unit that is being fetched, in journal/…/partial:
// each page's body as served (000001.json.zst) and, once that is on disk, a line in
// pages.jsonl. When the process dies, the next run reads the pages it has from here
// and asks only for the rest, so a page is never paid for twice and the rows are
// those that an undisturbed run would have landed.
type spool struct {
	dir   string
	lines []pageLine
	log   *os.File
}

// pageLine is the journal's record of a page.
type pageLine struct {
	Number    int       `json:"number"`
	URL       string    `json:"url"`
	Asked     string    `json:"asked,omitempty"` // hash of the body sent, where there is one
	Next      string    `json:"next,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	At        time.Time `json:"at"`
	Bytes     int       `json:"bytes"`
	SHA256    string    `json:"sha256"`
	RowsHash  string    `json:"rows_sha256"` // of the body without its link, to know a repeated page
}

// resumeWithin is how old a partial unit's first page may be. Azure renews cost
// data every four hours; pages from before and after a renewal must not be mixed.
const resumeWithin = refreshAfter

// openSpool opens the unit's partial journal. What it holds is kept if it began with
// the same question (URL and body), not too long ago, and is intact; pages from the
// first damaged one on are dropped.
func (k lake) openSpool(u Unit, first pageLine, now time.Time) (*spool, error) {
	s := &spool{dir: filepath.Join(k.journal(u), partialFolder)}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	if err := s.recover(first, now); err != nil {
		return nil, err
	}
	return s, s.rewrite()
}

// recover reads the journal up to its first unusable line. A line cut short by a
// crash is as good as absent: its page is fetched again.
func (s *spool) recover(first pageLine, now time.Time) error {
	text, err := os.ReadFile(filepath.Join(s.dir, pagesFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		l, usable := s.usable(lines.Bytes(), first, now)
		if !usable {
			break
		}
		s.lines = append(s.lines, l)
	}
	return nil
}

// usable tells whether a line continues the ones before it, and its page is whole.
func (s *spool) usable(line []byte, first pageLine, now time.Time) (l pageLine, ok bool) {
	if json.Unmarshal(line, &l) != nil || l.Number != len(s.lines)+1 {
		return l, false
	}
	if l.Number == 1 && (l.URL != first.URL || l.Asked != first.Asked || now.Sub(l.At) > resumeWithin) {
		return l, false
	}
	_, err := s.body(l)
	return l, err == nil
}

// rewrite starts the journal file anew with the lines that were kept.
func (s *spool) rewrite() error {
	var text []byte
	for _, l := range s.lines {
		text = append(text, l.line()...)
	}
	path := filepath.Join(s.dir, pagesFile)
	if err := writeWhole(path, text); err != nil {
		return err
	}
	var err error
	s.log, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	return err
}

func (l pageLine) line() []byte {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // a struct of strings, numbers and a valid time
	}
	return append(text, '\n')
}

func (s *spool) path(number int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%06d.json.zst", number))
}

var (
	bodyWriter, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	bodyReader, _ = zstd.NewReader(nil)
)

// add makes a page durable: first its body, then its line.
func (s *spool) add(l pageLine, body []byte) error {
	if err := writeWhole(s.path(l.Number), bodyWriter.EncodeAll(body, nil)); err != nil {
		return fmt.Errorf("journal page %d: %w", l.Number, err)
	}
	if _, err := s.log.Write(l.line()); err != nil {
		return fmt.Errorf("journal page %d: %w", l.Number, err)
	}
	s.lines = append(s.lines, l)
	return s.log.Sync()
}

// body reads back a page and holds it to its hash.
func (s *spool) body(l pageLine) ([]byte, error) {
	packed, err := os.ReadFile(s.path(l.Number))
	if err != nil {
		return nil, err
	}
	body, err := bodyReader.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	if hashOf(body) != l.SHA256 {
		return nil, fmt.Errorf("journal page %d: does not match its hash", l.Number)
	}
	return body, nil
}

// clear forgets all pages, to begin again at the first.
func (s *spool) clear() error {
	s.lines = nil
	err := s.log.Close()
	return errors.Join(err, s.rewrite())
}

func (s *spool) close() { _ = s.log.Close() } // every line was synced when it was written
