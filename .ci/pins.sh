#!/usr/bin/env bash
# Holds the DuckDB driver at its pin. Its newest release is DuckDB 2.0, whose native libraries are not among the
# Go modules, so "go get -u" or a tidy without the pin gives a module that cannot be built.
set -eu
cd "$(dirname "$0")/.."

want=v2.10506.0
got=$(go list -m -f '{{.Version}}' github.com/duckdb/duckdb-go/v2)
if [ "$got" != "$want" ]; then
	echo "go.mod: github.com/duckdb/duckdb-go/v2 is $got, it must be $want (DuckDB 1.5.6): go get github.com/duckdb/duckdb-go/v2@$want" >&2
	exit 1
fi
echo "DuckDB driver: $got"
