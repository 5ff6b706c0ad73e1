package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// undone is why a month was opened again; it lies beside the folder of the month that it is about.
type undone struct {
	Period string    `json:"period"`
	SHA256 string    `json:"sha256"` // of the record
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// reopen opens the last closed month again. Its folder is kept, under the hash of its record.
func (c *closing) reopen(ctx context.Context) error {
	months, err := c.cfg.closedMonths()
	if err != nil {
		return err
	}
	if len(months) == 0 || months[len(months)-1].Period != c.month {
		last := "no month is closed"
		if len(months) > 0 {
			last = "only the last closed month, " + months[len(months)-1].Period + ", can be opened again: those before it are part of its chain"
		}
		return fmt.Errorf("close %s --undo: %s", c.month, last)
	}
	m := months[len(months)-1]
	place := filepath.Join(c.cfg.Lake, filepath.FromSlash(undoneFolder), m.Period+"-"+m.sha256[:16])
	note := undone{Period: m.Period, SHA256: m.sha256, At: c.now().UTC().Truncate(time.Second), By: c.by, Reason: c.closeAsk.reason}
	if err := replaceFile(place+".json", indented(note)); err != nil {
		return err
	}
	if err := c.bring(ctx, m); err != nil {
		return err
	}
	if err := os.RemoveAll(place); err != nil { // of an earlier attempt, whose end the lake did not see
		return err
	}
	if err := os.Rename(m.folder, place); err != nil {
		return err
	}
	c.log.Info("opened again", "month", m.Period, "by", c.by, "reason", c.closeAsk.reason, "record", m.sha256, "kept", place)
	return syncFolder(filepath.Dir(m.folder))
}

// bring fetches what the folder of a month does not have on this disk, so that it can be moved whole.
func (c *closing) bring(ctx context.Context, m closedMonth) error {
	fetch := c.fetch()
	if fetch == nil {
		return nil
	}
	var paths []string
	for _, t := range m.Tables {
		paths = append(paths, filepath.Join(m.folder, filepath.FromSlash(t.file().Path)))
	}
	return fetch(ctx, paths)
}
