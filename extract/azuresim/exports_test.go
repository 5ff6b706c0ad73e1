package azuresim

import (
	"context"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

type manifestFile struct {
	BlobCount    int    `json:"blobCount"`
	DataRowCount int    `json:"dataRowCount"`
	ByteCount    int64  `json:"byteCount"`
	Blobs        []blob `json:"blobs"`
	RunInfo      struct {
		SubmittedTime string `json:"submittedTime"`
	} `json:"runInfo"`
}

// manifests finds the manifests under a container by name.
func manifests(t *testing.T, dir, name string) map[string]manifestFile {
	t.Helper()
	found := map[string]manifestFile{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Name() != name {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var m manifestFile
		found[path] = m
		if err := json.Unmarshal(text, &m); err != nil {
			return err
		}
		found[path] = m
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestManifestsCountTheirParts(t *testing.T) {
	e := small(t, 2)
	dir := t.TempDir()
	o := ExportOptions{Account: "ea", Datasets: []string{"actual"}, Months: []string{e.months[0].iso()}, Format: "csv.gz", RowsPerPart: 100, OlderRun: true, Incomplete: true}
	if err := e.WriteExports(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	found := manifests(t, dir, "manifest.json")
	if len(found) != 2 {
		t.Fatalf("%d runs are complete, want an older one and the one that counts", len(found))
	}
	var older, newer manifestFile
	for _, m := range found {
		var bytes int64
		rows := 0
		for _, b := range m.Blobs {
			info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(b.Name)))
			if err != nil || info.Size() != b.Bytes {
				t.Errorf("%s: %v, want %d bytes", b.Name, err, b.Bytes)
			}
			bytes, rows = bytes+b.Bytes, rows+b.Rows
		}
		if m.BlobCount != len(m.Blobs) || m.ByteCount != bytes || m.DataRowCount != rows {
			t.Errorf("manifest counts %d parts, %d bytes, %d rows; its parts are %d, %d, %d", m.BlobCount, m.ByteCount, m.DataRowCount, len(m.Blobs), bytes, rows)
		}
		older, newer = newer, m
	}
	if older.RunInfo.SubmittedTime > newer.RunInfo.SubmittedTime {
		older, newer = newer, older
	}
	if older.DataRowCount >= newer.DataRowCount || newer.BlobCount < 2 {
		t.Errorf("the older run has %d rows, the newer %d in %d parts", older.DataRowCount, newer.DataRowCount, newer.BlobCount)
	}
	if runs, _ := filepath.Glob(filepath.Join(dir, "costs", "ea-actual", "*", "*", "*")); len(runs) != 3 {
		t.Errorf("%d run folders, want the unfinished one too", len(runs))
	}
}

func TestLayouts(t *testing.T) {
	e := small(t, 1)
	for layout, want := range map[string]string{
		"overwrite":     "costs/mca-actual/*/*/manifest.json",
		"create_new":    "costs/mca-actual/*/*/*/manifest.json",
		"legacy":        "costs/mca-actual/*/*/*/_manifest.json",
		"legacy_single": "costs/mca-actual/*/mca-actual_*.csv",
	} {
		dir := t.TempDir()
		if err := e.WriteExports(context.Background(), dir, ExportOptions{Account: "mca", Datasets: []string{"actual"}, Layout: layout}); err != nil {
			t.Fatal(err)
		}
		if found, _ := filepath.Glob(filepath.Join(dir, filepath.FromSlash(want))); len(found) != 1 {
			t.Errorf("%s: %d files like %s", layout, len(found), want)
		}
	}
}

func TestParquetHoldsTheSameCosts(t *testing.T) {
	e := small(t, 1)
	dir := t.TempDir()
	if err := e.WriteExports(context.Background(), dir, ExportOptions{Account: "ea", Datasets: []string{"amortized"}, Format: "parquet"}); err != nil {
		t.Fatal(err)
	}
	parts, _ := filepath.Glob(filepath.Join(dir, "costs", "*", "*", "*", "*", "*.parquet"))
	if len(parts) != 1 {
		t.Fatalf("%d parts", len(parts))
	}
	in, err := file.OpenParquetFile(parts[0], false)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	reader, err := pqarrow.NewFileReader(in, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := reader.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	var header []string
	sum := new(big.Int)
	for i := range int(table.NumCols()) {
		header = append(header, table.Column(i).Name())
		if table.Column(i).Name() != "CostInBillingCurrency" {
			continue
		}
		for _, chunk := range table.Column(i).Data().Chunks() {
			costs := chunk.(*array.Decimal128)
			for row := range costs.Len() {
				sum.Add(sum, costs.Value(row).BigInt())
			}
		}
	}
	want := e.Truth().Periods[0].Amortized
	got := new(big.Rat).SetFrac(sum, new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))
	if table.NumRows() != want.Rows || got.Cmp(ratio(t, want.Cost)) != 0 {
		t.Errorf("%d rows of %s, want %d of %s", table.NumRows(), got.FloatString(18), want.Rows, want.Cost)
	}
	if len(header) != 57 || !strings.Contains(strings.Join(header, ","), "CostAllocationRuleName,benefitId,benefitName,AccountId") {
		t.Errorf("header: %v", header)
	}
}

// What Microsoft's FOCUS files leave 0 or out is so here too, and nothing else is.
func TestFocusHasTheGapsThatItHasInAzure(t *testing.T) {
	e := small(t, 3)
	gaps := map[string]int{}
	for _, a := range []*account{e.ea, e.mca} {
		f := e.focusSet(a, "1.2").feed(e.months[0], 0, 0).(*costFeed)
		column := map[string]func(*row, []byte) []byte{}
		for _, c := range f.columns() {
			column[c.name] = c.text
		}
		for _, absent := range []string{"CapacityReservationId", "CommitmentDiscountQuantity", "SkuPriceDetails"} {
			if column[absent] != nil {
				t.Errorf("%s is in the file", absent)
			}
		}
		var r row
		for f.next(&r) {
			text := func(name string) string { return string(column[name](&r, nil)) }
			reservation := r.c != nil && !r.c.plan && !r.bought()
			zero := map[string]bool{
				"ContractedCost": r.offer != nil && a == e.ea || reservation && a == e.mca,
				"ListCost":       r.offer != nil || reservation,
			}
			for name, want := range zero {
				if got := text(name) == "0"; got != want && !r.cost.isZero() {
					t.Errorf("%s %s %s of %s: %s is %s", a.key, r.charge, r.model, r.title, name, text(name))
				}
				if want {
					gaps[a.key+" "+name]++
				}
			}
			if (text("PublisherName") == "") != (r.c != nil) && r.charge != "RoundingAdjustment" {
				t.Errorf("%s %s %s: PublisherName is %q", a.key, r.charge, r.model, text("PublisherName"))
			}
			if a == e.ea && text("InvoiceId") != "" {
				t.Errorf("an enrollment has invoice %s", text("InvoiceId"))
			}
		}
	}
	for _, gap := range []string{"ea ContractedCost", "ea ListCost", "mca ContractedCost", "mca ListCost"} {
		if gaps[gap] == 0 {
			t.Errorf("no row has the gap of %s", gap)
		}
	}
}

// What is exported of reservations is what the books say of commitments.
func TestReservationExportsAgreeWithTheBooks(t *testing.T) {
	e := small(t, 3)
	truth := map[string]TruthCommitment{}
	for _, c := range e.Truth().Commitments {
		truth[c.Order] = c
	}
	for _, a := range []*account{e.ea, e.mca} {
		used, paid := map[string]*big.Rat{}, map[string]*big.Rat{}
		for _, p := range a.profiles {
			for _, m := range e.months {
				addTable(t, used, reservationLines(e, a, p, m, m.start, m.start+m.data-1), "ReservationOrderId", "UsedHours")
				addTable(t, paid, transactionLines(e, a, p, m, m.start, m.start+m.data-1), "ReservationOrderId", "Amount")
			}
		}
		for _, c := range a.commitments {
			if c.plan {
				continue
			}
			hours := new(big.Rat)
			for _, m := range e.months {
				for day := m.start; day < m.start+m.data; day++ {
					if c.active(day) {
						hours.Add(hours, ratio(t, c.usedAll(day).String()))
					}
				}
			}
			if got := used[c.order]; hours.Sign() > 0 && (got == nil || got.Cmp(hours) != 0) {
				t.Errorf("%s: %v hours used, want %s", c.name, got, hours.FloatString(4))
			}
			if c.profile.currency == "GBP" {
				continue // the books have pricing currency
			}
			want := new(big.Rat).Add(ratio(t, truth[c.order].Purchases), ratio(t, truth[c.order].Refunds))
			if got := paid[c.order]; want.Sign() != 0 && (got == nil || got.Cmp(want) != 0) {
				t.Errorf("%s: %v paid, want %s", c.name, got, want.FloatString(2))
			}
		}
	}
}

func addTable(t *testing.T, sums map[string]*big.Rat, lines [][]string, key, value string) {
	t.Helper()
	at := map[string]int{}
	for i, name := range lines[0] {
		at[name] = i
	}
	for _, line := range lines[1:] {
		if len(line) != len(lines[0]) {
			t.Fatalf("%d fields of %d: %v", len(line), len(lines[0]), line)
		}
		sum := ratio(t, line[at[value]])
		if before := sums[line[at[key]]]; before != nil {
			sum.Add(sum, before)
		}
		sums[line[at[key]]] = sum
	}
}

func TestAFormThatNoExportHasIsRefused(t *testing.T) {
	for _, o := range []ExportOptions{{Account: "ea", Format: "xml"}, {Account: "ea", Layout: "flat"}, {Account: "ea", Datasets: []string{"carbon"}}, {Account: "mosp"}} {
		if err := small(t, 1).WriteExports(context.Background(), t.TempDir(), o); err == nil {
			t.Errorf("%+v was written", o)
		}
	}
}
