package rules

import "os"

// Files are where the rules stand; "" where there is no such file.
type Files struct {
	Owners    string
	OwnerTags []string // tags that name the owner where no line of the owners file does
}

// Read reads the rules whole. Its error, if it is no [Problems], is that a file cannot be read.
func Read(f Files) (*Set, error) {
	s := &Set{ownerTags: f.OwnerTags, policies: defaultPolicies()}
	if f.Owners == "" {
		return s, nil
	}
	text, err := os.ReadFile(f.Owners)
	if err != nil {
		return nil, err
	}
	var problems Problems
	s.owners, problems = readOwners(f.Owners, text, &s.tags)
	return s, problems.err()
}
