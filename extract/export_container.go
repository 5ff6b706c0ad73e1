package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// ExportsIn returns an opener for directories and for blob containers, whose
// location is https://<account>.blob.core.windows.net/<container>/<prefix>, with a
// SAS token in the query where the credential has no role on it.
//
// secrets gives the connection string or the SAS token for a location that has none in
// its query, or neither: then the credential is used. It may be nil.
func ExportsIn(credential azcore.TokenCredential, secrets func(location string) (connection, sas string)) ExportOpener {
	return func(ctx context.Context, location string) (ExportFolder, error) {
		if !strings.HasPrefix(location, "https://") && !strings.HasPrefix(location, "http://") {
			return openExportDir(ctx, location)
		}
		a := exportAccess{credential: credential}
		if secrets != nil {
			a.connection, a.sas = secrets(location)
		}
		return openContainer(location, a)
	}
}

// exportAccess is one of: a connection string, a SAS token, an identity.
type exportAccess struct {
	connection, sas string
	credential      azcore.TokenCredential
}

// exportContainer is a blob container, or the part of one below a prefix.
type exportContainer struct {
	client *container.Client
	prefix string
}

func openContainer(location string, access exportAccess) (ExportFolder, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("exports location: %w", unsigned(err))
	}
	name, prefix := splitContainer(u)
	if name == "" {
		return nil, fmt.Errorf("exports location %s: want https://<account>.blob.core.windows.net/<container>/<prefix>", signedURL(u))
	}
	u.Path, u.RawPath = name, ""
	client, err := access.open(u)
	if err != nil {
		return nil, fmt.Errorf("exports container %s: %w", name, unsigned(err))
	}
	return exportContainer{client: client, prefix: prefix}, nil
}

// open makes the container's client. A signature in the URL goes before everything else.
func (a exportAccess) open(u *url.URL) (*container.Client, error) {
	switch {
	case u.RawQuery != "":
	case a.connection != "":
		return container.NewClientFromConnectionString(a.connection, path.Base(u.Path), nil)
	case a.sas != "":
		u.RawQuery = strings.TrimPrefix(a.sas, "?")
	case a.credential != nil:
		return container.NewClient(u.String(), a.credential, nil)
	}
	return container.NewClientWithNoCredential(u.String(), nil)
}

// splitContainer separates the container from the prefix. Emulators on loopback have
// the account as the first step of the path: /devstoreaccount1/exports/prefix.
func splitContainer(u *url.URL) (name, prefix string) {
	whole := strings.Trim(u.Path, "/")
	steps := 1
	if host := u.Hostname(); host == "127.0.0.1" || host == "localhost" {
		steps = 2
	}
	parts := strings.SplitN(whole, "/", steps+1)
	if len(parts) < steps || parts[steps-1] == "" {
		return "", ""
	}
	if len(parts) > steps {
		prefix = parts[steps] + "/"
	}
	return "/" + strings.Join(parts[:steps], "/"), prefix
}

// List pages through the blobs below the prefix.
func (c exportContainer) List(ctx context.Context, found func(ExportFile)) error {
	pager := c.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &c.prefix})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list exports: %w; reading them needs the role Storage Blob Data Reader, or a SAS with the permissions rl", unsigned(err))
		}
		for _, b := range page.Segment.BlobItems {
			found(ExportFile{Name: strings.TrimPrefix(*b.Name, c.prefix), Bytes: *b.Properties.ContentLength, Modified: *b.Properties.LastModified})
		}
	}
	return nil
}

// Open streams a blob; the SDK resumes a connection that breaks where it broke, and one
// that brings nothing for too long is broken here: it would hold a night's run for ever.
func (c exportContainer) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stall := time.AfterFunc(stallAfter, func() { cancel(errStalled) })
	answer, err := c.client.NewBlobClient(c.prefix+name).DownloadStream(ctx, nil)
	stall.Stop()
	if err == nil {
		return blobBody{ReadCloser: answer.NewRetryReader(ctx, nil), ctx: ctx, cancel: cancel, stall: stall}, nil
	}
	defer cancel(nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound) {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return nil, cmp.Or(stalled(ctx), unsigned(err))
}

// stallAfter is how long a blob may keep its reader waiting for the next bytes.
const stallAfter = 2 * time.Minute

func stalled(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return nil
}

// blobBody is a blob being read. Its errors show no signature.
type blobBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  *time.Timer
}

func (b blobBody) Read(p []byte) (int, error) {
	b.stall.Reset(stallAfter)
	n, err := b.ReadCloser.Read(p)
	b.stall.Stop()
	if err != nil && err != io.EOF { //nolint:errorlint // a reader's end is io.EOF itself
		err = cmp.Or(stalled(b.ctx), unsigned(err))
	}
	return n, err
}

func (b blobBody) Close() error {
	b.stall.Stop()
	b.cancel(nil)
	return b.ReadCloser.Close()
}

// unsigned says what went wrong without the signature that a transport error quotes with
// the address, and in one line: the SDK's errors quote the whole answer.
func unsigned(err error) error {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		return fmt.Errorf("%d %s", answer.StatusCode, cmp.Or(answer.ErrorCode, http.StatusText(answer.StatusCode)))
	}
	for _, stopped := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, stopped) {
			return stopped
		}
	}
	return errors.New(hideQueries(err.Error()))
}
