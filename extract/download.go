package extract

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// download writes the blob behind a signed link to w, as it is stored: gzip stays
// gzip. The link signs itself, so no token goes along, and its query is shown
// nowhere. A transfer that breaks off is continued where it stopped; n is what
// was written, which is the whole blob unless err says otherwise.
func (c *Client) download(ctx context.Context, link string, w io.Writer) (n int64, err error) {
	target, err := url.Parse(escapeForbidden(strings.TrimSpace(link)))
	if err != nil || target.Host == "" {
		return 0, errors.New("download: the link is no address")
	}
	if target.Scheme != "https" && !(c.loopback && target.Scheme == "http") {
		return 0, fmt.Errorf("download %s: a signed link is only used over https", signedURL(target))
	}
	d := &blobTransfer{client: c, target: target, w: w, size: -1, written: sha256.New(), md5: md5.New()}
	err = c.repeat(ctx, func() error { return d.try(ctx) })
	return d.n, err
}

// blobTransfer is a blob of which n bytes have been written.
type blobTransfer struct {
	client  *Client
	target  *url.URL
	w       io.Writer
	wErr    error // w's
	n       int64
	size    int64 // of the blob; -1: unknown
	etag    string
	sum     []byte    // MD5 that the blob was stored with; nil: unknown
	written hash.Hash // SHA-256 of the bytes written
	md5     hash.Hash
}

// errChanged says that a blob is not the one whose beginning was written.
var errChanged = errors.New("the file was replaced while it was being read; run again")

// errDamaged says that a blob is not what was stored.
var errDamaged = errors.New("its bytes do not have the MD5 it was stored with; run again")

// try fetches what is missing.
func (d *blobTransfer) try(ctx context.Context) error {
	header := http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}}
	if d.n > 0 && d.etag != "" {
		header.Set("Range", "bytes="+strconv.FormatInt(d.n, 10)+"-")
		header.Set("If-Match", d.etag)
	}
	x, err := d.client.exchange(ctx, d.client.plain, request{Header: header}, d.target, signedURL(d.target))
	if err != nil {
		return err
	}
	defer x.close()
	switch x.StatusCode {
	case http.StatusOK:
		err = d.begin(x)
	case http.StatusPartialContent:
		err = d.resume(x)
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		err = d.failf("%w", errChanged)
	default:
		body, _ := io.ReadAll(io.LimitReader(x, 64<<10))
		return x.refusal(body)
	}
	if err != nil {
		return err
	}
	return d.copy(x)
}

func (d *blobTransfer) failf(format string, args ...any) error {
	return fmt.Errorf("download %s: "+format, append([]any{signedURL(d.target)}, args...)...)
}

// begin takes the whole blob, skipping what is written already if it is the same.
func (d *blobTransfer) begin(x *exchange) error {
	if d.n > 0 {
		again := sha256.New()
		if _, err := io.CopyN(again, x, d.n); err != nil {
			return x.fail(fmt.Errorf("the file broke off: %w", err))
		}
		if !bytes.Equal(again.Sum(nil), d.written.Sum(nil)) {
			return d.failf("%w", errChanged)
		}
	}
	d.size = x.ContentLength
	d.etag = x.Header.Get("ETag")
	if strings.HasPrefix(d.etag, "W/") {
		d.etag = "" // a weak tag does not promise the same bytes
	}
	d.sum, _ = base64.StdEncoding.DecodeString(x.Header.Get("Content-MD5"))
	return nil
}

// resume takes the rest of the blob.
func (d *blobTransfer) resume(x *exchange) error {
	var from, to, size int64
	got := x.Header.Get("Content-Range")
	if _, err := fmt.Sscanf(got, "bytes %d-%d/%d", &from, &to, &size); err != nil || from != d.n || (d.size >= 0 && size != d.size) {
		return d.failf("asked for the bytes from %d of %d on and got %q; run again", d.n, d.size, got)
	}
	if etag := x.Header.Get("ETag"); etag != "" && etag != d.etag {
		return d.failf("%w", errChanged)
	}
	d.size = size
	return nil
}

// copy writes the body and checks that the blob is whole.
func (d *blobTransfer) copy(x *exchange) error {
	_, err := io.Copy(d, x)
	switch {
	case d.wErr != nil:
		return d.failf("write after %d bytes: %w", d.n, d.wErr)
	case err != nil:
		return x.fail(fmt.Errorf("the file broke off after %d bytes: %w", d.n, err))
	case d.size >= 0 && d.n < d.size:
		return x.fail(fmt.Errorf("the file ended after %d of %d bytes", d.n, d.size))
	case d.size >= 0 && d.n > d.size:
		return d.failf("it has %d bytes, more than the %d it said", d.n, d.size)
	case len(d.sum) == md5.Size && !bytes.Equal(d.sum, d.md5.Sum(nil)):
		return d.failf("%w", errDamaged)
	}
	return nil
}

// Write passes bytes on to the caller's writer and keeps their hashes.
func (d *blobTransfer) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.written.Write(p[:n])
	d.md5.Write(p[:n])
	d.n += int64(n)
	d.wErr = err
	return n, err
}

// signedURL is the address of a blob without its query, whatever stands in it.
func signedURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if u.RawQuery != "" {
		return shown.String() + "?(signed)"
	}
	return shown.String()
}
