package azuresim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// ThrottleHeaders are the headers in which Azure says how long to wait after a 429, in seconds.
var ThrottleHeaders = []string{
	"Retry-After",
	"x-ms-ratelimit-microsoft.consumption-retry-after",
	"x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after",
	"x-ms-ratelimit-microsoft.costmanagement-entity-retry-after",
	"x-ms-ratelimit-microsoft.costmanagement-tenant-retry-after",
	"x-ms-ratelimit-microsoft.costmanagement-client-retry-after",
	"x-ms-ratelimit-microsoft.costmanagement-clienttype-retry-after",
}

// A Fault is something that goes wrong on request. Kind is one of
//
//	429 500 502 503 504 401 403 …  that status with an ARM error body, also 202; Header adds headers, such as one of ThrottleHeaders
//	html            200 with a gateway's HTML page
//	empty           200 without a body
//	error_200       200 with an ARM error body
//	truncated_gzip  a compressed body that ends too early, under a Content-Length that agrees with it; no harm to
//	                clients that take no gzip
//	short           a body shorter than its Content-Length
//	reset           the connection reset half-way through the body
//	cut             a JSON body, or a file, that ends in the middle, under a Content-Length that agrees with it
//	lost            the request is served and its answer lost: the connection is reset before it begins
//	stuck           202 to a poll of a report that is made; in_progress: 200 that says it is not
//	failed          a report that could not be made; no_data: one of nothing
//	missing_part    an answer to a poll that lists a file less than it announces; wrong_bytes: a file a byte larger
//	expired         a signed link that has expired, and with it all that were signed before
//	loop            a nextLink to the page itself
//	repeat          the records of the page before under the link of this page; Nth counts from 2
//	other_host      a nextLink to another host
//	bad_values      in the first records: a cost of 1e700000000, a quantity "NaN", tags that are no object, a date left out
//	restated        the rows of Day change once Match has been served to its last page Nth times
//	late            a third of the rows of Day are withheld until then
//	unstable        every walk through retail prices loses other records, serves some twice, and has an order of its own
//	shrunken        a quarter of the retail prices is gone, in every walk the same
type Fault struct {
	Kind   string            `json:"kind"`
	Match  string            `json:"match"`  // part of the path and query, case-insensitive; empty matches all
	Nth    int               `json:"nth"`    // the first matching request to fail, from 1; 0 means 1
	Times  int               `json:"times"`  // how many fail from then on; 0 means 1, -1 all
	Header map[string]string `json:"header"` // for statuses
	// Account (ea or mca) and Day (2026-10-31) say what restated and late change.
	Account string `json:"account"`
	Day     string `json:"day"`
}

var bodyFaults = map[string]bool{
	"html": true, "empty": true, "error_200": true, "truncated_gzip": true, "short": true, "reset": true, "cut": true,
	"lost": true, "stuck": true, "in_progress": true, "failed": true, "no_data": true, "missing_part": true, "wrong_bytes": true, "expired": true,
	"loop": true, "repeat": true, "other_host": true, "bad_values": true, "restated": true, "late": true,
	"unstable": true, "shrunken": true,
}

type activeFault struct {
	Fault
	seen     int
	source   *activeFault // what this one only watches pages for
	mu       sync.Mutex
	previous json.RawMessage // records of the page before, for repeat
	a        *account
	day      int
}

// AddFault asks for a fault from now on.
func (e *Enterprise) AddFault(f Fault) error { return e.server.addFault(f) }

func (s *server) addFault(f Fault) error {
	active := &activeFault{Fault: f}
	if status, err := strconv.Atoi(f.Kind); !bodyFaults[f.Kind] && (err != nil || status != http.StatusAccepted && (status < 400 || status > 599)) {
		return fmt.Errorf("fault(%q): unknown kind", f.Kind)
	}
	if f.Nth == 0 {
		active.Nth = 1
		if f.Kind == "repeat" {
			active.Nth = 2
		}
	}
	if f.Times == 0 {
		active.Times = 1
	}
	if err := s.e.aim(active); err != nil {
		return fmt.Errorf("fault(%q): %w", f.Kind, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, active)
	return nil
}

// aim finds the day that a restating fault is about, and withholds late rows.
func (e *Enterprise) aim(f *activeFault) error {
	if f.Kind != "restated" && f.Kind != "late" {
		return nil
	}
	var err error
	if f.a, err = e.account(f.Account); err != nil {
		return err
	}
	if f.day, err = parseDay(f.Day); err != nil {
		return err
	}
	if f.Kind == "late" {
		e.setChange(f.a, f.day, change{hide: true})
	}
	return nil
}

func (f *activeFault) matches(r *http.Request) bool {
	text := r.URL.Path + "?" + r.URL.RawQuery
	return strings.Contains(strings.ToLower(text), strings.ToLower(f.Match))
}

// lasts tells that a fault changes what is served as long as it is there.
func (f *activeFault) lasts() bool { return f.Kind == "unstable" || f.Kind == "shrunken" }

// due counts a matching event and tells whether the fault strikes.
func (f *activeFault) due() bool {
	f.seen++
	return f.seen >= f.Nth && (f.Times < 0 || f.seen < f.Nth+f.Times)
}

// faultFor is the first fault that strikes a request, or nil.
func (s *server) faultFor(r *http.Request) *activeFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var strikes *activeFault
	for _, f := range s.faults {
		if f.a != nil || f.lasts() || !f.matches(r) {
			continue
		}
		if f.due() && strikes == nil {
			strikes = f
		} else if f.Kind == "repeat" && strikes == nil {
			strikes = &activeFault{source: f}
		}
	}
	return strikes
}

// served restates days after a complete serving.
func (s *server) served(r *http.Request) {
	s.mu.Lock()
	var due []*activeFault
	for _, f := range s.faults {
		if f.a != nil && f.matches(r) && f.due() {
			due = append(due, f)
		}
	}
	s.mu.Unlock()
	for _, f := range due {
		s.e.setChange(f.a, f.day, change{restate: f.Kind == "restated"})
	}
}

// refuseByFault is the answer of a status fault.
func (s *server) refuseByFault(f *activeFault) *answer {
	if f == nil {
		return nil
	}
	status, err := strconv.Atoi(f.Kind)
	if err != nil {
		return nil
	}
	code := map[int]string{
		401: "ExpiredAuthenticationToken", 403: "AuthorizationFailed", 404: "NotFound", 429: "429", 500: "InternalServerError",
		202: "ProcessingNotCompleted", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout",
	}[status]
	a := errorAnswer(refuse(status, code, "%s (simulated)", http.StatusText(status)))
	for name, value := range f.Header {
		a.header.Set(name, value)
	}
	return a
}

// change alters the answer to a request that the fault strikes.
func (f *activeFault) change(r *http.Request, a *answer) {
	if f == nil || a.status != http.StatusOK {
		return
	}
	switch f.Kind {
	case "":
		f.source.remember(a)
	case "html":
		a.body = []byte("<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>")
		a.header = http.Header{"Content-Type": {"text/html"}}
	case "empty":
		a.body = nil
	case "error_200":
		a.body = errorAnswer(refuse(200, "InternalServerError", "The server encountered an error (simulated).")).body
	case "cut":
		a.body = a.body[:len(a.body)*3/5]
	case "loop":
		a.body = setLink(a.body, "http://"+r.Host+r.URL.RequestURI())
	case "other_host":
		a.body = setLink(a.body, "https://management.azure.com.invalid"+r.URL.RequestURI())
	case "repeat":
		f.repeat(a)
	case "bad_values":
		a.body = spoil(a.body)
	default:
		f.changeReport(a)
	}
	if f.Kind == "html" || f.Kind == "empty" || f.Kind == "error_200" || f.Kind == "cut" {
		a.rows, a.last = 0, false
	}
}

// changeReport alters the answer to a poll.
func (f *activeFault) changeReport(a *answer) {
	switch f.Kind {
	case "stuck":
		a.status, a.body, a.rows = http.StatusAccepted, nil, 0
	case "in_progress":
		a.body, a.rows = encode(object{"status": "InProgress"}), 0
	case "failed":
		a.body, a.rows = encode(object{"status": "Failed", "error": object{"code": "ReportGenerationFailed", "message": "The report could not be generated (simulated)."}}), 0
	case "no_data":
		a.body, a.rows = encode(object{"status": "NoDataFound"}), 0
	case "missing_part", "wrong_bytes":
		a.body = spoilManifest(f.Kind, a.body)
	}
}

// spoilManifest makes a manifest disagree with itself or with its files. Answers without one stay as they are.
func spoilManifest(kind string, body []byte) []byte {
	whole := decodeObject(body)
	holder := whole
	if inner, ok := whole["properties"].(object); ok {
		holder = inner
	}
	manifest, ok := holder["manifest"].(object)
	if !ok {
		return body
	}
	blobs := manifest["blobs"].([]any)
	last := blobs[len(blobs)-1].(object)
	if kind == "missing_part" {
		manifest["blobs"] = blobs[:len(blobs)-1]
	} else {
		bytes, _ := last["byteCount"].(json.Number).Int64() // made here
		last["byteCount"] = bytes + 1
		delete(manifest, "byteCount")
	}
	return encode(whole)
}

func decodeObject(body []byte) object {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var o object
	_ = d.Decode(&o) // what is no object is none
	return o
}

// send writes the body, or as much of it as the fault lets through.
func (f *activeFault) send(w http.ResponseWriter, status int, body []byte) {
	kind := ""
	if f != nil {
		kind = f.Kind
	}
	if kind == "truncated_gzip" && w.Header().Get("Content-Encoding") == "gzip" {
		body = body[:len(body)*3/5]
	}
	if kind == "lost" {
		hangUp(w, true)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if kind != "short" && kind != "reset" {
		w.Write(body)
		return
	}
	w.Write(body[:len(body)/2])
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
	hangUp(w, kind == "reset")
}

// page is an answer taken apart as far as faults need it.
func page(body []byte) (whole, inner map[string]json.RawMessage) {
	if json.Unmarshal(body, &whole) != nil {
		return nil, nil
	}
	if _, ok := whole["Items"]; ok {
		return whole, nil // retail prices
	}
	if _, ok := whole["value"]; !ok && json.Unmarshal(whole["properties"], &inner) == nil {
		return whole, inner // a price sheet keeps its link inside properties
	}
	return whole, nil
}

func setLink(body []byte, link string) []byte {
	whole, inner := page(body)
	if whole == nil {
		return body
	}
	if inner != nil {
		inner["nextLink"] = encode(link)
		whole["properties"] = encode(inner)
	} else {
		whole[linkName(whole)] = encode(link)
	}
	return encode(whole)
}

// innerRecords is where a page with properties keeps its records: a price sheet, or the table of a query.
func innerRecords(inner map[string]json.RawMessage) string {
	if _, table := inner["rows"]; table {
		return "rows"
	}
	return "pricesheets"
}

// linkName and rowsName are what a page calls them.
func linkName(whole map[string]json.RawMessage) string {
	if _, ok := whole["Items"]; ok {
		return "NextPageLink"
	}
	return "nextLink"
}

func rowsName(whole map[string]json.RawMessage) string {
	if _, ok := whole["Items"]; ok {
		return "Items"
	}
	return "value"
}

// remember keeps the records of a page for the next.
func (f *activeFault) remember(a *answer) {
	whole, inner := page(a.body)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.previous = whole[rowsName(whole)]; inner != nil {
		f.previous = inner[innerRecords(inner)]
	}
}

// repeat puts the records of the page before in place of this page's.
func (f *activeFault) repeat(a *answer) {
	whole, inner := page(a.body)
	f.mu.Lock()
	defer f.mu.Unlock()
	if whole == nil || f.previous == nil {
		return
	}
	if inner != nil {
		inner[innerRecords(inner)] = f.previous
		whole["properties"] = encode(inner)
	} else {
		whole[rowsName(whole)] = f.previous
	}
	a.body = encode(whole)
}

// spoil puts values that are no values into the first four records.
func spoil(body []byte) []byte {
	whole, _ := page(body)
	var records []map[string]json.RawMessage
	if whole == nil || json.Unmarshal(whole["value"], &records) != nil {
		return body
	}
	for i := range records {
		var properties map[string]json.RawMessage
		if json.Unmarshal(records[i]["properties"], &properties) != nil {
			return body
		}
		switch i {
		case 0:
			for _, name := range []string{"cost", "costInBillingCurrency", "pretaxCost"} {
				if _, ok := properties[name]; ok {
					properties[name] = json.RawMessage("1e700000000")
				}
			}
		case 1:
			properties["quantity"] = json.RawMessage(`"NaN"`)
		case 2:
			records[i]["tags"] = json.RawMessage(`"owner: payments; {no json"`)
		case 3:
			delete(properties, "date")
		}
		records[i]["properties"] = encode(properties)
	}
	whole["value"] = encode(records)
	return bytes.TrimSpace(encode(whole))
}
