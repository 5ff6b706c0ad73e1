package rules

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/azledger/azledger/transform"
)

// Files are where the rules stand; "" where there is no such file.
type Files struct {
	Owners     string
	Allocation string
	OwnerTags  []string // tags that name the owner where no line of the owners file does
	Copies     string   // folder with copies of the files that the allocation file names; "": they are where it says
}

// FileError is a file of the configuration that cannot be read; Key is the key that names it.
type FileError struct {
	Key string
	Err error
}

func (e *FileError) Error() string { return e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// The names of the files of a set that is kept.
const (
	ownersCopy     = "owners.csv"
	allocationCopy = "allocation.yaml"
	tagsCopy       = "tags.csv"
	ratesCopy      = "rates.csv"
	ownerTagsCopy  = "owner_tags.txt"
)

// Read reads the rules whole and finds everything wrong with them; its error is then
// [Problems]. The columns are those of cost_and_usage.
func Read(f Files, columns []transform.Column) (*Set, error) {
	a := &allocation{
		Set: &Set{
			ownerTags: f.OwnerTags, policies: defaultPolicies(), files: map[string][]byte{},
			spelling: map[string]string{Unallocated: "Unallocated"},
		},
		columns: map[string]string{},
	}
	for _, c := range columns {
		a.columns[c.Name] = c.Type
	}
	a.files[ownerTagsCopy] = []byte(strings.Join(f.OwnerTags, "\n"))
	if err := a.readAll(f); err != nil {
		return nil, err
	}
	return a.Set, nil
}

// readAll reads tags first, because lines of the owners file may be said in any of their
// spellings, and the owners before the rules, which name them.
func (a *allocation) readAll(f Files) error {
	owners, err := a.file("owners", f.Owners, ownersCopy)
	if err != nil {
		return err
	}
	text, err := a.file("allocation", f.Allocation, allocationCopy)
	if err != nil {
		return err
	}
	doc := &document{file: f.Allocation}
	fields := map[string]item{}
	if top, given := doc.open(text); f.Allocation != "" && given {
		fields = top.fields("the file", "owners", "tags", "rules", "policies", "markup", "rate_card")
	}
	problems := a.readTags(fields, f)
	if f.Owners != "" {
		lines, wrong := readOwners(f.Owners, owners, &a.tags)
		a.owners, problems = lines, append(problems, wrong...)
	}
	a.knowOwners()
	a.read(fields)
	problems = append(problems, a.readRateCard(fields, f)...)
	problems = append(problems, a.order(f.Allocation)...)
	return append(doc.problems, problems...).err()
}

// file reads a file of the configuration and keeps its text.
func (a *allocation) file(key, path, name string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &FileError{key, err}
	}
	a.files[name] = text
	return text, nil
}

func (a *allocation) knowOwners() {
	for _, l := range a.owners {
		a.spelling[fold(l.owner)] = l.owner
	}
}

// readTags takes the group tags, and the file it names.
func (a *allocation) readTags(fields map[string]item, f Files) (problems Problems) {
	tags, ok := fields["tags"]
	if !ok {
		return nil
	}
	inherited, ok := a.tags.read(tags)["inherited"]
	if !ok {
		return nil
	}
	if file, text, ok := a.named(inherited, "inherited", tagsCopy, f); ok {
		problems = a.tags.readInherited(file, text)
	}
	return problems
}

func (a *allocation) readRateCard(fields map[string]item, f Files) (problems Problems) {
	card, ok := fields["rate_card"]
	if !ok {
		return nil
	}
	if file, text, ok := a.named(card, "rate_card", ratesCopy, f); ok {
		a.rates, problems = readRates(file, text)
	}
	return problems
}

// named reads a file that the allocation file names, from its folder or from the copies.
func (a *allocation) named(i item, key, name string, f Files) (path string, text []byte, ok bool) {
	path, ok = i.name(key)
	if !ok {
		return "", nil, false
	}
	switch {
	case f.Copies != "":
		path = filepath.Join(f.Copies, name)
	case !filepath.IsAbs(path):
		path = filepath.Join(filepath.Dir(f.Allocation), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		i.wrong("%s: %s", key, err)
		return "", nil, false
	}
	a.files[name] = text
	return path, text, true
}

// Texts are the files of the set by the names they are kept under.
func (s *Set) Texts() map[string][]byte { return s.files }

// Open reads a set of rules that was kept: a folder with the [Set.Texts] of it.
func Open(folder string, columns []transform.Column) (*Set, error) {
	f := Files{Copies: folder}
	for name, path := range map[string]*string{ownersCopy: &f.Owners, allocationCopy: &f.Allocation} {
		file := filepath.Join(folder, name)
		if _, err := os.Stat(file); err == nil {
			*path = file
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	keys, err := os.ReadFile(filepath.Join(folder, ownerTagsCopy))
	if err != nil {
		return nil, err
	}
	f.OwnerTags = strings.Fields(string(keys))
	return Read(f, columns)
}
