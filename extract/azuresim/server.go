package azuresim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// maxPage is the largest page of usage details, marketplaces and price sheets.
const maxPage = 1000

// A Request is a request that was served, as GET /_sim/requests lists them.
type Request struct {
	Number        int       `json:"number"`
	Time          time.Time `json:"time"`
	Method        string    `json:"method"`
	Path          string    `json:"path"`
	Query         string    `json:"query"`
	Status        int       `json:"status"`
	Bytes         int       `json:"bytes"` // of the body before compression
	Rows          int       `json:"rows"`  // records in the answer
	Fault         string    `json:"fault,omitempty"`
	RequestID     string    `json:"requestId"`
	ClientID      string    `json:"clientRequestId,omitempty"`
	UserAgent     string    `json:"userAgent,omitempty"`
	Authorization bool      `json:"authorization"` // whether there was one; the token is not kept
}

// server is the HTTP face of an enterprise.
type server struct {
	e *Enterprise

	mu       sync.Mutex
	requests []Request
	faults   []*activeFault
	jobs     map[string]*job // by id
	submits  map[uint64]int  // of the same request
}

func newServer(e *Enterprise) *server {
	s := &server{e: e}
	for _, f := range e.config.Faults {
		if err := s.addFault(f); err != nil {
			panic(fmt.Sprintf("azuresim: %v", err))
		}
	}
	return s
}

// Handler serves the management plane; under /_sim/ it takes faults (POST /_sim/faults) and lists requests
// (GET /_sim/requests), under /_blob/ it serves the files of reports and of [Config].Blobs.
func (e *Enterprise) Handler() http.Handler { return e.server }

// Requests lists the requests served so far.
func (e *Enterprise) Requests() []Request {
	e.server.mu.Lock()
	defer e.server.mu.Unlock()
	return append([]Request(nil), e.server.requests...)
}

// An answer is a response before it is written.
type answer struct {
	status   int
	header   http.Header
	body     []byte
	rows     int
	service  string // consumption or billing
	last     bool   // the last page of usage details, or the last file of a report
	streamed int64  // bytes of a body that is made while it is written
}

// A refusal is an ARM error.
type refusal struct {
	status  int
	code    string
	message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status, code, fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "BadRequest", format, args...)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/_sim/"):
		s.serveControl(w, r)
		return
	case strings.HasPrefix(r.URL.Path, "/_blob/invoices/"):
		s.serveInvoice(w, r)
		return
	case strings.HasPrefix(r.URL.Path, "/_blob/"):
		s.serveBlob(w, r)
		return
	}
	number := s.begin(r)
	fault := s.faultFor(r)
	a := s.refuseByFault(fault)
	if a == nil {
		a = s.answer(r)
	}
	fault.change(r, a)
	s.finish(number, r, a, fault)
	if a.last && a.status == http.StatusOK {
		s.served(r) // before the client can ask again
	}
	s.write(w, r, a, number, fault)
}

func (s *server) begin(r *http.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.requests) + 1
	s.requests = append(s.requests, Request{
		Number: n, Time: time.Now().UTC(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, RequestID: guid(mix2(s.e.seed, uint64(n))),
		ClientID: r.Header.Get("x-ms-client-request-id"), UserAgent: r.UserAgent(), Authorization: r.Header.Get("Authorization") != "",
	})
	return n
}

func (s *server) finish(number int, r *http.Request, a *answer, fault *activeFault) {
	s.mu.Lock()
	if number <= len(s.requests) {
		q := &s.requests[number-1]
		q.Status, q.Bytes, q.Rows = a.status, len(a.body)+int(a.streamed), a.rows
		if fault != nil {
			q.Fault = fault.Kind
		}
	}
	s.mu.Unlock()
	s.e.config.Log.Debug("simulated Azure", "method", r.Method, "path", r.URL.Path, "status", a.status, "rows", a.rows)
}

// answer checks what Azure checks for every request, and then asks the route.
func (s *server) answer(r *http.Request) *answer {
	if err := s.admit(r); err != nil {
		return errorAnswer(err)
	}
	a, err := s.route(r)
	if err != nil {
		return errorAnswer(err)
	}
	return a
}

func (s *server) admit(r *http.Request) error {
	if isReporting(r) {
		return s.admitKey(r)
	}
	if token := s.e.config.Token; token != "" && r.Header.Get("Authorization") != "Bearer "+token {
		return refuse(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing or its token is not valid.")
	}
	for _, scope := range s.e.config.Forbidden {
		if strings.Contains(strings.ToLower(r.URL.Path), strings.ToLower(scope)) {
			return refuse(http.StatusForbidden, "AuthorizationFailed", "The client 'sim' with object id '%s' does not have authorization to perform this action over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.", guid(1), r.URL.Path)
		}
	}
	if r.URL.Query().Get("api-version") == "" {
		return refuse(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	}
	return nil
}

func errorAnswer(err error) *answer {
	var r *refusal
	if !errors.As(err, &r) {
		r = refuse(http.StatusInternalServerError, "InternalServerError", "%v", err)
	}
	body := encode(map[string]any{"error": map[string]any{"code": r.code, "message": r.message}})
	a := &answer{status: r.status, header: http.Header{}, body: body, service: "billing"}
	if r.status == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `Bearer authorization_uri="https://login.microsoftonline.com/", error="invalid_token"`)
	}
	return a
}

// encode is JSON with & left alone, as in the links of real answers.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("azuresim: encode: %v", err)) // only values made here are encoded
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// write sends an answer with the headers of the real service, compressed when the client takes that.
func (s *server) write(w http.ResponseWriter, r *http.Request, a *answer, number int, fault *activeFault) {
	h := w.Header()
	id := guid(mix2(s.e.seed, uint64(number)))
	h.Set("x-ms-request-id", id)
	h.Set("x-ms-correlation-request-id", id)
	h.Set("x-ms-routing-request-id", "WESTEUROPE:"+time.Now().UTC().Format("20060102T150405Z")+":"+id)
	h.Set("x-ms-ratelimit-remaining-subscription-reads", strconv.Itoa(max(11999-number, 0)))
	h.Set("Cache-Control", "no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "-1")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "application/json; charset=utf-8")
	if a.service == "consumption" {
		h.Set("Content-Type", "application/json; odata.metadata=none")
		h.Set("OData-Version", "4.0")
		h.Set("session-id", guid(mix(uint64(number))))
	}
	if client := r.Header.Get("x-ms-client-request-id"); client != "" {
		h.Set("x-ms-client-request-id", client)
	}
	for name, values := range a.header {
		h[name] = values
	}
	body := a.body
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && len(body) > 0 {
		body = compressed(body)
		h.Set("Content-Encoding", "gzip")
	}
	fault.send(w, a.status, body)
}

func compressed(body []byte) []byte {
	var b bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // fails for unknown levels only
	_, _ = zip.Write(body)                            // into memory
	_ = zip.Close()
	return b.Bytes()
}

// serveControl is how a test that runs the simulator as a process asks for faults and looks at what was requested.
func (s *server) serveControl(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "POST /_sim/faults":
		var f Fault
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			http.Error(w, fmt.Sprintf("fault: %v", err), http.StatusBadRequest)
			return
		}
		if err := s.addFault(f); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
	case "DELETE /_sim/faults":
		s.mu.Lock()
		s.faults = nil
		s.mu.Unlock()
	case "GET /_sim/requests":
		w.Header().Set("Content-Type", "application/json")
		w.Write(encode(s.e.Requests()))
	case "DELETE /_sim/requests":
		s.mu.Lock()
		s.requests = nil
		s.mu.Unlock()
	default:
		http.NotFound(w, r)
	}
}

// hangUp breaks the connection off: with a reset, or, where that cannot be had, by aborting the handler.
func hangUp(w http.ResponseWriter, reset bool) {
	if hijacker, ok := w.(http.Hijacker); ok && reset {
		if conn, _, err := hijacker.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // the point is to break it
			}
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}
