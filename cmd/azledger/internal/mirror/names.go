package mirror

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// kind is what a file of the lake is to the mirror.
type kind int

const (
	ours     kind = iota // nothing to do with the lake's content: locks, files being written, a run's inputs
	data                 // Parquet and printed invoices: named by content, never changed, fetched only when asked for
	journal              // pages of a complete version: written, never read by a run
	page                 // a page of an interrupted unit, or the list of them
	version              // the manifest of a superseded version
	manifest             // a unit's manifest, or what is known of a printed invoice
	fetched              // when a unit was last complete
	rules                // a set of rules that a run used, and the journal of them
	signed               // what belongs to the record of a closed month: its signature and its rules
	closed               // the record of a closed month
	state                // what a table was built from
	set                  // the finished set of tables, and the rows of the runs before that it is compared with
)

// order is that of the stages on a disk: what refers to a file follows it, so that a lake which a dying process leaves
// is whole.
var order = []kind{page, version, manifest, journal, fetched, rules, signed, closed, state, set}

// kindOf tells a file by its name in the lake; extract and transform say what there is.
func kindOf(name string) kind {
	folder, base := path.Split(name)
	top, _, _ := strings.Cut(name, "/")
	switch {
	case strings.HasPrefix(name, ".") || strings.Contains(name, "/.") || strings.Contains(folder, "/work/"):
		return ours
	case (top == "raw" || top == "tables" || top == "closed") && path.Ext(base) == ".parquet", top == "documents" && path.Ext(base) == ".pdf":
		return data
	case (top == "raw" || top == "documents") && path.Ext(base) == ".json":
		return manifest
	case top == "closed" && base == "record.json":
		return closed
	case top == "closed":
		return signed
	case top == "rules":
		return rules
	case top == "journal":
		return journalKind(folder, base)
	case name == "tables/set.json", name == "tables/previous.json":
		return set
	case top == "tables" && base == "state.json":
		return state
	}
	return ours
}

func journalKind(folder, base string) kind {
	switch {
	case strings.HasSuffix(folder, "/partial/") && (base == "pages.jsonl" || strings.HasSuffix(base, ".json.zst")):
		return page
	case strings.HasSuffix(folder, "/versions/") && path.Ext(base) == ".json":
		return version
	case base == "pages.jsonl":
		return journal
	case base == "fetched":
		return fetched
	}
	return ours
}

// brought tells whether a working copy holds every file of the kind.
func (k kind) brought() bool { return k >= page }

// removed tells whether stages remove files of the kind. Manifests are never removed: one that is missing was lost.
func (k kind) removed() bool { return k == page || k == version || k == state }

// part is a data file as the small file that refers to it knows it.
type part struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// refersTo are the data files that a manifest, a state or a set lists, by their names in the lake.
func refersTo(name string, text []byte) (map[string]part, error) {
	var list struct {
		Files, Rejects []part
		File           *part
		Tables         []struct{ Files []part }
	}
	folder := path.Dir(name)
	switch kindOf(name) {
	case version: // journal/<unit>/<dataset>/versions/000001.json lists files of raw/<unit>
		folder = "raw" + strings.TrimPrefix(path.Dir(path.Dir(folder)), "journal")
	case manifest, state, set, closed:
	default:
		return nil, nil
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	found := map[string]part{}
	all := append(list.Files, list.Rejects...)
	if list.File != nil {
		all = append(all, *list.File)
	}
	for _, t := range list.Tables {
		all = append(all, t.Files...)
	}
	for _, p := range all {
		found[path.Join(folder, p.Path)] = p
	}
	return found, nil
}
