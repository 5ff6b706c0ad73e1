// Reads SQL model files with Trino's own grammar and prints what it refuses, as file:line:column.
//
//   node trino.mjs sql/staging/*.sql …
//
// The models run in DuckDB every day and are to run in Trino unchanged. DuckDB is the more permissive of the
// two ("x::date", "qualify", "group by all"), so a model can pass every test here and still be no Trino SQL.
// This is the grammar alone: types and function names are not looked at.
import { readFileSync } from 'node:fs';
import { TrinoSQL } from 'dt-sql-parser/dist/parser/trino/index.js';

const trino = new TrinoSQL();

// complaints gives the errors of one file. The header is comments, so the whole file is the query and the
// line numbers are the file's own. The grammar wants each statement ended by a semicolon, which models leave out.
function complaints(text) {
  const query = text.trimEnd().endsWith(';') ? text : text.trimEnd() + '\n;';
  return trino.validate(query).map((e) => `${e.startLine}:${e.startColumn}: ${e.message}`);
}

// A checker that accepts everything looks like one that finds nothing wrong.
function proveItRefuses() {
  for (const bad of ['select 1::bigint', 'select a from t qualify b = 1', 'select a from t group by all']) {
    if (complaints(bad).length === 0) throw new Error(`the grammar accepts what Trino does not: ${bad}`);
  }
  const found = complaints('select a, max_by(b, c) filter (where d > 0) from t group by a');
  if (found.length > 0) throw new Error(`the grammar refuses what Trino accepts: ${found}`);
}

proveItRefuses();
let refused = 0;
const files = process.argv.slice(2);
for (const file of files) {
  for (const complaint of complaints(readFileSync(file, 'utf8'))) {
    console.error(`${file}:${complaint}`);
    refused++;
  }
}
console.log(`Trino's grammar: ${files.length} files read, ${refused} errors`);
process.exit(refused === 0 ? 0 : 1);
