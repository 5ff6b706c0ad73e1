package extract

import (
	"bytes"
	"strings"
)

// Tags come in four forms:
//
//	{"env":"prod","owner":"a"}           REST, at row level; as text in FOCUS and older files
//	"env": "prod","owner": "a"           EA and MCA files: the same without its braces
//	null, [], {} or nothing              no tags
//	anything else                        cut short or not JSON: kept in _tags_raw and counted
//
// The tags column holds the first form without blanks, keys as served and in that
// order, also where two differ in case only.

// tagMemory is the tags read last. Neighbouring rows are often of one resource, so
// the same text comes again.
type tagMemory struct {
	valid  bool
	text   []byte
	tags   span
	values []span
	bad    bool
}

// putTags sets tags, tag_<key> and _tags_raw from text in any of the forms.
func (b *batch) putTags(s span) {
	m := &b.lastTags
	if text := b.bytes(s); !m.valid || !bytes.Equal(m.text, text) {
		m.text = append(m.text[:0], text...)
		m.valid = true
		b.readTags(m)
	}
	if m.bad {
		b.badTag = true
		b.cols[b.tagsRaw].text[b.rows] = s
		return
	}
	b.cols[b.tags].text[b.rows] = m.tags
	for i, v := range m.values {
		b.cols[b.tagCols+i].text[b.rows] = v
	}
}

func (b *batch) readTags(m *tagMemory) {
	m.tags, m.bad = span{}, false
	m.values = append(m.values[:0], make([]span, len(b.tagKeys))...)
	text := bytes.TrimSpace(m.text)
	switch {
	case len(text) == 0, string(text) == "null":
		return
	case text[0] == '[':
		m.bad = len(bytes.TrimSpace(bytes.TrimSuffix(text[1:], []byte("]")))) > 0 || len(text) == 1
		return
	}
	at := len(b.arena)
	r := tagReader{b: b, p: jsonParser{b: text}, found: make([]foundTag, len(b.tagKeys))}
	if !r.read() {
		b.arena = b.arena[:at]
		m.bad = true
		return
	}
	if m.tags = b.since(at); m.tags.n == 2 { // {}
		m.tags = span{}
	}
	for k, f := range r.found {
		if string(f.value) != "null" {
			m.values[k] = b.storeToken(f.value)
		}
	}
}

// storeToken stores the text of a JSON string, or any other JSON value as it is.
func (b *batch) storeToken(token []byte) span {
	at := len(b.arena)
	if len(token) > 0 && token[0] == '"' {
		b.arena = appendUnquoted(b.arena, token)
	} else {
		b.arena = append(b.arena, token...)
	}
	return b.since(at)
}

// A foundTag is the JSON value of a configured key. One equal letter for letter
// wins over one that differs in case, and the first over a later.
type foundTag struct {
	value []byte
	equal bool
}

// A tagReader writes the members of an object to the arena as it reads them. Its
// parser's text is outside the batch, so the arena may move.
type tagReader struct {
	b     *batch
	p     jsonParser
	found []foundTag
}

func (r *tagReader) write(c byte) { r.b.arena = append(r.b.arena, c) }

func (r *tagReader) read() bool {
	i, braces := 0, r.p.at(0) == '{'
	if braces {
		i = r.p.blanks(1)
	}
	r.write('{')
	if !braces || r.p.at(i) != '}' {
		i = r.members(i)
	}
	if i < 0 || braces && r.p.at(i) != '}' {
		return false
	}
	if braces {
		i = r.p.blanks(i + 1)
	}
	r.write('}')
	return i == len(r.p.b)
}

// members reads "key": value, "key": value … and returns where they end, or -1.
func (r *tagReader) members(i int) int {
	for {
		if i = r.member(i); i < 0 {
			return -1
		}
		if i = r.p.blanks(i); r.p.at(i) != ',' {
			return i
		}
		i = r.p.blanks(i + 1)
		r.write(',')
	}
}

func (r *tagReader) member(i int) int {
	if r.p.at(i) != '"' {
		return -1
	}
	end, _ := r.p.stringEnd(i)
	if end < 0 {
		return -1
	}
	key := r.p.b[i : end+1]
	if i = r.p.blanks(end + 1); r.p.at(i) != ':' {
		return -1
	}
	i = r.p.blanks(i + 1)
	if end = r.p.skip(i, 0); end < 0 {
		return -1
	}
	value := r.p.b[i:end]
	r.copy(key)
	r.write(':')
	r.copy(value)
	r.find(key, value)
	return end
}

// copy writes a JSON value, without needless escapes and blanks.
func (r *tagReader) copy(token []byte) {
	if token[0] == '"' && bytes.IndexByte(token, '\\') >= 0 {
		r.b.scratch = appendUnquoted(r.b.scratch[:0], token)
		r.b.arena = appendJSONString(r.b.arena, r.b.scratch)
	} else {
		r.b.arena = appendCompact(r.b.arena, token)
	}
}

func (r *tagReader) find(key, value []byte) {
	if len(r.found) == 0 {
		return
	}
	r.b.scratch = appendUnquoted(r.b.scratch[:0], key)
	name := string(r.b.scratch)
	for k, f := range r.found {
		equal := name == r.b.tagKeys[k]
		if f.value == nil && strings.EqualFold(name, r.b.tagKeys[k]) || equal && !f.equal {
			r.found[k] = foundTag{value, equal}
		}
	}
}
