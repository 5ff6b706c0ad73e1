package load

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"

	"golang.org/x/sync/errgroup"
)

// A LocalFile is a finished local file and what it is known to hold.
type LocalFile struct {
	Path   string
	Size   int64
	SHA256 string // hex
	MD5    []byte // what blob storage compares an upload with
}

// HashFile reads a finished local file and says what it holds. The two hashes are computed side by side, since MD5
// takes two to three times as long as SHA-256 and together they would be a third of the time of an upload to the same host.
func HashFile(ctx context.Context, name string) (LocalFile, error) {
	f := LocalFile{Path: name}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		f.SHA256, f.Size, err = hashLocal(ctx, name)
		return err
	})
	group.Go(func() (err error) {
		f.MD5, _, err = digest(ctx, name, md5.New())
		return err
	})
	return f, group.Wait()
}

// hashLocal returns a local file's SHA-256 and size.
func hashLocal(ctx context.Context, name string) (string, int64, error) {
	sum, size, err := digest(ctx, name, sha256.New())
	return hex.EncodeToString(sum), size, err
}

func digest(ctx context.Context, name string, h hash.Hash) ([]byte, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	size, err := copyContext(ctx, h, f)
	if err != nil {
		return nil, 0, fmt.Errorf("hash(%s): %w", name, err)
	}
	return h.Sum(nil), size, nil
}

// hashStored reads a file of the store to its end and returns its SHA-256.
func hashStored(ctx context.Context, store Store, name string) (string, error) {
	r, _, err := store.Open(ctx, name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	sha := sha256.New()
	if _, err := copyContext(ctx, sha, r); err != nil {
		return "", fmt.Errorf("read(%s/%s): %w", store, name, err)
	}
	return hex.EncodeToString(sha.Sum(nil)), nil
}

func hashBytes(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// copyContext is io.Copy that stops when ctx ends.
func copyContext(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, contextReader{ctx, r}, make([]byte, 256<<10))
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
