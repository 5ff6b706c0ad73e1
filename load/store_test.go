package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/load/azuritetest"
)

func TestDirIsAStore(t *testing.T) {
	testStore(t, func(t *testing.T) Store { return openDir(t, filepath.Join(t.TempDir(), "new", "published")) })
}

func TestAzureIsAStore(t *testing.T) {
	azuritetest.Need(t)
	testStore(t, func(t *testing.T) Store { return openAzurite(t, newContainer(t), nil) })
}

func TestFaultyWithoutFaultIsAStore(t *testing.T) {
	testStore(t, func(t *testing.T) Store { return &faulty{Store: openDir(t, t.TempDir())} })
}

// testStore holds a store to the obligations of Store. open returns an empty one.
func testStore(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, Store){
		"a file put can be read":            testPut,
		"put twice is put once":             testPutTwice,
		"put does not replace":              testPutOther,
		"put refuses what was not hashed":   testPutDamaged,
		"a cancelled put leaves nothing":    testPutCancelled,
		"puts at once: one content wins":    testPutRace,
		"what is not there does not exist":  testMissing,
		"swap asks for the old etag":        testSwap,
		"swaps at once lose no update":      testSwapRace,
		"list knows prefixes":               testList,
		"delete":                            testDelete,
		"preflight leaves nothing":          testPreflight,
		"the etag of open is that of swap":  testETag,
		"a put does not change other files": testPutBeside,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// sizes are around what openAzurite sends whole, and some more blocks.
var sizes = []int{1, 64<<10 - 1, 256 << 10, 256<<10 + 1, 600 << 10, 2 << 20}

func text(size int) string {
	return strings.Repeat("0123456789abcde\n", size/16+1)[:size]
}

func testPut(t *testing.T, s Store) {
	for _, size := range sizes {
		name := fmt.Sprintf("data/t/BillingPeriod=2026-10/%d.parquet", size)
		f := localFile(t, text(size))
		check(t, s.Put(t.Context(), name, f))
		info, err := s.Stat(t.Context(), name)
		check(t, err)
		if info.Name != name || info.Size != f.Size || info.SHA256 != f.SHA256 || info.ETag == "" {
			t.Errorf("Stat: got %+v, want size %d, sha256 %s and an etag", info, f.Size, f.SHA256)
		}
		if content(t, s, name) != text(size) {
			t.Errorf("size %d: other content came back", size)
		}
	}
}

func testPutTwice(t *testing.T, s Store) {
	for _, size := range sizes {
		f := localFile(t, text(size))
		check(t, s.Put(t.Context(), "data/a", f))
		before, err := s.Stat(t.Context(), "data/a")
		check(t, err)
		check(t, s.Put(t.Context(), "data/a", f))
		after, err := s.Stat(t.Context(), "data/a")
		check(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("size %d: %s", size, diff)
		}
		check(t, s.Delete(t.Context(), "data/a"))
	}
}

func testPutOther(t *testing.T, s Store) {
	for _, size := range sizes[1:] {
		check(t, s.Put(t.Context(), "data/a", localFile(t, "first")))
		if err := s.Put(t.Context(), "data/a", localFile(t, text(size))); !errors.Is(err, ErrExists) {
			t.Errorf("size %d: got %v, want ErrExists", size, err)
		}
		if got := content(t, s, "data/a"); got != "first" {
			t.Errorf("size %d: the first content was replaced by %.20q", size, got)
		}
	}
}

func testPutDamaged(t *testing.T, s Store) {
	for _, size := range sizes {
		f := localFile(t, text(size))
		check(t, os.WriteFile(f.Path, []byte("!"+text(size)[1:]), 0o666))
		if err := s.Put(t.Context(), "data/a", f); err == nil {
			t.Errorf("size %d: a file that changed was accepted", size)
		}
		if _, err := s.Stat(t.Context(), "data/a"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("size %d: Stat after a refused Put: got %v, want not exist", size, err)
		}
	}
}

func testPutCancelled(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, "data/a", localFile(t, text(600<<10))); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: got %v, want context canceled", err)
	}
	if _, err := s.Swap(ctx, "current.json", []byte("x"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Swap: got %v, want context canceled", err)
	}
	if got := tree(t, s); len(got) > 0 {
		t.Errorf("something is there: %v", got)
	}
}

func testPutRace(t *testing.T, s Store) {
	var group sync.WaitGroup
	errs := make([]error, 9)
	for i := range errs {
		f := localFile(t, text(300<<10)+strconv.Itoa(i%3))
		group.Go(func() { errs[i] = s.Put(t.Context(), "data/a", f) })
	}
	group.Wait()
	got := content(t, s, "data/a")
	for i, err := range errs {
		won := strings.HasSuffix(got, "\n"+strconv.Itoa(i%3)) || got[len(got)-1:] == strconv.Itoa(i%3)
		if won && err != nil {
			t.Errorf("%d has the content that won: got %v", i, err)
		}
		if !won && !errors.Is(err, ErrExists) {
			t.Errorf("%d has other content: got %v, want ErrExists", i, err)
		}
	}
}

func testMissing(t *testing.T, s Store) {
	if _, _, err := s.Open(t.Context(), "data/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: got %v", err)
	}
	if _, err := s.Stat(t.Context(), "data/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat: got %v", err)
	}
	if _, _, err := Current(t.Context(), s); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Current: got %v", err)
	}
	check(t, s.Delete(t.Context(), "data/none"))
	if err := s.Put(t.Context(), "data/a", LocalFile{Path: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Put: got %v", err)
	}
}

func testSwap(t *testing.T, s Store) {
	first, err := s.Swap(t.Context(), "current.json", []byte("one"), "")
	check(t, err)
	second, err := s.Swap(t.Context(), "current.json", []byte("two"), first)
	check(t, err)
	for _, old := range []string{"", first, "nonsense"} {
		if _, err := s.Swap(t.Context(), "current.json", []byte("three"), old); !errors.Is(err, ErrChanged) {
			t.Errorf("old %q: got %v, want ErrChanged", old, err)
		}
	}
	if _, err := s.Swap(t.Context(), "other.json", []byte("x"), second); !errors.Is(err, ErrChanged) {
		t.Errorf("missing file: got %v, want ErrChanged", err)
	}
	if got := content(t, s, "current.json"); got != "two" {
		t.Errorf("got %q, want two", got)
	}
}

func testSwapRace(t *testing.T, s Store) {
	_, err := s.Swap(t.Context(), "n", []byte("0"), "")
	check(t, err)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 5 {
				if err := increment(t.Context(), s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := content(t, s, "n"); got != "20" {
		t.Errorf("20 increments made %s", got)
	}
}

func increment(ctx context.Context, s Store) error {
	for {
		data, info, err := ReadSmall(ctx, s, "n")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(data))
		if err != nil {
			return err
		}
		if _, err = s.Swap(ctx, "n", []byte(strconv.Itoa(n+1)), info.ETag); !errors.Is(err, ErrChanged) {
			return err
		}
	}
}

func testList(t *testing.T, s Store) {
	all := []string{"data/a/1", "data/a/2", "data/b/1", "datab", "manifests/000001.json"}
	for _, name := range all {
		check(t, s.Put(t.Context(), name, localFile(t, "content of "+name)))
	}
	for prefix, want := range map[string][]string{
		"": all, "data/": all[:3], "data": all[:4], "data/a/": all[:2], "data/a/2": all[1:2], "none/": nil, "manifests/0": all[4:],
	} {
		var got []string
		for info, err := range s.List(t.Context(), prefix) {
			check(t, err)
			got = append(got, info.Name)
			if info.Size != int64(len("content of "+info.Name)) {
				t.Errorf("%s: size %d", info.Name, info.Size)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("prefix %q: %s", prefix, diff)
		}
	}
	for range s.List(t.Context(), "") {
		break // a caller may stop
	}
}

func testDelete(t *testing.T, s Store) {
	check(t, s.Put(t.Context(), "data/a", localFile(t, "a")))
	check(t, s.Delete(t.Context(), "data/a"))
	if got := tree(t, s); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
	check(t, s.Put(t.Context(), "data/a", localFile(t, "b")))
}

func testPreflight(t *testing.T, s Store) {
	check(t, Preflight(t.Context(), s))
	if got := tree(t, s); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}

func testETag(t *testing.T, s Store) {
	swapped, err := s.Swap(t.Context(), "current.json", []byte("one"), "")
	check(t, err)
	r, opened, err := s.Open(t.Context(), "current.json")
	check(t, err)
	data, err := io.ReadAll(r)
	check(t, err)
	check(t, r.Close())
	stat, err := s.Stat(t.Context(), "current.json")
	check(t, err)
	if string(data) != "one" || opened.ETag != swapped || stat.ETag != swapped || opened.Size != 3 {
		t.Errorf("Swap %q, Open %+v, Stat %+v", swapped, opened, stat)
	}
}

func testPutBeside(t *testing.T, s Store) {
	want := map[string]string{}
	for i := range 5 {
		name := fmt.Sprintf("data/t/%d", i)
		want[name] = text(1000 + i)
		check(t, s.Put(t.Context(), name, localFile(t, want[name])))
	}
	if diff := cmp.Diff(want, tree(t, s)); diff != "" {
		t.Error(diff)
	}
}
