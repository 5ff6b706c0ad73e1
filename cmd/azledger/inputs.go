package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/azledger/azledger/transform"
)

// writeInputs turns the configuration into tables. The SQL models see it in no other
// way: nothing is pasted into a query. Each table is a CSV file under <lake>/inputs,
// rewritten by every run and left alone when nothing changed.
func (j *job) writeInputs(closed []closedMonth) ([]transform.Input, error) {
	rows, err := j.cfg.inputRows(j.asOf)
	if err != nil {
		return nil, err
	}
	rows["period_close"] = periodCloseRows(closed)
	inputs := transform.Configuration()
	for i, in := range inputs {
		inputs[i].Path = filepath.Join(j.cfg.Lake, "inputs", in.Name+".csv")
		if err := writeInput(inputs[i], rows[in.Name]); err != nil {
			return nil, fmt.Errorf("input %s: %w", in.Name, err)
		}
	}
	return inputs, nil
}

// inputRows are the rows of each table of the configuration.
func (c *config) inputRows(asOf time.Time) (map[string][][]string, error) {
	rules, err := c.ownerRules()
	if err != nil {
		return nil, err
	}
	var tags [][]string
	for i, k := range c.Tags.Keys {
		tags = append(tags, []string{strconv.Itoa(i + 1), k})
	}
	return map[string][][]string{
		"run_context": {{asOf.Format(time.DateOnly), version, c.digest(rules), strconv.Itoa(c.Periods.LateDays), strconv.Itoa(c.Periods.History)}},
		"account":     c.accountRows(),
		"owner_rule":  rules,
		"owner_tag":   tags,
	}, nil
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
func (c *config) digest(rules [][]string) string {
	text, err := json.Marshal(struct {
		Accounts [][]string
		Periods  periodConfig
		Rules    [][]string
		Tags     []string
	}{c.accountRows(), c.Periods, rules, c.Tags.Keys})
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func writeInput(in transform.Input, rows [][]string) error {
	header := make([]string, len(in.Columns))
	for i, c := range in.Columns {
		header[i] = c.Name
	}
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(append([][]string{header}, rows...)); err != nil {
		return err
	}
	return replaceFile(in.Path, text.Bytes())
}

// replaceFile gives the file a new content, whole or not at all.
func replaceFile(path string, content []byte) error {
	if before, err := os.ReadFile(path); err == nil && bytes.Equal(before, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // it has another name by then if all went well
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Chmod(0o644)
	}
	if err == nil {
		err = temp.Sync()
	}
	if closing := temp.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
