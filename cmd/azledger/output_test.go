package main

import (
	"bytes"
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

func TestNoRows(t *testing.T) {
	for format, want := range map[string]string{"csv": "Name\n", "json": "[]\n", "table": "Name\n----\n"} {
		var out bytes.Buffer
		a := app{out: &out, format: format}
		if err := a.print(named("Name"), nil); err != nil || strings.ReplaceAll(out.String(), "------", "----") != want {
			t.Errorf("%s: got %q, %v; want %q", format, out.String(), err, want)
		}
	}
}

func TestPeriods(t *testing.T) {
	for text, want := range map[string]months{
		"": {}, "2026-09": {"2026-09", "2026-09"}, "2025-11..2026-02": {"2025-11", "2026-02"},
	} {
		if got, err := parseMonths(text); err != nil || got != want {
			t.Errorf("parseMonths(%s) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"2026", "2026-13", "2026-9", "202609", "2026-09..", "..2026-09", "2026-09..2026-08", "September"} {
		if got, err := parseMonths(text); err == nil || exitCode(t.Context(), err) != exitUsage {
			t.Errorf("parseMonths(%s) = %v, %v; want a usage error", text, got, err)
		}
	}
}
