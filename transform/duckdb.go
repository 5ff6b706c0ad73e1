package transform

/*
extern void azledgerProduct(void *, void *, void *);
extern void azledgerRatio(void *, void *, void *);
extern void azledgerShare(void *, void *, void *);
extern void azledgerShareRest(void *, void *, void *);
typedef void (*scalar_function)(void *, void *, void *);
*/
import "C"

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// engineVersion is part of every table's digest: another engine may order or encode a file otherwise.
const engineVersion = "duckdb v1.5.6"

// defaultMemory bounds DuckDB's buffers; the process takes a fifth more at its peak.
const defaultMemory = "2GB"

// sessionOptions say what a session may use and see.
type sessionOptions struct {
	dir      string   // private directory of the database and its spill files, cleared at the start
	memory   string   // "" is defaultMemory
	threads  int      // 0 is one per core
	dialect  string   // SQL that defines our functions
	readable []string // directories it may read and write, besides dir
	files    []string // single files it may read
}

// session is one private DuckDB database with one connection, shut off from everything but the
// directories it was given. Tables and views live in the schema work; our macros in main.
type session struct {
	options sessionOptions
	db      *sql.DB
	conn    *sql.Conn
}

func openSession(ctx context.Context, o sessionOptions) (*session, error) {
	// Spill files stay behind when a process dies without closing its database.
	if err := os.RemoveAll(o.dir); err != nil {
		return nil, fmt.Errorf("clearing %s: %w", o.dir, err)
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return nil, err
	}
	s := &session{options: o}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening a database in %s: %w", o.dir, err), s.close())
	}
	return s, nil
}

func (s *session) start(ctx context.Context) (err error) {
	if s.db, err = openDatabase(s.file()); err != nil {
		return err
	}
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	for _, statement := range slices.Concat(s.resources(), []string{s.options.dialect}, s.locks()) {
		if statement == "" {
			continue
		}
		if err = s.exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", firstLine(statement), err)
		}
	}
	return nil
}

// openDatabase opens a database file and adds our own functions.
//
// The driver's own way to add a function boxes every value (0.4 µs and three allocations each for
// decimals), so the functions are registered through its mapping of the C interface, on a second
// connection to the same instance, which the driver's cache of instances hands out.
func openDatabase(file string) (*sql.DB, error) {
	connector, err := duckdb.NewConnector(file, nil)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	if err := withRawConnection(file, registerFunctions); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func withRawConnection(file string, do func(mapping.Connection) error) error {
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return errors.New("creating a configuration failed")
	}
	defer mapping.DestroyConfig(&config)
	// The cache refuses a configuration other than the one the driver opened the file with.
	mapping.SetConfig(config, "duckdb_api", "go")
	var db mapping.Database
	var message string
	if mapping.GetOrCreateFromCache(duckdb.GetInstanceCache(), file, &db, config, &message) == mapping.StateError {
		return errors.New(message)
	}
	defer mapping.Close(&db)
	var conn mapping.Connection
	if mapping.Connect(db, &conn) == mapping.StateError {
		return errors.New("connecting failed")
	}
	defer mapping.Disconnect(&conn)
	return do(conn)
}

func (s *session) file() string { return filepath.Join(s.options.dir, "transform.duckdb") }

// resources are what the session may use, and how it may plan. The order of rows is to be the query's:
// the engine makes a join of x in ('a', …), and a join loses it; and joins run as written, big table
// first, for a swapped side would stream the rows of the other table, in an order that differs from
// run to run.
func (s *session) resources() []string {
	o := s.options
	statements := []string{
		"set memory_limit = " + quote(cmp.Or(o.memory, defaultMemory)),
		"set temp_directory = " + quote(filepath.Join(o.dir, "spill")),
		"set TimeZone = 'UTC'",
		"set preserve_insertion_order = true",
		"set disabled_optimizers = 'in_clause,join_order,build_side_probe_side'",
		"set enable_progress_bar = false",
		// It takes a file written anew within a second for the old one.
		"set enable_external_file_cache = false",
		"set autoinstall_known_extensions = false",
		"set autoload_known_extensions = false",
		"set allow_community_extensions = false",
	}
	if o.threads > 0 {
		statements = append(statements, "set threads = "+strconv.Itoa(o.threads))
	}
	return statements
}

// locks come last, after the macros: from then on no statement can widen what the session sees.
func (s *session) locks() []string {
	o := s.options
	return []string{
		"create schema work",
		"set search_path = 'work,main'",
		"set allowed_directories = " + quoteList(append([]string{o.dir}, o.readable...)),
		"set allowed_paths = " + quoteList(o.files),
		"set enable_external_access = false",
		"set lock_configuration = true",
	}
}

func (s *session) close() error {
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.options.dir))...)
}

func (s *session) exec(ctx context.Context, statement string) error {
	_, err := s.conn.ExecContext(ctx, statement)
	return err
}

// value runs a query of one row into the given pointers.
func (s *session) value(ctx context.Context, query string, into ...any) error {
	return s.conn.QueryRowContext(ctx, query).Scan(into...)
}

// texts runs a query whose columns are text and returns its rows.
func (s *session) texts(ctx context.Context, query string) (rows [][]sql.NullString, err error) {
	result, err := s.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	columns, err := result.Columns()
	if err != nil {
		return nil, err
	}
	for result.Next() {
		row, pointers := textRow(len(columns))
		if err := result.Scan(pointers...); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, result.Err()
}

func textRow(n int) ([]sql.NullString, []any) {
	row, pointers := make([]sql.NullString, n), make([]any, n)
	for i := range row {
		pointers[i] = &row[i]
	}
	return row, pointers
}

// makes is the columns that the model's query makes, asked without running it. The query stands on
// the line it has in its file, so that the engine's complaints name that line.
func (s *session) makes(ctx context.Context, m *Model) (columns []Column, err error) {
	rows, err := s.texts(ctx, "select column_name, column_type from (describe ("+onItsLine(m)+"))")
	for _, r := range rows {
		columns = append(columns, Column{Name: r[0].String, Type: typeName(r[1].String)})
	}
	return columns, err
}

func onItsLine(m *Model) string {
	return strings.Repeat("\n", m.QueryLine-1) + m.Query + "\n"
}

// build runs the model's query straight into a Parquet file, makes that work.<m.Name>, and returns
// the number of rows. (By way of a table of the database it took 3.7 times the processor time and
// twice the memory, for a million rows of 100 columns.)
//
// The same rows are to be the same bytes on any number of threads: they stand in the order of the
// grain, which is unique, in row groups of one size. Sorting a million rows of 100 columns takes
// twice as long as making them and three times the memory, so a model of single records may keep the
// query's own order instead (order: insertion); see losesOrder.
func (s *session) build(ctx context.Context, m *Model, path string) (rows int64, err error) {
	order, level := " order by "+idents(m.Grain), 3
	if m.Insertion {
		order = ""
	}
	if !m.Published() {
		level = 1 // two thirds of the time for a quarter more bytes, which nobody uploads
	}
	err = s.value(ctx, fmt.Sprintf("copy (select * from (%s)%s) to %s (format parquet, compression zstd, compression_level %d, row_group_size 122880, use_tmp_file false)",
		onItsLine(m), order, quote(path), level), &rows)
	if err != nil {
		return 0, err
	}
	return rows, s.tableView(ctx, m.Name, m.Columns, []file{{Path: path}})
}

// losesOrder says whether the model counts on an order of rows that differs from run to run. The
// engine keeps the order of a scan through projections, filters and union all; whatever else the plan
// has (a join gives each batch's rows without a partner last) is the same every time on one thread only.
func (s *session) losesOrder(ctx context.Context, m *Model) (bool, error) {
	if !m.Insertion || s.options.threads == 1 {
		return false, nil
	}
	plan, err := s.texts(ctx, "explain (format json) "+onItsLine(m))
	if err != nil {
		return false, err
	}
	for _, operator := range operators.FindAllStringSubmatch(plan[0][1].String, -1) {
		if !slices.Contains(orderly, strings.TrimSpace(operator[1])) {
			return true, nil
		}
	}
	return false, nil
}

var (
	operators = regexp.MustCompile(`"name": "([^"]*)"`)
	orderly   = []string{"READ_PARQUET", "PROJECTION", "FILTER", "UNION", "EMPTY_RESULT"}
)

// clear removes every table and view of the last piece. (Dropping the schema would be shorter, but
// the engine then forgets that it was searched.)
func (s *session) clear(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	rows, err := s.texts(ctx, "select case table_type when 'VIEW' then 'view' else 'table' end, table_name from information_schema.tables where table_schema = 'work'")
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := s.exec(ctx, "drop "+r[0].String+" work."+ident(r[1].String)); err != nil {
			return err
		}
	}
	return nil
}

// rawView makes a relation of raw files: exactly the declared columns, in the types declared. A
// column that a file lacks is null; one of another type is an error, for a cast would hide it. The
// names in the files and those of the relation stand in the same order.
func (s *session) rawView(ctx context.Context, name string, stored, columns []Column, files []file) error {
	present, err := s.storedColumns(ctx, stored, files)
	if err != nil {
		return err
	}
	var selected []string
	for i, c := range columns {
		value := "null"
		switch present[stored[i].Name] {
		case "":
		case instant: // an instant in a Parquet file; all of ours are UTC
			value = ident(stored[i].Name) + " at time zone 'UTC'"
		default:
			value = ident(stored[i].Name)
		}
		selected = append(selected, fmt.Sprintf("cast(%s as %s) as %s", value, c.Type, ident(c.Name)))
	}
	return s.exec(ctx, fmt.Sprintf("create view work.%s as select %s from %s", ident(name), strings.Join(selected, ", "), parquet(files)))
}

const instant = "timestamp with time zone"

// storedColumns are the types of the wanted columns that any of the files has, once every file is
// found to agree with the declaration.
func (s *session) storedColumns(ctx context.Context, wanted []Column, files []file) (map[string]string, error) {
	rows, err := s.texts(ctx, "select file_name, name, duckdb_type from parquet_schema("+paths(files)+") where duckdb_type is not null")
	if err != nil {
		return nil, err
	}
	present := map[string]string{}
	for _, row := range rows {
		file, column, found := row[0].String, row[1].String, typeName(row[2].String)
		i := slices.IndexFunc(wanted, func(c Column) bool { return c.Name == column })
		switch {
		case i < 0:
		case found == wanted[i].Type, found == instantType && wanted[i].Type == "timestamp":
			present[column] = found
			if found == instantType {
				present[column] = instant
			}
		default:
			return nil, fmt.Errorf("%s: the column %s is %s, but the model declares %s", file, column, found, wanted[i].Type)
		}
	}
	return present, nil
}

// instantType is how typeName leaves a timestamp with time zone.
const instantType = "timestampwithtimezone"

// tableView makes a table of the files of its pieces.
func (s *session) tableView(ctx context.Context, name string, columns []Column, files []file) error {
	return s.exec(ctx, fmt.Sprintf("create view work.%s as select %s from %s", ident(name), idents(columnNames(columns)), parquet(files)))
}

// fileView makes a table of files whatever their columns.
func (s *session) fileView(ctx context.Context, name string, files []file) error {
	return s.exec(ctx, fmt.Sprintf("create view work.%s as select * from %s", ident(name), parquet(files)))
}

// ask runs a question of the user's. As a table of another query its columns can be turned to text
// by the engine itself; that it is one question and no more is settled before, so that nothing in
// it can end the outer query and begin a statement of its own.
func (s *session) ask(ctx context.Context, question string, fn func([]ColumnInfo, []string, []bool) error) error {
	question = strings.TrimRight(question, "; \t\r\n")
	if err := withRawConnection(s.file(), func(conn mapping.Connection) error { return oneQuestion(conn, question) }); err != nil {
		return err
	}
	columns, err := s.answer(ctx, question)
	if err != nil {
		return err
	}
	result, err := s.conn.QueryContext(ctx, "select cast(columns(*) as varchar) from (\n"+question+"\n)")
	if err != nil {
		return err
	}
	defer result.Close()
	row, pointers := textRow(len(columns))
	texts, nulls, any := make([]string, len(columns)), make([]bool, len(columns)), false
	for result.Next() {
		if err := result.Scan(pointers...); err != nil {
			return err
		}
		for i, value := range row {
			texts[i], nulls[i] = value.String, !value.Valid
		}
		any = true
		if err := fn(columns, texts, nulls); err != nil {
			return err
		}
	}
	if err := result.Err(); err != nil || any {
		return err
	}
	return fn(columns, nil, nil)
}

// answer is the columns of the answer to a question.
func (s *session) answer(ctx context.Context, question string) (columns []ColumnInfo, err error) {
	rows, err := s.texts(ctx, "select column_name, column_type from (describe (\n"+question+"\n))")
	for _, r := range rows {
		columns = append(columns, ColumnInfo{Name: r[0].String, Type: r[1].String})
	}
	return columns, err
}

func oneQuestion(conn mapping.Connection, sql string) error {
	var statements mapping.ExtractedStatements
	n := mapping.ExtractStatements(conn, sql, &statements)
	defer mapping.DestroyExtracted(&statements)
	switch {
	case n == 0:
		if message := mapping.ExtractStatementsError(statements); message != "" {
			return errors.New(message)
		}
		return errors.New("there is no question")
	case n > 1:
		return fmt.Errorf("there are %d statements; one is answered at a time", n)
	}
	return nil
}

// parquet reads files as they are: without hive_partitioning = false the engine adds a column for
// every folder called key=value.
func parquet(files []file) string {
	return "read_parquet(" + paths(files) + ", hive_partitioning = false, union_by_name = true)"
}

func paths(files []file) string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = f.Path
	}
	return quoteList(list)
}

// csvFile makes a table of a CSV file whose columns are those of header; what is only in columns is
// null. Without allow_quoted_nulls = false the engine cannot tell "" from nothing.
func (s *session) csvFile(ctx context.Context, name, file string, columns, header []Column) error {
	var selected, typed []string
	for _, c := range columns {
		value := "null"
		if hasColumn(header, c.Name) {
			value = ident(c.Name)
		}
		selected = append(selected, fmt.Sprintf("cast(%s as %s) as %s", value, c.Type, ident(c.Name)))
	}
	for _, c := range header {
		typed = append(typed, quote(c.Name)+": "+quote(c.Type))
	}
	return s.exec(ctx, fmt.Sprintf("create table work.%s as select %s from read_csv(%s, columns = {%s},"+
		" auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, strict_mode = true)",
		ident(name), strings.Join(selected, ", "), quote(file), strings.Join(typed, ", ")))
}

// emptyTable makes work.<name> with the given columns and no rows.
func (s *session) emptyTable(ctx context.Context, name string, columns []Column) error {
	var selected []string
	for _, c := range columns {
		selected = append(selected, fmt.Sprintf("cast(null as %s) as %s", c.Type, ident(c.Name)))
	}
	return s.exec(ctx, fmt.Sprintf("create view work.%s as select %s where false", ident(name), strings.Join(selected, ", ")))
}

// example is the first row of a query as JSON, every value a text: the engine's JSON numbers are doubles.
func (s *session) example(ctx context.Context, query string) (string, error) {
	rows, err := s.texts(ctx, "select cast(to_json(r) as varchar) from (select cast(columns(*) as varchar) from ("+query+") limit 1) as r")
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0][0].String, nil
}

// rowHash is a number that rows alike in these columns share.
func rowHash(names []string) string { return "hash(" + idents(names) + ")" }

// rowsTable makes a table of a few rows that the program knows.
func (s *session) rowsTable(ctx context.Context, name string, columns []Column, rows [][]any) error {
	var definitions []string
	for _, c := range columns {
		definitions = append(definitions, ident(c.Name)+" "+c.Type)
	}
	if err := s.exec(ctx, fmt.Sprintf("create table work.%s (%s)", ident(name), strings.Join(definitions, ", "))); err != nil {
		return err
	}
	for chunk := range slices.Chunk(rows, 500) {
		var values []string
		for _, row := range chunk {
			values = append(values, "("+literals(row)+")")
		}
		if err := s.exec(ctx, fmt.Sprintf("insert into work.%s values %s", ident(name), strings.Join(values, ", "))); err != nil {
			return err
		}
	}
	return nil
}

func literals(row []any) string {
	list := make([]string, len(row))
	for i, value := range row {
		list[i] = "null"
		if value != nil {
			list[i] = quote(fmt.Sprint(value))
		}
	}
	return strings.Join(list, ", ")
}

// facts reads off source_completeness the day up to which the cost data is complete.
func (s *session) facts(ctx context.Context, m *Model) (f facts, err error) {
	if m.Name != "source_completeness" || !hasColumn(m.Columns, "DataCompleteTo") {
		return f, nil
	}
	return f, s.value(ctx, "select coalesce(cast(min(DataCompleteTo) as varchar), '') from work."+ident(m.Name), &f.DataCompleteTo)
}

// errorLine is the line the engine complains of: build puts the query on the line it has in its file.
func errorLine(err error, otherwise int) int {
	if found := complaint.FindStringSubmatch(err.Error()); found != nil {
		if line, err := strconv.Atoi(found[1]); err == nil {
			return line
		}
	}
	return otherwise
}

var complaint = regexp.MustCompile(`(?m)^LINE (\d+):`)

// fromModel tells an error in what a model says (its SQL, or its data) from one of the machine.
func fromModel(err error) bool {
	var e *duckdb.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Type {
	case duckdb.ErrorTypeOutOfMemory, duckdb.ErrorTypeIO, duckdb.ErrorTypeInternal, duckdb.ErrorTypeFatal,
		duckdb.ErrorTypeInterrupt, duckdb.ErrorTypeConnection, duckdb.ErrorTypePermission:
		return false
	}
	return true
}

func isOutOfMemory(err error) bool {
	var e *duckdb.Error
	return errors.As(err, &e) && e.Type == duckdb.ErrorTypeOutOfMemory
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// ident quotes a name, so that a column called Date or a table called run needs no care.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = ident(name)
	}
	return strings.Join(quoted, ", ")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// registerFunctions adds what product, ratio, share and share_rest of sql/dialect/duckdb.sql call to the
// catalogue that every connection of the database shares. (The name product belongs to an aggregate
// there, and a scalar function cannot take it; a macro can.)
func registerFunctions(conn mapping.Connection) error {
	for _, f := range []struct {
		name      string
		arguments int
		callback  C.scalar_function
	}{
		{"decimal_product", 2, C.scalar_function(C.azledgerProduct)},
		{"decimal_ratio", 2, C.scalar_function(C.azledgerRatio)},
		{"decimal_share", 3, C.scalar_function(C.azledgerShare)},
		{"decimal_share_rest", 3, C.scalar_function(C.azledgerShareRest)},
	} {
		if err := registerFunction(conn, f.name, f.arguments, unsafe.Pointer(f.callback)); err != nil {
			return err
		}
	}
	return nil
}

func registerFunction(conn mapping.Connection, name string, arguments int, callback unsafe.Pointer) error {
	decimal := mapping.CreateDecimalType(38, 18)
	defer mapping.DestroyLogicalType(&decimal)
	f := mapping.CreateScalarFunction()
	defer mapping.DestroyScalarFunction(&f)
	mapping.ScalarFunctionSetName(f, name)
	for range arguments {
		mapping.ScalarFunctionAddParameter(f, decimal)
	}
	mapping.ScalarFunctionSetReturnType(f, decimal)
	mapping.ScalarFunctionSetSpecialHandling(f) // ratio answers null where no argument is
	mapping.ScalarFunctionSetFunction(f, callback)
	if mapping.RegisterScalarFunction(conn, f) == mapping.StateError {
		return fmt.Errorf("registering the function %s failed", name)
	}
	return nil
}

//export azledgerProduct
func azledgerProduct(info, input, output unsafe.Pointer) {
	eachRow("product", info, input, output, func(row []int128) (int128, bool, error) {
		v, err := product(row[0], row[1])
		return v, true, err
	})
}

//export azledgerRatio
func azledgerRatio(info, input, output unsafe.Pointer) {
	eachRow("ratio", info, input, output, func(row []int128) (int128, bool, error) {
		if row[1] == (int128{}) {
			return int128{}, false, nil
		}
		v, err := ratio(row[0], row[1])
		return v, true, err
	})
}

//export azledgerShare
func azledgerShare(info, input, output unsafe.Pointer) {
	eachRow("share", info, input, output, func(row []int128) (int128, bool, error) {
		if row[2] == (int128{}) {
			return int128{}, false, nil
		}
		part, _, err := share(row[0], row[1], row[2])
		return part, true, err
	})
}

//export azledgerShareRest
func azledgerShareRest(info, input, output unsafe.Pointer) {
	eachRow("share_rest", info, input, output, func(row []int128) (int128, bool, error) {
		if row[2] == (int128{}) {
			return int128{}, false, nil
		}
		_, rest, err := share(row[0], row[1], row[2])
		return rest, true, err
	})
}

// eachRow applies f to the arguments of every row of a chunk, in place in the engine's memory. A null
// argument, or a result that is not known, is null.
func eachRow(name string, info, input, output unsafe.Pointer, f func(row []int128) (int128, bool, error)) {
	chunk, result := mapping.DataChunk{Ptr: input}, mapping.Vector{Ptr: output}
	n := int(mapping.DataChunkGetSize(chunk))
	var columns [3][]int128
	var valid [3]validity
	var row [3]int128
	arguments := int(mapping.DataChunkGetColumnCount(chunk))
	for j := range arguments {
		columns[j], valid[j] = decimals(mapping.DataChunkGetVector(chunk, mapping.IdxT(j)), n)
	}
	out, _ := decimals(result, n)
	var nulls unsafe.Pointer
	for i := range n {
		v, known := int128{}, true
		for j := range arguments {
			row[j], known = columns[j][i], known && valid[j].has(i)
		}
		if known {
			var err error
			if v, known, err = f(row[:arguments]); err != nil {
				fail(info, fmt.Sprintf("%s(%s): %v", name, listed(row[:arguments]), err))
				return
			}
		}
		if out[i] = v; !known {
			if nulls == nil {
				mapping.VectorEnsureValidityWritable(result)
				nulls = mapping.VectorGetValidity(result)
			}
			mapping.ValiditySetRowInvalid(nulls, mapping.IdxT(i))
		}
	}
}

func listed(row []int128) string {
	texts := make([]string, len(row))
	for i, v := range row {
		texts[i] = v.String()
	}
	return strings.Join(texts, ", ")
}

func fail(info unsafe.Pointer, message string) {
	mapping.ScalarFunctionSetError(mapping.FunctionInfo{Ptr: info}, message)
}

// validity is a chunk's null mask, one bit a row; nil when no row is null.
type validity []uint64

func (v validity) has(i int) bool { return v == nil || v[i/64]>>(i%64)&1 == 1 }

func decimals(vector mapping.Vector, n int) ([]int128, validity) {
	values := unsafe.Slice((*int128)(mapping.VectorGetData(vector)), n)
	mask := mapping.VectorGetValidity(vector)
	if mask == nil {
		return values, nil
	}
	return values, unsafe.Slice((*uint64)(mask), (n+63)/64)
}
