package rules

// tagRules are how keys and values of tags are spelled, which are inherited and required.
type tagRules struct {
	keys   map[string]string            // what is written, folded, and the key that is meant
	values map[string]map[string]string // by meant key, folded: what is written, folded, and the value that is meant
}

// key is the meant spelling of a key, folded.
func (t *tagRules) key(written string) string {
	key := fold(written)
	if meant, ok := t.keys[key]; ok {
		return fold(meant)
	}
	return key
}

// value is the meant spelling of a value of a meant key, folded.
func (t *tagRules) value(key, written string) string {
	value := fold(written)
	if meant, ok := t.values[key][value]; ok {
		return fold(meant)
	}
	return value
}
