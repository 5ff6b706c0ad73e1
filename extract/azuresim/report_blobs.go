package azuresim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Files behind signed links: those of reports (/_blob/armreports/…) and those of Config.Blobs. Faults strike them as they
// strike every request; their bytes are written as they are made, and never held.

// A stream is a body whose length is known before it is made.
type stream struct {
	bytes int64
	etag  string
	write func(ctx context.Context, w io.Writer) error
	from  int64 // first byte asked for
}

// serveBlob serves a file as blob storage does for a link with a signature: without a bearer token.
func (s *server) serveBlob(w http.ResponseWriter, r *http.Request) {
	number := s.begin(r)
	fault := s.faultFor(r)
	a, body := s.blob(r, fault)
	if status, err := strconv.Atoi(fault.kind()); err == nil {
		a, body = blobError(status, "SimulatedFault"), nil
		for name, value := range fault.Header {
			a.header.Set(name, value)
		}
	}
	if body == nil {
		s.finish(number, r, a, fault)
		s.writeBlobError(w, a, fault)
		return
	}
	s.finish(number, r, a, fault)
	if a.last && fault == nil {
		s.served(r)
	}
	fault.stream(w, r, a, body)
}

func blobError(status int, code string) *answer {
	text := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code><Message>%s\nRequestId:00000000\nTime:2026-11-22T00:00:00Z</Message></Error>", code, http.StatusText(status))
	return &answer{status: status, header: http.Header{"Content-Type": {"application/xml"}, "X-Ms-Error-Code": {code}}, body: []byte(text)}
}

func (s *server) writeBlobError(w http.ResponseWriter, a *answer, fault *activeFault) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	fault.send(w, a.status, a.body)
}

// blob finds the file of a link.
func (s *server) blob(r *http.Request, fault *activeFault) (*answer, *stream) {
	name := strings.TrimPrefix(r.URL.Path, "/_blob/")
	switch {
	case r.Header.Get("Authorization") != "":
		return blobError(http.StatusBadRequest, "InvalidAuthenticationInfo"), nil
	case r.URL.Query().Get("sig") == "":
		return blobError(http.StatusNotFound, "ResourceNotFound"), nil
	case strings.HasPrefix(name, "armreports/"):
		return s.reportBlob(r, fault)
	case r.URL.Path == rateCardBlob:
		text := s.e.rateCardBody()
		return (&stream{bytes: int64(len(text)), etag: `"0xRATECARD"`, write: func(_ context.Context, w io.Writer) error {
			_, err := w.Write(text)
			return err
		}}).answer(r)
	case s.e.config.Blobs == "" || !filepath.IsLocal(filepath.FromSlash(name)):
		return blobError(http.StatusNotFound, "BlobNotFound"), nil
	}
	file := filepath.Join(s.e.config.Blobs, filepath.FromSlash(name))
	info, err := os.Stat(file)
	if err != nil || info.IsDir() {
		return blobError(http.StatusNotFound, "BlobNotFound"), nil
	}
	body := &stream{bytes: info.Size(), etag: fmt.Sprintf(`"0x%X"`, hashText(name)^uint64(info.ModTime().UnixNano()))}
	body.write = func(_ context.Context, w io.Writer) error {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	}
	return body.answer(r)
}

// reportBlob finds a file of a job: armreports/<name>/<id>/<n>, if its signature is of an answer whose links hold.
func (s *server) reportBlob(r *http.Request, fault *activeFault) (*answer, *stream) {
	steps := strings.Split(r.URL.Path, "/")
	n, err := strconv.Atoi(steps[len(steps)-1])
	j := s.jobOf(&target{rest: steps[len(steps)-2 : len(steps)-1]})
	if err != nil || j == nil {
		return blobError(http.StatusNotFound, "BlobNotFound"), nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if n < 1 || n > len(j.ready) {
		return blobError(http.StatusNotFound, "BlobNotFound"), nil
	}
	if fault.kind() == "expired" {
		j.expired = j.signed
	}
	valid := false
	for signed := j.expired + 1; signed <= j.signed; signed++ {
		valid = valid || r.URL.Query().Get("sig") == j.signature(signed)+"="
	}
	if !valid {
		return blobError(http.StatusForbidden, "AuthenticationFailed"), nil
	}
	f := j.ready[n-1]
	a, body := (&stream{bytes: f.bytes, etag: fmt.Sprintf(`"0x%X"`, hashText(j.id)+uint64(n)), write: f.write}).answer(r)
	a.rows, a.last = f.rows, n == len(j.ready)
	if f.md5 != "" {
		a.header.Set("Content-MD5", f.md5)
	}
	return a, body
}

// answer reads which bytes are asked for: all, or those from one on.
func (b *stream) answer(r *http.Request) (*answer, *stream) {
	a := &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/octet-stream"}, "Etag": {b.etag}, "Accept-Ranges": {"bytes"}}}
	if want := r.Header.Get("If-Match"); want != "" && want != b.etag {
		return blobError(http.StatusPreconditionFailed, "ConditionNotMet"), nil
	}
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &b.from); err == nil {
		if b.from >= b.bytes {
			return blobError(http.StatusRequestedRangeNotSatisfiable, "InvalidRange"), nil
		}
		a.status = http.StatusPartialContent
		a.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", b.from, b.bytes-1, b.bytes))
	}
	a.streamed = b.bytes - b.from
	return a, b
}

func (f *activeFault) kind() string {
	if f == nil {
		return ""
	}
	return f.Kind
}

// stream writes a file, or as much of it as the fault lets through.
func (f *activeFault) stream(w http.ResponseWriter, r *http.Request, a *answer, b *stream) {
	length, most, cut := a.streamed, a.streamed, false
	switch f.kind() {
	case "html":
		f.send(w, a.status, []byte("<html><head><title>502 Bad Gateway</title></head></html>"))
		return
	case "empty":
		length, most = 0, 0
	case "cut":
		length = length * 3 / 5
		most = length
	case "short", "reset":
		most, cut = length/2, true
	case "lost":
		hangUp(w, true)
		return
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	w.WriteHeader(a.status)
	err := b.write(r.Context(), &sectionWriter{w: w, skip: b.from, left: most})
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
	if cut || err != nil && err != errSection { //nolint:errorlint // it is returned as it is
		hangUp(w, f.kind() == "reset")
	}
}

// errSection ends the writing of what nobody waits for any more.
var errSection = fmt.Errorf("the section is written")

// sectionWriter passes on left bytes after the first skip.
type sectionWriter struct {
	w          io.Writer
	skip, left int64
}

func (s *sectionWriter) Write(p []byte) (int, error) {
	all := len(p)
	n := min(s.skip, int64(len(p)))
	s.skip -= n
	p = p[n:]
	if s.left <= 0 && len(p) > 0 {
		return 0, errSection
	}
	p = p[:min(s.left, int64(len(p)))]
	s.left -= int64(len(p))
	if _, err := s.w.Write(p); err != nil {
		return 0, err
	}
	return all, nil
}
