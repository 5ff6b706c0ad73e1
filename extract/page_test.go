package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// walkAll collects the pages of a walk up to its end or its first error.
func walkAll(ctx context.Context, c *Client, first request, resume cursor) (pages []page, err error) {
	for p, err := range c.pages(ctx, first, resume, linkBelow) {
		if err != nil {
			return pages, err
		}
		pages = append(pages, p)
	}
	return pages, nil
}

// serveList serves bodies by path and query, exactly as asked for.
func serveList(asked *[]string, bodies map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.RequestURI)
		body, ok := bodies[r.RequestURI]
		if !ok {
			w.WriteHeader(404)
			return
		}
		io.WriteString(w, strings.ReplaceAll(body, "HOST", "http://"+r.Host))
	}
}

func TestLinksAreFollowedAsServed(t *testing.T) {
	var asked []string
	c, _ := newTestClient(t, ClientOptions{}, serveList(&asked, map[string]string{
		"/billingAccounts/a%3Ab:c/invoices?api-version=1":                                                       `{"value":[{"id":1}],"nextLink":"/billingAccounts/a%3Ab:c/invoices?$skiptoken=L2F%3D%3D&$top=50&periodStartDate=2000-01-01 00:00:00Z"}`,
		"/billingAccounts/a%3Ab:c/invoices?$skiptoken=L2F%3D%3D&$top=50&periodStartDate=2000-01-01%2000:00:00Z": `{"value":[{"id":2}],"nextLink":"HOST/x?$skiptoken=a%2fb+c%20d==&id='q'&f=é"}`,
		"/x?$skiptoken=a%2fb+c%20d==&id='q'&f=%C3%A9":                                                           `{"value":[{"id":3}],"nextLink":"?skip=3&note=100% {x}"}`,
		"/x?skip=3&note=100%25%20%7Bx%7D":                                                                       `{"value":[{"id":4}],"nextLink":""}`,
	}))
	pages, err := walkAll(t.Context(), c, request{URL: "/billingAccounts/a%3Ab:c/invoices?api-version=1"}, cursor{})
	if err != nil {
		t.Fatalf("%v; asked %q", err, asked)
	}
	want := []string{
		"/billingAccounts/a%3Ab:c/invoices?api-version=1",
		"/billingAccounts/a%3Ab:c/invoices?$skiptoken=L2F%3D%3D&$top=50&periodStartDate=2000-01-01%2000:00:00Z",
		"/x?$skiptoken=a%2fb+c%20d==&id='q'&f=%C3%A9",
		"/x?skip=3&note=100%25%20%7Bx%7D",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
	for i, p := range pages {
		if p.Number != i+1 || p.URL != c.base.String()+want[i] || p.SHA256 == "" || p.At.IsZero() || (p.Next == "") != (i == 3) {
			t.Errorf("page %d: %+v", i+1, p)
		}
		if i > 0 && pages[i-1].Next != p.URL {
			t.Errorf("page %d: its link is %s, the one followed %s", i, pages[i-1].Next, p.URL)
		}
	}
}

func TestWalksThatMustEndInAnError(t *testing.T) {
	const first = "/list?p=1"
	for _, tc := range []struct {
		name   string
		bodies map[string]string
		want   string
		pages  int
	}{
		{"a link to itself", map[string]string{first: `{"value":[{"id":1}],"nextLink":"HOST/list?p=1"}`}, "leads back to page 1", 0},
		{"a circle", map[string]string{
			first:       `{"value":[{"id":1}],"nextLink":"HOST/list?p=2"}`,
			"/list?p=2": `{"value":[{"id":2}],"nextLink":"HOST/list?p=3"}`,
			"/list?p=3": `{"value":[{"id":3}],"nextLink":"HOST/list?p=2"}`,
		}, "leads back to page 2", 2},
		{"the same rows under another link", map[string]string{
			first:         `{"value":[{"id":1}],"nextLink":"HOST/list?p=2&x"}`,
			"/list?p=2&x": `{"value":[{"id":1}],"nextLink":"HOST/list?p=3\u0026y"}`,
		}, "same rows as page 1", 1},
		{"another host", map[string]string{first: `{"value":[{"id":1}],"nextLink":"https://evil.example/list?p=2"}`}, "another host", 0},
		{"another scheme", map[string]string{first: `{"value":[{"id":1}],"nextLink":"https://127.0.0.1/list?p=2"}`}, "another host", 0},
		{"a link that is a number", map[string]string{first: `{"value":[],"nextLink":7}`}, "link to the next page", 0},
		{"a page that fails", map[string]string{first: `{"value":[{"id":1}],"nextLink":"HOST/list?p=2"}`}, "page 2: GET", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked []string
			c, _ := newTestClient(t, ClientOptions{}, serveList(&asked, tc.bodies))
			pages, err := walkAll(t.Context(), c, request{URL: first}, cursor{})
			if err == nil || !strings.Contains(err.Error(), tc.want) || len(pages) != tc.pages {
				t.Errorf("got %d pages and %v; want %d and %q", len(pages), err, tc.pages, tc.want)
			}
		})
	}
}

func TestEmptyPagesMayRepeat(t *testing.T) {
	var asked []string
	c, _ := newTestClient(t, ClientOptions{}, serveList(&asked, map[string]string{
		"/list": `{"value":[],"nextLink":"HOST/list?p=2"}`, "/list?p=2": `{"value":[],"nextLink":"HOST/list?p=3"}`, "/list?p=3": `{"value":[{"id":1}]}`,
	}))
	if pages, err := walkAll(t.Context(), c, request{URL: "/list"}, cursor{}); err != nil || len(pages) != 3 {
		t.Errorf("got %d pages, %v", len(pages), err)
	}
}

func TestListWithoutEndIsStopped(t *testing.T) {
	n := 0
	c, _ := newTestClient(t, ClientOptions{}, func(w http.ResponseWriter, r *http.Request) {
		n++
		fmt.Fprintf(w, `{"value":[{"id":%d}],"nextLink":"/list?p=%d"}`, n, n)
	})
	c.maxPages = 5
	pages, err := walkAll(t.Context(), c, request{URL: "/list"}, cursor{})
	if len(pages) != 5 || err == nil || !strings.Contains(err.Error(), "never ends") {
		t.Errorf("got %d pages, %v", len(pages), err)
	}
}

func TestNoContentIsAnEmptyList(t *testing.T) {
	c, _ := newTestClient(t, ClientOptions{}, answerWith(204, ""))
	pages, err := walkAll(t.Context(), c, request{URL: "/list"}, cursor{})
	if err != nil || len(pages) != 1 || len(pages[0].Body) != 0 {
		t.Errorf("got %v, %v", pages, err)
	}
}

func TestWalkResumes(t *testing.T) {
	var asked []string
	bodies := map[string]string{
		"/list?p=1": `{"value":[{"id":1}],"nextLink":"/list?p=2"}`, "/list?p=2": `{"value":[{"id":2}],"nextLink":"/list?p=3"}`, "/list?p=3": `{"value":[{"id":3}]}`,
	}
	c, _ := newTestClient(t, ClientOptions{}, serveList(&asked, bodies))
	var at cursor
	for p, err := range c.pages(t.Context(), request{URL: "/list?p=1"}, cursor{}, linkBelow) {
		if err != nil {
			t.Fatal(err)
		}
		at = cursor{}.after(pageLine{Number: p.Number, URL: p.URL, Next: p.Next, SHA256: p.SHA256, RowsHash: p.Rows})
		break // the run dies here
	}
	pages, err := walkAll(t.Context(), c, request{URL: "/list?p=1"}, at)
	if err != nil || len(pages) != 2 || pages[0].Number != 2 || pages[1].Number != 3 {
		t.Fatalf("got %+v, %v", pages, err)
	}
	if diff := cmp.Diff([]string{"/list?p=1", "/list?p=2", "/list?p=3"}, asked); diff != "" {
		t.Error(diff)
	}
	bodies["/list?p=2"] = `{"value":[{"id":1}],"nextLink":"/list?p=3"}`
	if _, err := walkAll(t.Context(), c, request{}, at); err == nil || !strings.Contains(err.Error(), "same rows as page 1") {
		t.Errorf("a page of before: got %v", err)
	}
	bodies["/list?p=2"] = `{"value":[{"id":2}],"nextLink":"/list?p=1"}`
	if _, err := walkAll(t.Context(), c, request{}, at); err == nil || !strings.Contains(err.Error(), "leads back to page 1") {
		t.Errorf("a link of before: got %v", err)
	}
}

func TestQueryPagesPostTheSameBody(t *testing.T) {
	var bodies []string
	c, _ := newTestClient(t, ClientOptions{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.Method+" "+string(body))
		if r.URL.RawQuery == "" {
			io.WriteString(w, `{"properties":{"nextLink":"/query?$skiptoken=2","columns":[{"name":"Cost"}],"rows":[[1,20180331]]}}`)
			return
		}
		io.WriteString(w, `{"properties":{"nextLink":null,"columns":[{"name":"Cost"}],"rows":[[2,20180401]]}}`)
	})
	pages, err := walkAll(t.Context(), c, request{API: queryAPI, Method: "POST", URL: "/query", Body: []byte(`{"type":"ActualCost"}`)}, cursor{})
	if err != nil || len(pages) != 2 {
		t.Fatalf("got %v, %v", pages, err)
	}
	if diff := cmp.Diff([]string{`POST {"type":"ActualCost"}`, `POST {"type":"ActualCost"}`}, bodies); diff != "" {
		t.Error(diff)
	}
}

func TestWalkHealsAndStops(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{}, inTurn(
		answerWith(429, "", "Retry-After", "7"), cutOff, answerWith(200, `{"value":[{"id":1}],"nextLink":"/list?p=2"}`),
		answerWith(503, ""), answerWith(200, `{"value":[{"id":2}]}`),
	))
	pages, err := walkAll(t.Context(), c, request{URL: "/list"}, cursor{})
	if err != nil || len(pages) != 2 || len(clock.slept) != 3 {
		t.Errorf("got %d pages after %v: %v", len(pages), clock.slept, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := walkAll(ctx, c, request{URL: "/list"}, cursor{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// playback plays real answers back over their own addresses, in the place of a
// transport.
type playback struct {
	t            *testing.T
	interactions []struct {
		Method, URL, Body string
		Status            int
	}
	played int
}

func (r *playback) Do(req *http.Request) (*http.Response, error) {
	if r.played == len(r.interactions) {
		return nil, fmt.Errorf("nothing recorded after %d requests", r.played)
	}
	next := r.interactions[r.played]
	r.played++
	want, err := url.Parse(next.URL)
	if err != nil {
		return nil, err
	}
	// The recording client escaped what it sent afresh, so the meaning is compared.
	if req.Method != next.Method || req.URL.Path != want.Path {
		r.t.Errorf("request %d: %s %s, want %s %s", r.played, req.Method, req.URL.Path, next.Method, want.Path)
	}
	if diff := cmp.Diff(want.Query(), req.URL.Query()); diff != "" {
		r.t.Errorf("request %d: %s", r.played, diff)
	}
	if strings.Contains(req.URL.RawQuery, " ") {
		r.t.Errorf("request %d: a space in %s", r.played, req.URL.RawQuery)
	}
	return &http.Response{StatusCode: next.Status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(next.Body)), ContentLength: -1, Request: req}, nil
}

func TestRecordedInvoiceListIsWalked(t *testing.T) {
	shared := os.Getenv("AZLEDGER_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	text, err := os.ReadFile(filepath.Join(shared, "data", "recordings", "azure-cli-2025", "billing", "test_invoice_list.json"))
	if err != nil {
		t.Skip("the recorded invoice list is not here: ", err)
	}
	played := &playback{t: t}
	if err := json.Unmarshal(text, &struct{ Interactions any }{&played.interactions}); err != nil {
		t.Fatal(err)
	}
	public, _ := CloudEndpoints("public")
	clock := &testClock{}
	c, err := NewClient(ClientOptions{Endpoints: public, Credential: &testToken{life: 1 << 40}, Transport: played, Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	c.sleep = clock.sleep
	pages, err := walkAll(t.Context(), c, request{API: billingAPI, URL: played.interactions[0].URL}, cursor{})
	if err != nil {
		t.Fatal(err)
	}
	invoices := map[string]bool{}
	for _, p := range pages {
		var list struct{ Value []struct{ ID string } }
		if err := json.Unmarshal(p.Body, &list); err != nil {
			t.Fatal(err)
		}
		for _, invoice := range list.Value {
			invoices[invoice.ID] = true
		}
	}
	if len(pages) != 4 || len(invoices) != 163 { // the first page says totalCount 163
		t.Errorf("got %d pages with %d invoices, want 4 with 163", len(pages), len(invoices))
	}
}

// linkBelow finds nextLink, at the top of a body or under properties, where price
// sheets, tags and queries keep it. Absent, null and "" all mean the end.
func linkBelow(body []byte) (string, error) {
	type level struct {
		NextLink   *string         `json:"nextLink"`
		Properties json.RawMessage `json:"properties"`
	}
	var top, below level
	if err := json.Unmarshal(body, &top); err != nil {
		return "", err
	}
	if top.NextLink == nil && len(top.Properties) > 0 && top.Properties[0] == '{' {
		if err := json.Unmarshal(top.Properties, &below); err != nil {
			return "", err
		}
		top = below
	}
	if top.NextLink == nil {
		return "", nil
	}
	return *top.NextLink, nil
}

// The last page repeats the first, which had a link: the same rows all the same.
func TestALastPageThatRepeatsIsRefused(t *testing.T) {
	for name, pages := range map[string][2]string{
		"link left out":   {`{"value":[{"a":1}],"nextLink":"%s/2"}`, `{"value":[{"a":1}]}`},
		"link first":      {`{"nextLink":"%s/2","value":[{"a":1}]}`, `{"value":[{"a":1}]}`},
		"link empty":      {`{"value":[{"a":1}],"nextLink":"%s/2"}`, `{"value":[{"a":1}],"nextLink":""}`},
		"link null":       {`{"value":[{"a":1}],"nextLink":"%s/2","count":1}`, `{"value":[{"a":1}],"nextLink":null,"count":1}`},
		"link in between": {`{"value":[{"a":1}],"nextLink":"%s/2","count":1}`, `{"value":[{"a":1}],"count":1}`},
		"in properties":   {`{"properties":{"nextLink":"%s/2","pricesheets":[{"a":1}]}}`, `{"properties":{"pricesheets":[{"a":1}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/2" {
					fmt.Fprint(w, pages[1])
					return
				}
				fmt.Fprintf(w, pages[0], "http://"+r.Host)
			}))
			defer s.Close()
			c, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: s.URL}})
			if err != nil {
				t.Fatal(err)
			}
			var last error
			for _, err := range c.pages(t.Context(), request{API: "consumption", URL: "/1"}, cursor{}, linkBelow) {
				last = err
			}
			if last == nil || !strings.Contains(last.Error(), "same rows as page 1") {
				t.Errorf("got error %v, want that page 2 holds the rows of page 1", last)
			}
		})
	}
}

// The link is searched by hand, because every byte served goes through the search. It
// finds what this expression finds, which says it in a line.
func TestLinkIsFoundAsAnExpressionFindsIt(t *testing.T) {
	member := regexp.MustCompile(`,?\s*"(?:nextLink|NextPageLink)"\s*:\s*(?:null|"(?:[^"\\]|\\.)*")\s*,?`)
	pieces := []string{
		`"nextLink"`, `"NextPageLink"`, `"nextlink"`, `Link"`, `"next`, `{`, `}`, `[`, `]`, `,`, `,`, `:`, `:`, ` `, "\t\r\n", `null`, `nul`,
		`"https://a/?b=\"c\""`, `"`, `\`, `"\\"`, `""`, `"a":1`, `é`, "\xff",
	}
	r := rand.New(rand.NewPCG(3, 5))
	for range 200_000 {
		var text []byte
		for range r.IntN(14) {
			text = append(text, pieces[r.IntN(len(pieces))]...)
		}
		want := member.FindIndex(text)
		if want == nil {
			want = []int{len(text), len(text)}
		}
		if from, to := linkMember(text); from != want[0] || to != want[1] {
			t.Fatalf("%q: found %d to %d, want %v", text, from, to, want)
		}
	}
}
