// Bench times whole runs of azledger and prints them beside what DuckDB needs to copy
// the same files, and beside the goals in docs/performance.md.
//
//	bench [-rows n] [-runs n] [-full] [-only step] -azledger binary -dir folder
//
// Ours and the peer run in turn, each in a process of its own, so that a busy machine
// slows both and the peak memory is that of one. What counts is the median of the
// ratios of neighbours. Wall times alone say little on a shared machine.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // the peer
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == "peer" {
		return peer(ctx, args[1], args[2:])
	}
	b := bench{out: out}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&b.binary, "azledger", "", "the azledger `binary` to time")
	flags.StringVar(&b.dir, "dir", "", "`folder` for the files; what it holds is deleted")
	flags.IntVar(&b.rows, "rows", 2_000_000, "`charges` of the large month")
	flags.IntVar(&b.runs, "runs", 3, "`times` everything is timed")
	flags.BoolVar(&b.full, "full", false, "time a month of five times the rows too")
	flags.StringVar(&b.only, "only", "", "one `step`: month, rules, workers or history")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return b.all(ctx)
}

// peer copies each CSV file to Parquet with DuckDB on one thread, types as it guesses
// them: amounts become binary fractions, so it does less than we do. Left to itself it
// takes the first days of a month for months.
func peer(ctx context.Context, into string, files []string) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "set threads = 1"); err != nil {
		return err
	}
	for i, f := range files {
		copied := filepath.Join(into, fmt.Sprintf("%d.parquet", i))
		statement := fmt.Sprintf("copy (from read_csv(%s, dateformat = '%%m/%%d/%%Y')) to %s (format parquet, compression zstd)", quoted(f), quoted(copied))
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
