package extract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// The benchmarks land generated usage and measure a peer in the same run: DuckDB on one
// thread reading the same rows and writing Parquet, or gunzip alone. ratio is
// the peer's CPU seconds divided by ours, so that more is better and what else the
// machine does matters little. Floors: pages 0.7, CSV 1.6, gzip (wall) 0.22.

// benchField is a column of generated usage: where it stands in JSON, its CSV header,
// its DuckDB type, and how many different values it has (0: a new one in each row).
type benchField struct {
	path, header, duck string
	typ                Type
	distinct           int
	length             int
}

var benchFields = []benchField{
	{"kind", "Kind", "VARCHAR", Text, 1, 6},
	{"id", "Id", "VARCHAR", Text, 0, 150},
	{"name", "Name", "VARCHAR", Text, 0, 36},
	{"properties.billingAccountId", "BillingAccountId", "VARCHAR", Text, 1, 8},
	{"properties.billingAccountName", "BillingAccountName", "VARCHAR", Text, 1, 24},
	{"properties.billingPeriodStartDate", "BillingPeriodStartDate", "DATE", Date, 1, 0},
	{"properties.billingPeriodEndDate", "BillingPeriodEndDate", "DATE", Date, 1, 0},
	{"properties.billingProfileId", "BillingProfileId", "VARCHAR", Text, 2, 19},
	{"properties.billingProfileName", "BillingProfileName", "VARCHAR", Text, 2, 20},
	{"properties.accountOwnerId", "AccountOwnerId", "VARCHAR", Text, 30, 24},
	{"properties.accountName", "AccountName", "VARCHAR", Text, 30, 16},
	{"properties.subscriptionId", "SubscriptionId", "VARCHAR", Text, 200, 36},
	{"properties.subscriptionName", "SubscriptionName", "VARCHAR", Text, 200, 20},
	{"properties.date", "Date", "DATE", Date, 31, 0},
	{"properties.product", "ProductName", "VARCHAR", Text, 800, 45},
	{"properties.partNumber", "PartNumber", "VARCHAR", Text, 800, 9},
	{"properties.meterId", "MeterId", "VARCHAR", Text, 1500, 36},
	{"properties.meterDetails.meterName", "MeterName", "VARCHAR", Text, 900, 22},
	{"properties.meterDetails.meterCategory", "MeterCategory", "VARCHAR", Text, 60, 16},
	{"properties.meterDetails.meterSubCategory", "MeterSubCategory", "VARCHAR", Text, 200, 18},
	{"properties.meterDetails.unitOfMeasure", "UnitOfMeasure", "VARCHAR", Text, 30, 8},
	{"properties.meterDetails.serviceFamily", "ServiceFamily", "VARCHAR", Text, 20, 10},
	{"properties.quantity", "Quantity", "DECIMAL(38,18)", Decimal, 0, 0},
	{"properties.effectivePrice", "EffectivePrice", "DECIMAL(38,18)", Decimal, 0, 0},
	{"properties.cost", "CostInBillingCurrency", "DECIMAL(38,18)", Decimal, 0, 0},
	{"properties.unitPrice", "UnitPrice", "DECIMAL(38,18)", Decimal, 0, 0},
	{"properties.payGPrice", "PayGPrice", "DECIMAL(38,18)", Decimal, 0, 0},
	{"properties.billingCurrency", "BillingCurrencyCode", "VARCHAR", Text, 2, 3},
	{"properties.resourceLocation", "ResourceLocation", "VARCHAR", Text, 25, 10},
	{"properties.consumedService", "ConsumedService", "VARCHAR", Text, 60, 18},
	{"properties.resourceId", "ResourceId", "VARCHAR", Text, 9000, 140},
	{"properties.resourceName", "ResourceName", "VARCHAR", Text, 9000, 18},
	{"properties.serviceInfo1", "ServiceInfo1", "VARCHAR", Text, -1, 0},
	{"properties.serviceInfo2", "ServiceInfo2", "VARCHAR", Text, 4, 10},
	{"properties.additionalInfo", "AdditionalInfo", "VARCHAR", JSONText, 6000, 120},
	{"properties.invoiceSection", "InvoiceSectionName", "VARCHAR", Text, 40, 14},
	{"properties.costCenter", "CostCenter", "VARCHAR", Text, 80, 8},
	{"properties.resourceGroup", "ResourceGroup", "VARCHAR", Text, 900, 20},
	{"properties.reservationId", "ReservationId", "VARCHAR", Text, -1, 0},
	{"properties.reservationName", "ReservationName", "VARCHAR", Text, -1, 0},
	{"properties.productOrderId", "ProductOrderId", "VARCHAR", Text, -1, 0},
	{"properties.productOrderName", "ProductOrderName", "VARCHAR", Text, -1, 0},
	{"properties.offerId", "OfferId", "VARCHAR", Text, 3, 12},
	{"properties.isAzureCreditEligible", "IsAzureCreditEligible", "BOOLEAN", Bool, 2, 0},
	{"properties.term", "Term", "VARCHAR", Text, -1, 0},
	{"properties.publisherName", "PublisherName", "VARCHAR", Text, 10, 9},
	{"properties.publisherType", "PublisherType", "VARCHAR", Text, 3, 9},
	{"properties.planName", "PlanName", "VARCHAR", Text, -1, 0},
	{"properties.chargeType", "ChargeType", "VARCHAR", Text, 4, 6},
	{"properties.frequency", "Frequency", "VARCHAR", Text, 3, 10},
	{"properties.pricingModel", "PricingModel", "VARCHAR", Text, 3, 9},
	{"properties.benefitId", "BenefitId", "VARCHAR", Text, -1, 0},
	{"properties.benefitName", "BenefitName", "VARCHAR", Text, -1, 0},
	{"tags", "Tags", "VARCHAR", Tags, 5000, 0},
}

func benchColumns() []Column {
	cols := make([]Column, len(benchFields))
	for i, f := range benchFields {
		cols[i] = Column{Name: f.header, Path: f.path, Type: f.typ, Unique: f.distinct == 0 && f.typ == Text}
	}
	return cols
}

// benchUsage makes values from a fixed seed.
type benchUsage struct{ r *rand.Rand }

func newBenchUsage() benchUsage { return benchUsage{rand.New(rand.NewPCG(7, 11))} }

// value is the text of a field, and whether JSON quotes it. "" is null.
func (u benchUsage) value(f benchField) (text string, quoted bool) {
	n := u.r.Uint64()
	if f.distinct > 0 {
		n = uint64(u.r.IntN(f.distinct))
	}
	switch {
	case f.distinct < 0:
		return "", false
	case f.typ == Decimal:
		return u.number(), false
	case f.typ == Date:
		return fmt.Sprintf("2026-10-%02d", n%31+1), true
	case f.typ == Bool:
		return strconv.FormatBool(n%2 == 0), false
	case f.typ == Tags:
		return fmt.Sprintf(`{"env":"%s","owner":"team-%d","costcenter":"CC%05d","created-by":"terraform/%x"}`,
			[]string{"prod", "dev", "test"}[n%3], n%70, n%900, n*2654435761), false
	case f.typ == JSONText:
		return fmt.Sprintf(`{"UsageType":"ComputeHR","ImageType":null,"ServiceType":"Standard_D%d_v3","VMName":"vm-%x","VCPUs":%d}`, n%64, n*2654435761, n%64), true
	}
	text = strings.Repeat(strconv.FormatUint((n+1)*0x9E3779B97F4A7C15, 36)+"-", 1+f.length/12)
	return text[:min(f.length, len(text))], true
}

func (u benchUsage) number() string {
	switch u.r.IntN(8) {
	case 0:
		return "0"
	case 1:
		return fmt.Sprintf("%d.%dE-05", u.r.IntN(9)+1, u.r.IntN(99))
	case 2:
		return fmt.Sprintf("%d.%018d", u.r.IntN(99), u.r.Int64N(1e18))
	}
	return fmt.Sprintf("%d.%d", u.r.IntN(500), u.r.IntN(1e9))
}

// record writes a row as JSON.
func (u benchUsage) record(dst []byte) []byte {
	open := []string{}
	for i, f := range benchFields {
		path := strings.Split(f.path, ".")
		dirs := path[:len(path)-1]
		for len(open) > len(dirs) {
			dst, open = append(dst, '}'), open[:len(open)-1]
		}
		dst = append(dst, "{,"[min(i, 1)])
		for len(open) < len(dirs) {
			dst = append(strconv.AppendQuote(dst, dirs[len(open)]), ":{"...)
			open = append(open, dirs[len(open)])
		}
		dst = append(strconv.AppendQuote(dst, path[len(path)-1]), ':')
		text, quoted := u.value(f)
		switch {
		case text == "":
			dst = append(dst, "null"...)
		case quoted:
			dst = appendJSONString(dst, text)
		default:
			dst = append(dst, text...)
		}
	}
	return append(dst, strings.Repeat("}", len(open)+1)...)
}

func benchPages(pages, rows int) [][]byte {
	u := newBenchUsage()
	all := make([][]byte, pages)
	for i := range all {
		b := []byte(`{"value":[`)
		for row := range rows {
			if row > 0 {
				b = append(b, ',')
			}
			b = u.record(b)
		}
		all[i] = append(b, `],"nextLink":"https://management.azure.com/next"}`...)
	}
	return all
}

func benchCSV(rows int) []byte {
	u := newBenchUsage()
	var b bytes.Buffer
	for i, f := range benchFields {
		b.WriteString([]string{",", ""}[min(1, max(0, 1-i))])
		b.WriteString(f.header)
	}
	for range rows {
		b.WriteString("\r\n")
		for i, f := range benchFields {
			if i > 0 {
				b.WriteByte(',')
			}
			text, _ := u.value(f)
			if f.typ == Tags {
				text = strings.ReplaceAll(strings.Trim(text, "{}"), `":"`, `": "`)
			}
			if strings.ContainsAny(text, `",`) {
				text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
			b.WriteString(text)
		}
	}
	return b.Bytes()
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// measure returns the CPU and wall seconds of f, garbage of before left out.
func measure(f func()) (cpu, wall float64) {
	runtime.GC()
	start, from := time.Now(), cpuSeconds()
	f()
	return cpuSeconds() - from, time.Since(start).Seconds()
}

func benchLand(b *testing.B, f func(l *landing) error) {
	l, err := newLanding(b.TempDir(), benchColumns(), testOrigin, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer l.abort()
	if err := f(l); err != nil {
		b.Fatal(err)
	}
	got, err := l.close()
	if err != nil {
		b.Fatal(err)
	}
	if got.Rows == 0 || got.RejectRows > 0 {
		b.Fatalf("%d rows, %d rejects", got.Rows, got.RejectRows)
	}
}

// compare runs ours and the peer in turn and reports the median of the ratios.
func compare(b *testing.B, size, rows int, wall bool, ours, peer func()) {
	b.SetBytes(int64(size))
	var before, after runtime.MemStats
	var ratios []float64
	var cpu float64
	var mallocs uint64
	for b.Loop() {
		runtime.ReadMemStats(&before)
		c, w := measure(ours)
		runtime.ReadMemStats(&after)
		b.StopTimer()
		pc, pw := measure(peer)
		b.StartTimer()
		cpu += c
		mallocs += after.Mallocs - before.Mallocs
		if wall {
			ratios = append(ratios, pw/w)
		} else {
			ratios = append(ratios, pc/c)
		}
	}
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(float64(size)*float64(b.N)/1e6/cpu, "MB/cpu-s")
	b.ReportMetric(float64(rows)*float64(b.N)/cpu, "rows/cpu-s")
	b.ReportMetric(float64(mallocs)/float64(b.N)/float64(rows), "mallocs/row")
}

func median(v []float64) float64 {
	for i := range v {
		for k := i; k > 0 && v[k] < v[k-1]; k-- {
			v[k], v[k-1] = v[k-1], v[k]
		}
	}
	return v[len(v)/2]
}

func BenchmarkJSONPages(b *testing.B) {
	const pages, rows = 60, 1000
	all := benchPages(pages, rows)
	ndjson := filepath.Join(b.TempDir(), "usage.ndjson")
	size := writeNDJSON(b, ndjson, all)
	var columns []string
	for _, name := range []string{"kind", "id", "name", "properties", "tags"} {
		columns = append(columns, name+": '"+benchStruct(name)+"'")
	}
	query := "select * from read_json('" + ndjson + "', format='newline_delimited', columns={" + strings.Join(columns, ", ") + "})"
	compare(b, size, pages*rows, false, func() {
		benchLand(b, func(l *landing) error {
			for i, page := range all {
				if _, err := l.jsonPage(int64(i+1), "page", page, usageShape()); err != nil {
					return err
				}
			}
			return nil
		})
	}, func() { duckCopy(b, query) })
}

// benchStruct is the DuckDB type of a field of the record.
func benchStruct(name string) string {
	var tree func(prefix string) string
	tree = func(prefix string) string {
		var parts []string
		done := map[string]bool{}
		for _, f := range benchFields {
			rest, ok := strings.CutPrefix(f.path, prefix+".")
			if f.path == prefix {
				return f.duck
			}
			if head, _, _ := strings.Cut(rest, "."); ok && !done[head] {
				done[head] = true
				parts = append(parts, `"`+head+`" `+tree(prefix+"."+head))
			}
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	}
	return tree(name)
}

func writeNDJSON(b *testing.B, path string, pages [][]byte) (size int) {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for _, page := range pages {
		var p struct{ Value []json.RawMessage }
		if err := json.Unmarshal(page, &p); err != nil {
			b.Fatal(err)
		}
		for _, rec := range p.Value {
			if _, err := f.Write(append(rec, '\n')); err != nil {
				b.Fatal(err)
			}
		}
		size += len(page)
	}
	return size
}

func BenchmarkCSV(b *testing.B) {
	const rows = 60_000
	text := benchCSV(rows)
	path := filepath.Join(b.TempDir(), "usage.csv")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.Fatal(err)
	}
	var columns []string
	for _, f := range benchFields {
		columns = append(columns, "'"+f.header+"': '"+f.duck+"'")
	}
	query := "select * from read_csv('" + path + "', header=true, columns={" + strings.Join(columns, ", ") + "})"
	compare(b, len(text), rows, false, func() {
		benchLand(b, func(l *landing) error {
			_, err := l.csv(1, "usage.csv", bytes.NewReader(text))
			return err
		})
	}, func() { duckCopy(b, query) })
}

func BenchmarkCSVGzip(b *testing.B) {
	const rows = 60_000
	text := benchCSV(rows)
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	if _, err := zw.Write(text); err != nil {
		b.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		b.Fatal(err)
	}
	compare(b, len(text), rows, true, func() {
		benchLand(b, func(l *landing) error {
			_, err := l.csv(1, "usage.csv.gz", bytes.NewReader(packed.Bytes()))
			return err
		})
	}, func() {
		zr, err := gzip.NewReader(bytes.NewReader(packed.Bytes()))
		if err == nil {
			_, err = io.Copy(io.Discard, zr)
		}
		if err != nil {
			b.Fatal(err)
		}
	})
}
