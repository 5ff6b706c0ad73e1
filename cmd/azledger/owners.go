package main

import (
	"errors"

	"github.com/azledger/azledger/cmd/azledger/internal/rules"
)

// rules reads the files that say who pays.
func (c *config) rules() (*rules.Set, error) {
	set, err := rules.Read(rules.Files{Owners: c.Owners, OwnerTags: c.Tags.Keys})
	var wrong rules.Problems
	switch {
	case errors.As(err, &wrong):
		return nil, usageError{err}
	case err != nil:
		return nil, usageError{c.complain([]problem{{"owners", err.Error()}})}
	}
	return set, nil
}
