package extract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// These benchmarks read whole units, from the first request to the commit, and measure
// landing alone of the same pages or file in the same run. ratio is the peer's CPU seconds
// divided by ours, as everywhere.

// servedPages is a transport that serves a list of pages to whoever asks.
func servedPages(pages [][]byte) transport {
	return func(r *http.Request) (*http.Response, error) {
		number := 0
		if _, token, linked := bytes.Cut([]byte(r.URL.RawQuery), []byte("skiptoken=")); linked {
			number, _ = strconv.Atoi(string(token))
		}
		body := pages[number]
		if number+1 < len(pages) {
			link := fmt.Sprintf(`,"nextLink":"https://management.azure.com/next?skiptoken=%d"}`, number+1)
			body = append(append([]byte(nil), body...), link...)
		} else {
			body = append(append([]byte(nil), body...), '}')
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
	}
}

// BenchmarkPullPages reads a month of usage details, which journals its pages, looks for
// records served twice and commits the unit.
func BenchmarkPullPages(b *testing.B) {
	const pages, rows = 60, 1000
	all := benchPages(pages, rows)
	size := 0
	for i, page := range all {
		all[i] = page[:bytes.LastIndex(page, []byte(`,"nextLink"`))]
		size += len(page)
	}
	columns := usageDetailsColumns()
	scope := "/subscriptions/6f1c2a3b-0000-4000-8000-000000000001"
	u := Unit{Source: "usage_details", Account: "contoso", Scope: scope, Period: "2026-10", Dataset: "actual"}
	compare(b, size, pages*rows, false, func() {
		r, err := newRun(Options{Lake: b.TempDir(), Client: benchClient(b, servedPages(all)), AsOf: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			b.Fatal(err)
		}
		landAll(b, columns, func(l *landing) error {
			_, err := legacyUsage(scope, "202610", "actual").fill(b.Context(), r, u, l, func(int64) {})
			return err
		})
	}, func() {
		landAll(b, columns, func(l *landing) error {
			for i, page := range all {
				if _, err := l.jsonPage(int64(i+1), "page", append(page[:len(page):len(page)], '}'), usageShape()); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func benchClient(b *testing.B, t transport) *Client {
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: "https://management.azure.com", Retail: "https://prices.azure.com"}, Credential: &testToken{life: 1 << 40}, Transport: t})
	if err != nil {
		b.Fatal(err)
	}
	client.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return client
}

// landAll lands what fill adds, all of which must be readable.
func landAll(b *testing.B, columns []Column, fill func(*landing) error) {
	l, err := newLanding(b.TempDir(), columns, testOrigin, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer l.abort()
	if err := fill(l); err != nil {
		b.Fatal(err)
	}
	got, err := l.close()
	if err != nil || got.Rows == 0 || got.RejectRows > 0 {
		b.Fatalf("%d rows, %d rejects, error %v", got.Rows, got.RejectRows, err)
	}
}

// exported is a file of an enrollment's charges as an export writes it.
func exported(b *testing.B, dataset string, rows int) []byte {
	folder := b.TempDir()
	e := azuresim.New(azuresim.Config{Seed: 1, Months: 2, Rows: rows * 5 / 3, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	o := azuresim.ExportOptions{Account: "ea", Datasets: []string{dataset}, Format: "csv", Layout: "create_new", Months: []string{"2026-10"}, RowsPerPart: 100_000_000}
	if err := e.WriteExports(b.Context(), folder, o); err != nil {
		b.Fatal(err)
	}
	var text []byte
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".csv") {
			text, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil || len(text) == 0 {
		b.Fatal("no file", err)
	}
	return text
}

// inParts cuts a CSV file into files with a header each.
func inParts(text []byte, parts int) [][]byte {
	header := text[:bytes.IndexByte(text, '\n')+1]
	var cut [][]byte
	for rest := text[len(header):]; len(rest) > 0; {
		end := min(len(rest), len(text)/parts)
		if next := bytes.IndexByte(rest[end:], '\n'); next >= 0 {
			end += next + 1
		} else {
			end = len(rest)
		}
		cut = append(cut, append(header[:len(header):len(header)], rest[:end]...))
		rest = rest[end:]
	}
	return cut
}

// BenchmarkReport reads a month of cost details, from the request to the last row: four
// parts are downloaded, checked, kept and landed. The peer lands the same bytes as an
// export's file.
func BenchmarkReport(b *testing.B) {
	text := exported(b, "actual", 60_000)
	parts := inParts(text, 4)
	rows := bytes.Count(text, []byte("\n"))
	u := Unit{Source: "cost_details", Account: "contoso", Scope: azuresim.EnrollmentPath, Period: "2026-10", Dataset: "actual"}
	compare(b, len(text), rows, false, func() {
		o := Options{Lake: b.TempDir(), Client: benchClient(b, servedReport(parts)), AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
		r, err := newRun(o)
		if err != nil {
			b.Fatal(err)
		}
		asked := r.costReport(Account{Name: "contoso", Scope: u.Scope, Agreement: ea}, "generateCostDetailsReport", time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), "actual")
		landAll(b, costExportColumns(), func(l *landing) error {
			_, err := asked.fill(b.Context(), r, u, l, func(int64) {})
			return err
		})
	}, func() {
		landAll(b, costExportColumns(), func(l *landing) error {
			_, err := l.csv(1, "part.csv", bytes.NewReader(text))
			return err
		})
	})
}

// servedReport is a transport that makes a report of these parts at once.
func servedReport(parts [][]byte) transport {
	var blobs []string
	total := 0
	for i, p := range parts {
		total += len(p)
		blobs = append(blobs, fmt.Sprintf(`{"blobLink":"https://blobs.blob.core.windows.net/x/%d?sig=s","byteCount":%d}`, i, len(p)))
	}
	done := fmt.Sprintf(`{"id":"i","name":"n","status":"Completed","manifest":{"manifestVersion":"2022-05-01","dataFormat":"Csv","blobCount":%d,"byteCount":%d,"blobs":[%s]},"validTill":"2027-01-01T00:00:00Z"}`, len(parts), total, strings.Join(blobs, ","))
	return func(r *http.Request) (*http.Response, error) {
		body := []byte(done)
		a := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r}
		switch {
		case r.Method == http.MethodPost:
			a.StatusCode, body = http.StatusAccepted, nil
			a.Header.Set("Location", "https://management.azure.com/operation/1")
		case strings.HasPrefix(r.URL.Host, "blobs."):
			number, err := strconv.Atoi(path.Base(r.URL.Path))
			if err != nil {
				return nil, err
			}
			body = parts[number]
		}
		a.Body, a.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return a, nil
	}
}

// BenchmarkFOCUS lands a FOCUS export. The peer lands the same charges from the export of
// actual cost.
func BenchmarkFOCUS(b *testing.B) {
	focus, actual := exported(b, "focus-1.0", 60_000), exported(b, "actual", 60_000)
	compare(b, len(focus), bytes.Count(focus, []byte("\n")), false, func() {
		landAll(b, focusColumns(), func(l *landing) error {
			_, err := l.csv(1, "part.csv", bytes.NewReader(focus))
			return err
		})
	}, func() {
		landAll(b, costExportColumns(), func(l *landing) error {
			_, err := l.csv(1, "part.csv", bytes.NewReader(actual))
			return err
		})
	})
}

// BenchmarkRetailWalk walks 200,000 list prices until two rounds bring nothing new: three
// rounds of a list at rest. The peer lands the same pages once. heap-MB is what the walk
// holds before it lands.
func BenchmarkRetailWalk(b *testing.B) {
	const pages, rows = 200, 1000
	shard := retailShards("USD", []string{"Compute"})[0]
	all, size := make([][]byte, pages), 0
	for i := range all {
		all[i] = retailPage(i*rows, rows, i+1 < pages)
		size += len(all[i])
	}
	served := transport(func(r *http.Request) (*http.Response, error) {
		number, _ := strconv.Atoi(r.URL.Query().Get("$skip"))
		body := all[number/rows]
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
	})
	var heap uint64
	compare(b, size, pages*rows, false, func() {
		r, err := newRun(Options{Lake: b.TempDir(), Client: benchClient(b, served), AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			b.Fatal(err)
		}
		landAll(b, retailColumns(), func(l *landing) error {
			_, err := shard.fill(b.Context(), r, l, func(n int64) {
				if n == pages*rows && heap == 0 {
					var m runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&m)
					heap = m.HeapAlloc - uint64(size)
				}
			})
			return err
		})
	}, func() {
		landAll(b, retailColumns(), func(l *landing) error {
			for i, page := range all {
				if _, err := l.jsonPage(int64(i+1), "page", page, jsonShape{Rows: "Items", Next: "NextPageLink"}); err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.ReportMetric(float64(heap)/1e6, "heap-MB")
}

func retailPage(from, rows int, more bool) []byte {
	b := []byte(`{"BillingCurrency":"USD","CustomerEntityId":"Default","CustomerEntityType":"Retail","Items":[`)
	for i := range rows {
		n := from + i
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"currencyCode":"USD","tierMinimumUnits":0.0,"retailPrice":%d.%06d,"unitPrice":%[1]d.%06[2]d,"armRegionName":"region%d","location":"EU West","effectiveStartDate":"2026-01-01T00:00:00Z","meterId":"%08x-0000-4000-8000-000000000000","meterName":"D%d v5","productId":"DZH318Z0%05X","skuId":"DZH318Z0%[6]05X/%04X","productName":"Virtual Machines Dv5 Series","skuName":"D%[5]d v5","serviceName":"Virtual Machines","serviceId":"DZH313Z7MMC8","serviceFamily":"Compute","unitOfMeasure":"1 Hour","type":"Consumption","isPrimaryMeterRegion":true,"armSkuName":"Standard_D%[5]d_v5"}`,
			n%90, n%1_000_000, n%60, n, n%500, n/16, n%1000)
	}
	link := "null"
	if more {
		link = fmt.Sprintf(`"https://prices.azure.com:443/api/retail/prices?$skip=%d"`, from+rows)
	}
	return fmt.Appendf(b, `],"NextPageLink":%s,"Count":%d}`, link, rows)
}
