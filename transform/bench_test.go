package transform

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// BenchmarkTransform builds the tiny models over a million lines of cost; then everything again
// with nothing changed. AZLEDGER_BENCH_ROWS asks for another number of lines.
func BenchmarkTransform(b *testing.B) {
	rows := 1_000_000
	if text := os.Getenv("AZLEDGER_BENCH_ROWS"); text != "" {
		rows, _ = strconv.Atoi(text)
	}
	l := newLake(b)
	l.unit("2026-10", lines("2026-10", rows))
	b.Run("full", func(b *testing.B) {
		for b.Loop() {
			if err := os.RemoveAll(filepath.Join(l.dir, "tables")); err != nil {
				b.Fatal(err)
			}
			l.run(l.options())
		}
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			l.run(l.options())
		}
	})
}

// BenchmarkFunctions asks for product and ratio of a million pairs of decimals, beside the plain
// scan of the same columns.
func BenchmarkFunctions(b *testing.B) {
	s, err := openSession(context.Background(), sessionOptions{dir: b.TempDir() + "/db", threads: 1, dialect: dialect(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	err = s.exec(context.Background(), "create table work.t as select cast(i as decimal(38,18)) as q, ratio(i + 7, 1000) as p from range(1000000) t(i)")
	if err != nil {
		b.Fatal(err)
	}
	for _, expression := range []string{"q", "product(q, p)", "ratio(q, p)"} {
		b.Run(expression, func(b *testing.B) {
			var sum string
			for b.Loop() {
				if err := s.value(context.Background(), "select cast(max("+expression+") as varchar) from work.t", &sum); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/value")
		})
	}
}
