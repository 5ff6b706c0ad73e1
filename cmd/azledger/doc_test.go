package main

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the manual's examples print into the manual")

// TestManual runs every "$ azledger …" of the package comment, in order, in one empty
// folder, and compares what it prints with what the manual says it prints.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	manual, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	examples := manualExamples(string(text))
	if len(examples) == 0 {
		t.Fatal("the manual has no examples")
	}
	t.Chdir(t.TempDir())
	for i, e := range examples {
		var out, errOut bytes.Buffer
		run(t.Context(), e.args, &out, &errOut)
		examples[i].got = strings.Split(strings.TrimSpace(out.String()), "\n")
		if !*update && !slices.Equal(examples[i].got, e.want) {
			t.Errorf("doc.go:%d: azledger %s\nprints\n%s\nthe manual says\n%s\nstderr: %s\nif that is right: go test -run TestManual -update",
				e.line, strings.Join(e.args, " "), strings.Join(examples[i].got, "\n"), strings.Join(e.want, "\n"), errOut.String())
		}
	}
	if *update {
		t.Chdir(manual)
		if err := os.WriteFile("doc.go", []byte(rewritten(string(text), examples)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// example is a command of the manual and the lines that stand under it.
type example struct {
	line int // of doc.go, from 1
	args []string
	want []string
	got  []string
}

// manualExamples are the indented lines that begin with "$ azledger ", each with the
// indented lines that follow it.
func manualExamples(text string) []example {
	var found []example
	open := false
	for i, line := range strings.Split(text, "\n") {
		code, indented := strings.CutPrefix(line, "\t")
		command, starts := strings.CutPrefix(code, "$ azledger ")
		switch {
		case indented && starts:
			found = append(found, example{line: i + 1, args: words(command)})
			open = true
		case open && (indented || line == ""):
			last := &found[len(found)-1]
			last.want = append(last.want, code)
		default:
			open = false
		}
	}
	for i := range found {
		for n := len(found[i].want); n > 0 && found[i].want[n-1] == ""; n-- {
			found[i].want = found[i].want[:n-1]
		}
	}
	return found
}

// rewritten is the manual with what its examples print.
func rewritten(text string, examples []example) string {
	lines := strings.Split(text, "\n")
	for _, e := range slices.Backward(examples) {
		var printed []string
		for _, line := range e.got {
			printed = append(printed, strings.TrimRight("\t"+line, "\t"))
		}
		lines = slices.Replace(lines, e.line, e.line+len(e.want), printed...)
	}
	return strings.Join(lines, "\n")
}

// words splits a command line as a shell does: at blanks outside of quotes.
func words(line string) []string {
	var found []string
	var word strings.Builder
	quote := rune(0)
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case quote == 0 && r == ' ':
			if word.Len() > 0 {
				found = append(found, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	return found
}
