package extract

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// handmade adds the files that no manifest speaks for: those that somebody
// downloaded and put in a folder, and those of exports so old that they write one
// file without a manifest. All downloaded files of a folder that hold the same
// dataset of the same period are one complete run. Any run with a manifest goes
// before them.
func handmade(ctx context.Context, folder ExportFolder, files map[string]ExportFile, exported map[string]bool, newest map[string]exportRun) error {
	manifested := map[string]bool{}
	for _, e := range newest {
		manifested[e.dataset+"\x00"+e.period] = true
	}
	found := handmadeRuns{}
	for _, name := range sortedNames(files) {
		if !isData(name) || belongs(name, exported) || unfinished(name) {
			continue
		}
		if err := found.add(ctx, folder, files[name]); err != nil {
			return err
		}
	}
	for _, e := range found {
		if manifested[e.dataset+"\x00"+e.period] {
			continue
		}
		if other, twice := newest[e.key()]; twice {
			return fmt.Errorf("%s and %s both hold %s cost of %s; keep one of them", other.manifest, e.manifest, e.dataset, e.period)
		}
		newest[e.key()] = *e
	}
	return nil
}

// unfinished tells whether a file lies in a run's folder below a date range, where
// there should be a manifest: the run is still being written.
func unfinished(name string) bool {
	steps := strings.Split(path.Dir(name), "/")
	for i, s := range steps {
		if isDateRange(s) && i < len(steps)-1 {
			return true
		}
	}
	return false
}

func isData(name string) bool {
	low := strings.ToLower(name)
	return strings.HasSuffix(low, ".csv") || strings.HasSuffix(low, ".csv.gz") || strings.HasSuffix(low, ".parquet")
}

// belongs tells whether a file lies in an export that has manifests.
func belongs(name string, exported map[string]bool) bool {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if exported[dir] {
			return true
		}
		if dir == "." || dir == "/" {
			return exported[""]
		}
	}
}

// handmadeRuns are the runs found, by folder, dataset and period.
type handmadeRuns map[string]*exportRun

func (runs handmadeRuns) add(ctx context.Context, folder ExportFolder, f ExportFile) error {
	seen, err := inspect(ctx, folder, f.Name)
	if err != nil {
		return err
	}
	if seen.rows == 0 {
		return fmt.Errorf("file %s: has a header and no rows, and no manifest says which month it is of; remove it", f.Name)
	}
	period, err := seen.period()
	if err != nil {
		return err
	}
	dir := path.Dir(f.Name)
	key := dir + "\x00" + seen.dataset() + "\x00" + period
	if runs[key] == nil {
		runs[key] = &exportRun{dataset: seen.dataset(), period: period, id: "without manifest", manifest: dir, rows: -1}
	}
	return runs[key].join(exportPart{name: f.Name, bytes: f.Bytes, rows: -1, at: f.Modified, sum: seen.sum})
}

// join adds a file to a run without manifest. An export that writes no manifest puts
// a new file of the whole month to date beside the old ones each day: there only the
// newest counts. The same download twice would count its charges twice.
func (e *exportRun) join(p exportPart) error {
	if isDateRange(path.Base(e.manifest)) {
		if len(e.parts) == 0 || e.parts[0].at.Before(p.at) {
			e.parts = []exportPart{p}
		}
		return nil
	}
	for _, other := range e.parts {
		if other.sum == p.sum {
			return fmt.Errorf("files %s and %s are the same; remove one of them", other.name, p.name)
		}
	}
	e.parts = append(e.parts, p)
	return nil
}

// inspected is what a look at a file without manifest tells.
type inspected struct {
	name      string
	rows      int64
	periods   map[string]bool
	amortized bool // has rows that only amortized cost has
	actual    bool // has rows that only actual cost has
	sum       string
}

// dataset decides by rows: unused commitments and a cost on covered usage are only
// in amortized cost, purchases of commitments only in actual cost. A file with
// neither is the same in both; then its name decides, else it is taken as actual.
func (s *inspected) dataset() string {
	switch {
	case s.amortized:
		return "amortized"
	case s.actual:
		return "actual"
	case strings.Contains(strings.ToLower(path.Base(s.name)), "amorti"):
		return "amortized"
	}
	return "actual"
}

// period is the month the file is of.
func (s *inspected) period() (string, error) {
	if len(s.periods) != 1 {
		return "", fmt.Errorf("file %s: holds %d billing periods (%s); download one month per file", s.name, len(s.periods), strings.Join(slices.Sorted(maps.Keys(s.periods)), ", "))
	}
	return slices.Sorted(maps.Keys(s.periods))[0], nil
}

// inspect reads a whole file for its period and dataset.
func inspect(ctx context.Context, folder ExportFolder, name string) (*inspected, error) {
	f, err := folder.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", name, err)
	}
	defer f.Close()
	hash := sha256.New()
	served := io.TeeReader(f, hash)
	var seen *inspected
	if strings.HasSuffix(strings.ToLower(name), ".parquet") {
		seen, err = inspectParquet(name, served)
	} else {
		seen, err = inspectCSV(name, served)
	}
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, served)
	seen.sum = hex.EncodeToString(hash.Sum(nil))
	return seen, err
}

// plainText undoes gzip, told by its first bytes, and drops a byte order mark.
func plainText(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, 1<<20)
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		buffered = bufio.NewReaderSize(unzipped, 1<<20)
	}
	if mark, _ := buffered.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, err := buffered.Discard(3)
		return buffered, err
	}
	return buffered, nil
}

// looked are the columns that inspect needs, and where they are in a file.
type looked struct{ date, start, charge, model, cost int }

func lookAt(header []string) looked {
	at := looked{-1, -1, -1, -1, -1}
	targets := map[string]*int{
		"date": &at.date, "usagedatetime": &at.date, "billingperiodstartdate": &at.start,
		"chargetype": &at.charge, "pricingmodel": &at.model, "costinbillingcurrency": &at.cost, "cost": &at.cost,
	}
	for i, h := range header {
		if target := targets[foldHeader(h)]; target != nil {
			*target = i
		}
	}
	return at
}

func inspectCSV(name string, served io.Reader) (*inspected, error) {
	plain, err := plainText(served)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", name, err)
	}
	lines := csv.NewReader(plain)
	lines.ReuseRecord, lines.LazyQuotes, lines.FieldsPerRecord = true, true, -1
	header, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("file %s: is empty, not even a header; remove it or download it again", name)
	}
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", name, err)
	}
	at := lookAt(header)
	if at.date < 0 {
		return nil, fmt.Errorf("file %s: no column Date or UsageDateTime; not a cost export", name)
	}
	seen := &inspected{name: name, periods: map[string]bool{}}
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return seen, nil
		}
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", name, err)
		}
		seen.add(at, line)
	}
}

// add takes note of one line. Dates that do not parse are left to the landing, which
// rejects their rows.
func (s *inspected) add(at looked, line []string) {
	s.rows++
	date := field(line, at.start)
	if date == "" {
		date = field(line, at.date)
	}
	if day, _, ok := parseDay([]byte(date), true); ok {
		s.periods[time.Unix(int64(day)*24*60*60, 0).UTC().Format(monthLayout)] = true
	}
	charge, model, cost := foldHeader(field(line, at.charge)), foldHeader(field(line, at.model)), field(line, at.cost)
	committed := model == "reservation" || model == "savingsplan"
	s.amortized = s.amortized || strings.HasPrefix(charge, "unused") || (committed && charge == "usage" && strings.Trim(cost, "0.") != "")
	s.actual = s.actual || (committed && charge == "purchase")
}

func field(line []string, i int) string {
	if i < 0 || i >= len(line) {
		return ""
	}
	return line[i]
}
