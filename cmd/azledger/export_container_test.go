package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/azledger/azledger/extract"
	"github.com/azledger/azledger/load/azuritetest"
)

// openExports opens exports in the emulator the way a run does: with the connection
// string of the environment.
func openExports(t *testing.T, b bucket, location string) extract.ExportFolder {
	t.Helper()
	c := config{}
	c.secret.StorageConnectionString = newSecret(b.connection())
	folder, err := extract.ExportsIn(nil, c.secrets)(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func listed(t *testing.T, folder extract.ExportFolder) []string {
	t.Helper()
	var names []string
	if err := folder.List(t.Context(), func(f extract.ExportFile) { names = append(names, f.Name) }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func TestExportsInAContainer(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("exports/daily/20261101-20261130/run/manifest.json", []byte("{}"))
	b.put("exports/daily/20261101-20261130/run/part_0.csv", []byte("Date,Cost\n"))
	b.put("exports-of-others/x.csv", []byte("x"))
	for prefix, want := range map[string][]string{
		"/exports":                          {"daily/20261101-20261130/run/manifest.json", "daily/20261101-20261130/run/part_0.csv"},
		"/exports/":                         {"daily/20261101-20261130/run/manifest.json", "daily/20261101-20261130/run/part_0.csv"},
		"/exports/daily/20261101-20261130/": {"run/manifest.json", "run/part_0.csv"},
		"":                                  {"exports-of-others/x.csv", "exports/daily/20261101-20261130/run/manifest.json", "exports/daily/20261101-20261130/run/part_0.csv"},
		"/none":                             nil,
	} {
		if got := listed(t, openExports(t, b, b.url+prefix)); !slices.Equal(got, want) {
			t.Errorf("%q lists %v, want %v", prefix, got, want)
		}
	}
	folder := openExports(t, b, b.url+"/exports/daily")
	if got := read(t, folder, "20261101-20261130/run/part_0.csv"); got != "Date,Cost\n" {
		t.Errorf("read %q", got)
	}
	var before, after extract.ExportFile
	find := func(into *extract.ExportFile) func(extract.ExportFile) {
		return func(f extract.ExportFile) {
			if strings.HasSuffix(f.Name, ".csv") {
				*into = f
			}
		}
	}
	check(t, folder.List(t.Context(), find(&before)))
	time.Sleep(1100 * time.Millisecond) // blobs are dated to the second
	b.put("exports/daily/20261101-20261130/run/part_0.csv", []byte("Date,Cost\n2026-11-01,1\n"))
	check(t, folder.List(t.Context(), find(&after)))
	if !after.Modified.After(before.Modified) || after.Bytes <= before.Bytes {
		t.Errorf("a file that was overwritten looks the same: %+v, before %+v", after, before)
	}
	if got := read(t, folder, after.Name); int64(len(got)) != after.Bytes {
		t.Errorf("read %d bytes of %d", len(got), after.Bytes)
	}
	if _, err := folder.Open(t.Context(), "none.csv"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func read(t *testing.T, folder extract.ExportFolder, name string) string {
	t.Helper()
	r, err := folder.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	check(t, err)
	return string(text)
}

// A signature opens the container, in the URL or beside it, and is shown nowhere.
func TestExportsWithASignature(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("exports/a.csv", []byte("a"))
	signed, err := b.client.GetSASURL(sas.ContainerPermissions{Read: true, List: true}, time.Now().Add(time.Hour), nil)
	check(t, err)
	_, query, _ := strings.Cut(signed, "?")
	inURL, err := extract.ExportsIn(nil, nil)(t.Context(), b.url+"/exports?"+query)
	check(t, err)
	beside, err := extract.ExportsIn(nil, func(string) (string, string) { return "", "?" + query })(t.Context(), b.url+"/exports")
	check(t, err)
	for _, folder := range []extract.ExportFolder{inURL, beside} {
		if got := listed(t, folder); !slices.Equal(got, []string{"a.csv"}) {
			t.Errorf("lists %v", got)
		}
		if got := read(t, folder, "a.csv"); got != "a" {
			t.Errorf("read %q", got)
		}
	}
	signature := query[strings.Index(query, "sig=")+4:][:12]
	for _, location := range []string{
		b.url + "/exports?" + strings.Replace(query, "sig=", "sig="+signature, 1), // refused
		"http://127.0.0.1:1/" + azuritetest.Account + "/none/x?" + query,          // nobody answers
		strings.Replace(b.url, "/test-", "/none-", 1) + "?" + query,               // no such container
		"http://127.0.0.1?" + query,                                               // no container
		"https://no host/%zz?" + query,                                            // no URL
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		folder, err := extract.ExportsIn(nil, nil)(ctx, location)
		if err == nil {
			err = folder.List(ctx, func(extract.ExportFile) {})
		}
		cancel()
		if err == nil || strings.Contains(err.Error(), signature) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%.40s: %v", location, err)
		}
	}
}

// Without any secret the connection string of another account is of no use to it.
func TestSecretsAreOfOneAccount(t *testing.T) {
	c := config{Publish: "https://pub.blob.core.windows.net/p"}
	c.secret.StorageConnectionString = newSecret("DefaultEndpointsProtocol=https;AccountName=lake;AccountKey=k;EndpointSuffix=core.windows.net")
	c.secret.StorageSAS = newSecret("sig=s")
	for location, want := range map[string][2]string{
		"https://lake.blob.core.windows.net/a/b":     {c.secret.StorageConnectionString.Reveal(), ""},
		"https://pub.blob.core.windows.net/x":        {"", "sig=s"},
		"https://other.blob.core.windows.net/x":      {"", ""},
		"https://lake.blob.core.windows.net/a?sig=o": {"", ""},
		"./exports": {"", ""},
	} {
		connection, signature := c.secrets(location)
		if connection != want[0] || signature != want[1] {
			t.Errorf("%s is opened with %q and %q", location, connection, signature)
		}
	}
}
