package azuresim

import (
	"net/http"
	"strings"
)

// blobMakers make the blobs of a folder under /_blob/: what is made on request, beside the files of [Config].Blobs.
var blobMakers = map[string]func(*server, string) []byte{}

// makeBlobs adds a folder. The file that makes its blobs calls it in a package variable.
func makeBlobs(folder string, maker func(s *server, name string) []byte) bool {
	blobMakers[folder] = maker
	return true
}

// makesBlob tells whether a request is for a blob of such a folder, and which.
func makesBlob(r *http.Request) (maker func(*server, string) []byte, name string) {
	path, isBlob := strings.CutPrefix(r.URL.Path, "/_blob/")
	folder, name, _ := strings.Cut(path, "/")
	if !isBlob {
		return nil, ""
	}
	return blobMakers[folder], name
}

// madeBlob answers as blob storage does for a link with a signature: without a bearer token.
func (s *server) madeBlob(r *http.Request, maker func(*server, string) []byte, name string) *answer {
	a := &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/octet-stream"}}}
	switch {
	case r.Header.Get("Authorization") != "":
		a.status, a.body = http.StatusBadRequest, []byte(`<?xml version="1.0"?><Error><Code>InvalidAuthenticationInfo</Code></Error>`)
	case r.URL.Query().Get("sig") == "":
		a.status, a.body = http.StatusForbidden, []byte(`<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code></Error>`)
	default:
		if a.body = maker(s, name); a.body == nil {
			a.status, a.body = http.StatusNotFound, []byte(`<?xml version="1.0"?><Error><Code>BlobNotFound</Code></Error>`)
		}
	}
	return a
}
