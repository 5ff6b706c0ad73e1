package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestMoneyIsRoundedInDecimal(t *testing.T) {
	for amount, want := range map[string]string{
		"0":                         "0.00",
		"-0.004":                    "0.00",
		"0.005":                     "0.01",
		"1.005":                     "1.01", // 1.00 when it passes through a binary fraction
		"999.995":                   "1,000.00",
		"1234567.891":               "1,234,567.89",
		"-1234.5":                   "-1,234.50",
		"99999999999999999999.9949": "99,999,999,999,999,999,999.99",
		"not a number":              "not a number",
	} {
		if got := money(amount); got != want {
			t.Errorf("money(%s) = %s, want %s", amount, got, want)
		}
	}
}

func TestFormats(t *testing.T) {
	columns := []column{{name: "Name"}, {name: "Rows", number: true, bare: true}, {name: "Cost", number: true}}
	for format, want := range map[string]string{
		"csv":   "Name,Rows,Cost\n\"a, b\",1,1.500000000000000000\n,,-0.25\n",
		"json":  "[\n {\"Name\":\"a, b\",\"Rows\":1,\"Cost\":\"1.500000000000000000\"},\n {\"Name\":null,\"Rows\":null,\"Cost\":\"-0.25\"}\n]\n",
		"table": "Name  Rows                  Cost\n----------------------------------\na, b     1  1.500000000000000000\n-        -                 -0.25\n",
	} {
		var out bytes.Buffer
		p := formats[format](&out, columns)
		for i, row := range [][]string{{"a, b", "1", "1.500000000000000000"}, {"", "", "-0.25"}} {
			if err := p.row(row, []bool{i == 1, i == 1, false}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.close(); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%s: got\n%s\nwant\n%s", format, out.String(), want)
		}
	}
}

// What another program reads must be JSON whatever the engine answers, and exact.
func TestJSONOfWhatJSONLacks(t *testing.T) {
	question := `select 'nan'::double as a, '-inf'::double as b, 1.5::double as c, 170141183460469231731687303715884105727::hugeint as d,
		5::uhugeint as e, 1.50::decimal(9, 2) as f, true as g, 7::bigint as h, null::double as i, 1 as a, 2 as a, 3 as a_2`
	var out bytes.Buffer
	c := defaults()
	check(t, c.ask(t.Context(), nil, question, func(columns []column) printer { return newJSONPrinter(&out, columns) }))
	want := `{"a":"nan","b":"-inf","c":1.5,"d":"170141183460469231731687303715884105727","e":"5","f":"1.50","g":true,"h":7,"i":null,"a_3":1,"a_4":2,"a_2":3}`
	if got := strings.TrimSpace(strings.Trim(out.String(), "[]\n ")); got != want || !json.Valid(out.Bytes()) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestErrorsOfAQuestionAreInItsOwnLines(t *testing.T) {
	c := defaults()
	c.Limits.Memory = "20MB"
	for question, want := range map[string]string{
		"select *\nfrom nosuch": "azledger models lists the tables",
		"select 1,\n  nocolumn": "LINE 2:   nocolumn",
		"selec 1":               "LINE 1: selec 1",
		strings.Repeat("\n", 8) + "select nocolumn": "LINE  9: select nocolumn",
		"select list(x) from range(100000000) t(x)": "raise limits.memory (now 20MB) or lower limits.threads",
	} {
		err := c.ask(t.Context(), nil, question, func(columns []column) printer { return newJSONPrinter(&bytes.Buffer{}, columns) })
		if err == nil {
			t.Fatalf("%s: no error", question)
		}
		text := c.inOurWords(err).Error()
		if !strings.Contains(text, want) || strings.Contains(text, "pg_") || strings.Contains(text, "SET threads") {
			t.Errorf("%s: got %s\nwant %s", question, text, want)
		}
	}
}

func TestNoRows(t *testing.T) {
	for format, want := range map[string]string{"csv": "Name\n", "json": "[]\n", "table": "Name\n----\n"} {
		var out bytes.Buffer
		a := app{out: &out, format: format}
		if err := a.print([]column{{name: "Name"}}, nil); err != nil || strings.ReplaceAll(out.String(), "------", "----") != want {
			t.Errorf("%s: got %q, %v; want %q", format, out.String(), err, want)
		}
	}
}

func TestPeriods(t *testing.T) {
	for text, want := range map[string]months{
		"": {}, "2026-09": {"2026-09", "2026-09"}, "2025-11..2026-02": {"2025-11", "2026-02"},
	} {
		if got, err := parseMonths("--period", text); err != nil || got != want {
			t.Errorf("parseMonths(%s) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"2026", "2026-13", "2026-9", "202609", "2026-09..", "..2026-09", "2026-09..2026-08", "September"} {
		if got, err := parseMonths("--period", text); err == nil || exitCode(t.Context(), err) != exitUsage {
			t.Errorf("parseMonths(%s) = %v, %v; want a usage error", text, got, err)
		}
	}
}
