#!/usr/bin/env bash
# Measures azledger: the Go benchmarks of every package, then whole runs beside DuckDB.
#
#   BENCH_ROWS=200000   charges of the large month (2000000)
#   BENCH_RUNS=3        times everything is timed (3)
#   BENCH_FULL=1        a month of five times the rows too
#   BENCH_ONLY=rules    one step of the whole runs: month, rules, workers or history
#   BENCH_TIME=1s       of each Go benchmark (0.5s)
#
# Results go to bench/, in the form that benchstat reads.
set -eu
cd "$(dirname "$0")/.."

mkdir -p bench
go test -run '^$' -bench . -benchmem -benchtime "${BENCH_TIME:-0.5s}" ./... | tee bench/go.txt

go build -o bench/azledger ./cmd/azledger
go build -o bench/bench ./cmd/azledger/internal/bench
work=$(mktemp -d "${TMPDIR:-/tmp}/azledger-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
bench/bench -azledger bench/azledger -dir "$work" -rows "${BENCH_ROWS:-2000000}" -runs "${BENCH_RUNS:-3}" \
	${BENCH_FULL:+-full} ${BENCH_ONLY:+-only "$BENCH_ONLY"} | tee bench/run.txt
