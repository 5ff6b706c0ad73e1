package load

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
)

// Preflight writes, reads and deletes a small file with a name of its own, so that a missing permission, container
// or route, an immutability policy or a full disk shows before a run begins and not at its end.
func Preflight(ctx context.Context, store Store) error {
	name := "preflight-" + rand.Text() + ".txt"
	data := []byte("azledger tests whether it can write here; this file can be deleted\n")
	if _, err := store.Swap(ctx, name, data, ""); err != nil {
		return fmt.Errorf("preflight: cannot write: %w", err)
	}
	got, _, err := ReadSmall(ctx, store, name)
	if err == nil && !bytes.Equal(got, data) {
		err = fmt.Errorf("%s/%s: read %d bytes that are not those written", store, name, len(got))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("preflight: cannot read what was written: %w", err), store.Delete(ctx, name))
	}
	if err := store.Delete(ctx, name); err != nil {
		return fmt.Errorf("preflight: cannot delete what was written (%s stays): %w", name, err)
	}
	return nil
}
