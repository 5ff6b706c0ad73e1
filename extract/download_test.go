package extract

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const signedPath = "/export/part_0.csv.gz?sv=2022-11-02&se=2026-11-22T10%3A00%3A00Z&sr=b&sp=r&sig=hush%2B%3D"

func TestDownloadIsPlain(t *testing.T) {
	content := gzipped("a,b\n1,2\n")
	var query string
	var header http.Header
	c, _ := newTestClient(t, ClientOptions{Credential: &testToken{life: time.Hour}}, func(w http.ResponseWriter, r *http.Request) {
		query, header = r.URL.RawQuery, r.Header
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(content)
	})
	var got bytes.Buffer
	n, err := c.download(t.Context(), c.base.String()+signedPath, &got)
	if err != nil || n != int64(len(content)) || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("got %d bytes %x, %v; want them as stored", n, got.Bytes(), err)
	}
	if header.Get("Authorization") != "" {
		t.Error("the token went along")
	}
	if _, want, _ := strings.Cut(signedPath, "?"); query != want {
		t.Errorf("asked with %q, want %q", query, want)
	}
}

// serveBlob serves content and, as storage does, the rest of it from a byte on.
// Each answer but the last breaks off half way.
func serveBlob(content []byte, ranges bool, breaks int64, header http.Header) (http.HandlerFunc, *atomic.Int64) {
	var calls atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		call, from, code := calls.Add(1), 0, http.StatusOK
		if rest, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok && ranges {
			if header["Etag"][0] != r.Header.Get("If-Match") {
				w.WriteHeader(http.StatusBadRequest) // the rest of who knows what
				return
			}
			from, _ = strconv.Atoi(strings.TrimSuffix(rest, "-"))
			code = http.StatusPartialContent
			w.Header().Set("Content-Range", "bytes "+strconv.Itoa(from)+"-"+strconv.Itoa(len(content)-1)+"/"+strconv.Itoa(len(content)))
		}
		for k, v := range header {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)-from))
		w.WriteHeader(code)
		if call > breaks {
			w.Write(content[from:])
			return
		}
		w.Write(content[from : from+(len(content)-from)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, &calls
}

func TestBrokenDownloadIsContinued(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 10_000)
	sum := md5.Sum(content)
	header := http.Header{"Etag": {`"v1"`}, "Content-MD5": {base64.StdEncoding.EncodeToString(sum[:])}}
	for name, ranges := range map[string]bool{"with ranges": true, "from the start": false} {
		t.Run(name, func(t *testing.T) {
			serve, calls := serveBlob(content, ranges, 3, header)
			c, _ := newTestClient(t, ClientOptions{}, serve)
			var got bytes.Buffer
			n, err := c.download(t.Context(), c.base.String()+signedPath, &got)
			if err != nil || n != int64(len(content)) || !bytes.Equal(got.Bytes(), content) || calls.Load() != 4 {
				t.Errorf("got %d of %d bytes in %d calls: %v", n, len(content), calls.Load(), err)
			}
		})
	}
}

func TestReplacedBlobIsNotMixed(t *testing.T) {
	second, _ := serveBlob(bytes.Repeat([]byte("b"), 10_000), false, 0, nil)
	for name, then := range map[string]http.HandlerFunc{"other bytes": second, "precondition": answerWith(412, "")} {
		first, _ := serveBlob(bytes.Repeat([]byte("a"), 10_000), false, 1, nil)
		c, _ := newTestClient(t, ClientOptions{}, inTurn(first, then))
		if _, err := c.download(t.Context(), c.base.String()+signedPath, io.Discard); !errors.Is(err, errChanged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDamagedDownloadIsRefused(t *testing.T) {
	c, _ := newTestClient(t, ClientOptions{}, answerWith(200, "data", "Content-MD5", base64.StdEncoding.EncodeToString(make([]byte, 16))))
	if _, err := c.download(t.Context(), c.base.String()+signedPath, io.Discard); err == nil || !strings.Contains(err.Error(), "MD5") {
		t.Errorf("got %v", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestDownloadNamesTheWriterAsCause(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{}, answerOK)
	_, err := c.download(t.Context(), c.base.String()+signedPath, fullDisk{})
	if err == nil || !strings.Contains(err.Error(), "no space left") || len(clock.slept) != 0 {
		t.Errorf("got %v after %v", err, clock.slept)
	}
}

func TestSignatureIsShownNowhere(t *testing.T) {
	storage := "\ufeff<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\nRequestId:1\nTime:2</Message>" +
		"<AuthenticationErrorDetail>Signature did not match. String to sign used was r\nhush</AuthenticationErrorDetail></Error>"
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1"+signedPath, http.StatusFound)
	}
	for name, h := range map[string]http.HandlerFunc{
		"refused": answerWith(403, storage), "broken": hangUp, "throttled": inTurn(answerWith(503, ""), hangUp), "redirected": elsewhere,
		"bad redirect": answerWith(302, "", "Location", "http://[::1"+signedPath),
	} {
		var logged bytes.Buffer
		c, _ := newTestClient(t, ClientOptions{Retries: 1, Log: slog.New(slog.NewTextHandler(&logged, nil))}, h)
		_, err := c.download(t.Context(), c.base.String()+signedPath, io.Discard)
		if err == nil || strings.Contains(err.Error()+logged.String(), "hush") || !strings.Contains(err.Error(), "part_0.csv.gz") {
			t.Errorf("%s: got %v, logged %s", name, err, logged.String())
		}
		if e, is := errors.AsType[*APIError](err); name == "refused" && (!is || e.Code != "AuthenticationFailed" || !strings.Contains(err.Error(), "expired")) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	c, _ := newTestClient(t, ClientOptions{}, answerOK)
	for _, link := range []string{"ftp://x/f?sig=hush", "http://[::1/f?sig=hush", "/f?sig=hush", "%zz?sig=hush"} {
		if _, err := c.download(t.Context(), link, io.Discard); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v", link, err)
		}
	}
}

func TestSignedLinksNeedHTTPS(t *testing.T) {
	blobHost := httptest.NewServer(answerOK)
	defer blobHost.Close()
	public, _ := CloudEndpoints("public")
	c, err := NewClient(ClientOptions{Endpoints: public, Credential: &testToken{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.download(t.Context(), blobHost.URL+signedPath, io.Discard); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("got %v", err)
	}
}
