package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/azledger/azledger/sql"
	"github.com/azledger/azledger/transform"
)

// told is what explain says for programs.
type told struct {
	Table      string
	Count      int64
	Rows       []map[string]any
	Matches    bool
	Recomputed []struct{ Column, Currency, Published, From, Recomputed string }
	Steps      []struct {
		Table    string
		LookedUp bool `json:"looked_up"`
		Count    int64
		Rows     []map[string]any
		Pages    []struct {
			File, URL, Run, Fetched string
			SHA256                  string
			Page, Rows              int64
			RequestID               string `json:"request_id"`
			Served                  string `json:"served_sha256"`
		}
	}
}

func (l ledger) explain(args ...string) told {
	l.t.Helper()
	out, _ := l.run(0, append([]string{"explain", "--format", "json"}, args...)...)
	var answer told
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		l.t.Fatalf("explain %v: %v\n%s", args, err, out)
	}
	return answer
}

// pages are the raw pages that the rows were made of.
func (a told) pages() (pages int) {
	for _, s := range a.Steps {
		if !s.LookedUp {
			pages += len(s.Pages)
		}
	}
	return pages
}

// hasCharges says whether the row is made of any: a month may have only what the month before had.
func (a told) hasCharges() bool { return a.Rows[0]["ChargeCount"] != float64(0) }

// ofNoRecord are tables about the lake and the run rather than about records of Azure.
var ofNoRecord = []string{"data_quality", "run", "source_completeness"}

// Rows of every published table, taken by chance, come out as they are published: from the rows they
// were made of and from the model's own query.
func (e enterprise) everyTableIsExplained(t *testing.T) {
	models, err := transform.Load(sql.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models {
		if m.Published() {
			t.Run(m.Name, func(t *testing.T) { e.on(t).explainSome(m) })
		}
	}
}

func (l ledger) explainSome(m *transform.Model) {
	l.t.Helper()
	var grain []string
	for _, g := range m.Grain {
		grain = append(grain, fmt.Sprintf("cast(%q as varchar)", g))
	}
	for _, row := range l.rows(fmt.Sprintf("select %s from %s order by md5(concat_ws('|', %[1]s)) limit 2", strings.Join(grain, ", "), m.Name)) {
		args := []string{m.Name}
		for i, g := range m.Grain {
			args = append(args, g+"="+row[i])
		}
		answer := l.explain(args...)
		if answer.Count != 1 || !answer.Matches {
			l.t.Errorf("explain %v: %d rows, matches %v: %v", args, answer.Count, answer.Matches, answer.Recomputed)
		}
		if answer.pages() == 0 && answer.hasCharges() && !slices.Contains(ofNoRecord, m.Name) {
			l.t.Errorf("explain %v leads to no raw page: %v", args, answer.steps())
		}
	}
}

func (a told) steps() (names []string) {
	for _, s := range a.Steps {
		names = append(names, fmt.Sprintf("%s %d", s.Table, s.Count))
	}
	return names
}

func TestExplain(t *testing.T) {
	e := newEnterprise(t, 3, 1500)
	e.run(0, "run", "--as-of", "2026-11-22")
	t.Run("every table", e.everyTableIsExplained)
}
