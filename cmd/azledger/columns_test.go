package main

import (
	"maps"
	"testing"

	"github.com/azledger/azledger/extract"
	"github.com/azledger/azledger/sql"
	"github.com/azledger/azledger/transform"
)

// What extract lands and what staging reads are written down on either side of the
// lake. Nothing but this test holds them together.
func TestStagingReadsWhatExtractLands(t *testing.T) {
	landed := landedColumns()
	models, err := transform.Load(sql.FS)
	if err != nil {
		t.Fatal(err)
	}
	inputs := 0
	for _, m := range models {
		for _, read := range m.Reads {
			columns, isRaw := landed[read]
			if !isRaw {
				continue
			}
			for _, in := range m.Inputs {
				inputs++
				if got, ok := columns[in.Name]; !ok {
					t.Errorf("%s reads %s.%s, which extract does not land", m.Path, read, in.Name)
				} else if got != in.Type {
					t.Errorf("%s reads %s.%s as %s, but extract lands %s", m.Path, read, in.Name, in.Type, got)
				}
			}
		}
	}
	if inputs == 0 {
		t.Error("no staging model declares an input")
	}
}

func TestEverySourceIsRead(t *testing.T) {
	models, err := transform.Load(sql.FS)
	if err != nil {
		t.Fatal(err)
	}
	unread := maps.Clone(landedColumns())
	for _, m := range models {
		for _, read := range m.Reads {
			delete(unread, read)
		}
	}
	for raw := range unread {
		t.Errorf("no model reads %s", raw)
	}
}

// landedColumns are the SQL types of each raw relation's columns.
func landedColumns() map[string]map[string]string {
	types := map[extract.Type]string{
		extract.Text: "varchar", extract.JSONText: "varchar", extract.Tags: "varchar", extract.Decimal: "decimal(38, 18)",
		extract.Date: "date", extract.Instant: "timestamp", extract.Bool: "boolean", extract.Int: "bigint",
	}
	landed := map[string]map[string]string{}
	for _, s := range extract.Sources() {
		columns := map[string]string{"_extra": "varchar", "_tags_raw": "varchar"}
		for _, c := range s.Columns {
			columns[c.Name] = types[c.Type]
		}
		landed["raw_"+s.Name] = columns
	}
	return landed
}
