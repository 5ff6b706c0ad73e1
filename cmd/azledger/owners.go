package main

import (
	"errors"

	"github.com/azledger/azledger/cmd/azledger/internal/rules"
	"github.com/azledger/azledger/transform"
)

// rules reads the files that say who pays.
func (c *config) rules() (*rules.Set, error) {
	columns, err := filterColumns()
	if err != nil {
		return nil, err
	}
	set, err := rules.Read(rules.Files{Owners: c.Owners, Allocation: c.Allocation, OwnerTags: c.Tags.Keys}, columns)
	var wrong rules.Problems
	var missing *rules.FileError
	switch {
	case errors.As(err, &wrong):
		return nil, usageError{err}
	case errors.As(err, &missing):
		return nil, usageError{c.complain([]problem{{missing.Key, err.Error()}})}
	}
	return set, err
}

// filterColumns are the columns a rule may ask for.
func filterColumns() ([]transform.Column, error) {
	models, err := models()
	if err != nil {
		return nil, err
	}
	return modelNamed(models, "cost_and_usage").Columns, nil
}
