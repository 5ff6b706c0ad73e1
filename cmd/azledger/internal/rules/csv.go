package rules

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// record is a line of a CSV file, by column.
type record struct {
	line   int
	fields map[string]string
}

func (r record) get(column string) string { return r.fields[column] }

// readCSV reads a file with a header whose columns may stand in any order and, but for the
// needed ones, be left out. Fields are trimmed. The byte order mark spreadsheets put before
// UTF-8 means nothing and is passed over.
func readCSV(file string, text []byte, columns, needed []string) ([]record, Problems) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if p := unreadable(file, text); p != nil {
		return nil, Problems{*p}
	}
	lines := csv.NewReader(bytes.NewReader(text))
	lines.TrimLeadingSpace = true
	lines.FieldsPerRecord = -1
	header, err := lines.Read()
	if err != nil {
		return nil, Problems{unreadLine(file, err)}
	}
	if p := checkHeader(file, header, columns, needed); len(p) > 0 {
		return nil, p
	}
	return readLines(file, lines, header)
}

func readLines(file string, lines *csv.Reader, header []string) (records []record, problems Problems) {
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return records, problems
		}
		if err != nil {
			return records, append(problems, unreadLine(file, err))
		}
		line, _ := lines.FieldPos(0)
		if len(fields) != len(header) {
			problems = append(problems, Problem{File: file, Line: line, Text: fmt.Sprintf("the header has %d fields, the line %d; put a field that holds a comma in quotes", len(header), len(fields))})
			continue
		}
		r := record{line, map[string]string{}}
		for i, name := range header {
			r.fields[name] = strings.TrimSpace(fields[i])
		}
		records = append(records, r)
	}
}

const saveAs = `save the file as "CSV UTF-8 (comma delimited)"`

// unreadable finds what is no CSV of ours at all: other encodings, other separators.
func unreadable(file string, text []byte) *Problem {
	if p := otherEncoding(file, text, saveAs); p != nil {
		return p
	}
	first, _, _ := strings.Cut(string(text), "\n")
	for _, separator := range []struct{ sign, name string }{{";", "semicolons"}, {"\t", "tabs"}} {
		if strings.Contains(first, separator.sign) && !strings.Contains(first, ",") {
			return &Problem{File: file, Line: 1, Text: "fields are separated by " + separator.name + "; " + saveAs + ", or put commas between the fields"}
		}
	}
	return nil
}

// otherEncoding finds text that is not UTF-8.
func otherEncoding(file string, text []byte, advice string) *Problem {
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		return &Problem{File: file, Line: 1, Text: "the file begins with a byte order mark of UTF-16; " + advice}
	}
	for number, line := range bytes.Split(text, []byte("\n")) {
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			return &Problem{File: file, Line: number + 1, Text: "the line is not UTF-8 text; " + advice}
		}
	}
	return nil
}

func unreadLine(file string, err error) Problem {
	var at *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return Problem{File: file, Line: 1, Text: "there is no header line"}
	case errors.As(err, &at):
		return Problem{File: file, Line: at.Line, Column: at.Column, Text: at.Err.Error()}
	}
	return Problem{File: file, Text: err.Error()}
}

func checkHeader(file string, header, columns, needed []string) (problems Problems) {
	wrong := func(format string, args ...any) {
		problems = append(problems, Problem{File: file, Line: 1, Text: fmt.Sprintf(format, args...)})
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		switch {
		case !slices.Contains(columns, header[i]):
			wrong("unknown column %q; known: %s", header[i], strings.Join(columns, ", "))
		case slices.Contains(header[:i], header[i]):
			wrong("the column %s stands twice", header[i])
		}
	}
	for _, name := range needed {
		if !slices.Contains(header, name) {
			wrong("no column %s", name)
		}
	}
	return problems
}

// checkSpan finds what is wrong with the days of a line.
func (r record) checkSpan(file string) (problems Problems) {
	for _, column := range []string{"ValidFrom", "ValidTo"} {
		if day := r.get(column); day != "" && !isDay(day) {
			problems = append(problems, Problem{File: file, Line: r.line, Text: fmt.Sprintf("%s %q: want a day such as 2026-10-31", column, day)})
		}
	}
	from, to := r.get("ValidFrom"), r.get("ValidTo")
	if len(problems) == 0 && from != "" && to != "" && to < from {
		problems = append(problems, Problem{File: file, Line: r.line, Text: fmt.Sprintf("ValidTo %s is before ValidFrom %s", to, from)})
	}
	return problems
}
