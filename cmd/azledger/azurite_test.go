package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/azledger/azledger/load/azuritetest"
)

// bucket is a container of the emulator.
type bucket struct {
	t      *testing.T
	url    string
	client *container.Client
}

// newBucket creates an empty container.
func newBucket(t *testing.T) bucket {
	t.Helper()
	url, client := azuritetest.NewContainer(t)
	return bucket{t, url, client}
}

func (b bucket) connection() string { return azuritetest.Connection(b.url) }

// put writes a blob, whatever was there.
func (b bucket) put(name string, text []byte) {
	b.t.Helper()
	if _, err := b.client.NewBlockBlobClient(name).UploadBuffer(b.t.Context(), text, nil); err != nil {
		b.t.Fatal(err)
	}
}

// upload writes the files below a folder under a prefix.
func (b bucket) upload(dir, prefix string) {
	b.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		b.put(prefix+filepath.ToSlash(name), text)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// names lists the blobs below a prefix, without it.
func (b bucket) names(prefix string) map[string]int64 {
	b.t.Helper()
	found := map[string]int64{}
	pager := b.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix})
	for pager.More() {
		page, err := pager.NextPage(context.Background())
		if err != nil {
			b.t.Fatal(err)
		}
		for _, item := range page.Segment.BlobItems {
			found[strings.TrimPrefix(*item.Name, prefix)] = *item.Properties.ContentLength
		}
	}
	return found
}

// get reads a blob.
func (b bucket) get(name string) []byte {
	b.t.Helper()
	answer, err := b.client.NewBlobClient(name).DownloadStream(context.Background(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		b.t.Fatal(err)
	}
	return text.Bytes()
}

// empty deletes the blobs below a prefix.
func (b bucket) empty(prefix string) {
	b.t.Helper()
	for name := range b.names(prefix) {
		if _, err := b.client.NewBlobClient(prefix+name).Delete(context.Background(), nil); err != nil {
			b.t.Fatal(err)
		}
	}
}
