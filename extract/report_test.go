package extract

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// reportAPI makes one report of three files. Its links carry the number of the answer
// that signed them, and only those of the last few answers are taken.
type reportAPI struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []string
	answers int
	files   []string
	expired int // links signed by answers up to this one are refused
	// respond answers instead, when it returns true.
	respond func(number int, w http.ResponseWriter, r *http.Request) bool
}

func newReportAPI(t *testing.T) *reportAPI {
	s := &reportAPI{files: []string{"Date,Cost\n2026-10-01,1\n", "\ufeffCost,Date\n2,2026-10-02\n3,2026-10-03\n", "Date,Cost\n2026-10-04,4\n"}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		if s.respond == nil || !s.respond(len(s.asked), w, r) {
			s.serve(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *reportAPI) serve(w http.ResponseWriter, r *http.Request) {
	var number, signed int
	switch {
	case r.Method == http.MethodPost:
		answerWith(202, "", "Location", "/operations/1?api-version=1")(w, r)
	case r.URL.Path == "/operations/1":
		answerWith(200, s.manifest(r.Host))(w, r)
	default:
		if n, err := fmt.Sscanf(r.URL.Path+" "+r.URL.RawQuery, "/blob/%d sig=%d", &number, &signed); n != 2 || err != nil || r.Header.Get("Authorization") != "" {
			answerWith(400, "unexpected")(w, r)
			return
		}
		if signed <= s.expired {
			answerWith(403, "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code></Error>")(w, r)
			return
		}
		answerWith(200, s.files[number-1])(w, r)
	}
}

func (s *reportAPI) manifest(host string) string {
	s.answers++
	var blobs []string
	total := 0
	for i, f := range s.files {
		total += len(f)
		blobs = append(blobs, fmt.Sprintf(`{"blobLink":"http://%s/blob/%d?sig=%d","byteCount":%d}`, host, i+1, s.answers, len(f)))
	}
	return fmt.Sprintf(`{"status":"Completed","manifest":{"blobCount":%d,"byteCount":%d,"blobs":[%s]},"validTill":"2026-11-22T00:00:00Z"}`, len(blobs), total, strings.Join(blobs, ","))
}

func (s *reportAPI) submits() (n int) {
	for _, a := range s.asked {
		if strings.HasPrefix(a, http.MethodPost) {
			n++
		}
	}
	return n
}

func (s *reportAPI) asks(path string) (n int) {
	for _, a := range s.asked {
		if a == path {
			n++
		}
	}
	return n
}

// fillReport runs a report into a fresh landing, as a run does, with a client of its own.
func fillReport(ctx context.Context, t *testing.T, s *reportAPI, dir string) (rows string, pages int64, err error) {
	t.Helper()
	c, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	clock := &testClock{at: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	c.sleep, c.now = clock.sleep, clock.now
	r, err := newRun(Options{Lake: dir, Client: c, Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	l := land(t, fileColumns())
	p := report{submit: request{Method: http.MethodPost, URL: "/generate?api-version=1", Body: []byte("{}")}, absent: notFound}
	pages, err = p.fill(ctx, r, Unit{Source: "s", Account: "a", Scope: "/x", Period: "2026-10", Dataset: "actual"}, l.landing, func(int64) {})
	if err != nil {
		return "", pages, err
	}
	_, got := readBack(t, l.done().File)
	for _, row := range got {
		rows += "[" + row["_page"] + " " + row["_row"] + " " + row["Date"] + " " + row["Cost"][:1] + "]"
	}
	return rows, pages, nil
}

const reportRows = "[1 1 2026-10-01 1][2 1 2026-10-02 2][2 2 2026-10-03 3][3 1 2026-10-04 4]"

func wantReport(t *testing.T, s *reportAPI, rows string, err error) {
	t.Helper()
	if err != nil || rows != reportRows {
		t.Errorf("got %s, %v", rows, err)
	}
	if s.submits() != 1 {
		t.Errorf("%d submits: %v", s.submits(), s.asked)
	}
}

func TestReportIsFetchedWhole(t *testing.T) {
	s := newReportAPI(t)
	rows, pages, err := fillReport(t.Context(), t, s, t.TempDir())
	wantReport(t, s, rows, err)
	if pages != 3 || len(s.asked) != 5 {
		t.Errorf("%d pages, asked %v", pages, s.asked)
	}
}

// Each call in turn is answered with each fault, once.
func TestReportSurvivesAFaultAtAnyCall(t *testing.T) {
	faults := map[string]http.HandlerFunc{
		"500":   answerWith(500, ""),
		"429":   answerWith(429, "", "Retry-After", "1"),
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte("Date"))
			panic(http.ErrAbortHandler)
		},
	}
	for name, fault := range faults {
		for call := 1; call <= 5; call++ {
			s := newReportAPI(t)
			s.respond = func(number int, w http.ResponseWriter, r *http.Request) bool {
				if number == call {
					fault(w, r)
				}
				return number == call
			}
			rows, _, err := fillReport(t.Context(), t, s, t.TempDir())
			if call == 1 { // it was refused, or nothing tells that it was accepted
				s.asked = s.asked[1:]
			}
			t.Run(fmt.Sprintf("%s at call %d", name, call), func(t *testing.T) { wantReport(t, s, rows, err) })
		}
	}
}

// A run that is stopped during any call leaves what the next one needs.
func TestReportIsResumedAfterAnyCall(t *testing.T) {
	for call := 2; call <= 5; call++ {
		t.Run(fmt.Sprint(call), func(t *testing.T) {
			s, dir := newReportAPI(t), t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			s.respond = func(number int, _ http.ResponseWriter, _ *http.Request) bool {
				if number == call {
					cancel()
				}
				return number == call
			}
			if _, _, err := fillReport(ctx, t, s, dir); err == nil {
				t.Fatal("the run was not stopped")
			}
			s.respond = nil
			rows, _, err := fillReport(t.Context(), t, s, dir)
			wantReport(t, s, rows, err)
			for n := 1; n < call-2; n++ {
				if got := s.asks(fmt.Sprintf("GET /blob/%d", n)); got != 1 {
					t.Errorf("file %d was fetched %d times", n, got)
				}
			}
		})
	}
}

func TestExpiredLinksAreSignedAnew(t *testing.T) {
	for number := 1; number <= 3; number++ {
		s := newReportAPI(t)
		s.respond = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
			if s.answers == 1 && r.URL.Path == fmt.Sprintf("/blob/%d", number) {
				s.expired = 1
			}
			return false
		}
		rows, _, err := fillReport(t.Context(), t, s, t.TempDir())
		wantReport(t, s, rows, err)
		if s.answers != 2 || number > 1 && s.asks("GET /blob/1") != 1 {
			t.Errorf("link %d: asked %v", number, s.asked)
		}
	}
}

func TestLinksThatStayExpiredFail(t *testing.T) {
	s := newReportAPI(t)
	s.expired = 1 << 30
	if _, _, err := fillReport(t.Context(), t, s, t.TempDir()); err == nil || !strings.Contains(err.Error(), "AuthenticationFailed") || !strings.Contains(err.Error(), "2026-11-22") {
		t.Errorf("got %v", err)
	}
	if s.submits() != 1 || s.answers != pageAttempts {
		t.Errorf("asked %v", s.asked)
	}
}

// When the links are signed anew and the report is another one, nothing of the first is kept.
func TestPartsOfTwoReportsAreNotMixed(t *testing.T) {
	s := newReportAPI(t)
	s.respond = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		if s.answers == 1 && r.URL.Path == "/blob/2" {
			s.expired = 1
			s.files = []string{"Date,Cost\n2026-10-01,77\n", "Date,Cost\n2026-10-02,8\n"}
		}
		return false
	}
	rows, _, err := fillReport(t.Context(), t, s, t.TempDir())
	if err != nil || rows != "[1 1 2026-10-01 7][2 1 2026-10-02 8]" {
		t.Errorf("got %s, %v", rows, err)
	}
}

func TestReportThatDoesNotAddUpIsNotLanded(t *testing.T) {
	for name, spoil := range map[string]func(manifest map[string]any){
		"wrong byteCount":   func(m map[string]any) { blobsOf(m)[1].(map[string]any)["byteCount"] = 7; delete(m, "byteCount") },
		"missing partition": func(m map[string]any) { m["blobs"] = blobsOf(m)[:2] },
		"wrong sum":         func(m map[string]any) { m["byteCount"] = 1 },
		"no such file":      func(m map[string]any) { blobsOf(m)[1].(map[string]any)["blobLink"] = "/elsewhere" },
	} {
		for _, times := range []int{1, 1 << 30} {
			t.Run(fmt.Sprint(name, times), func(t *testing.T) {
				s := newReportAPI(t)
				s.respond = func(_ int, w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path != "/operations/1" || s.answers >= times {
						return false
					}
					var answer map[string]any
					if err := json.Unmarshal([]byte(s.manifest(r.Host)), &answer); err != nil {
						t.Error(err)
					}
					spoil(answer["manifest"].(map[string]any))
					text, _ := json.Marshal(answer)
					answerWith(200, string(text))(w, r)
					return true
				}
				rows, _, err := fillReport(t.Context(), t, s, t.TempDir())
				if times == 1 && name != "no such file" {
					wantReport(t, s, rows, err)
				} else if err == nil || s.submits() != 1 {
					t.Errorf("got %s after %d submits", rows, s.submits())
				}
			})
		}
	}
}

func blobsOf(manifest map[string]any) []any { return manifest["blobs"].([]any) }

func TestReportOfTheLastRunThatIsGoneIsAskedForAnew(t *testing.T) {
	s, dir := newReportAPI(t), t.TempDir()
	s.respond = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			answerWith(200, `{"status":"InProgress"}`)(w, r)
		}
		return r.Method == http.MethodGet
	}
	if _, _, err := fillReport(t.Context(), t, s, dir); err == nil || !strings.Contains(err.Error(), "timed out") {
		t.Fatalf("got %v", err)
	}
	s.respond = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		gone := r.Method == http.MethodGet && s.submits() == 1
		if gone {
			answerWith(404, `{"error":{"code":"NotFound","message":"no such operation"}}`)(w, r)
		}
		return gone
	}
	rows, _, err := fillReport(t.Context(), t, s, dir)
	if err != nil || rows != reportRows || s.submits() != 2 {
		t.Errorf("got %s, %v after %d submits", rows, err, s.submits())
	}
}

// What Azure gave up on is not asked about again by the next run, but for.
func TestFailedReportIsForgotten(t *testing.T) {
	for _, body := range []string{`{"status":"Failed","error":{"code":"X","message":"broke"}}`, `{"status":"TimedOut"}`} {
		s, dir := newReportAPI(t), t.TempDir()
		s.respond = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			failed := r.Method == http.MethodGet && s.submits() == 1
			if failed {
				answerWith(200, body)(w, r)
			}
			return failed
		}
		if _, _, err := fillReport(t.Context(), t, s, dir); err == nil || !strings.Contains(err.Error(), "could not make") {
			t.Fatalf("got %v", err)
		}
		if rows, _, err := fillReport(t.Context(), t, s, dir); err != nil || rows != reportRows || s.submits() != 2 {
			t.Errorf("got %s, %v after %d submits", rows, err, s.submits())
		}
	}
}

func TestReportOfNothingIsEmptyAndOneRefusedIsAbsent(t *testing.T) {
	for name, poll := range map[string]http.HandlerFunc{"204": answerWith(204, ""), "NoDataFound": answerWith(200, `{"status":"NoDataFound"}`)} {
		s := newReportAPI(t)
		s.respond = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				poll(w, r)
			}
			return r.Method == http.MethodGet
		}
		if rows, pages, err := fillReport(t.Context(), t, s, t.TempDir()); err != nil || rows != "" || pages != 0 {
			t.Errorf("%s: got %s, %d, %v", name, rows, pages, err)
		}
	}
	s := newReportAPI(t)
	s.respond = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		answerWith(404, `{"error":{"code":"NotFound"}}`)(w, r)
		return true
	}
	if _, _, err := fillReport(t.Context(), t, s, t.TempDir()); err == nil || !strings.Contains(err.Error(), errAbsent.Error()) {
		t.Errorf("got %v", err)
	}
	if diff := gocmp.Diff(1, len(slices.Compact(s.asked))); diff != "" {
		t.Error(diff)
	}
}
