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
	"strings"
	"time"
)

// Origin is where the records of a unit's visible version came from, so that a number can be traced to
// the answer that brought it.
type Origin struct {
	Run     string    // of an export: which run of it wrote the files
	Fetched time.Time // when the version was last found complete
	Pages   map[int64]PageOrigin
}

// PageOrigin is one page of an API, or one file of a report.
type PageOrigin struct {
	URL       string // as it may be shown: no signature, no token
	RequestID string // what Microsoft's support asks for; "" where it is not known
	At        time.Time
	Bytes     int64
	SHA256    string // of the body as served
}

// OriginOf reads from a lake's manifest and journal where a unit came from. A journal that is not
// there, or not of this version's making, leaves the pages unknown; it is no error.
func OriginOf(dir string, u Unit) (Origin, error) {
	k := lake{dir: dir}
	m, err := k.read(u)
	if err != nil || m == nil {
		return Origin{}, err
	}
	o := Origin{Run: m.Origin, Pages: map[int64]PageOrigin{}}
	if text, err := os.ReadFile(filepath.Join(k.journal(u), "fetched")); err == nil {
		o.Fetched, _ = time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text))) // zero: not known
	}
	text, err := os.ReadFile(filepath.Join(k.journal(u), pagesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return o, err
	}
	return o, o.read(text)
}

// read takes the pages of a journal: a line for each page, or one line for a report and its files.
func (o *Origin) read(text []byte) error {
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var line struct {
			pageLine
			Parts []storedPart `json:"parts"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("%s: %w", pagesFile, err)
		}
		page := PageOrigin{URL: redactURL(line.URL), RequestID: line.RequestID, At: line.At, Bytes: int64(line.Bytes), SHA256: line.SHA256}
		if line.Number > 0 {
			o.Pages[int64(line.Number)] = page
		}
		for _, part := range line.Parts {
			page.Bytes, page.SHA256 = part.Bytes, part.SHA256
			o.Pages[int64(part.Number)] = page
		}
	}
	return lines.Err()
}
