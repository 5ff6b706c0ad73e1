package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azledger/azledger/cmd/azledger/internal/rules"
	"github.com/azledger/azledger/transform"
)

// moves computes the chargeback with both sets of rules and returns the owners whose amounts
// differ. The computing is done in a folder that has the lake's files under second names
// (hard links): transform changes no file, it writes new ones, so the lake stays as it is.
func (j *job) moves(ctx context.Context, before, after *rules.Set) (_ []move, err error) {
	s, err := newScratch(j)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	old, err := s.chargeback(ctx, before)
	if err != nil {
		return nil, err
	}
	now, err := s.chargeback(ctx, after)
	if err != nil {
		return nil, err
	}
	return different(old, now), nil
}

// scratch is a copy of the lake to compute in.
type scratch struct {
	*job
	folder string
}

const scratchName = "allocation-plan-"

// newScratch links the files of the lake into a new folder on the same disk, and clears what
// a dead process left there.
func newScratch(j *job) (*scratch, error) {
	temp := filepath.Join(j.cfg.Lake, "temp")
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return nil, err
	}
	dead, err := filepath.Glob(filepath.Join(temp, scratchName+"*"))
	if err != nil {
		return nil, err
	}
	for _, folder := range dead {
		if err := os.RemoveAll(folder); err != nil {
			return nil, err
		}
	}
	folder, err := os.MkdirTemp(temp, scratchName)
	if err != nil {
		return nil, err
	}
	s := &scratch{j, folder}
	for _, tree := range []string{"raw", "tables", closedFolder} {
		if err := linkTree(filepath.Join(j.cfg.Lake, tree), filepath.Join(folder, tree)); err != nil {
			return nil, errors.Join(err, s.remove())
		}
	}
	return s, nil
}

func (s *scratch) remove() error {
	err := os.RemoveAll(s.folder)
	_ = os.Remove(filepath.Dir(s.folder)) // stays if something else is in it
	return err
}

// fetchFor brings files of a lake in a container into the working copy and links them.
func (s *scratch) fetchFor() func(context.Context, []string) error {
	if s.fetch() == nil {
		return nil
	}
	return func(ctx context.Context, paths []string) error {
		for _, path := range paths {
			if _, err := os.Stat(path); err == nil {
				continue
			}
			rest, err := filepath.Rel(s.folder, path)
			if err != nil {
				return err
			}
			original := filepath.Join(s.cfg.Lake, rest)
			if err := s.fetch()(ctx, []string{original}); err != nil {
				return err
			}
			if err := linkFile(original, path); err != nil {
				return err
			}
		}
		return nil
	}
}

// amounts are what owners pay, by period, currency and owner.
type amounts map[[3]string]*big.Rat

const owed = `
	select substr(cast(BillingPeriodStart as varchar), 1, 7), BillingCurrency, CostOwner, sum(ChargebackAmount)
	from chargeback
	group by 1, 2, 3`

// chargeback computes the table with a set of rules and adds it up.
func (s *scratch) chargeback(ctx context.Context, set *rules.Set) (amounts, error) {
	files, err := s.build(ctx, set)
	if err != nil {
		return nil, err
	}
	sums := amounts{}
	err = s.cfg.eachRow(ctx, map[string][]string{"chargeback": files}, owed, func(row []string) error {
		n, ok := new(big.Rat).SetString(row[3])
		if !ok {
			return fmt.Errorf("chargeback: %q is no amount", row[3])
		}
		sums[[3]string(row[:3])] = n
		return nil
	})
	return sums, err
}

// build brings the table up to date in the scratch folder and returns its files.
func (s *scratch) build(ctx context.Context, set *rules.Set) ([]string, error) {
	closed, err := s.cfg.closedMonths()
	if err != nil {
		return nil, err
	}
	inputs, err := s.cfg.writeInputsTo(filepath.Join(s.folder, "inputs"), set, s.asOf, closed)
	if err != nil {
		return nil, err
	}
	bar := s.progress("allocation plan")
	defer bar.close()
	o := s.lakeOptions(inputs, closed)
	o.Lake, o.Fetch, o.Progress = s.folder, s.fetchFor(), bar.built
	o.Tables, o.Periods = []string{"chargeback"}, transform.Range{From: s.span.from, To: s.span.to}
	_, err = transform.Run(ctx, o)
	var broken *transform.CheckError
	if errors.As(err, &broken) {
		return nil, checkError{err}
	}
	if err != nil {
		return nil, err
	}
	return s.files(ctx, "chargeback")
}

// files are those of a table with a period, for the months asked for.
func (s *scratch) files(ctx context.Context, table string) ([]string, error) {
	const month = "BillingPeriod="
	states, err := filepath.Glob(filepath.Join(s.folder, "tables", table, month+"*", "state.json"))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, name := range states {
		if !s.span.has(strings.TrimPrefix(filepath.Base(filepath.Dir(name)), month)) {
			continue
		}
		var state struct{ File struct{ Path string } }
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &state); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files = append(files, filepath.Join(filepath.Dir(name), state.File.Path))
	}
	if fetch := s.fetchFor(); fetch != nil {
		return files, fetch(ctx, files)
	}
	return files, nil
}

// different are the owners whose amounts differ, by period and currency, the largest first.
func different(before, after amounts) []move {
	keys := map[[3]string]bool{}
	for _, sums := range []amounts{before, after} {
		for key := range sums {
			keys[key] = true
		}
	}
	var moves []move
	for key := range keys {
		m := move{key[0], key[1], key[2], before.of(key), after.of(key)}
		if m.difference().Sign() != 0 {
			moves = append(moves, m)
		}
	}
	slices.SortFunc(moves, func(a, b move) int {
		return cmp.Or(strings.Compare(a.period, b.period), strings.Compare(a.currency, b.currency),
			new(big.Rat).Abs(b.difference()).Cmp(new(big.Rat).Abs(a.difference())), strings.Compare(a.owner, b.owner))
	})
	return moves
}

func (a amounts) of(key [3]string) *big.Rat {
	if n := a[key]; n != nil {
		return n
	}
	return new(big.Rat)
}
