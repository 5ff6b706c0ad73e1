package extract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A reportJournal keeps what is known of a report that is being made, in journal/…/partial:
// the address to ask at, on disk before it is asked for the first time, and each file of
// the report once it is there whole (part-0001, part-0002 …). When the process dies, or
// Azure takes longer than a run waits, the next run asks at the same address and fetches
// the files it does not have. pages.jsonl is its list; links are not kept, they are signed.
type reportJournal struct {
	dir string
	reportState
}

type reportState struct {
	Request   string       `json:"request"`              // identifies what was asked for
	Location  string       `json:"url"`                  // where to ask how it is getting on
	RequestID string       `json:"request_id,omitempty"` // Azure's, of the answer that listed the parts
	At        time.Time    `json:"at"`                   // when it was submitted
	Listed    []string     `json:"listed"`               // the parts that the answer listed, see reportPart.same
	Parts     []storedPart `json:"parts"`                // those that are there whole
}

type storedPart struct {
	Number int    `json:"number"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// openReport opens the unit's partial journal. What it holds is kept if it is of the
// same request and not too old; otherwise it begins anew.
func (k lake) openReport(u Unit, request string, now time.Time) (*reportJournal, error) {
	j := &reportJournal{dir: filepath.Join(k.journal(u), partialFolder)}
	text, err := os.ReadFile(filepath.Join(j.dir, pagesFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if json.Unmarshal(text, &j.reportState) != nil || j.Request != request || now.Sub(j.At) > resumeWithin {
		return j, j.clear(request)
	}
	j.Parts = slices.DeleteFunc(j.Parts, func(p storedPart) bool { return j.verify(p) != nil })
	return j, nil
}

// reportRequest identifies a request by all that decides what it asks for.
func reportRequest(method, address string, body []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n%s", method, address, body)
	return hex.EncodeToString(h.Sum(nil))
}

// clear forgets everything: the report is asked for anew.
func (j *reportJournal) clear(request string) error {
	j.reportState = reportState{Request: request}
	if err := os.RemoveAll(j.dir); err != nil {
		return err
	}
	return os.MkdirAll(j.dir, 0o755)
}

// begin makes durable where to ask.
func (j *reportJournal) begin(location string, now time.Time) error {
	j.Location, j.At = location, now
	return j.write()
}

func (j *reportJournal) write() error {
	text, err := json.Marshal(j.reportState)
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(j.dir, pagesFile), append(text, '\n'))
}

// expect prepares for the parts that an answer lists. Parts that are there are of the
// same report only if the list has not changed.
func (j *reportJournal) expect(parts []reportPart) error {
	var listed []string
	for _, p := range parts {
		listed = append(listed, p.same())
	}
	if slices.Equal(j.Listed, listed) {
		return nil
	}
	j.Listed, j.Parts = listed, nil
	return j.write()
}

func (j *reportJournal) path(number int) string {
	return filepath.Join(j.dir, fmt.Sprintf("part-%04d", number))
}

// has tells whether a part is there whole.
func (j *reportJournal) has(number int) bool {
	return slices.ContainsFunc(j.Parts, func(p storedPart) bool { return p.Number == number })
}

// store writes a part and, once it is on disk, notes it. fetch writes it to w.
func (j *reportJournal) store(number int, fetch func(w io.Writer) (int64, error)) error {
	beside := j.path(number) + ".new"
	f, err := os.Create(beside)
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := fetch(io.MultiWriter(f, sum))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(beside, j.path(number)); err != nil {
		return err
	}
	j.Parts = append(j.Parts, storedPart{Number: number, Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return errors.Join(syncDir(j.dir), j.write())
}

// verify holds a part on disk to what was noted of it.
func (j *reportJournal) verify(p storedPart) error {
	f, err := os.Open(j.path(p.Number))
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err == nil && (n != p.Bytes || !bytes.Equal(sum.Sum(nil), unhex(p.SHA256))) {
		err = fmt.Errorf("%s: is not what was fetched", f.Name())
	}
	return err
}

func unhex(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}
