package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/azledger/azledger/cmd/azledger/internal/rules"
	"github.com/azledger/azledger/transform"
)

// writeInputs turns the configuration into tables. The SQL models see it in no other
// way: nothing is pasted into a query. Each table is a CSV file under <lake>/inputs,
// rewritten by every run and left alone when nothing changed.
func (j *job) writeInputs(closed []closedMonth) ([]transform.Input, error) {
	set, err := j.cfg.rules()
	if err != nil {
		return nil, err
	}
	if err := j.cfg.keepRules(set, j.asOf); err != nil {
		return nil, err
	}
	return j.cfg.writeInputsTo(filepath.Join(j.cfg.Lake, "inputs"), set, j.asOf, closed)
}

// writeInputsTo writes the tables of the configuration, with these rules in force.
func (c *config) writeInputsTo(folder string, set *rules.Set, asOf time.Time, closed []closedMonth) ([]transform.Input, error) {
	rows, err := c.inputRows(set, asOf, closed)
	if err != nil {
		return nil, err
	}
	inputs := transform.Configuration()
	for i, in := range inputs {
		inputs[i].Path = filepath.Join(folder, in.Name+".csv")
		if err := writeInput(inputs[i], rows[in.Name]); err != nil {
			return nil, fmt.Errorf("input %s: %w", in.Name, err)
		}
	}
	return inputs, nil
}

// inputRows are the rows of each table of the configuration.
func (c *config) inputRows(set *rules.Set, asOf time.Time, closed []closedMonth) (map[string][][]string, error) {
	rows, err := ruleRows(set, closedRules(closed))
	if err != nil {
		return nil, err
	}
	rows["run_context"] = [][]string{{asOf.Format(time.DateOnly), version, c.digest(set), strconv.Itoa(c.Periods.LateDays), strconv.Itoa(c.Periods.History)}}
	rows["account"] = c.accountRows()
	rows["period_close"] = periodCloseRows(closed)
	return rows, nil
}

func (c *config) accountRows() [][]string {
	rows := make([][]string, len(c.Accounts))
	for i, a := range c.Accounts {
		rows[i] = []string{a.Name, a.Scope, a.Agreement}
	}
	return rows
}

// digest identifies what of the configuration shapes the tables. Folders and limits
// do not, so the same bill makes the same tables on every machine.
func (c *config) digest(set *rules.Set) string {
	text, err := json.Marshal(struct {
		Accounts [][]string
		Periods  periodConfig
		Rules    string
	}{c.accountRows(), c.Periods, set.Digest()})
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func writeInput(in transform.Input, rows [][]string) error {
	var text bytes.Buffer
	header := make([]string, len(in.Columns))
	for i, c := range in.Columns {
		header[i] = c.Name
	}
	writeLine(&text, header)
	for _, row := range rows {
		fields := make([]string, len(row))
		for i, field := range row {
			fields[i] = inputField(in.Name+"."+in.Columns[i].Name, field)
		}
		writeLine(&text, fields)
	}
	return replaceFile(in.Path, text.Bytes())
}

func writeLine(text *bytes.Buffer, fields []string) {
	text.WriteString(strings.Join(fields, ",") + "\n")
}

// texts are the columns of configuration in which an empty text means something; in the
// others nothing is null.
var texts = []string{
	"rule_set.BillingPeriod", "tag_value.Spelling", "tag_value.TagValue", "inherited_tag.ResourceGroup", "inherited_tag.TagValue", "tag_policy.TagKey",
	"allocation_rule.SourceOwner", "allocation_filter.Pattern", "allocation_target.Month", "allocation_policy.CostOwner",
	"allocation_markup.CostOwner", "allocation_markup.ServiceName",
	"allocation_rate.MeterId", "allocation_rate.ServiceName", "allocation_rate.SkuMeter", "allocation_rate.PricingUnit",
}

// inputField writes a field so that nothing is null and "" the empty text.
func inputField(column, value string) string {
	if value == "" && slices.Contains(texts, column) || strings.ContainsAny(value, ",\"\r\n ") {
		return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
	}
	return value
}
