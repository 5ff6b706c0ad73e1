package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/azledger/azledger/cmd/azledger/internal/mirror"
	"github.com/azledger/azledger/load"
)

// A lake can live in a container. The stages know nothing of that: they work on a
// folder of this machine, the working copy, which is brought up to date before them
// and saved after each of them. See package mirror.

// workHere makes the working copy the lake that everything else sees.
func (c *config) workHere() {
	if isURL(c.Lake) {
		c.container = c.Lake
		c.Lake = c.workingCopy()
	}
}

// workingCopy is the folder for a lake in a container: the same for every run, so that
// a machine that keeps its disk fetches little.
func (c *config) workingCopy() string {
	place, _, _ := strings.Cut(c.Lake, "?") // a signature is renewed, the lake stays
	sum := sha256.Sum256([]byte(strings.TrimRight(place, "/")))
	temp := c.Limits.Temp
	if temp == "" {
		temp = os.TempDir()
	}
	return filepath.Join(temp, fmt.Sprintf("azledger-lake-%d-%s", os.Getuid(), hex.EncodeToString(sum[:8])))
}

// ownFolder makes the working copy and sees that nobody else can write to it: its name
// can be guessed, and the folder for temporary files is everybody's.
func (c *config) ownFolder() error {
	if c.container == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(c.Lake), 0o755); err != nil {
		return fmt.Errorf("working copy of the lake: %w", err)
	}
	if err := os.Mkdir(c.Lake, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("working copy of the lake: %w", err)
	}
	info, err := os.Lstat(c.Lake)
	if err != nil {
		return fmt.Errorf("working copy of the lake: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || ok && int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("working copy of the lake: %s is not a folder that only user %d can use: remove it, or set limits.temp to a folder of your own", c.Lake, os.Getuid())
	}
	return nil
}

// onLake runs the steps of a command on the lake, wherever it is, which this process
// holds until they are done.
func (j *job) onLake(ctx context.Context, steps func(context.Context, *job) error) error {
	if err := j.cfg.ownFolder(); err != nil {
		return err
	}
	var err error
	if j.lock, err = lockLake(j.cfg.Lake, j.ask.command, j.now()); err != nil {
		return err
	}
	defer j.lock.release()
	if j.cfg.container == "" {
		return steps(ctx, j)
	}
	return j.onMirror(ctx, steps)
}

// onMirror runs the steps on the working copy of a lake in a container.
func (j *job) onMirror(ctx context.Context, steps func(context.Context, *job) error) error {
	store, err := j.cfg.open("lake", j.cfg.container)
	if err != nil {
		return err
	}
	if err := load.Preflight(ctx, store); err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	host, _ := os.Hostname() // for people to read; nothing depends on it
	by := mirror.Holder{Command: j.ask.command, Process: os.Getpid(), Host: host, Since: j.now().UTC()}
	if j.mirror, err = mirror.Open(ctx, store, j.cfg.Lake, by, mirror.Options{Log: j.log, LeaseTime: j.lease}); err != nil {
		return heldElsewhere(err)
	}
	defer j.mirror.Close(ctx)
	guarded, stop := j.mirror.Guard(ctx)
	defer stop()
	err = steps(guarded, j)
	var lost *mirror.LostError
	if errors.As(context.Cause(guarded), &lost) {
		err = lost
	}
	return heldElsewhere(err)
}

// save makes the lake what a stage has made of the working copy: after a stage that
// failed or was interrupted too, for what it completed is complete.
func (j *job) save(ctx context.Context) error {
	if j.mirror == nil {
		return nil
	}
	return j.mirror.Save(ctx)
}

// fetch brings files of the lake that are not on this disk; nil where all are.
func (j *job) fetch() func(context.Context, []string) error {
	if j.mirror == nil {
		return nil
	}
	return j.mirror.Fetch
}

// elsewhereError is lockedError for a lake that another host has.
type elsewhereError struct{ error }

func (elsewhereError) exitCode() int   { return exitLocked }
func (e elsewhereError) Unwrap() error { return e.error }

func heldElsewhere(err error) error {
	var held *mirror.HeldError
	var lost *mirror.LostError
	if errors.As(err, &held) || errors.As(err, &lost) {
		return elsewhereError{err}
	}
	return err
}

// open opens the store at a container URL, which the configuration gives for key.
func (c *config) open(key, location string) (load.Store, error) {
	connection, sas := c.secrets(location)
	o := load.AzureOptions{ConnectionString: load.NewSecret(connection), SAS: load.NewSecret(sas)}
	if connection == "" && sas == "" && !strings.Contains(location, "sig=") {
		var err error
		if o.Credential, err = c.tokens(); err != nil {
			return nil, err
		}
	}
	store, err := load.OpenAzure(location, o)
	if err != nil {
		return nil, usagef("%s: %w", key, err)
	}
	return store, nil
}

// secrets are the secrets of the environment that open a container. They are of one
// storage account: a container of another one is opened with its URL's signature or
// with the credential. A signature in the URL wins.
func (c *config) secrets(location string) (connection, sas string) {
	if strings.Contains(location, "sig=") {
		return "", ""
	}
	connection, sas = c.secret.StorageConnectionString.Reveal(), c.secret.StorageSAS.Reveal()
	if connection != "" && !within(location, accountOf(connection)) {
		connection = ""
	}
	if sas != "" && !within(location, c.signedAccount()) {
		sas = ""
	}
	return connection, sas
}

// signedAccount is the storage account that AZLEDGER_STORAGE_SAS is of: that of the
// publication, else that of the lake.
func (c *config) signedAccount() string {
	for _, location := range []string{c.Publish, c.container} {
		if isURL(location) {
			return accountURL(location)
		}
	}
	return ""
}

// accountURL is the part of a container's URL that is its storage account's. Emulators
// on this machine have the account as the first step of the path.
func accountURL(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	account := u.Scheme + "://" + u.Host
	if loopback(location) {
		name, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
		account += "/" + name
	}
	return account
}

// accountOf is the address of the storage account that a connection string is for.
func accountOf(connection string) string {
	parts := map[string]string{}
	for field := range strings.SplitSeq(connection, ";") {
		key, value, _ := strings.Cut(field, "=")
		parts[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
	}
	if blobs := parts["blobendpoint"]; blobs != "" {
		return strings.TrimRight(blobs, "/")
	}
	suffix := parts["endpointsuffix"]
	if suffix == "" {
		suffix = "core.windows.net"
	}
	return "https://" + parts["accountname"] + ".blob." + suffix
}

// within tells whether a container's URL is one of the account.
func within(location, account string) bool {
	return account != "" && strings.EqualFold(accountURL(location), account)
}
