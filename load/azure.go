package load

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"golang.org/x/sync/errgroup"
)

// An Azure is a Store in a container of Azure Blob Storage, below a prefix. Each blob carries the SHA-256 of its
// content as metadata, written in the same request as the content.
//
// The pieces of the SDK are used one below UploadFile (azblob 1.8.3), because UploadFile
//   - takes no MD5 that was computed before, which the service would compare with what arrives, and
//   - leaves If-None-Match out of the request that commits a file of more than 256 MB, so it would replace.
type Azure struct {
	container *container.Client
	prefix    string
	name      string // the URL without credentials
	options   AzureOptions
}

// AzureOptions are the settings of OpenAzure. At most one credential may be set; with none, the URL must carry a SAS.
type AzureOptions struct {
	// Credential is an identity, which needs the role Storage Blob Data Contributor on the container.
	Credential azcore.TokenCredential

	// ConnectionString is a storage account's, with a key or a SAS.
	ConnectionString Secret

	// SAS is a shared access signature with the permissions read, write, create, delete and list.
	SAS Secret

	// Whole is the size up to which a file is sent in one request, whose MD5 the service compares. 0 means 256 MB, as for
	// UploadFile. Against Azurite blocks take up to twice as long.
	Whole int64

	// BlockSize is how much is sent at a time of a larger file. Put holds up to Parallel+1 blocks in memory. 0 means 8 MiB.
	BlockSize int64

	// Parallel is how many blocks of one file are sent at once. 0 means 3.
	Parallel int

	// Retry is how requests are repeated. The zero value means the SDK's way, with at most five repetitions.
	Retry policy.RetryOptions

	// Transport sends the requests. Nil means the SDK's.
	Transport policy.Transporter
}

// OpenAzure returns the store at a URL like https://<account>.blob.core.windows.net/<container>/<prefix>. It sends no
// request; Preflight does.
func OpenAzure(rawURL string, o AzureOptions) (*Azure, error) {
	parts, err := blob.ParseURL(rawURL)
	if err != nil {
		return nil, errors.New("open: the URL of the container cannot be read: it should look like https://<account>.blob.core.windows.net/<container>/<prefix>")
	}
	a := &Azure{prefix: strings.Trim(parts.BlobName, "/"), options: o.withDefaults()}
	query := parts.SAS.Encode()
	parts.BlobName, parts.SAS = "", blob.URLParts{}.SAS
	a.name = strings.TrimSuffix(parts.String(), "/")
	if parts.ContainerName == "" || parts.Host == "" {
		return nil, fmt.Errorf("open(%s): the URL names no container: it should look like https://<account>.blob.core.windows.net/<container>/<prefix>", a.name)
	}
	if a.container, err = a.open(parts.ContainerName, query); err != nil {
		return nil, fmt.Errorf("open(%s): %w", a.name, err)
	}
	a.name = strings.TrimSuffix(a.name+"/"+a.prefix, "/")
	return a, nil
}

func (o AzureOptions) withDefaults() AzureOptions {
	if o.Whole == 0 {
		o.Whole = blockblob.MaxUploadBlobBytes
	}
	if o.BlockSize == 0 {
		o.BlockSize = 8 << 20
	}
	if o.Parallel == 0 {
		o.Parallel = 3
	}
	if o.Retry.MaxRetries == 0 {
		o.Retry.MaxRetries = 5
	}
	return o
}

// open makes the client of the container for whichever credential there is.
func (a *Azure) open(name, query string) (*container.Client, error) {
	o := &container.ClientOptions{ClientOptions: policy.ClientOptions{Retry: a.options.Retry, Transport: a.options.Transport}}
	sas := strings.TrimPrefix(a.options.SAS.Reveal(), "?")
	given := 0
	for _, is := range []bool{query != "", sas != "", a.options.ConnectionString.Reveal() != "", a.options.Credential != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, fmt.Errorf("%d credentials are given: give one of an identity, a connection string, and a SAS beside or in the URL", given)
	case a.options.Credential != nil:
		return container.NewClient(a.name, a.options.Credential, o)
	case a.options.ConnectionString.Reveal() == "":
		return container.NewClientWithNoCredential(a.name+"?"+query+sas, o)
	}
	client, err := container.NewClientFromConnectionString(a.options.ConnectionString.Reveal(), name, o)
	if err != nil {
		return nil, errors.New("the connection string cannot be read: copy it anew from the storage account's access keys")
	}
	if got, _, _ := strings.Cut(client.URL(), "?"); got != a.name {
		return nil, fmt.Errorf("the connection string is for %s", got)
	}
	return client, nil
}

func (a *Azure) String() string { return a.name }

// Put implements Store.
func (a *Azure) Put(ctx context.Context, name string, f LocalFile) error {
	local, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer local.Close()
	if f.Size <= a.options.Whole {
		err = a.putWhole(ctx, name, local, f)
	} else {
		err = a.putBlocks(ctx, name, local, f)
	}
	if taken(err) {
		return a.compare(ctx, name, f)
	}
	return a.fail("put", name, err)
}

// putWhole sends a file in one request. The service compares the MD5 with what arrives and keeps it.
func (a *Azure) putWhole(ctx context.Context, name string, local io.ReaderAt, f LocalFile) error {
	body := streaming.NopCloser(io.NewSectionReader(local, 0, f.Size))
	_, err := a.blob(name).Upload(ctx, body, &blockblob.UploadOptions{
		Metadata:                metadata(f.SHA256),
		HTTPHeaders:             headers(name, f.MD5),
		TransactionalValidation: blob.TransferValidationTypeMD5(f.MD5),
		AccessConditions:        condition(""),
	})
	return err
}

// putBlocks sends a file in blocks and commits them if what was read is what was hashed before. Blocks that are never
// committed can be seen by nobody and are dropped by the service after a week.
func (a *Azure) putBlocks(ctx context.Context, name string, local io.Reader, f LocalFile) error {
	ids, sha, err := a.stage(ctx, name, local)
	if err != nil {
		return err
	}
	if sha != f.SHA256 {
		return fmt.Errorf("%s: sha256 %s instead of %s: damaged or changed meanwhile", f.Path, sha, f.SHA256)
	}
	_, err = a.blob(name).CommitBlockList(ctx, ids, &blockblob.CommitBlockListOptions{
		Metadata:         metadata(f.SHA256),
		HTTPHeaders:      headers(name, f.MD5), // kept as it is given: the service cannot compare it with blocks
		AccessConditions: condition(""),
	})
	return err
}

// stage sends the blocks, some at a time, and returns their ids in order and the hash of all that was sent. The first
// failure cancels the others.
func (a *Azure) stage(ctx context.Context, name string, r io.Reader) (ids []string, sha string, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(a.options.Parallel)
	all := sha256.New()
	nonce := rand.Text()[:8] // blocks of another writer of the same name must not get into ours
	for ctx.Err() == nil {
		block := make([]byte, a.options.BlockSize)
		n, err := io.ReadFull(r, block)
		if n == 0 || (err != nil && !errors.Is(err, io.ErrUnexpectedEOF)) {
			return ids, hex.EncodeToString(all.Sum(nil)), errors.Join(group.Wait(), ignoreEOF(err))
		}
		block = block[:n]
		all.Write(block)
		id := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s-%08d", nonce, len(ids)))
		ids = append(ids, id)
		group.Go(func() error { return a.stageBlock(ctx, name, id, block) })
	}
	cause := context.Cause(ctx)
	return nil, "", cmp.Or(group.Wait(), cause)
}

func (a *Azure) stageBlock(ctx context.Context, name, id string, block []byte) error {
	_, err := a.blob(name).StageBlock(ctx, id, streaming.NopCloser(bytes.NewReader(block)), &blockblob.StageBlockOptions{
		TransactionalValidation: blob.TransferValidationTypeMD5(md5Of(block)),
	})
	return err
}

// compare is for a name that turned out to be taken: by the same content, perhaps by an earlier attempt of ours
// whose answer was lost, or by another.
func (a *Azure) compare(ctx context.Context, name string, f LocalFile) error {
	info, err := a.Stat(ctx, name)
	if err != nil {
		return err
	}
	if info.SHA256 == "" {
		if info.SHA256, err = hashStored(ctx, a, name); err != nil {
			return err
		}
	}
	if info.Size != f.Size || info.SHA256 != f.SHA256 {
		return fmt.Errorf("put(%s/%s): %w: %d bytes with sha256 %s instead of %d bytes with %s", a, name, ErrExists, info.Size, info.SHA256, f.Size, f.SHA256)
	}
	return nil
}

// Open implements Store.
func (a *Azure) Open(ctx context.Context, name string) (io.ReadCloser, Info, error) {
	r, err := a.blob(name).DownloadStream(ctx, nil)
	if err != nil {
		return nil, Info{}, a.fail("open", name, err)
	}
	i := info(name, r.ContentLength, r.ETag, r.Metadata, r.ContentMD5)
	i.Modified = modified(r.LastModified)
	return r.NewRetryReader(ctx, nil), i, nil
}

// Stat implements Store. The SHA-256 is what was said when the content was written, the MD5 what the service computed, or
// for a file sent in blocks what was said.
func (a *Azure) Stat(ctx context.Context, name string) (Info, error) {
	r, err := a.blob(name).GetProperties(ctx, nil)
	if err != nil {
		return Info{}, a.fail("stat", name, err)
	}
	return info(name, r.ContentLength, r.ETag, r.Metadata, r.ContentMD5), nil
}

// Swap implements Store.
func (a *Azure) Swap(ctx context.Context, name string, data []byte, old string) (string, error) {
	md := md5Of(data)
	r, err := a.blob(name).Upload(ctx, streaming.NopCloser(bytes.NewReader(data)), &blockblob.UploadOptions{
		Metadata:                metadata(hashBytes(data)),
		HTTPHeaders:             headers(name, md),
		TransactionalValidation: blob.TransferValidationTypeMD5(md),
		AccessConditions:        condition(old),
	})
	if taken(err) {
		return "", fmt.Errorf("swap(%s/%s): %w", a, name, ErrChanged)
	}
	if err != nil {
		return "", a.fail("swap", name, err)
	}
	return etag(r.ETag), nil
}

// List implements Store.
func (a *Azure) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		pages := a.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{
			Prefix:  to.Ptr(a.full(prefix)),
			Include: container.ListBlobsInclude{Metadata: true},
		})
		for pages.More() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Info{}, a.fail("list", prefix, err))
				return
			}
			for _, item := range page.Segment.BlobItems {
				name := strings.TrimPrefix(strings.TrimPrefix(*item.Name, a.prefix), "/")
				p := item.Properties
				i := info(name, p.ContentLength, p.ETag, item.Metadata, p.ContentMD5)
				i.Modified = modified(p.LastModified)
				if !yield(i, nil) {
					return
				}
			}
		}
	}
}

// Delete implements Store.
func (a *Azure) Delete(ctx context.Context, name string) error {
	_, err := a.blob(name).Delete(ctx, nil)
	return ignoreNotExist(a.fail("delete", name, err))
}

func (a *Azure) blob(name string) *blockblob.Client {
	return a.container.NewBlockBlobClient(a.full(name))
}

// full is the blob's name in the container. path.Join would drop the slash at the end of a prefix.
func (a *Azure) full(name string) string {
	if a.prefix == "" {
		return name
	}
	return a.prefix + "/" + name
}

// condition asks for the ETag old, or that the name be free.
func condition(old string) *blob.AccessConditions {
	c := &blob.ModifiedAccessConditions{IfMatch: to.Ptr(azcore.ETag(old))}
	if old == "" {
		c = &blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}
	}
	return &blob.AccessConditions{ModifiedAccessConditions: c}
}

// taken says whether a condition did not hold. For If-None-Match: * that is 409 BlobAlreadyExists, for If-Match 412.
// A 409 with another code is something else, such as an immutability policy.
func taken(err error) bool {
	var r *azcore.ResponseError
	if !errors.As(err, &r) {
		return false
	}
	return r.StatusCode == http.StatusPreconditionFailed || r.ErrorCode == "BlobAlreadyExists"
}

// metadata is what we keep beside a blob's content. Names come back in any case (Sha256), as they are header names.
func metadata(sha string) map[string]*string { return map[string]*string{"sha256": &sha} }

func headers(name string, md []byte) *blob.HTTPHeaders {
	kind := "application/octet-stream"
	switch path.Ext(name) {
	case ".json":
		kind = "application/json"
	case ".parquet":
		kind = "application/vnd.apache.parquet"
	case ".txt":
		kind = "text/plain; charset=utf-8"
	}
	return &blob.HTTPHeaders{BlobContentMD5: md, BlobContentType: &kind}
}

// modified is when the service says a blob was written, to the second.
func modified(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func info(name string, size *int64, tag *azcore.ETag, meta map[string]*string, md []byte) Info {
	i := Info{Name: name, ETag: etag(tag), MD5: md}
	if size != nil {
		i.Size = *size
	}
	for k, v := range meta {
		if strings.EqualFold(k, "sha256") && v != nil {
			i.SHA256 = *v
		}
	}
	return i
}

func etag(tag *azcore.ETag) string {
	if tag == nil {
		return ""
	}
	return string(*tag)
}

func md5Of(data []byte) []byte {
	h := md5.Sum(data)
	return h[:]
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// fail says what failed, where, and what to do.
func (a *Azure) fail(operation, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s(%s/%s): %w", operation, a, name, a.explain(err))
}

// explain replaces the SDK's errors, which are pages long and may hold a signature, by a line of our own.
func (a *Azure) explain(err error) error {
	var r *azcore.ResponseError
	if errors.As(err, &r) {
		return newBlobError(r)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // u prints the URL with its query
	}
	return redact(fmt.Errorf("%w%s", err, networkAdvice(err)))
}
