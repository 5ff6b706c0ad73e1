package load

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/azledger/azledger/load/azuritetest"
)

// BenchmarkPublishAzurite publishes tables of random bytes and, in turn with it, uploads the same files with
// azblob.UploadFile and nothing else: no hashing, no listing, no reading back. peer/ours is the ratio of the median
// times, so 1 is as fast as the bare upload.
func BenchmarkPublishAzurite(b *testing.B) {
	for name, sizes := range map[string][]int{
		"4x16MB":  {16 << 20, 16 << 20, 16 << 20, 16 << 20},
		"1x64MB":  {64 << 20},
		"200x50k": slices.Repeat([]int{50 << 10}, 200),
	} {
		b.Run(name, func(b *testing.B) { benchmarkPublish(b, sizes) })
	}
}

func benchmarkPublish(b *testing.B, sizes []int) {
	url, peer := azuritetest.NewContainer(b)
	var ours, peers []time.Duration
	var total int64
	for run := range b.N {
		// Random bytes anew each time: the names come from the content, and a file that is there is not sent.
		folder := writeSet(b, "2026-11-22", randomParts(sizes)...)
		prefix := fmt.Sprint("/run", run)
		store, err := OpenAzure(url+prefix, AzureOptions{ConnectionString: NewSecret(azuritetest.Connection(url))})
		check(b, err)
		we := func() {
			ours = append(ours, timed(b, func() error {
				done, err := Publish(b.Context(), store, folder, Options{})
				total = done.Bytes
				return err
			}))
		}
		they := func() {
			peers = append(peers, timed(b, func() error { return uploadBare(b.Context(), peer, prefix[1:]+"-peer/", folder) }))
		}
		if run%2 == 0 { // who goes first finds the caches cold
			we()
			they()
		} else {
			they()
			we()
		}
	}
	b.SetBytes(total)
	b.ReportMetric(float64(median(peers))/float64(median(ours)), "peer/ours")
	b.ReportMetric(float64(total)/1e6/median(ours).Seconds(), "ours-MB/s")
	b.ReportMetric(float64(total)/1e6/median(peers).Seconds(), "peer-MB/s")
}

func randomParts(sizes []int) []part {
	var parts []part
	for i, size := range sizes {
		data := make([]byte, size)
		rand.Read(data)
		parts = append(parts, part{fmt.Sprint("t", i), "", 1, string(data)})
	}
	return parts
}

// uploadBare uploads the files of a set one after the other.
func uploadBare(ctx context.Context, client *container.Client, prefix, folder string) error {
	names, err := filepath.Glob(filepath.Join(folder, "*", "*.parquet"))
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = client.NewBlockBlobClient(prefix+filepath.Base(name)).UploadFile(ctx, f, &blockblob.UploadFileOptions{})
		f.Close()
		if err != nil {
			return err
		}
	}
	return err
}

func timed(b *testing.B, do func() error) time.Duration {
	b.Helper()
	start := time.Now()
	check(b, do())
	return time.Since(start)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
