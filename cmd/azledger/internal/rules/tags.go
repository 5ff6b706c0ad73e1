package rules

import (
	"fmt"
	"slices"
	"strings"
)

// tagRules are how keys and values of tags are spelled, which are inherited and required.
type tagRules struct {
	keys      map[string]meant            // by what is written, folded
	values    map[string]map[string]meant // by the meant key, folded, and what is written, folded
	inherits  []string
	inherited []inheritedTag
	required  []requiredTag
}

// meant is the one spelling of something, and the line that says so.
type meant struct {
	text string
	line int
}

// requiredTag is a tag every charge should carry; without values any will do.
type requiredTag struct {
	key    string
	values []string
}

// key is the meant spelling of a key, folded.
func (t *tagRules) key(written string) string { return fold(t.keySpelling(written)) }

func (t *tagRules) keySpelling(written string) string {
	if m, ok := t.keys[fold(written)]; ok {
		return m.text
	}
	return written
}

// value is the meant spelling of a value of a meant key, folded.
func (t *tagRules) value(key, written string) string { return fold(t.valueSpelling(key, written)) }

func (t *tagRules) valueSpelling(key, written string) string {
	if m, ok := t.values[key][fold(written)]; ok {
		return m.text
	}
	return written
}

// read takes the group tags. Keys come first: values and requirements are said by key.
func (t *tagRules) read(tags item) map[string]item {
	fields := tags.fields("tags", "keys", "values", "inherit", "inherited", "required")
	t.keys, t.values = map[string]meant{}, map[string]map[string]meant{}
	if keys, ok := fields["keys"]; ok {
		spellings(keys, "tags.keys", "key", t.keys)
	}
	if values, ok := fields["values"]; ok {
		t.readValues(values)
	}
	if required, ok := fields["required"]; ok {
		t.readRequired(required)
	}
	t.readInherit(fields)
	return fields
}

// spellings reads "meant: [written, …]" into a map.
func spellings(from item, what, noun string, into map[string]meant) {
	for _, p := range from.pairs(what) {
		name, ok := p.key.name("a " + noun)
		if !ok {
			continue
		}
		spelled(p.key, noun, name, name, into)
		for _, written := range p.value.oneOrMore(name) {
			if text, ok := written.text("a spelling of " + name); ok {
				spelled(written, noun, text, name, into)
			}
		}
	}
}

func spelled(at item, noun, written, name string, into map[string]meant) {
	before, taken := into[fold(written)]
	if taken && before.text != name {
		at.wrong("%q is a spelling of the %s %s on line %d already", written, noun, before.text, before.line)
		return
	}
	into[fold(written)] = meant{name, at.line()}
}

func (t *tagRules) readValues(values item) {
	for _, p := range values.pairs("tags.values") {
		if key, ok := p.key.name("a key"); ok {
			of := t.values[t.key(key)]
			if of == nil {
				of = map[string]meant{}
				t.values[t.key(key)] = of
			}
			spellings(p.value, "tags.values."+key, "value", of)
		}
	}
}

// readRequired reads "key: any" and "key: [value, …]".
func (t *tagRules) readRequired(required item) {
	for _, p := range required.pairs("tags.required") {
		name, ok := p.key.name("a key")
		if !ok {
			continue
		}
		r := requiredTag{key: t.keySpelling(name)}
		if slices.ContainsFunc(t.required, func(other requiredTag) bool { return fold(other.key) == fold(r.key) }) {
			p.key.wrong("the tag %s is required twice", r.key)
		}
		for _, v := range p.value.oneOrMore(name) {
			if value, ok := v.name("a value of " + name); ok {
				r.values = append(r.values, t.valueSpelling(fold(r.key), value))
			}
		}
		if len(r.values) == 1 && r.values[0] == "any" && !p.value.isList() {
			r.values = nil
		}
		t.required = append(t.required, r)
		if _, ok := t.keys[fold(r.key)]; !ok {
			t.keys[fold(r.key)] = meant{r.key, p.key.line()}
		}
	}
}

var heirlooms = []string{"resource_group", "subscription"}

func (t *tagRules) readInherit(fields map[string]item) {
	_, given := fields["inherited"]
	if given {
		t.inherits = heirlooms
	}
	inherit, chosen := fields["inherit"]
	if !chosen {
		return
	}
	if !given {
		inherit.wrong("inherit without inherited: name the CSV file with the tags of resource groups and subscriptions")
	}
	t.inherits = nil
	for _, i := range inherit.oneOrMore("tags.inherit") {
		name, ok := i.name("tags.inherit")
		if ok && !slices.Contains(heirlooms, name) {
			i.wrong("inherit %q: want %s", name, strings.Join(heirlooms, ", "))
		}
		t.inherits = append(t.inherits, name)
	}
}

var inheritedColumns = []string{"SubscriptionId", "ResourceGroup", "TagKey", "TagValue", "ValidFrom", "ValidTo"}

// inheritedTag is a line of the file with tags of resource groups and subscriptions.
type inheritedTag struct {
	line                     int
	subscription, group, key string
	value, written, from, to string
}

// readInherited reads the file of tags that resources inherit.
func (t *tagRules) readInherited(file string, text []byte) Problems {
	records, problems := readCSV(file, text, inheritedColumns, []string{"SubscriptionId", "TagKey", "TagValue"})
	before := map[[3]string][]inheritedTag{}
	for _, r := range records {
		wrong := r.checkSpan(file)
		for _, column := range []string{"SubscriptionId", "TagKey"} {
			if r.get(column) == "" {
				wrong = append(wrong, Problem{File: file, Line: r.line, Text: column + " is empty"})
			}
		}
		for _, column := range []string{"SubscriptionId", "ResourceGroup"} {
			if text := r.get(column); isPattern(text) {
				wrong = append(wrong, Problem{File: file, Line: r.line, Text: fmt.Sprintf("%s %q: want it in full, without * and ?", column, text)})
			}
		}
		i := t.newInherited(r)
		id := [3]string{i.subscription, i.group, fold(i.key)}
		wrong = append(wrong, i.disputed(file, before[id])...)
		problems = append(problems, wrong...)
		if len(wrong) > 0 {
			continue
		}
		before[id] = append(before[id], i)
		if slices.Contains(t.inherits, i.level()) {
			t.inherited = append(t.inherited, i)
		}
	}
	return problems
}

func (t *tagRules) newInherited(r record) inheritedTag {
	key := t.keySpelling(r.get("TagKey"))
	return inheritedTag{
		line: r.line, subscription: subscription(r.get("SubscriptionId")), group: fold(r.get("ResourceGroup")), key: key,
		value: t.valueSpelling(fold(key), r.get("TagValue")), written: r.get("TagValue"), from: r.get("ValidFrom"), to: r.get("ValidTo"),
	}
}

// level is whose tag it is.
func (i inheritedTag) level() string {
	if i.group == "" {
		return "subscription"
	}
	return "resource_group"
}

// disputed finds a line that gives the same tag another value on the same day.
func (i inheritedTag) disputed(file string, others []inheritedTag) Problems {
	for _, other := range others {
		if fold(other.value) != fold(i.value) && overlap(i.from, i.to, other.from, other.to) {
			return Problems{{File: file, Line: i.line, Text: fmt.Sprintf("%s is %q, and on line %d %q, for the same place on the same day", i.key, i.written, other.line, other.written)}}
		}
	}
	return nil
}

func (t *tagRules) rows(add func(table string, fields ...string)) {
	for _, written := range sortedKeys(t.keys) {
		add("tag_key", written, t.keys[written].text)
	}
	for _, key := range sortedKeys(t.values) {
		for _, written := range sortedKeys(t.values[key]) {
			add("tag_value", key, written, t.values[key][written].text)
		}
	}
	for _, i := range t.inherited {
		add("inherited_tag", i.subscription, i.group, i.key, i.value, i.from, i.to)
	}
	for _, r := range t.required {
		if len(r.values) == 0 {
			add("tag_policy", r.key, "")
		}
		for _, value := range r.values {
			add("tag_policy", r.key, value)
		}
	}
}
