package extract

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// page is one page of a list.
type page struct {
	Number    int    // from 1
	URL       string // what was asked, whole: it may be followed again
	Body      []byte
	Next      string // address of the next page, absolute; "" on the last
	RequestID string
	At        time.Time
	SHA256    string // of Body
	Rows      string // hash of Body without its link: the same rows under another link give the same
}

// cursor is where a walk through pages stands. The zero cursor is at the start.
type cursor struct {
	Next   string   // address of the page to fetch next
	Number int      // its number
	Hashes []string // page.Rows (or page.SHA256) of the pages already seen
	Links  []string // their addresses
}

// after is the cursor behind a page that the journal has, too.
func (c cursor) after(l pageLine) cursor {
	return cursor{Next: l.Next, Number: l.Number + 1, Hashes: append(c.Hashes, l.RowsHash), Links: append(c.Links, l.URL)}
}

// pages walks through a list. The first request starts it, or lends its method,
// body and pace when resume stands further on; next finds the link to the next page
// in a body and returns "" at the end. A link that was followed before, a page
// served before, or a link to another host ends the walk with an error, and so does
// whatever [Client.do] returns: a walk that ends without one is whole.
func (c *Client) pages(ctx context.Context, first request, resume cursor, next func(body []byte) (string, error)) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		w := newWalk(c.at(first.Service), first, resume, next)
		for w.request.URL != "" {
			p, err := w.step(ctx)
			if err != nil {
				yield(page{}, err)
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// walk remembers what was seen.
type walk struct {
	client  *Client
	request request
	next    func(body []byte) (string, error)
	number  int
	links   map[string]int // page that each address led to
	hashes  map[string]int
}

func newWalk(c *Client, first request, resume cursor, next func([]byte) (string, error)) *walk {
	w := &walk{client: c, request: first, next: next, number: 1, links: map[string]int{}, hashes: map[string]int{}}
	if resume.Next != "" {
		w.request.URL, w.number = resume.Next, max(1, resume.Number)
	}
	for i, link := range resume.Links {
		if u, err := c.locate(link); err == nil { // written down as asked for, so perhaps relative
			link = u.String()
		}
		w.links[link] = i + 1
	}
	for i, hash := range resume.Hashes {
		w.hashes[hash] = i + 1
	}
	return w
}

// step fetches the page that w.request asks for and turns w to the one after.
func (w *walk) step(ctx context.Context) (page, error) {
	if w.number > w.client.maxPages {
		return page{}, fmt.Errorf("page %d: a list of more than %d pages is taken for one that never ends", w.number, w.client.maxPages)
	}
	answer, err := w.client.do(ctx, w.request)
	if err = w.client.unready(answer, err); err != nil {
		return page{}, fmt.Errorf("page %d: %w", w.number, err)
	}
	p := page{Number: w.number, URL: answer.URL, Body: answer.Body, RequestID: answer.RequestID, At: answer.At, SHA256: answer.SHA256}
	w.links[p.URL] = p.Number
	if err := w.turn(&p); err != nil {
		return page{}, fmt.Errorf("page %d (%s): %w", p.Number, redactURL(p.URL), err)
	}
	return p, nil
}

// unreadyError says that a page was answered with 202: what it is to hold has not been
// worked out yet. Its body is empty or an error, and is no page.
type unreadyError struct {
	url, said string
	told      time.Duration // how long to wait; 0 if Azure does not say
}

func (e *unreadyError) Error() string {
	return fmt.Sprintf("GET %s: Azure has not worked this out yet (202 %s)", e.url, e.said)
}

// unready is the error of a call, or an *unreadyError.
func (c *Client) unready(answer *response, err error) error {
	if e, ok := errors.AsType[*APIError](err); ok && e.Status == http.StatusAccepted {
		return &unreadyError{e.URL, strings.TrimSpace(e.Code + " " + e.Message), e.wait}
	}
	if err != nil || answer.Status != http.StatusAccepted {
		return err
	}
	told, _ := retryAfter(answer.Header, c.now())
	return &unreadyError{redactURL(answer.URL), short(answer.Body), told}
}

// turn finds the next page's address. 204 is an empty list.
func (w *walk) turn(p *page) error {
	w.request.URL = ""
	w.number++
	if len(p.Body) == 0 {
		return nil
	}
	link, err := w.next(p.Body)
	if err != nil {
		return fmt.Errorf("link to the next page: %w", err)
	}
	if err := w.remember(p); err != nil {
		return err
	}
	if strings.TrimSpace(link) == "" {
		return nil
	}
	from, err := url.Parse(p.URL)
	if err != nil {
		return reason(err)
	}
	to, err := w.client.follow(from, link)
	if err != nil {
		return err
	}
	p.Next = to.String()
	if before, ok := w.links[p.Next]; ok {
		return fmt.Errorf("its link leads back to page %d: the list goes in a circle", before)
	}
	w.request.URL = p.Next
	return nil
}

// someRows recognises a page that holds a record: [{…}] or [[…]]. Pages without any
// are alike and are served in the middle of lists too.
var someRows = regexp.MustCompile(`\[\s*[\[{]`)

// remember refuses a page whose rows came before, be it with another link below.
func (w *walk) remember(p *page) error {
	p.Rows = hashWithoutLink(p.Body)
	if !someRows.Match(p.Body) {
		return nil
	}
	for _, hash := range []string{p.Rows, p.SHA256} {
		if before, ok := w.hashes[hash]; ok {
			return fmt.Errorf("it holds the same rows as page %d: they would be counted twice", before)
		}
	}
	w.hashes[p.Rows], w.hashes[p.SHA256] = p.Number, p.Number
	return nil
}

// answerName is the id and name that a query's answer has of its own: new ones each time,
// whatever its rows. Lists have no such members before their records.
var answerName = regexp.MustCompile(`^\s*\{(?:\s*"(?:id|name|type|location|sku|eTag)"\s*:\s*(?:null|"(?:[^"\\]|\\.)*")\s*,)+`)

// hashWithoutLink is the hash of a body as if it had no link: the last page of a list
// has none, be it null, empty or left out, and may yet repeat one that had.
func hashWithoutLink(body []byte) string {
	sum := sha256.New()
	if name := answerName.Find(body); name != nil {
		sum.Write([]byte("{"))
		body = body[len(name):]
	}
	for {
		from, to := linkMember(body)
		sum.Write(body[:from])
		if from == to {
			return hex.EncodeToString(sum.Sum(nil))
		}
		if body[from] == ',' && body[to-1] == ',' {
			sum.Write([]byte(","))
		}
		body = body[to:]
	}
}

// linkMember is where the first nextLink, which retail prices call NextPageLink, stands in
// a text, with its value and the commas around it; without any it is the text's end. It is
// the search that every byte served goes through; a regular expression takes ten times as
// long as landing the rows.
func linkMember(text []byte) (from, to int) {
	for at := 0; ; at++ {
		key := bytes.Index(text[at:], []byte(`Link"`))
		if key < 0 {
			return len(text), len(text)
		}
		at += key
		for _, name := range []string{`"next`, `"NextPage`} {
			if head, ok := bytes.CutSuffix(text[:at], []byte(name)); ok {
				if n := lenOfValue(text[at+len(`Link"`):]); n > 0 {
					head = bytes.TrimRight(head, blanks)
					return len(bytes.TrimSuffix(head, []byte(","))), at + len(`Link"`) + n
				}
			}
		}
	}
}

const blanks = " \t\n\f\r"

// lenOfValue is how much of a text is a member's colon, its value, if that is null or a
// string, and a comma; 0 if it is anything else.
func lenOfValue(text []byte) int {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(text, blanks), []byte(":"))
	if !ok {
		return 0
	}
	rest = bytes.TrimLeft(rest, blanks)
	if after, null := bytes.CutPrefix(rest, []byte("null")); null {
		rest = after
	} else if n := lenOfString(rest); n > 0 {
		rest = rest[n:]
	} else {
		return 0
	}
	rest = bytes.TrimPrefix(bytes.TrimLeft(rest, blanks), []byte(","))
	return len(text) - len(rest)
}

// lenOfString is how much of a text is a JSON string, with its quotes; 0 for none.
func lenOfString(text []byte) int {
	if len(text) == 0 || text[0] != '"' {
		return 0
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return 0
}

// escapeForbidden escapes the bytes that may not stand in an address and nothing
// else. Azure sends such links: "…&periodStartDate=2000-01-01 00:00:00Z".
func escapeForbidden(link string) string {
	var b strings.Builder
	for i := range len(link) {
		c := link[i]
		switch {
		case c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0, c == '%' && !escapeAt(link[i:]):
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escapeAt tells whether s begins with a percent sign and two hex digits.
func escapeAt(s string) bool {
	if len(s) < 3 {
		return false
	}
	_, err := hex.DecodeString(s[1:3])
	return err == nil
}

// sameHost compares scheme, name and port; the port may be written or not.
func sameHost(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		if u.Port() == "" {
			return map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		return u.Port()
	}
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

// isLoopback tells whether an address is on this machine.
func isLoopback(u *url.URL) bool {
	if strings.EqualFold(u.Hostname(), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}
