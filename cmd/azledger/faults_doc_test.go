package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every row of the table in docs/faults.md names tests, and every test that the page names is there.
func TestFaultsNameTheirTests(t *testing.T) {
	root := filepath.Join("..", "..")
	tests := map[string]bool{}
	for _, pattern := range []string{"*/*_test.go", "*/*/*_test.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests at %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
				tests[string(match[1])] = true
			}
		}
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	name, rows := regexp.MustCompile("`(Test\\w*)`"), 0
	for line := range strings.Lines(string(page)) {
		named := name.FindAllStringSubmatch(line, -1)
		for _, match := range named {
			if !tests[match[1]] {
				t.Errorf("docs/faults.md names %s, which is no test", match[1])
			}
		}
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| What goes wrong") {
			continue
		}
		rows++
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) != 3 || len(name.FindAllString(cells[2], -1)) == 0 {
			t.Errorf("a row is not of a fault, an outcome and tests: %s", line)
		}
	}
	if rows != 25 {
		t.Errorf("the table has %d faults, want 25", rows)
	}
}
