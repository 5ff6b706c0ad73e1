package azuresim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A job is what an operation with an answer of 202 makes: files, each a function that writes the same bytes whenever it is
// called. Jobs are remembered for as long as the simulator lives; their rows are not.
type job struct {
	id      string
	name    string // part of the files' addresses: ea/costdetails-2026-10-actual
	results string // type whose name is the id in Location: costDetailsOperationResults
	form    func(r *http.Request, j *job) object
	files   func(ctx context.Context) ([]jobFile, error) // called once, when the job is looked at after it is ready
	running int                                          // polls that find it running yet

	moved    bool   // while it runs, the address to ask at changes
	runsWith int    // status while it runs; 0 means 202
	path     string // of its scope, with the provider

	mu      sync.Mutex
	ready   []jobFile
	made    bool
	signed  int // answers that signed links
	expired int // answers up to this one have links that expired
}

// jobFile is one file of a job.
type jobFile struct {
	bytes int64
	md5   string // in base64; "" when storage does not know it
	rows  int
	write func(ctx context.Context, w io.Writer) error
}

// accept takes a job on and answers 202. The same request again is another job.
func (s *server) accept(r *http.Request, t *target, j *job) (*answer, error) {
	key := hashText(strings.ToLower(r.URL.Path) + "?" + r.URL.RawQuery + "\n" + j.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs == nil {
		s.jobs, s.submits = map[string]*job{}, map[uint64]int{}
	}
	j.id = guid(mix2(key^s.e.seed, uint64(s.submits[key])))
	s.submits[key]++
	j.running = s.e.config.ReportPolls
	j.path = t.path[:strings.LastIndex(strings.ToLower(t.path), "/microsoft.")]
	j.path += "/Microsoft." + map[bool]string{true: "Consumption", false: "CostManagement"}[strings.HasPrefix(t.operation, "consumption/")]
	s.jobs[j.id] = j
	return accepted(j.location(r, j.results), "consumption"), nil
}

// location is where to ask about a job.
func (j *job) location(r *http.Request, results string) string {
	return fmt.Sprintf("%s%s/%s/%s?api-version=%s", site(r), j.path, results, j.id, r.URL.Query().Get("api-version"))
}

var (
	_ = handle(http.MethodGet, "costmanagement/operationstatus", (*server).operationResult)
	_ = handle(http.MethodGet, "costmanagement/operationresults", (*server).operationResult)
	_ = handle(http.MethodGet, "consumption/operationresults", (*server).operationResult)
	_ = handle(http.MethodGet, "costmanagement/costdetailsoperationresults", (*server).operationResult)
	_ = handle(http.MethodGet, "costmanagement/reservationdetailsoperationresults", (*server).operationResult)
)

// operationResult tells how a job is getting on.
func (s *server) operationResult(r *http.Request, t *target) (*answer, error) {
	j := s.jobOf(t)
	if j == nil {
		return nil, notFound(t.path)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running > 0 {
		j.running--
		return j.stillRunning(r), nil
	}
	if !j.made {
		files, err := j.files(r.Context())
		if err != nil {
			return nil, err
		}
		j.ready, j.made = files, true
	}
	return j.result(r, t), nil
}

func (s *server) jobOf(t *target) *job {
	if len(t.rest) != 1 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[strings.ToLower(t.rest[0])]
}

// result is the last answer. A report of nothing is 204 or says so.
func (j *job) result(r *http.Request, t *target) *answer {
	rows := 0
	for _, f := range j.ready {
		rows += f.rows
	}
	switch {
	case rows == 0 && hashText(j.id)%2 == 0:
		return noContent()
	case rows == 0:
		return ok(object{"id": strings.TrimPrefix(t.path, "/"), "name": j.id, "status": "NoDataFound"}, 0, "consumption")
	}
	j.signed++
	body := j.form(r, j)
	body["id"], body["name"] = strings.TrimPrefix(t.path, "/"), j.id
	return ok(body, rows, "consumption")
}

// stillRunning is 202, or 200 with a body that says so, as the service has both.
func (j *job) stillRunning(r *http.Request) *answer {
	a := &answer{status: http.StatusAccepted, header: http.Header{}, service: "consumption"}
	if j.runsWith == http.StatusOK {
		a = ok(object{"status": "Running"}, 0, "consumption")
	}
	if j.moved {
		a.header.Set("Location", fmt.Sprintf("%s&asked=%d", j.location(r, j.results), j.running))
	}
	a.header.Set("Retry-After", "0")
	return a
}

// link signs the address of a file, from 1.
func (j *job) link(r *http.Request, n int) string {
	return fmt.Sprintf("%s/_blob/armreports/%s/%s/%d?sv=2020-05-31&se=%s&sr=b&sp=r&sig=%s%%3D", site(r), j.name, j.id, n,
		strings.ReplaceAll(j.validTill(), ":", "%3A"), j.signature(j.signed))
}

func (j *job) signature(answer int) string {
	return strings.ReplaceAll(guid(mix2(hashText(j.id), uint64(answer))), "-", "")
}

// validTill is long past: only the simulator knows when a link has expired, see Fault.
func (j *job) validTill() string {
	return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Format("2006-01-02T15:04:05Z")
}

// manifestForm is the answer of a cost details report.
func manifestForm(r *http.Request, j *job) object {
	blobs, total := []any{}, int64(0)
	for i, f := range j.ready {
		blobs = append(blobs, object{"blobLink": j.link(r, i+1), "byteCount": f.bytes})
		total += f.bytes
	}
	return object{"status": "Completed", "validTill": j.validTill(), "manifest": object{
		"manifestVersion": r.URL.Query().Get("api-version"), "dataFormat": "Csv", "compressData": false,
		"blobCount": len(blobs), "byteCount": total, "blobs": blobs,
	}}
}

// nestedForm is any form under properties.
func nestedForm(form func(*http.Request, *job) object) func(*http.Request, *job) object {
	return func(r *http.Request, j *job) object { return object{"properties": form(r, j)} }
}

// downloadForm is the answer of a detailed cost report, with an error that is none.
func downloadForm(r *http.Request, j *job) object {
	return object{
		"type": "Microsoft.Consumption/operationStatus", "status": "Completed", "error": object{"code": "0", "message": nil},
		"properties": object{"downloadUrl": j.link(r, 1), "validTill": j.validTill()},
	}
}

// reportURLForm is the answer of a reservation details report.
func reportURLForm(r *http.Request, j *job) object {
	return object{"status": "Completed", "properties": object{"reportUrl": j.link(r, 1), "validUntil": j.validTill()}}
}
