package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/load"
)

func (a *app) verifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify [month]",
		Short: "Compute again all that was signed off when months were closed",
		Long: `Compute again all that was signed off when months were closed: the hashes of tables, rules and raw files, the chain of
records, their signatures, the sums of every table, and what is published of those months.

It exits with 1 and names the file where anything is not what it was. Raw files that Azure's later answers took the place of
are listed as restated: that is no fault, and what they changed is in period_adjustment.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			month := ""
			if len(args) > 0 {
				month = args[0]
			}
			return a.verify(c.Context(), month)
		},
	}
	a.formatFlag(c)
	return c
}

func (a *app) verify(ctx context.Context, month string) error {
	if month != "" && !isMonth(month) {
		return usagef("verify %s: want a month such as 2026-09", month)
	}
	if err := a.checkFormat(); err != nil {
		return err
	}
	return a.work(ctx, ask{command: "verify"}, func(ctx context.Context, j *job) error { return j.verify(ctx, month) })
}

// Results of a check.
const (
	verified = "ok"
	restated = "restated"
	wrong    = "WRONG"
)

// finding is what came of checking one thing.
type finding struct{ month, what, result, detail string }

// verifier checks closed months.
type verifier struct {
	*job
	month    string
	record   closedMonth
	findings []finding
}

func (v *verifier) say(what, result, format string, args ...any) {
	v.findings = append(v.findings, finding{v.month, what, result, fmt.Sprintf(format, args...)})
}

// verify checks the closed months, or one of them, prints what it found, and fails where anything is wrong.
func (j *job) verify(ctx context.Context, month string) error {
	names, err := j.cfg.closedNames()
	if err != nil {
		return err
	}
	if month != "" && !slices.Contains(names, month) {
		return fmt.Errorf("verify %s: the month is not closed; closed are: %s", month, strings.Join(names, ", "))
	}
	v := verifier{job: j}
	var previous *link
	for i, name := range names {
		if i > 0 && name != monthAfter(names[i-1]) {
			v.month = name
			v.say("chain", wrong, "%s: the months before it are gone", filepath.Join(closedFolder, name))
		}
		this := v.chained(name, previous)
		if (month == "" || month == name) && this != nil {
			if err := v.check(ctx); err != nil {
				return fmt.Errorf("verify %s: %w", name, err)
			}
		}
		previous = this
	}
	return v.report(len(names))
}

// chained reads one record, holds it to its signature and to the record before it, and returns its hash; nil where it
// cannot be read. The whole chain is read even for one month: a record vouches for those before it.
func (v *verifier) chained(name string, previous *link) *link {
	v.month = name
	m, err := readClosed(filepath.Join(v.cfg.Lake, closedFolder, name))
	if err != nil {
		v.say("record", wrong, "%v", err)
		return nil
	}
	v.record = m
	key, err := v.cfg.signingKey()
	s, err2 := readSignature(m.folder)
	if err := errors.Join(err, err2); err != nil {
		v.say("signature", wrong, "%v", err)
	} else if err := s.holds(key); err != nil {
		v.say("signature", wrong, "%s: %v", filepath.Join(m.folder, signatureFile), err)
	} else {
		v.say("record", verified, "closed by %s at %s, sha256 %.16s, %s", m.By, m.ClosedAt.Format("2006-01-02 15:04"), m.sha256, signedBy(s))
	}
	switch name := filepath.Join(m.folder, recordFile); {
	case previous != nil && (m.Previous == nil || *m.Previous != *previous):
		v.say("chain", wrong, "%s: the record of %s is not the one it was made after", name, previous.Period)
	case previous == nil && m.Previous != nil:
		v.say("chain", wrong, "%s: was made after the record of %s, which is gone or damaged", name, m.Previous.Period)
	}
	return &link{m.Period, m.sha256}
}

func signedBy(s signature) string {
	if s.Algorithm == "" {
		return "not signed"
	}
	return "signed with " + s.Algorithm + " key " + s.PublicKey
}

// check goes through all that a record vouches for.
func (v *verifier) check(ctx context.Context) error {
	for _, step := range []func(context.Context) error{v.strays, v.rules, v.tables, v.inputs, v.published} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// strays are files of the folder that the record does not know.
func (v *verifier) strays(context.Context) error {
	known := map[string]bool{recordFile: true, signatureFile: true}
	for _, f := range v.record.Rules {
		known[f.Path] = true
	}
	for _, t := range v.record.Tables {
		known[t.file().Path] = true
	}
	return filepath.WalkDir(v.record.folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(v.record.folder, name)
		if !known[filepath.ToSlash(rel)] {
			v.say("folder", wrong, "%s: is not part of what was signed off", name)
		}
		return err
	})
}

func (v *verifier) rules(ctx context.Context) error {
	good := 0
	for _, f := range v.record.Rules {
		if v.file(ctx, "rules", filepath.Join(v.record.folder, filepath.FromSlash(f.Path)), f.Bytes, f.SHA256) {
			good++
		}
	}
	if good == len(v.record.Rules) {
		v.say("rules", verified, "%s", count(good, "file"))
	}
	return ctx.Err()
}

// file compares one file with its hash.
func (v *verifier) file(ctx context.Context, what, path string, size int64, sum string) bool {
	if fetch := v.fetch(); fetch != nil && filepath.Ext(path) == ".parquet" {
		if err := fetch(ctx, []string{path}); err != nil {
			v.say(what, wrong, "%v", err)
			return false
		}
	}
	local, err := load.HashFile(ctx, path)
	switch {
	case err != nil:
		v.say(what, wrong, "%v", err)
	case local.Size != size || local.SHA256 != sum:
		v.say(what, wrong, "%s: %d bytes with sha256 %.16s, but %d with %.16s were signed off", path, local.Size, local.SHA256, size, sum)
	default:
		return true
	}
	return false
}

// tables compares the tables with their hashes and adds up again those that are what they were.
func (v *verifier) tables(ctx context.Context) error {
	var whole []recordTable
	rows := int64(0)
	for _, t := range v.record.Tables {
		f := t.file()
		if v.file(ctx, "table "+t.Name, filepath.Join(v.record.folder, filepath.FromSlash(f.Path)), f.Bytes, f.SHA256) {
			whole, rows = append(whole, t), rows+f.Rows
		}
	}
	sums, err := v.cfg.sums(ctx, v.record.folder, whole)
	if err != nil {
		return err
	}
	same := len(whole) == len(v.record.Tables)
	for _, t := range whole {
		if !reflect.DeepEqual(sums[t.Name], t.Sums) {
			v.say("table "+t.Name, wrong, "%s: adds up to other sums than %s says", t.file().Path, recordFile)
			same = false
		}
	}
	if same {
		v.say("tables", verified, "%s, %d rows, sums the same to the last digit", count(len(whole), "file"), rows)
	}
	return ctx.Err()
}

// inputs compares the raw files with what they were. A unit that lists other files now was restated; of the files it had,
// those that are still there must be what they were.
func (v *verifier) inputs(ctx context.Context) error {
	good := 0
	for _, u := range v.record.Inputs {
		ok, err := v.unit(ctx, u)
		if err != nil {
			return err
		}
		if ok {
			good++
		}
	}
	v.say("inputs", verified, "%d of %d raw units are what they were", good, len(v.record.Inputs))
	return ctx.Err()
}

// rawFiles are the files a manifest lists.
type rawFiles struct {
	Files, Rejects []recordFileEntry
}

// unit checks one raw unit and says whether it is still what it was.
func (v *verifier) unit(ctx context.Context, u recordUnit) (bool, error) {
	name := filepath.Join(v.cfg.Lake, filepath.FromSlash(u.Path))
	then, err := manifestOf(u.Manifest)
	if err != nil {
		return false, fmt.Errorf("%s: %w", u.Path, err)
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		v.say("input", restated, "%s: is no longer in the lake", u.Path)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	now, err := manifestOf(text)
	switch {
	case err != nil:
		v.say("input", wrong, "%s: %v", name, err)
		return false, nil
	case !reflect.DeepEqual(then.files, now.files):
		v.say("input", restated, "%s: was fetched again with other content", u.Path)
		return false, v.remaining(ctx, name, then)
	case then.differs(now):
		v.say("input", wrong, "%s: lists the files that were signed off, and says other things of them", name)
		return false, nil
	}
	if then.fetchedAgain(now) {
		v.say("input", restated, "%s: was fetched again, and the content is the same", u.Path)
	}
	return v.allFiles(ctx, name, then), nil
}

// manifestFields is a manifest as it is compared: its files, and all else by its name.
type manifestFields struct {
	files rawFiles
	rest  map[string]any
}

func manifestOf(text []byte) (m manifestFields, err error) {
	if err := json.Unmarshal(text, &m.files); err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m.rest); err != nil {
		return m, err
	}
	if m.rest["format"] == nil {
		return m, errors.New("is no manifest: extract the month again")
	}
	return m, nil
}

// aboutFetching are the fields of a manifest that another fetch of the same content changes.
var aboutFetching = []string{"as_of", "origin", "layout", "invoiced"}

// differs tells whether anything that was said of the files is said otherwise now. What a later release adds, and that
// a later attempt failed, is no difference.
func (m manifestFields) differs(now manifestFields) bool {
	failed := now.rest["state"] == "failed"
	for key, value := range m.rest {
		if (key == "state" || key == "error") && failed || slices.Contains(aboutFetching, key) && now.rest[key] != nil {
			continue
		}
		if !reflect.DeepEqual(now.rest[key], value) {
			return true
		}
	}
	return false
}

func (m manifestFields) fetchedAgain(now manifestFields) bool {
	return slices.ContainsFunc(aboutFetching, func(key string) bool { return !reflect.DeepEqual(m.rest[key], now.rest[key]) })
}

func (v *verifier) allFiles(ctx context.Context, manifest string, m manifestFields) bool {
	good := true
	for _, f := range slices.Concat(m.files.Files, m.files.Rejects) {
		path := filepath.Join(filepath.Dir(manifest), filepath.FromSlash(f.Path))
		good = v.file(ctx, "input", path, f.Bytes, f.SHA256) && good
	}
	return good
}

// remaining checks the files of a restated unit that are still kept.
func (v *verifier) remaining(ctx context.Context, manifest string, m manifestFields) error {
	for _, f := range slices.Concat(m.files.Files, m.files.Rejects) {
		path := filepath.Join(filepath.Dir(manifest), filepath.FromSlash(f.Path))
		if _, err := os.Stat(path); err == nil {
			v.file(ctx, "input", path, f.Bytes, f.SHA256)
		}
	}
	return ctx.Err()
}

// published checks that what is published of the month is what was signed off.
func (v *verifier) published(ctx context.Context) error {
	store, err := v.cfg.store()
	if err != nil {
		return err
	}
	_, manifest, err := load.Current(ctx, store)
	if errors.Is(err, fs.ErrNotExist) {
		v.say("published", verified, "nothing is published at %s yet", v.cfg.Publish)
		return nil
	}
	if err != nil {
		return err
	}
	var files []load.File
	for _, t := range v.record.Tables {
		published, ok := manifest.Files(t.Name)
		i := slices.IndexFunc(published, func(f load.File) bool { return f.Period == v.month })
		switch {
		case !t.Whole || !ok: // rows of a table that is published in one piece; or a table that is no longer made
		case i < 0 || published[i].SHA256 != t.file().SHA256:
			v.say("published", wrong, "%s: version %d has another file of %s than was signed off: azledger run publishes it", t.Name, manifest.Version, v.month)
		default:
			files = append(files, published[i])
		}
	}
	problems, err := load.VerifyFiles(ctx, store, files, 0)
	for _, p := range problems {
		v.say("published", wrong, "%s: %s", p.Path, p.What)
	}
	if err == nil && len(problems) == 0 {
		v.say("published", verified, "%s of version %d", count(len(files), "file"), manifest.Version)
	}
	return err
}

// report prints the findings and fails if one is wrong.
func (v *verifier) report(months int) error {
	var rows [][]string
	bad, first := 0, ""
	for _, f := range v.findings {
		rows = append(rows, []string{f.month, f.what, f.result, f.detail})
		if f.result == wrong {
			bad, first = bad+1, cmp.Or(first, f.month+": "+f.detail)
		}
	}
	columns := []column{{name: "month"}, {name: "what"}, {name: "result"}, {name: "detail", wrap: 110}}
	if err := v.print(columns, rows); err != nil {
		return err
	}
	switch {
	case bad > 0:
		return fmt.Errorf("verify: %d of %s wrong, the first: %s", bad, count(len(v.findings), "finding"), first)
	case months == 0:
		v.log.Warn("no month is closed; azledger close closes one")
	}
	return nil
}
