package extract

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The example payloads of Azure's REST specifications were written by the people who made
// the APIs. A source is proved on all of them for its operation: every record is put
// together again from its columns and _extra and compared with what was served.

// proven is what the proof of a source showed, for the log.
type proven struct {
	payloads, rows int
	extra          map[string]int // fields that no column holds, with how often they came
}

// proveExamples lands the bodies of example files, given as patterns below azure/examples,
// and holds the raw rows to the records served. Each pattern must match.
func proveExamples(t *testing.T, source string, shape jsonShape, patterns ...string) proven {
	t.Helper()
	p := proven{extra: map[string]int{}}
	for _, pattern := range patterns {
		files, err := filepath.Glob(sharedFolder(t, "azure", "examples") + "/" + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no example %s (%v)", pattern, err)
		}
		for _, file := range files {
			body := exampleBody(t, file)
			if body == nil {
				continue // 204, or an operation without an answer
			}
			p.payloads++
			p.rows += proveBody(t, filepath.Base(file), sourceNamed(t, source), shape, body, p.extra)
		}
	}
	t.Logf("%s: %d payloads, %d rows, in _extra: %v", source, p.payloads, p.rows, slices.Sorted(maps.Keys(p.extra)))
	return p
}

func sourceNamed(t *testing.T, name string) *Source {
	t.Helper()
	i := slices.IndexFunc(Sources(), func(s *Source) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("there is no source %s", name)
	}
	return Sources()[i]
}

// exampleBody is the body of an example's answer 200; nil if it has none.
func exampleBody(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var example struct {
		Responses map[string]struct{ Body json.RawMessage }
	}
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &example); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return example.Responses["200"].Body
}

// proveBody lands one body and compares its records with its rows.
func proveBody(t *testing.T, name string, s *Source, shape jsonShape, body []byte, extra map[string]int) (rows int) {
	t.Helper()
	l := land(t, s.Columns)
	if _, err := l.jsonPage(1, name, body, shape); err != nil {
		t.Errorf("%s: %v", name, err)
		return 0
	}
	done := l.done()
	served := servedRecords(t, body, shape)
	if done.Rejects != nil {
		_, rejects := readBack(t, done.Rejects)
		for _, r := range slices.Backward(rejects) {
			// Examples have days like February 30. Anything else is a fault of ours.
			if !strings.Contains(r["reason"], "is no date") {
				t.Errorf("%s: row %s is rejected: %s", name, r["_row"], r["reason"])
			}
			row, _ := strconv.Atoi(r["_row"])
			served = slices.Delete(served, row-1, row)
		}
	}
	_, got := readBack(t, done.File)
	if len(got) != len(served) {
		t.Fatalf("%s: %d rows, %d records served", name, len(got), len(served))
	}
	for i := range served {
		proveRecord(t, name, s.Columns, served[i], got[i], extra)
	}
	return len(served)
}

// servedRecords decodes the records of a body with their numbers as served. The rows of
// a table become records by the names of its columns.
func servedRecords(t *testing.T, body []byte, shape jsonShape) []map[string]any {
	t.Helper()
	document := decodeJSON(string(body))
	if shape.Rows == "" {
		return []map[string]any{document.(map[string]any)}
	}
	var columns []any
	if shape.Columns != "" {
		columns, _ = atPath(document, shape.Columns).([]any)
	}
	var all []map[string]any
	for _, r := range atPath(document, shape.Rows).([]any) {
		if shape.Columns == "" {
			all = append(all, r.(map[string]any))
			continue
		}
		named := map[string]any{}
		for i, value := range r.([]any) {
			named[columns[i].(map[string]any)["name"].(string)] = value
		}
		all = append(all, named)
	}
	return all
}

func atPath(document any, path string) any {
	if path == wholeArray {
		return document
	}
	for step := range strings.SplitSeq(path, ".") {
		object, _ := document.(map[string]any)
		document = object[step]
	}
	return document
}

// proveRecord walks through a record: what a column holds must be in the row under the
// column's name, what none holds in _extra, and nothing else may be there.
func proveRecord(t *testing.T, name string, columns []Column, served map[string]any, row record, extra map[string]int) {
	t.Helper()
	byPath := map[string]Column{}
	prefixes := map[string]bool{}
	for _, c := range columns {
		path := c.Path
		if path == "" {
			path = c.Name
		}
		byPath[path] = c
		for i := range path {
			if path[i] == '.' {
				prefixes[path[:i]] = true
			}
		}
	}
	left := maps.Clone(row)
	left.without("_page", "_row", "_extra", "_tags_raw", "_file", "_agreement")
	kept := map[string]any{}
	if text := row["_extra"]; text != "" {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&kept); err != nil {
			t.Fatalf("%s: _extra %s: %v", name, text, err)
		}
	}
	var walk func(prefix string, object map[string]any)
	walk = func(prefix string, object map[string]any) {
		for key, value := range object {
			path := strings.TrimPrefix(prefix+"."+key, ".")
			if value == nil || value == "" {
				continue
			}
			child, isObject := value.(map[string]any)
			if isObject && prefixes[path] {
				walk(path, child)
				continue
			}
			if c, ok := byPath[path]; ok {
				if got := row[c.Name]; !sameValue(c, value, got) && !roundedInto(kept[c.Name], value) {
					t.Errorf("%s: %s is %q, served %v", name, c.Name, got, value)
				}
				delete(left, c.Name)
				delete(kept, c.Name)
				continue
			}
			unknown := strings.ReplaceAll(strings.TrimPrefix(path, "properties."), ".", "_")
			if !equalJSON(kept[unknown], value) {
				t.Errorf("%s: _extra has %v for %s, served %v", name, kept[unknown], path, value)
			}
			delete(kept, unknown)
			extra[unknown]++
		}
	}
	walk("", served)
	if len(kept) > 0 || len(left) > 0 {
		t.Errorf("%s: not served: %v %v", name, kept, left)
	}
}

// roundedInto tells whether the digits as served stand in _extra, as they do for a number
// with more than 18 decimals.
func roundedInto(kept, served any) bool { return kept != nil && equalJSON(kept, served) }

func sameValue(c Column, served any, got string) bool {
	text, isText := served.(string)
	if number, ok := served.(json.Number); ok {
		text = number.String()
	}
	switch c.Type {
	case Decimal, Int:
		a, ok1 := new(big.Rat).SetString(strings.TrimSpace(text))
		b, ok2 := new(big.Rat).SetString(got)
		return ok1 && ok2 && a.Cmp(b) == 0
	case Date:
		return got == servedDay(text) || c.DatePart && strings.HasPrefix(text, got)
	case Instant:
		return sameInstant(text, got)
	case Bool:
		if b, ok := served.(bool); ok {
			return (got == "true") == b
		}
		return strings.EqualFold(text, got)
	case Tags, JSONText:
		if isText {
			return got == text || equalJSON(decodeJSON(got), decodeJSON(text))
		}
		return equalJSON(decodeJSON(got), served)
	}
	switch v := served.(type) {
	case bool:
		return got == map[bool]string{true: "true", false: "false"}[v]
	case map[string]any, []any:
		return equalJSON(decodeJSON(got), served)
	}
	return got == text
}

var servedLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.9999999", "2006-01-02T15:04:05", time.DateOnly, "01/02/2006", "20060102"}

func servedTime(text string) (time.Time, bool) {
	for _, layout := range servedLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

func servedDay(text string) string {
	at, ok := servedTime(text)
	if !ok {
		return "no date"
	}
	return at.Format(time.DateOnly)
}

func sameInstant(text, got string) bool {
	a, ok := servedTime(text)
	b, err := time.Parse(time.RFC3339Nano, strings.Replace(got, " ", "T", 1))
	return ok && err == nil && a.Truncate(time.Microsecond).Equal(b)
}

func decodeJSON(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// equalJSON compares values; numbers by what they mean.
func equalJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	if err1 == nil && err2 == nil && bytes.Equal(x, y) {
		return true
	}
	m, ok1 := new(big.Rat).SetString(string(x))
	n, ok2 := new(big.Rat).SetString(string(y))
	return ok1 && ok2 && m.Cmp(n) == 0
}

func TestExamplesOfFirstSources(t *testing.T) {
	value := jsonShape{Rows: "value", Next: "nextLink"}
	proveExamples(t, "usage_details", value, "consumption/*/UsageDetailsList*.json", "consumption/*/UsageDetailsExpand*.json")
	proveExamples(t, "marketplaces", value, "consumption/*/Marketplaces*.json")
	proveExamples(t, "budgets", value, "consumption/*/BudgetsList*.json")
	proveExamples(t, "balances", jsonShape{}, "consumption/*/Balances*.json")
	proveExamples(t, "price_sheet", jsonShape{Rows: "properties.pricesheets", Next: "properties.nextLink"}, "consumption/*/PriceSheet*.json")
	proveExamples(t, "reservation_summaries", value, "consumption/*/ReservationSummaries*.json")
	proveExamples(t, "reservation_details", value, "consumption/*/ReservationDetails*.json")
	proveExamples(t, "billing_periods", value, "billing/2018-03-01-preview/BillingPeriodsList.json", "billing/2017-04-24-preview/BillingPeriodsList.json")
	proveExamples(t, "invoices", value, "billing/2020-05-01/*InvoicesList*.json", "billing/2024-04-01-from-go-sdk/invoicesList*.json")
}
