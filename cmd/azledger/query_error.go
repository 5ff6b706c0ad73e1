package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/azledger/azledger/load"
)

var (
	// A question is put below a line of ours, so the engine counts one too many; not
	// where it cannot read the question, which it then sees alone.
	errorLine = regexp.MustCompile(`(?m)^LINE (\d+): `)

	// A view of ours is no part of the question.
	viewLine = regexp.MustCompile(`(?s)\n*LINE \d+: create view work\..*`)

	// Tables of the engine itself, offered for one that is misspelt.
	enginesTable = regexp.MustCompile(`Did you mean "(pg_|duckdb_|sqlite_|pragma_|information_schema)[^"]*"\?`)
)

// inOurWords is an error of the engine as it concerns the one who asked: in lines of
// the question, and with settings that there are here.
func (c *config) inOurWords(err error) error {
	text := viewLine.ReplaceAllString(err.Error(), "")
	text = enginesTable.ReplaceAllString(text, "azledger models lists the tables")
	if strings.HasPrefix(text, "Out of Memory Error") {
		text, _, _ = strings.Cut(text, "\n")
		text += fmt.Sprintf(": raise limits.memory (now %s) or lower limits.threads", c.Limits.Memory)
	}
	if !strings.HasPrefix(text, "Parser Error") {
		text = errorLine.ReplaceAllStringFunc(text, oneLess)
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// oneLess turns "LINE 10: " into "LINE  9: ", as wide as before, for a caret stands
// below what follows.
func oneLess(line string) string {
	digits := errorLine.FindStringSubmatch(line)[1]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 2 {
		return line
	}
	return fmt.Sprintf("LINE %*d: ", len(digits), n-1)
}

// unreadable are the engine's words for a Parquet file that does not hold together.
var unreadable = regexp.MustCompile(`(?i)magic bytes|decompress|snappy|zstd|thrift|TProtocol|parquet|footer|failed to read|corrupt|^IO Error|^Invalid Error`)

// damaged names the files that are not what was published, if that can be why the query failed.
// The engine does not always say which one it read, so their hashes decide.
func damaged(ctx context.Context, store load.Store, m load.Manifest, views map[string][]string, failure error) error {
	if !unreadable.MatchString(failure.Error()) {
		return nil
	}
	_, inPlace := store.(*load.Dir)
	var found []error
	for _, t := range m.Tables {
		for i, path := range views[t.Name] {
			got, err := load.HashFile(ctx, path)
			if err == nil && got.SHA256 == t.Files[i].SHA256 {
				continue
			}
			found = append(found, damage(path, inPlace))
		}
	}
	return errors.Join(found...)
}

// damage says how to get a file back. One whose size and time are as they were, as after
// a fault of the disk, is not noticed by load until it is gone.
func damage(path string, inPlace bool) error {
	if inPlace {
		return fmt.Errorf("%s is damaged: delete it, and azledger load repairs the publication", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("%s, a copy of a published file, is damaged: delete it and ask again: %w", path, err)
	}
	return fmt.Errorf("%s, a copy of a published file, was damaged and has been deleted: ask again", path)
}
