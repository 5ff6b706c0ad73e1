package transform

import (
	"slices"
	"strings"
)

// Input is a table of configuration: a CSV file with a header line. An empty field is null, and ""
// in quotes the empty text.
type Input struct {
	Name    string
	Path    string
	Columns []Column // empty: the columns [Configuration] gives the name
}

// Configuration lists the tables of configuration that models may read. Paths are empty: which file
// holds a table is for the caller of [Run] to say.
func Configuration() []Input {
	return []Input{
		{Name: "run_context", Columns: columns("RunDate date, Version varchar, ConfigDigest varchar, LateDays bigint, HistoryMonths bigint")},
		{Name: "period_close", Columns: columns("BillingPeriod varchar, AsOf date, ClosedBy varchar, Note varchar")},
		{Name: "account", Columns: columns("Account varchar, Scope varchar, Agreement varchar")},
		{Name: "owner_rule", Columns: columns("Priority bigint, CostOwner varchar, SubscriptionId varchar, ResourceGroup varchar, TagKey varchar, TagValue varchar, ValidFrom date, ValidTo date")},
		{Name: "owner_tag", Columns: columns("Priority bigint, TagKey varchar")},
	}
}

// The relations that come from the lake itself. A table with a period sees the units and the rejects
// of its period, like any raw source. check_result is the violations found so far, of every period;
// what reads it is built last.
const (
	rawUnit     = "raw_unit"
	rawReject   = "raw_reject"
	checkResult = "check_result"
)

var provided = map[string][]Column{
	rawUnit: columns("Source varchar, Account varchar, Scope varchar, Period varchar, Dataset varchar, State varchar, Error varchar, " +
		"RowCount bigint, RejectCount bigint, PageCount bigint, RoundedCount bigint, LargestRounding varchar, MinDate date, MaxDate date, FileCount bigint, Bytes bigint, " +
		"AnnouncedPageCount bigint, AnnouncedRowCount bigint, AnnouncedByteCount bigint, ReceivedByteCount bigint, DuplicateCount bigint"),
	rawReject:   columns("Source varchar, Account varchar, Scope varchar, Period varchar, Dataset varchar, Page bigint, Row bigint, Reason varchar, Text varchar"),
	checkResult: columns("TableName varchar, BillingPeriod varchar, Rule varchar, Kind varchar, BrokenCount bigint, Example varchar"),
}

// rejectColumns are those of raw_reject as extraction names them in its files, in the same order.
var rejectColumns = columns("_source varchar, _account varchar, _scope varchar, _period varchar, _dataset varchar, _page bigint, _row bigint, reason varchar, text varchar")

// rawConstants are the columns every raw relation has beside the declared inputs.
var rawConstants = columns("_account varchar, _scope varchar, _period varchar, _dataset varchar, _page bigint, _row bigint")

// isRaw says whether a table is the relation of a raw source, raw_<source>.
func isRaw(table string) bool { return strings.HasPrefix(table, "raw_") && provided[table] == nil }

// builtin is the columns of a relation that no model makes, or nil.
func builtin(table string) []Column {
	if c := provided[table]; c != nil {
		return c
	}
	inputs := Configuration()
	if i := slices.IndexFunc(inputs, func(in Input) bool { return in.Name == table }); i >= 0 {
		return inputs[i].Columns
	}
	return nil
}

// columnsOf is what m sees of a table it reads; nil where nothing is known of it.
func columnsOf(m *Model, read string, set map[string]*Model) []Column {
	if isRaw(read) {
		return slices.Concat(m.Inputs, rawConstants)
	}
	if other := set[read]; other != nil {
		return other.Columns
	}
	if _, table := keptTable(read); set[table] != nil {
		return set[table].Columns
	}
	return builtin(read)
}

func columns(list string) []Column {
	var columns []Column
	for item := range strings.SplitSeq(list, ", ") {
		name, kind, _ := strings.Cut(item, " ")
		columns = append(columns, Column{Name: name, Type: strings.ReplaceAll(kind, " 18", ", 18")})
	}
	return columns
}
