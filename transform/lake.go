package transform

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// file is a Parquet file with what it must be.
type file struct {
	Path   string `json:"path"` // in a manifest beside it; in the code absolute or below the working directory
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// unit is the manifest of what one source served for one scope, period and dataset. Extraction
// renames it into place last, so what it lists is whole. Of a unit whose last fetch failed it lists
// the last good files.
type unit struct {
	Format          int    `json:"format"`
	Source          string `json:"source"`
	Account         string `json:"account"`
	Scope           string `json:"scope"`
	Period          string `json:"period"` // yyyy-mm, or all
	Dataset         string `json:"dataset"`
	State           string `json:"state"`
	Error           string `json:"error"`
	Files           []file `json:"files"`
	Rejects         []file `json:"rejects"`
	Rows            int64  `json:"rows"`
	RejectRows      int64  `json:"reject_rows"`
	Pages           int64  `json:"pages"`
	Rounded         int64  `json:"rounded"`
	LargestRounding string `json:"largest_rounding"`
	MinDate         string `json:"min_date"`
	MaxDate         string `json:"max_date"`
	Duplicates      *int64 `json:"duplicates"` // records served more than once exactly alike; all count
	Announced       extent `json:"announced"`  // what the source said there is
	Received        *int64 `json:"received"`   // bytes that came; nil: the manifest is older than this count
}

// extent is how much a source said there is: nil where the manifest does not have the count, below 0
// where the source said nothing.
type extent struct {
	Pages *int64 `json:"pages"`
	Rows  *int64 `json:"rows"`
	Bytes *int64 `json:"bytes"`
}

// noPeriod is the period of units that belong to none.
const noPeriod = "all"

var month = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])$`)

// readUnits reads the manifests of raw/<source>/scope=<slug>/period=<yyyy-mm|all>/<dataset>.json, in
// the order in which the grains of staging sort their rows. A lake without raw files has no units.
func readUnits(lake string) ([]unit, error) {
	manifests, err := fs.Glob(os.DirFS(lake), "raw/*/scope=*/period=*/*.json")
	if err != nil {
		return nil, err
	}
	units := make([]unit, 0, len(manifests))
	for _, manifest := range manifests {
		u, err := readUnit(filepath.Join(lake, filepath.FromSlash(manifest)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w: extract it again", manifest, err)
		}
		units = append(units, u)
	}
	slices.SortStableFunc(units, func(a, b unit) int {
		return cmp.Or(
			cmp.Compare(a.Account, b.Account), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Scope, b.Scope),
			cmp.Compare(a.Period, b.Period), cmp.Compare(a.Dataset, b.Dataset),
		)
	})
	return units, nil
}

func readUnit(manifest string) (u unit, err error) {
	text, err := os.ReadFile(manifest)
	if err != nil {
		return u, err
	}
	if err := json.Unmarshal(text, &u); err != nil {
		return u, err
	}
	folder := filepath.Dir(manifest)
	source := filepath.Base(filepath.Dir(filepath.Dir(folder)))
	switch {
	case u.Format != 1:
		return u, fmt.Errorf("the manifest has format %d, this program reads 1", u.Format)
	case u.Source != source:
		return u, fmt.Errorf("the manifest of source %q lies in the folder of %q", u.Source, source)
	case u.Period != noPeriod && !month.MatchString(u.Period):
		return u, fmt.Errorf("the period %q is neither yyyy-mm nor %s", u.Period, noPeriod)
	}
	for _, list := range [][]file{u.Files, u.Rejects} {
		for i := range list {
			if !filepath.IsLocal(list[i].Path) {
				return u, fmt.Errorf("the file %q lies outside the unit", list[i].Path)
			}
			list[i].Path = filepath.Join(folder, list[i].Path)
		}
	}
	return u, nil
}

// verify compares a file with what is known of it. A bit that turned on the disk must not become a
// number in a table.
func (f file) verify() error {
	size, sum, err := hashFile(f.Path)
	switch {
	case err != nil:
		return err
	case size != f.Bytes:
		return fmt.Errorf("%s: has %d bytes instead of %d", f.Path, size, f.Bytes)
	case sum != f.SHA256:
		return fmt.Errorf("%s: its content is not what it was when it was written (sha256 %.16s instead of %.16s)", f.Path, sum, f.SHA256)
	}
	return nil
}

func hashFile(path string) (size int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return 0, "", fmt.Errorf("reading %s: %w", path, err)
	}
	return size, hex.EncodeToString(h.Sum(nil)), nil
}

// writeFile makes a file appear whole: beside, synced, renamed. A file that already says the same is
// left alone.
func writeFile(path string, content []byte) (err error) {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	beside := path + ".tmp"
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", beside, err), os.Remove(beside))
	}
	return rename(beside, path)
}

// rename moves a synced file into place and syncs the folder, so that the name survives a power cut.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// unitPeriods are the months that any of the units chosen belongs to, in order.
func unitPeriods(units []unit, chosen func(unit) bool) []string {
	var periods []string
	for _, u := range units {
		if u.Period != noPeriod && chosen(u) {
			periods = append(periods, u.Period)
		}
	}
	slices.Sort(periods)
	return slices.Compact(periods)
}
