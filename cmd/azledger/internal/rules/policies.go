package rules

// policy says what becomes of a kind of cost.
type policy struct{ name, treatment, owner string }

// defaultPolicies leave everything with whom it was charged to.
func defaultPolicies() []policy {
	return []policy{{"UnusedCommitment", "Buyer", ""}, {"Rounding", "None", ""}, {"Support", "None", ""}, {"Credit", "None", ""}, {"Tax", "None", ""}}
}

func (s *Set) policyRows(add func(table string, fields ...string)) {
	for _, p := range s.policies {
		add("allocation_policy", p.name, p.treatment, p.owner)
	}
}
