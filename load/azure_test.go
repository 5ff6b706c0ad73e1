package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/load/azuritetest"
)

// A wire sends requests as http.DefaultClient does, and may harm them or their answers.
type wire func(*http.Request) (*http.Response, error)

func (w wire) Do(r *http.Request) (*http.Response, error) { return w(r) }

// deliver sends a request as it is.
var deliver = http.DefaultClient.Do

// big is a file that goes in blocks, small one that goes at once.
var contents = map[string]string{"big": text(600 << 10), "small": text(1000)}

func isBlob(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/data/")
}

func TestAzureLosesEveryAnswerOnce(t *testing.T) {
	url := newContainer(t)
	var mu sync.Mutex
	seen := map[string]bool{}
	store := openAzurite(t, url, wire(func(r *http.Request) (*http.Response, error) {
		answer, err := deliver(r)
		mu.Lock()
		defer mu.Unlock()
		if key := r.Method + r.URL.String(); err == nil && !seen[key] {
			seen[key] = true
			answer.Body.Close()
			return nil, io.ErrUnexpectedEOF
		}
		return answer, err
	}))
	publishBoth(t, store)
	sound(t, store, 2)
	if len(seen) < 20 {
		t.Errorf("only %d answers were lost", len(seen))
	}
}

func TestAzureIsBusy(t *testing.T) {
	url := newContainer(t)
	var mu sync.Mutex
	tries := map[string]int{}
	busy := func(r *http.Request) int {
		mu.Lock()
		defer mu.Unlock()
		tries[r.Method+r.URL.String()]++
		return tries[r.Method+r.URL.String()]
	}
	store := openAzurite(t, url, wire(func(r *http.Request) (*http.Response, error) {
		if try := busy(r); try%4 != 0 {
			return answer(r, []int{429, 500, 503}[try%4-1], "ServerBusy"), nil
		}
		return deliver(r)
	}))
	publishBoth(t, store)
	sound(t, store, 2)
}

// answer is an error answer of blob storage.
func answer(r *http.Request, status int, code string) *http.Response {
	if r.Body != nil {
		io.Copy(io.Discard, r.Body)
	}
	header := http.Header{"X-Ms-Error-Code": {code}, "X-Ms-Request-Id": {"the-request-id"}}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: header, Body: http.NoBody, Request: r}
}

func publishBoth(t *testing.T, store Store) {
	t.Helper()
	o := evening
	publish(t, store, writeSet(t, "2026-11-21", part{"cost", "2026-10", 5, "october"}), o)
	publish(t, store, writeSet(t, "2026-11-22", part{"cost", "2026-10", 9, contents["big"]}, part{"invoice", "", 1, contents["small"]}), o)
}

func TestABitFlippedOnTheWayUpIsRefused(t *testing.T) {
	for kind, text := range contents {
		t.Run(kind, func(t *testing.T) {
			store := openAzurite(t, newContainer(t), wire(func(r *http.Request) (*http.Response, error) {
				if isBlob(r) && r.URL.Query().Get("comp") != "blocklist" {
					data, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					data[len(data)/2] ^= 4
					r.Body = io.NopCloser(bytes.NewReader(data))
				}
				return deliver(r)
			}))
			_, err := Publish(t.Context(), store, writeSet(t, "2026-11-21", part{"cost", "2026-10", 5, text}), evening)
			if err == nil || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("got %v, want an error that says damaged", err)
			}
			if got := tree(t, store); len(got) > 0 {
				t.Errorf("%d files are there", len(got))
			}
		})
	}
}

func TestABitFlippedOnTheWayDownIsRefused(t *testing.T) {
	url := newContainer(t)
	publish(t, openAzurite(t, url, nil), october(t), evening)
	for _, victim := range []string{"manifests/", "data/"} {
		store := openAzurite(t, url, wire(func(r *http.Request) (*http.Response, error) {
			a, err := deliver(r)
			if err == nil && strings.Contains(r.URL.Path, victim) {
				data, _ := io.ReadAll(a.Body)
				data[len(data)/2] ^= 4
				a.Body = io.NopCloser(bytes.NewReader(data))
			}
			return a, err
		}))
		_, m, err := Current(t.Context(), store)
		if victim == "manifests/" {
			if err == nil {
				t.Error("a damaged manifest was accepted")
			}
			continue
		}
		check(t, err)
		if name, err := Fetch(t.Context(), store, m.files()[0], t.TempDir()); err == nil {
			t.Errorf("a damaged file was accepted as %s", name)
		}
		if problems, err := Verify(t.Context(), store, 0); err != nil || len(problems) != 3 {
			t.Errorf("Verify: got %v, %v, want 3 problems", problems, err)
		}
	}
}

func TestADownloadThatBreaksOffIsResumed(t *testing.T) {
	url := newContainer(t)
	folder := writeSet(t, "2026-11-21", part{"cost", "2026-10", 5, contents["big"]})
	publish(t, openAzurite(t, url, nil), folder, evening)
	broken := 0
	store := openAzurite(t, url, wire(func(r *http.Request) (*http.Response, error) {
		a, err := deliver(r)
		if err == nil && strings.Contains(r.URL.Path, "/data/") && broken < 2 {
			broken++
			a.Body = io.NopCloser(io.MultiReader(io.LimitReader(a.Body, 100_000), failing{}))
		}
		return a, err
	}))
	_, m, err := Current(t.Context(), store)
	check(t, err)
	name, err := Fetch(t.Context(), store, m.files()[0], t.TempDir())
	check(t, err)
	if data, err := os.ReadFile(name); err != nil || string(data) != contents["big"] || broken != 2 {
		t.Errorf("%d bytes, broken off %d times, %v", len(data), broken, err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestACancelledUploadCommitsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := newContainer(t)
	blocks := 0
	store := openAzurite(t, url, wire(func(r *http.Request) (*http.Response, error) {
		if isBlob(r) {
			if blocks++; blocks == 2 {
				cancel()
			}
		}
		return deliver(r)
	}))
	store.options.Parallel = 1
	_, err := Publish(ctx, store, writeSet(t, "2026-11-21", part{"cost", "2026-10", 5, contents["big"]}), evening)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context canceled", err)
	}
	if got := tree(t, store); len(got) > 0 {
		t.Errorf("%d files are there", len(got))
	}
}

func TestPublishThroughASAS(t *testing.T) {
	url := newContainer(t)
	token := sasOf(t, url, sas.ContainerPermissions{Read: true, Add: true, Create: true, Write: true, Delete: true, List: true})
	for name, open := range map[string]func() (*Azure, error){
		"in the URL":     func() (*Azure, error) { return OpenAzure(url+"/p?"+token, AzureOptions{}) },
		"beside the URL": func() (*Azure, error) { return OpenAzure(url+"/q/", AzureOptions{SAS: NewSecret("?" + token)}) },
		"at the root":    func() (*Azure, error) { return OpenAzure(url, AzureOptions{SAS: NewSecret(token)}) },
	} {
		t.Run(name, func(t *testing.T) {
			store, err := open()
			check(t, err)
			if strings.ContainsAny(store.String(), "?") || strings.HasSuffix(store.String(), "/") {
				t.Errorf("String: got %s", store)
			}
			check(t, Preflight(t.Context(), store))
			publishBoth(t, store)
			sound(t, store, 2)
		})
	}
}

// sasOf makes a signature for a container, for an hour.
func sasOf(t *testing.T, containerURL string, p sas.ContainerPermissions) string {
	t.Helper()
	key, err := container.NewSharedKeyCredential(azuritetest.Account, azuritetest.Key)
	check(t, err)
	client, err := container.NewClientWithSharedKeyCredential(containerURL, key, nil)
	check(t, err)
	signed, err := client.GetSASURL(p, time.Now().Add(time.Hour), nil)
	check(t, err)
	_, token, _ := strings.Cut(signed, "?")
	return token
}

func TestPreflightSaysWhatIsMissing(t *testing.T) {
	url := newContainer(t)
	reading := sasOf(t, url, sas.ContainerPermissions{Read: true, List: true})
	writing := sasOf(t, url, sas.ContainerPermissions{Read: true, List: true, Create: true, Write: true})
	sig := reading[strings.Index(reading, "sig=")+4:]
	sig, _, _ = strings.Cut(sig, "&")
	retry := policy.RetryOptions{MaxRetries: -1}
	firewall := wire(func(r *http.Request) (*http.Response, error) { return answer(r, 403, "AuthorizationFailure"), nil })
	expired := wire(func(r *http.Request) (*http.Response, error) { return answer(r, 403, "AuthenticationFailed"), nil })
	immutable := wire(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodDelete {
			return answer(r, 409, "BlobImmutableDueToPolicy"), nil
		}
		return deliver(r)
	})
	for name, c := range map[string]struct {
		url  string
		o    AzureOptions
		want []string
	}{
		"no container":    {url + "-none/p", AzureOptions{ConnectionString: NewSecret(azuritetest.Connection(url))}, []string{"cannot write", "ContainerNotFound", "create it", url + "-none/p"}},
		"read only":       {url, AzureOptions{SAS: NewSecret(reading)}, []string{"cannot write", "403", "Storage Blob Data Contributor"}},
		"no deleting":     {url, AzureOptions{SAS: NewSecret(writing)}, []string{"cannot delete", "403", "racwdl", "stays"}},
		"wrong signature": {url, AzureOptions{SAS: NewSecret(strings.Replace(reading, "sig=", "sig=AAAA", 1))}, []string{"cannot write", "403"}},
		"expired":         {url, AzureOptions{SAS: NewSecret(reading), Transport: expired}, []string{"cannot write", "AuthenticationFailed", "renew it"}},
		"nothing answers": {"http://127.0.0.1:1/a/container", AzureOptions{SAS: NewSecret(reading), Retry: retry}, []string{"nothing answers there"}},
		"no such account": {"https://nosuchaccount.invalid/container", AzureOptions{SAS: NewSecret(reading), Retry: retry}, []string{"no such account"}},
		"firewall":        {url, AzureOptions{SAS: NewSecret(writing), Transport: firewall}, []string{"cannot write", "firewall", "the-request-id"}},
		"immutable":       {url, AzureOptions{SAS: NewSecret(writing), Transport: immutable}, []string{"cannot delete", "immutability policy"}},
	} {
		t.Run(name, func(t *testing.T) {
			store, err := OpenAzure(c.url, c.o)
			check(t, err)
			err = Preflight(t.Context(), store)
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), sig) || strings.Contains(err.Error(), "sig=") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the signature or a page of text is in: %v", err)
			}
		})
	}
}

func TestPreflightOfADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o666))
	if _, err := OpenDir(file); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v", err)
	}
	if err := Preflight(t.Context(), openDir(t, filepath.Join(file, "below"))); err == nil {
		t.Error("a directory below a file was accepted")
	}
}

func TestOpenAzureRefuses(t *testing.T) {
	secret := NewSecret("sv=2024-11-04&sig=s3cr3t")
	for name, c := range map[string]struct {
		url  string
		o    AzureOptions
		want string
	}{
		"no credential":     {"https://a.blob.core.windows.net/c", AzureOptions{}, "0 credentials"},
		"two credentials":   {"https://a.blob.core.windows.net/c", AzureOptions{SAS: secret, Credential: token("x")}, "2 credentials"},
		"SAS twice":         {"https://a.blob.core.windows.net/c?sig=s3cr3t", AzureOptions{SAS: secret}, "2 credentials"},
		"no container":      {"https://a.blob.core.windows.net/", AzureOptions{SAS: secret}, "names no container"},
		"no URL":            {"lake", AzureOptions{SAS: secret}, "names no container"},
		"broken URL":        {"https://a b/%?sig=s3cr3t", AzureOptions{}, "cannot be read"},
		"broken string":     {"https://a.blob.core.windows.net/c", AzureOptions{ConnectionString: NewSecret("AccountKey=s3cr3t")}, "cannot be read"},
		"another's account": {"https://a.blob.core.windows.net/c", AzureOptions{ConnectionString: NewSecret("DefaultEndpointsProtocol=https;AccountName=b;AccountKey=czNjcjN0;EndpointSuffix=core.windows.net")}, "is for https://b.blob.core.windows.net/c"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenAzure(c.url, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// A token is an identity whose token is known.
type token string

func (k token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(k), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestAnIdentitySendsItsToken(t *testing.T) {
	var got []string
	store, err := OpenAzure("https://contoso.blob.core.windows.net/billing/published", AzureOptions{
		Credential: token("the-token"),
		Transport: wire(func(r *http.Request) (*http.Response, error) {
			got = append(got, fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.Header.Get("Authorization")))
			return answer(r, 404, "BlobNotFound"), nil
		}),
	})
	check(t, err)
	if _, _, err := Current(t.Context(), store); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want not exist", err)
	}
	want := []string{"GET /billing/published/current.json Bearer the-token"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
