package main

import (
	"go/build"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/azledger/azledger/"

// apart are packages that must not know each other, and why. Only this command
// knows them all.
var apart = []struct {
	pkg    string
	others []string
	why    string
}{
	{"extract", []string{"transform", "load", "sql", "extract/azuresim"}, "extract meets transform in the files of the lake, so that either can be run, replaced and tested alone"},
	{"transform", []string{"extract", "load", "extract/azuresim"}, "transform reads whatever stands in the lake, and leaves a set of files; models come to it as fs.FS, so that a test can bring its own"},
	{"transform", []string{"sql"}, "transform is given models, it does not choose them"},
	{"load", []string{"extract", "transform", "sql", "extract/azuresim"}, "load publishes any finished set of tables, whoever made it"},
	{"sql", []string{"extract", "transform", "load", "extract/azuresim"}, "models are text"},
	{"extract/azuresim", []string{"extract", "transform", "load", "sql"}, "the simulated Azure knows the truth independently; sharing code with what it tests would share its mistakes"},
}

func TestStagesDoNotKnowEachOther(t *testing.T) {
	for _, rule := range apart {
		for _, imported := range imports(t, rule.pkg) {
			if slices.Contains(rule.others, strings.TrimPrefix(imported, module)) {
				t.Errorf("%s imports %s: %s", rule.pkg, imported, rule.why)
			}
		}
	}
}

// imports are what a package and the packages below it import from this module; an
// exception would be as bad in a folder further down.
func imports(t *testing.T, pkg string) []string {
	t.Helper()
	var found []string
	seen := map[string]bool{}
	var visit func(string)
	visit = func(p string) {
		if seen[p] {
			return
		}
		seen[p] = true
		dir := filepath.Join("..", "..", filepath.FromSlash(strings.TrimPrefix(p, module)))
		parsed, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Fatalf("imports of %s: %v", p, err)
		}
		for _, i := range parsed.Imports {
			if strings.HasPrefix(i, module) {
				found = append(found, i)
				visit(i)
			}
		}
	}
	visit(module + pkg)
	return found
}
