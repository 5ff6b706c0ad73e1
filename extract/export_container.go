package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// ExportsIn returns an opener for directories and for blob containers, whose
// location is https://<account>.blob.core.windows.net/<container>/<prefix>, with a
// SAS token in the query where the credential has no role on it.
func ExportsIn(credential azcore.TokenCredential) ExportOpener {
	return func(ctx context.Context, location string) (ExportFolder, error) {
		if !strings.HasPrefix(location, "https://") && !strings.HasPrefix(location, "http://") {
			return OpenExportDir(ctx, location)
		}
		return openContainer(location, credential)
	}
}

// exportContainer is a blob container, or the part of one below a prefix.
type exportContainer struct {
	client *container.Client
	prefix string
}

func openContainer(location string, credential azcore.TokenCredential) (ExportFolder, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("exports location: %w", err)
	}
	name, prefix := splitContainer(u)
	if name == "" {
		return nil, fmt.Errorf("exports location %s: want https://<account>.blob.core.windows.net/<container>/<prefix>", u.Redacted())
	}
	u.Path = name
	var client *container.Client
	if u.RawQuery != "" || credential == nil {
		client, err = container.NewClientWithNoCredential(u.String(), nil)
	} else {
		client, err = container.NewClient(u.String(), credential, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("exports container %s: %w", name, err)
	}
	return exportContainer{client: client, prefix: prefix}, nil
}

// splitContainer separates the container from the prefix. Emulators on loopback have
// the account as the first step of the path: /devstoreaccount1/exports/prefix.
func splitContainer(u *url.URL) (name, prefix string) {
	path := strings.Trim(u.Path, "/")
	steps := 1
	if host := u.Hostname(); host == "127.0.0.1" || host == "localhost" {
		steps = 2
	}
	parts := strings.SplitN(path, "/", steps+1)
	if len(parts) < steps {
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
			return fmt.Errorf("list exports: %w; reading them needs the role Storage Blob Data Reader", unsigned(err))
		}
		for _, b := range page.Segment.BlobItems {
			found(ExportFile{Name: strings.TrimPrefix(*b.Name, c.prefix), Bytes: *b.Properties.ContentLength, Modified: *b.Properties.LastModified})
		}
	}
	return nil
}

// Open streams a blob; the SDK resumes a connection that breaks where it broke.
func (c exportContainer) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	answer, err := c.client.NewBlobClient(c.prefix+name).DownloadStream(ctx, nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound) {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, unsigned(err)
	}
	return answer.NewRetryReader(ctx, nil), nil
}

// unsigned hides the signature that a transport error quotes with the address.
func unsigned(err error) error { return errors.New(hideQueries(err.Error())) }
