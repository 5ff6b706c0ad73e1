package extract

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
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
		manifested[e.what()] = true
	}
	var seen []*inspected
	for _, name := range sortedNames(files) {
		if !isData(name) || belongs(name, exported) || unfinished(name) {
			continue
		}
		one, err := inspect(ctx, folder, files[name])
		if err != nil {
			return err
		}
		seen = append(seen, one)
	}
	found, err := gather(seen)
	if err != nil {
		return err
	}
	for _, e := range found {
		if manifested[e.what()] {
			continue
		}
		if other, twice := newest[e.key()]; twice {
			return fmt.Errorf("%s and %s both hold %s; keep one of them", other.manifest, e.manifest, e.what())
		}
		newest[e.key()] = *e
	}
	return nil
}

// what names a run but for its scope.
func (e exportRun) what() string { return e.source + " " + e.dataset + " of " + e.period }

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

// gather puts the files of a folder, dataset and period together.
func gather(seen []*inspected) (map[string]*exportRun, error) {
	datasets, err := decide(seen)
	if err != nil {
		return nil, err
	}
	runs := map[string]*exportRun{}
	for i, s := range seen {
		period, err := s.period()
		if err != nil {
			return nil, err
		}
		e := &exportRun{source: s.header.source.Name, dataset: datasets[i], period: period, id: "without manifest", manifest: path.Dir(s.name), rows: -1}
		key := e.manifest + "\x00" + e.what()
		if runs[key] == nil {
			runs[key] = e
		}
		if err := runs[key].join(exportPart{name: s.name, bytes: s.bytes, rows: -1, at: s.at, seen: s}); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// decide tells the dataset of each file. One that does not show it (a part without
// commitments is the same in both) is actual cost, unless its folder holds amortized
// cost too: then it could be a part of either, and guessing could count it twice.
func decide(seen []*inspected) ([]string, error) {
	amortized := map[string]bool{} // folders
	datasets := make([]string, len(seen))
	for i, s := range seen {
		var err error
		if datasets[i], err = s.dataset(); err != nil {
			return nil, err
		}
		amortized[path.Dir(s.name)] = amortized[path.Dir(s.name)] || datasets[i] == "amortized"
	}
	for i, s := range seen {
		if datasets[i] == "" && amortized[path.Dir(s.name)] {
			return nil, fmt.Errorf("file %s: its rows do not tell whether it is actual or amortized cost, and its folder holds amortized cost; put \"actual\" or \"amortized\" into its name", s.name)
		}
		datasets[i] = cmp.Or(datasets[i], "actual")
	}
	return datasets, nil
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
		if common, of := other.seen.lines.common(p.seen.lines); common*20 > of {
			return fmt.Errorf("files %s and %s have %d%% of their lines in common and would be counted twice; keep one of them, or download one month as one file", other.name, p.name, common*100/of)
		}
	}
	e.parts = append(e.parts, p)
	return nil
}

// inspected is what a look at a file without manifest tells.
type inspected struct {
	name   string
	bytes  int64
	at     time.Time
	header fileHeader
	rows   int64
	months map[string]bool
	lines  sketch
	// The number of the first row that only amortized cost has, and the first that only
	// actual cost has; 0 for none.
	amortized, actual int64
}

// dataset is the one its source has. A cost file's is decided by rows: unused
// commitments and a cost on covered usage are only in amortized cost, purchases of
// commitments and covered usage without cost only in actual cost. Where rows do not
// tell, or contradict each other, the name does. "" when nothing does.
func (s *inspected) dataset() (string, error) {
	name := strings.ToLower(path.Base(s.name))
	if f := s.header.source.exports; f.each {
		return slugBy(strings.TrimSuffix(name, path.Ext(name)), "-"), nil
	} else if len(f.types) == 1 {
		return slices.Collect(maps.Values(f.types))[0], nil
	}
	switch {
	case s.amortized > 0 && s.actual == 0:
		return "amortized", nil
	case s.actual > 0 && s.amortized == 0:
		return "actual", nil
	case strings.Contains(name, "amorti"):
		return "amortized", nil
	case strings.Contains(name, "actual"):
		return "actual", nil
	case s.amortized > 0:
		return "", fmt.Errorf("file %s: row %d is of amortized cost and row %d of actual cost; download them apart, or put \"actual\" or \"amortized\" into its name", s.name, s.amortized, s.actual)
	}
	return "", nil
}

// period is the month the file is of. Where its rows do not say, the folder may.
func (s *inspected) period() (string, error) {
	folder := pathMonth(s.name)
	latest := s.header.source.exports.latest
	switch {
	case folder != "" && (latest || s.rows == 0):
		return folder, nil
	case s.rows == 0:
		return "", fmt.Errorf("file %s: has a header and no rows, and no manifest says which month it is of; remove it", s.name)
	case len(s.months) == 1, latest && len(s.months) > 0:
		return slices.Max(slices.Collect(maps.Keys(s.months))), nil
	case len(s.months) == 0:
		return "", fmt.Errorf("file %s: no row has a date in %s, so its month is not known", s.name, strings.Join(s.header.source.exports.months, " or "))
	}
	return "", fmt.Errorf("file %s: holds %d billing periods (%s); download one month per file", s.name, len(s.months), listMonths(s.months))
}

// inspect reads a whole file for what it is and of which month.
func inspect(ctx context.Context, folder ExportFolder, file ExportFile) (*inspected, error) {
	f, err := folder.Open(ctx, file.Name)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", file.Name, err)
	}
	defer f.Close()
	seen := &inspected{name: file.Name, bytes: file.Bytes, at: file.Modified, months: map[string]bool{}}
	if isParquet(file.Name) {
		err = seen.parquet(f)
	} else {
		err = seen.csv(f)
	}
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", file.Name, err)
	}
	return seen, nil
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

func (s *inspected) csv(served io.Reader) error {
	plain, err := plainText(served)
	if err != nil {
		return err
	}
	lines := csv.NewReader(plain)
	lines.ReuseRecord, lines.LazyQuotes, lines.FieldsPerRecord = true, true, -1
	header, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("is empty, not even a header; remove it or download it again")
	}
	if err != nil {
		return err
	}
	if s.header, err = recognise(header); err != nil {
		return err
	}
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w; if it was cut short download it again", err)
		}
		s.add(line)
	}
}

// add takes note of one line. Dates and costs that do not parse are no evidence; the
// landing rejects their rows.
func (s *inspected) add(line []string) {
	s.rows++
	s.lines.add(line)
	if month := s.header.month(line); month != "" {
		s.months[month] = true
	}
	charge, model := foldHeader(s.header.field(line, "ChargeType")), foldHeader(s.header.field(line, "PricingModel"))
	committed := model == "reservation" || model == "savingsplan"
	cost, _, err := parseDecimal([]byte(s.header.field(line, "CostInBillingCurrency")), nil)
	covered := committed && charge == "usage" && err == nil
	if s.amortized == 0 && (strings.HasPrefix(charge, "unused") || covered && cost != decimal{}) {
		s.amortized = s.rows
	}
	if s.actual == 0 && (committed && charge == "purchase" || covered && cost == decimal{}) {
		s.actual = s.rows
	}
}
