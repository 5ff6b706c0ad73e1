#!/usr/bin/env bash
# Checks that Trino could read every SQL model, and the functions they call: grammar only, no Trino needed.
#
#   .ci/trino.sh install    fetches the grammar into .tools (npm; versions and hashes in .ci/node)
#   .ci/trino.sh            reads the models and sql/dialect/trino.sql
set -eu
cd "$(dirname "$0")/.."

tools=.tools/trino
checker=$tools/trino.mjs

install() {
	if cmp -s .ci/node/package-lock.json "$tools/package-lock.json" && [ -d "$tools/node_modules" ]; then
		return
	fi
	command -v npm >/dev/null || {
		echo "the Trino grammar check needs node 18 or later with npm, and npm was not found" >&2
		exit 1
	}
	mkdir -p "$tools"
	cp .ci/node/package.json .ci/node/package-lock.json "$tools/"
	npm ci --prefix "$tools" --ignore-scripts --no-audit --no-fund --loglevel=error
}

install
if [ "${1:-}" = install ]; then
	exit
fi
# The grammar's modules do not load in node as they are published, hence one bundle.
NODE_PATH="$PWD/$tools/node_modules" "$tools/node_modules/.bin/esbuild" .ci/trino.mjs \
	--bundle --platform=node --format=esm --outfile="$checker" --log-level=warning
find sql/staging sql/intermediate sql/marts sql/dialect/trino.sql -name '*.sql' | sort | xargs node "$checker"
