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
		// The tables of rules begin with RuleSet: several rule sets stand side by side, and rule_set says which holds
		// in a month. Its row without a month (BillingPeriod '') names that of all the others, and RulesDigest the copy in the lake. Texts to compare with are
		// folded: lower case, trimmed, one blank for many. A pattern is one of LIKE, folded, with the backslash as escape.
		//
		//   - owner_rule: SubscriptionId to TagValue are folded, null where anything fits; patterns where IsPattern. Keys
		//     and values are those that tag_key and tag_value lead to.
		//   - owner_name: an owner whom no owner_rule names, but the list of owners does.
		//   - tag_key, tag_value: what is written (Spelling, folded) and what is meant. The meant spelling has a row too.
		//     TagKey of tag_value is the meant key, folded.
		//   - inherited_tag: ResourceGroup '' for the tags of a subscription.
		//   - tag_policy: a required tag; TagValue null: any value will do, else a row for each value that is allowed.
		//   - allocation_rule: PassesOn: the rule has no condition but its SourceOwner ('' any), and so shares what that
		//     owner received as well. All targets are the owners with cost, but for Unallocated and for owners that are
		//     the SourceOwner of any rule of the set: who shares his cost by a rule receives none by "all".
		//   - allocation_filter: ColumnName is a column of cost_and_usage, tag.<meant key, folded>, or CostOwner. Of one
		//     rule and Use ('Pool', 'Basis') all conditions hold; a condition holds if one of its patterns fits, or if
		//     IsNegated none. A null value is compared as ''.
		//   - allocation_target: the rows of a Month stand in the place of those without ('').
		//   - allocation_policy: every policy has one row.
		//   - allocation_markup, allocation_rate: '' fits anything; ServiceName of a mark-up is a pattern.
		{Name: "rule_set", Columns: columns("BillingPeriod varchar, RuleSet varchar, RulesDigest varchar")},
		{Name: "owner_rule", Columns: columns("RuleSet varchar, Priority bigint, Line bigint, CostOwner varchar, SubscriptionId varchar, ResourceGroup varchar, InvoiceSection varchar, " +
			"TagKey varchar, TagValue varchar, IsPattern boolean, ValidFrom date, ValidTo date")},
		{Name: "owner_name", Columns: columns("RuleSet varchar, CostOwner varchar")},
		{Name: "owner_tag", Columns: columns("RuleSet varchar, Priority bigint, TagKey varchar")},
		{Name: "tag_key", Columns: columns("RuleSet varchar, Spelling varchar, TagKey varchar")},
		{Name: "tag_value", Columns: columns("RuleSet varchar, TagKey varchar, Spelling varchar, TagValue varchar")},
		{Name: "inherited_tag", Columns: columns("RuleSet varchar, SubscriptionId varchar, ResourceGroup varchar, TagKey varchar, TagValue varchar, ValidFrom date, ValidTo date")},
		{Name: "tag_policy", Columns: columns("RuleSet varchar, TagKey varchar, TagValue varchar")},
		{Name: "allocation_rule", Columns: columns("RuleSet varchar, RuleId bigint, RuleName varchar, Line bigint, Split varchar, SourceOwner varchar, PassesOn boolean, " +
			"MeterId varchar, IsAllTargets boolean, ValidFrom date, ValidTo date, Level bigint")},
		{Name: "allocation_filter", Columns: columns("RuleSet varchar, RuleId bigint, Use varchar, ConditionId bigint, ColumnName varchar, IsNegated boolean, Pattern varchar")},
		{Name: "allocation_target", Columns: columns("RuleSet varchar, RuleId bigint, Month varchar, CostOwner varchar, Weight decimal(38 18)")},
		{Name: "allocation_policy", Columns: columns("RuleSet varchar, Policy varchar, Treatment varchar, CostOwner varchar")},
		{Name: "allocation_markup", Columns: columns("RuleSet varchar, MarkUpId bigint, MarkUpName varchar, Line bigint, CostOwner varchar, ServiceName varchar, PercentAdded decimal(38 18), " +
			"ValidFrom date, ValidTo date")},
		{Name: "allocation_rate", Columns: columns("RuleSet varchar, RateId bigint, Line bigint, MeterId varchar, ServiceName varchar, SkuMeter varchar, PricingUnit varchar, " +
			"BillingCurrency varchar, UnitPrice decimal(38 18), ValidFrom date, ValidTo date")},
	}
}

// The relations that come from the lake itself. A table with a period sees the units and the rejects
// of its period, like any raw source. check_result is the violations found so far, of every period;
// what reads it is built last.
const (
	rawUnit     = "raw_unit"
	rawReject   = "raw_reject"
	checkResult = "check_result"
	comparedRun = "compared_run"
)

var provided = map[string][]Column{
	rawUnit: columns("Source varchar, Account varchar, Scope varchar, Period varchar, Dataset varchar, State varchar, Error varchar, " +
		"RowCount bigint, RejectCount bigint, PageCount bigint, RoundedCount bigint, LargestRounding varchar, MinDate date, MaxDate date, FileCount bigint, Bytes bigint, " +
		"AnnouncedPageCount bigint, AnnouncedRowCount bigint, AnnouncedByteCount bigint, ReceivedByteCount bigint, DuplicateCount bigint"),
	rawReject:   columns("Source varchar, Account varchar, Scope varchar, Period varchar, Dataset varchar, Page bigint, Row bigint, Reason varchar, Text varchar"),
	comparedRun: columns("RunDate date, RulesBefore varchar, RulesAfter varchar"),
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
