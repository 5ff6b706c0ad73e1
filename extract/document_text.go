package extract

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ledongthuc/pdf"
)

// The text of a printed invoice is read to hold its total against the API's amount.
//
// A document may be damaged, scanned, locked or made to do harm. Reading one never fails: what
// cannot be read is a result, with a reason. The reader used here recovers from most damage by
// panicking; what it asks of the file, how long it takes and how much it unpacks is bounded.

// documentText is the text of a document in lines from top to bottom.
type documentText struct {
	Pages  int
	Lines  []string
	Reason string // why there is no text; "" with text
}

const (
	maxDocument     = 32 << 20         // bytes of a file worth reading
	maxDocumentText = 16 << 20         // bytes of unpacked page content
	maxDocumentRead = 512 << 20        // bytes asked of the file: objects are looked up again and again
	maxPagesRead    = 50               // the total stands on the first page, or the last of a long list
	readingPatience = 10 * time.Second // after which a document is called unreadable
)

// readText reads a document's text.
func readText(file []byte) documentText {
	if reason := refuseDocument(file); reason != "" {
		return documentText{Reason: reason}
	}
	done := make(chan documentText, 1)
	go func() { done <- guardedText(file, time.Now().Add(readingPatience)) }()
	select {
	case text := <-done:
		return text
	case <-time.After(readingPatience + time.Second): // the file is asked for nothing any more, so nothing stops the reader
		return documentText{Reason: "reading its text took too long"}
	}
}

var (
	// hugeNumber is a size for which the reader would reserve memory before it looks for what is there.
	hugeNumber = regexp.MustCompile(`/(?:Size|Index|Columns|First|N|W|Count)\s*\[?[\s\d]*[1-9]\d{7}`)
	hugeTable  = regexp.MustCompile(`[\r\n]\s*0*[1-9]\d{7,}\s+\d+\s*[\r\n]`)
)

// refuseDocument says why a file is not worth reading; "" if it is.
func refuseDocument(file []byte) string {
	head := string(file[:min(len(file), 8)])
	switch {
	case len(file) == 0:
		return "it is empty"
	case len(file) > maxDocument:
		return fmt.Sprintf("it is larger than %d MB", maxDocument>>20)
	case strings.HasPrefix(head, "PK"):
		return "it is a ZIP archive, not a PDF"
	case !strings.HasPrefix(head, "%PDF-"):
		return "it is not a PDF"
	case hugeNumber.Match(file), hugeTable.Match(file):
		return "it is damaged: it speaks of more objects than it can have"
	}
	return ""
}

// boundedFile is a file that may be asked for so much and so long, and panics beyond that: what
// goes in circles inside the reader comes by here. It panics with a runtime error because the
// reader goes on after others.
type boundedFile struct {
	*strings.Reader
	left     int64
	deadline time.Time
}

type unboundedError struct{}

func (unboundedError) Error() string { return "it goes in circles" }
func (unboundedError) RuntimeError() {}

func (f *boundedFile) ReadAt(p []byte, off int64) (int, error) {
	if f.left -= int64(len(p)); f.left < 0 || time.Now().After(f.deadline) {
		panic(unboundedError{})
	}
	return f.Reader.ReadAt(p, off)
}

// guardedText turns whatever goes wrong inside the reader into a reason.
func guardedText(file []byte, deadline time.Time) (text documentText) {
	defer func() {
		if p := recover(); p != nil {
			text = documentText{Pages: text.Pages, Reason: "it is damaged: " + shorten(fmt.Sprint(p), 100)}
		}
	}()
	r, err := pdf.NewReader(&boundedFile{strings.NewReader(string(file)), maxDocumentRead, deadline}, int64(len(file)))
	if errors.Is(err, pdf.ErrInvalidPassword) {
		return documentText{Reason: "it is locked with a password"}
	}
	if err != nil {
		return documentText{Reason: "it is damaged: " + shorten(err.Error(), 100)}
	}
	text.Pages = max(0, r.NumPage())
	left := int64(maxDocumentText)
	for n := 1; n <= min(text.Pages, maxPagesRead); n++ {
		page := r.Page(n)
		if page.V.IsNull() {
			break
		}
		if left -= unpackedSize(page, left); left <= 0 {
			return documentText{Pages: text.Pages, Reason: "its pages are larger than a text can be"}
		}
		text.Lines = append(text.Lines, pageLines(page.Content().Text)...)
	}
	if len(text.Lines) == 0 {
		text.Reason = "it has no text: it is a picture"
	}
	return text
}

// unpackedSize is how many bytes a page's content and its fonts' tables unpack to, counted up
// to most. What packs millions of times over is so found before it is taken into memory.
func unpackedSize(page pdf.Page, most int64) int64 {
	var size int64
	count := func(v pdf.Value) {
		if v.Kind() == pdf.Stream && size <= most {
			n, _ := io.Copy(io.Discard, io.LimitReader(v.Reader(), most-size+1)) // what is damaged is found when it is read
			size += n
		}
	}
	contents := page.V.Key("Contents")
	count(contents)
	for i := range min(contents.Len(), 1000) {
		count(contents.Index(i))
	}
	for _, name := range page.Fonts() {
		count(page.Font(name).V.Key("ToUnicode"))
	}
	return size
}

// pageLines puts the letters of a page together to lines: those at one height, from left to
// right, with a blank where there is a gap.
func pageLines(letters []pdf.Text) []string {
	letters = slices.DeleteFunc(slices.Clone(letters), func(t pdf.Text) bool { return t.S == "\n" || t.X != t.X || t.Y != t.Y })
	slices.SortStableFunc(letters, func(a, b pdf.Text) int { return cmp.Compare(b.Y, a.Y) })
	var lines []string
	for from := 0; from < len(letters); {
		to := from + 1
		for to < len(letters) && letters[from].Y-letters[to].Y < max(2, letters[from].FontSize/3) {
			to++
		}
		if line := strings.Join(strings.Fields(lineOf(letters[from:to])), " "); line != "" {
			lines = append(lines, line)
		}
		from = to
	}
	return lines
}

func lineOf(letters []pdf.Text) string {
	slices.SortStableFunc(letters, func(a, b pdf.Text) int { return cmp.Compare(a.X, b.X) })
	var b strings.Builder
	for i, t := range letters {
		if i > 0 {
			before := letters[i-1]
			if gap := t.X - before.X - before.W; t.X != before.X && gap > max(1, before.FontSize)/5 {
				b.WriteByte(' ')
			}
		}
		b.WriteString(t.S)
	}
	return b.String()
}
