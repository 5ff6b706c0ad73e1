package extract

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A JSON page goes from its text to typed columns in one pass, without maps or
// structs between: the columns' paths make a tree, and the parser walks text and
// tree together. Azure writes the keys of all records in one order, so each key is
// expected after the one it followed last time, and one comparison with `"key":` is
// mostly all that reading it costs. Another order is read as well, only slower.
//
// The grammar is that of RFC 8259, held everywhere, also in values that no column
// wants: a page cut short or repaired by a proxy must not pass for a page.

// A jsonShape says where a source keeps what on its pages.
type jsonShape struct {
	Rows string // path of the array of records: "value", "properties.pricesheets"; "": the document is one record; wholeArray
	Next string // path of the link to the next page: "nextLink", "properties.nextLink"; "": not paged
	// Columns is set where records are arrays: the path of the list that names their columns,
	// "properties.columns". See json_rows.go.
	Columns string
}

// wholeArray is jsonShape.Rows of a document that is the array itself: [{…},{…}].
const wholeArray = "[]"

// pageInfo is what a page held. Rows and Rejects together are the records served.
type pageInfo struct {
	Rows, Rejects int64
	Next          string
	Total         int64 // totalCount if served, else -1
}

// A node is an object on the way to columns.
type node struct {
	fields []treeField
	index  map[string]int
	first  int    // field that came first in the last record
	extra  string // put before the keys of unknown fields: "meterDetails_"
}

type treeField struct {
	quoted string // `"name":`
	kind   fieldKind
	col    int // of a leaf; of an object the column for values that are none, or -1
	child  *node
	after  int    // field that followed in the last record
	seen   uint32 // number of the record that had it last
}

type fieldKind uint8

const (
	leafField fieldKind = iota
	objectField
)

// newTree arranges columns by their paths. Unknown fields of properties go to _extra
// under their own name, those of deeper objects under the joined path. A column may stand
// at a path that others go through: an amount comes as 5 or as {"currency":"USD","value":5}.
func newTree(cols []Column) (*node, error) {
	root := &node{index: map[string]int{}}
	for i, c := range cols {
		path := strings.Split(c.Path, ".")
		if c.Path == "" {
			path = []string{c.Name}
		}
		if err := root.add(path, i); err != nil {
			return nil, fmt.Errorf("column %s: path %s %w", c.Name, c.Path, err)
		}
	}
	return root, nil
}

func (n *node) append(name string, f treeField) {
	f.quoted = string(appendJSONString(nil, name)) + ":"
	f.after = len(n.fields) + 1
	n.index[name] = len(n.fields)
	n.fields = append(n.fields, f)
}

// noColumn is the column of a field that is an object only.
const noColumn = -1

func (n *node) add(path []string, col int) error {
	if len(path) == 1 {
		return n.addLeaf(path[0], col)
	}
	k, ok := n.index[path[0]]
	if !ok {
		n.append(path[0], treeField{kind: objectField, col: noColumn})
		k = n.index[path[0]]
	}
	f := &n.fields[k]
	if f.child == nil {
		extra := n.extra + path[0] + "_"
		if extra == "properties_" {
			extra = ""
		}
		f.kind, f.child = objectField, &node{index: map[string]int{}, extra: extra}
	}
	return f.child.add(path[1:], col)
}

// addLeaf adds a column at the end of its path. One path may lead to an object and to a
// column: an amount is a number in records of the enrollment, and {currency, value} in
// those of the customer agreement.
func (n *node) addLeaf(name string, col int) error {
	k, ok := n.index[name]
	switch {
	case !ok:
		n.append(name, treeField{kind: leafField, col: col})
	case n.fields[k].col != noColumn:
		return errors.New("is that of another column")
	default:
		n.fields[k].col = col
	}
	return nil
}

// maxDepth bounds nesting; records are three or four deep.
const maxDepth = 200

// A jsonParser reads JSON text. Its methods take the offset at which a thing begins
// and return the one after its end, or -1 when it is damaged; the first damage is
// kept.
type jsonParser struct {
	b      []byte
	batch  *batch
	record uint32 // number of the record, over all pages
	shape  jsonShape
	info   pageInfo
	rowNo  int64
	rows   bool // the array was there
	at0    int  // offset and
	want   string
	said   string // the error message of the body, if it is one
	each   func(record []byte)

	columnsAt, rowsAt int // where the two lists of positional records begin; 0 where there is none
}

func (p *jsonParser) fail(i int, want string) int {
	if p.want == "" {
		p.at0, p.want = i, want
	}
	return -1
}

// at returns 0 beyond the end, which no grammar rule accepts.
func (p *jsonParser) at(i int) byte {
	if i < len(p.b) {
		return p.b[i]
	}
	return 0
}

func (p *jsonParser) blanks(i int) int {
	for i < len(p.b) && p.b[i] <= ' ' && (p.b[i] == ' ' || p.b[i] == '\n' || p.b[i] == '\r' || p.b[i] == '\t') {
		i++
	}
	return i
}

// stringEnd returns the offset of the closing quote of the string at i, and whether
// it has escapes. Eight bytes at a time are looked at for a quote, a backslash or a
// control character.
func (p *jsonParser) stringEnd(i int) (end int, escaped bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	b := p.b
	for i++; ; {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			quote, slash := w^(ones*'"'), w^(ones*'\\')
			m := ((w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		switch c := p.at(i); {
		case c == '"':
			return i, escaped
		case c == '\\':
			escaped = true
			if i = p.escape(i); i < 0 {
				return -1, true
			}
		case c < 0x20:
			return p.fail(i, "the rest of a string"), escaped
		default:
			i++
		}
	}
}

func (p *jsonParser) escape(i int) int {
	switch p.at(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if hexDigit(p.at(k)) < 0 {
				return p.fail(k, "four hexadecimal digits")
			}
		}
		return i + 6
	}
	return p.fail(i, "an escape sequence")
}

func hexDigit(c byte) rune {
	switch {
	case c-'0' <= 9:
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// number checks -?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?.
func (p *jsonParser) number(i int) int {
	if p.at(i) == '-' {
		i++
	}
	switch c := p.at(i); {
	case c == '0':
		i++
	case c-'1' <= 8:
		i = p.digits(i)
	default:
		return p.fail(i, "a JSON value")
	}
	if p.at(i) == '.' {
		if i = p.digits(i + 1); i < 0 {
			return -1
		}
	}
	if p.at(i)|0x20 != 'e' {
		return i
	}
	if i++; p.at(i) == '+' || p.at(i) == '-' {
		i++
	}
	return p.digits(i)
}

func (p *jsonParser) digits(i int) int {
	if p.at(i)-'0' > 9 {
		return p.fail(i, "a digit")
	}
	for p.at(i)-'0' <= 9 {
		i++
	}
	return i
}

// stands tells whether the text at i begins with word.
func (p *jsonParser) stands(i int, word string) bool {
	return i+len(word) <= len(p.b) && string(p.b[i:i+len(word)]) == word
}

func (p *jsonParser) literal(i int, word string) int {
	if p.stands(i, word) {
		return i + len(word)
	}
	return p.fail(i, "a JSON value")
}

// skip reads any value.
func (p *jsonParser) skip(i, depth int) int {
	switch p.at(i) {
	case '"':
		end, _ := p.stringEnd(i)
		if end < 0 {
			return -1
		}
		return end + 1
	case '{':
		return p.skipObject(i, depth+1)
	case '[':
		return p.skipArray(i, depth+1)
	case 'n':
		return p.literal(i, "null")
	case 't':
		return p.literal(i, "true")
	case 'f':
		return p.literal(i, "false")
	}
	return p.number(i)
}

func (p *jsonParser) skipObject(i, depth int) int {
	if depth > maxDepth {
		return p.fail(i, "values nested less deep")
	}
	if i = p.blanks(i + 1); p.at(i) == '}' {
		return i + 1
	}
	for {
		var end int
		if _, end = p.key(i); end < 0 {
			return -1
		}
		if i = p.skip(end, depth); i < 0 {
			return -1
		}
		if i, end = p.next(i, '}'); end != 0 {
			return i
		}
	}
}

func (p *jsonParser) skipArray(i, depth int) int {
	if depth > maxDepth {
		return p.fail(i, "values nested less deep")
	}
	if i = p.blanks(i + 1); p.at(i) == ']' {
		return i + 1
	}
	for {
		if i = p.skip(i, depth); i < 0 {
			return -1
		}
		var end int
		if i, end = p.next(i, ']'); end != 0 {
			return i
		}
	}
}

// next goes on after a member: past the comma to the next member (end 0), or past
// the closing bracket (end 1), or nowhere (-1, end -1).
func (p *jsonParser) next(i int, closing byte) (int, int) {
	i = p.blanks(i)
	switch p.at(i) {
	case ',':
		return p.blanks(i + 1), 0
	case closing:
		return i + 1, 1
	}
	return p.fail(i, "a comma or "+strconv.QuoteRune(rune(closing))), -1
}

// key reads `"name" :` and returns the quoted name and where the value begins.
func (p *jsonParser) key(i int) (quoted []byte, value int) {
	if p.at(i) != '"' {
		return nil, p.fail(i, "a key in quotes")
	}
	end, _ := p.stringEnd(i)
	if end < 0 {
		return nil, -1
	}
	quoted = p.b[i : end+1]
	if i = p.blanks(end + 1); p.at(i) != ':' {
		return nil, p.fail(i, "a colon")
	}
	return quoted, p.blanks(i + 1)
}

// lookup finds a node's field by its quoted key, expecting field k.
func (n *node) lookup(quoted []byte, k int) int {
	if k < len(n.fields) && n.fields[k].quoted[:len(n.fields[k].quoted)-1] == string(quoted) {
		return k
	}
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = appendUnquoted(nil, quoted)
	}
	if k, ok := n.index[string(name)]; ok {
		return k
	}
	return -1
}

// object reads an object of a record into its columns. i is at its brace.
func (p *jsonParser) object(i int, n *node) int {
	if i = p.blanks(i + 1); p.at(i) == '}' {
		return i + 1
	}
	before, expected := -1, n.first
	for {
		k, name, value := p.fieldAt(i, n, expected)
		switch {
		case value < 0:
			return -1
		case k < 0:
			i = p.unknown(value, n, name)
		case n.fields[k].seen == p.record:
			return p.fail(i, "each key once")
		default:
			n.saw(k, before, p.record)
			before, expected = k, n.fields[k].after
			i = p.field(value, n, &n.fields[k])
		}
		if i < 0 {
			return -1
		}
		var end int
		if i, end = p.next(i, '}'); end != 0 {
			return i
		}
	}
}

// fieldAt reads the key at i and returns the field it names, expecting one, and where
// its value begins. For a key that names none k is -1 and name is the key in quotes.
func (p *jsonParser) fieldAt(i int, n *node, expected int) (k int, name []byte, value int) {
	if expected < len(n.fields) && p.stands(i, n.fields[expected].quoted) {
		return expected, nil, p.blanks(i + len(n.fields[expected].quoted))
	}
	if name, value = p.key(i); value < 0 {
		return -1, nil, -1
	}
	return n.lookup(name, expected), name, value
}

// saw remembers that field k came, and after which, for the records that follow.
func (n *node) saw(k, before int, record uint32) {
	n.fields[k].seen = record
	if before < 0 {
		n.first = k
	} else {
		n.fields[before].after = k
	}
}

func (p *jsonParser) unknown(i int, n *node, quoted []byte) int {
	end := p.skip(i, 0)
	if end < 0 {
		return -1
	}
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = appendUnquoted(nil, quoted)
	}
	p.keep(p.batch.key(n.extra, name), i, end)
	return end
}

// keep puts p.b[i:end] into _extra unless it is null or an empty text.
func (p *jsonParser) keep(key string, i, end int) {
	if text := string(p.b[i:end]); text != "null" && text != `""` {
		p.batch.keepJSON(key, span{uint32(i), uint32(end - i)})
	}
}

func (p *jsonParser) field(i int, n *node, f *treeField) int {
	switch {
	case f.kind == leafField:
		return p.leaf(i, f.col)
	case p.at(i) == '{':
		return p.object(i, f.child)
	case f.col != noColumn:
		return p.leaf(i, f.col)
	}
	// An object was expected and something else came.
	end := p.skip(i, 0)
	if end >= 0 {
		name := f.quoted[1 : len(f.quoted)-2]
		p.keep(n.extra+name, i, end)
	}
	return end
}

// leaf reads a value into a column.
func (p *jsonParser) leaf(i, col int) int {
	var end int
	switch p.at(i) {
	case '"':
		end, escaped := p.stringEnd(i)
		if end < 0 {
			return -1
		}
		if escaped {
			p.batch.put(col, p.batch.storeToken(p.b[i:end+1]))
		} else {
			p.batch.put(col, span{uint32(i + 1), uint32(end - i - 1)})
		}
		return end + 1
	case 'n':
		return p.literal(i, "null")
	case '{', '[':
		if end = p.skip(i, 0); end < 0 {
			return -1
		}
		at := len(p.batch.arena)
		p.batch.arena = appendCompact(p.batch.arena, p.b[i:end])
		p.batch.put(col, p.batch.since(at))
		return end
	default:
		if end = p.skip(i, 0); end < 0 {
			return -1
		}
		p.batch.put(col, span{uint32(i), uint32(end - i)})
		return end
	}
}

// page reads a whole page into the batch.
func (p *jsonParser) page(root *node) error {
	i := p.blanks(0)
	switch {
	case p.shape.Rows == wholeArray && p.at(i) == '[':
		i = p.array(i, root)
	case p.at(i) != '{':
		i = p.fail(i, "a JSON object")
	case p.shape.Rows == "":
		i = p.single(i, root)
	default:
		i = p.envelope(i, "", root)
	}
	if i >= 0 {
		if i = p.blanks(i); i < len(p.b) {
			i = p.fail(i, "the end of the page")
		}
	}
	if i >= 0 && p.shape.Columns != "" {
		i = p.positional(root)
	}
	switch {
	case i < 0:
		return p.damage()
	case p.said != "":
		return fmt.Errorf("the body is an error, not data: %s", p.said)
	case !p.rows:
		return fmt.Errorf("the body has no %s: %q", p.wanted(), short(p.b))
	}
	return nil
}

func (p *jsonParser) wanted() string {
	switch p.shape.Rows {
	case "":
		return "field that is expected"
	case wholeArray:
		return "records: it is an object, not an array"
	}
	return fmt.Sprintf("array %q", p.shape.Rows)
}

// damage says where the page broke off: byte, line, and what stands there.
func (p *jsonParser) damage() error {
	at := min(p.at0, len(p.b))
	line := 1 + bytes.Count(p.b[:at], []byte("\n"))
	found := "the end of the page"
	if at < len(p.b) {
		found = strconv.Quote(short(p.b[at:min(len(p.b), at+40)]))
	}
	return fmt.Errorf("byte %d (line %d): found %s, want %s", at, line, found, p.want)
}

// single reads a document that is one record. One without any of the fields expected
// is no record, and one with an error is an error.
func (p *jsonParser) single(i int, root *node) int {
	p.record++
	end := p.object(i, root)
	if end < 0 {
		return -1
	}
	for k := range root.fields {
		f := &root.fields[k]
		p.rows = p.rows || f.seen == p.record
	}
	for _, f := range p.batch.extra {
		if f.key == "error" && p.batch.bytes(f.text)[0] == '{' {
			p.said = short(p.batch.bytes(f.text))
		}
	}
	p.end(i, end)
	return end
}

// end closes the record that stands between two offsets.
func (p *jsonParser) end(from, to int) {
	p.rowNo++
	p.batch.end(p.rowNo, p.b[from:to])
	if p.each != nil {
		p.each(p.b[from:to])
	}
}

// envelope reads the object around the records. prefix is its path and a dot.
func (p *jsonParser) envelope(i int, prefix string, root *node) int {
	if i = p.blanks(i + 1); p.at(i) == '}' {
		return i + 1
	}
	for {
		quoted, value := p.key(i)
		if value < 0 {
			return -1
		}
		if i = p.member(value, prefix+string(appendUnquoted(nil, quoted)), root); i < 0 {
			return -1
		}
		var end int
		if i, end = p.next(i, '}'); end != 0 {
			return i
		}
	}
}

func (p *jsonParser) member(i int, path string, root *node) int {
	switch {
	case p.shape.Columns != "" && (path == p.shape.Rows || path == p.shape.Columns) && p.at(i) == '[':
		return p.remember(i, path)
	case path == p.shape.Rows && p.at(i) == '[':
		return p.array(i, root)
	case strings.HasPrefix(p.shape.Rows, path+".") && p.at(i) == '{':
		return p.envelope(i, path+".", root)
	}
	end := p.skip(i, 0)
	if end < 0 {
		return -1
	}
	text := p.b[i:end]
	switch {
	case path == p.shape.Rows && string(text) != "null":
		return p.fail(i, "an array of records")
	case path == p.shape.Next && text[0] == '"':
		p.info.Next = string(appendUnquoted(nil, text))
	case path == "totalCount":
		if n, err := strconv.ParseInt(string(bytes.Trim(text, `"`)), 10, 64); err == nil {
			p.info.Total = n
		}
	case path == "error" && text[0] == '{':
		p.said = strings.TrimSpace(short(text))
	}
	return end
}

// array reads the records.
func (p *jsonParser) array(i int, root *node) int {
	if p.rows {
		return p.fail(i, "one array of records")
	}
	p.rows = true
	if i = p.blanks(i + 1); p.at(i) == ']' {
		return i + 1
	}
	for {
		if p.at(i) != '{' {
			return p.fail(i, "a record")
		}
		start := i
		p.record++
		if i = p.object(i, root); i < 0 {
			return -1
		}
		p.end(start, i)
		var end int
		if i, end = p.next(i, ']'); end != 0 {
			return i
		}
	}
}

// appendUnquoted appends the text of a valid JSON string token. Half of a surrogate
// pair becomes U+FFFD, as in encoding/json.
func appendUnquoted(dst, token []byte) []byte {
	s := token[1 : len(token)-1]
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			r, s = hexRune(s)
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// hexRune reads the digits after \u, and the second half of a surrogate pair.
func hexRune(s []byte) (rune, []byte) {
	r, s := hex4(s), s[4:]
	if !utf16.IsSurrogate(r) {
		return r, s
	}
	if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(s[2:])); pair != utf8.RuneError {
			return pair, s[6:]
		}
	}
	return utf8.RuneError, s
}

func hex4(s []byte) (r rune) {
	for _, c := range s[:4] {
		r = r<<4 | hexDigit(c)
	}
	return r
}

// appendJSONString appends text as a JSON string with as few escapes as JSON allows.
func appendJSONString[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// appendCompact appends valid JSON without the blanks between its parts.
func appendCompact(dst, src []byte) []byte {
	quoted := false
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case quoted && c == '\\':
			dst = append(dst, c)
			i++
			c = src[i]
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\n' || c == '\r' || c == '\t'):
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// checkText refuses a page that is not UTF-8 text.
func checkText(body []byte) error {
	if utf8.Valid(body) {
		return nil
	}
	at := 0
	for at < len(body) {
		r, n := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	line := 1 + bytes.Count(body[:at], []byte("\n"))
	return fmt.Errorf("byte %d (line %d): found \\x%02x, want UTF-8", at, line, body[at])
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// jsonPage lands a page: whole, or, with an error, nothing of it. Its rows are
// numbered as served.
func (l *landing) jsonPage(page int64, name string, body []byte, shape jsonShape) (pageInfo, error) {
	info, err := l.parsePage(body, shape, name)
	if err != nil {
		return pageInfo{}, fmt.Errorf("page(%s): %w", name, err)
	}
	return info, l.commit(page)
}

func (l *landing) parsePage(body []byte, shape jsonShape, name string) (pageInfo, error) {
	body = bytes.TrimPrefix(body, byteOrderMark)
	if len(body) >= inArena/2 {
		return pageInfo{}, fmt.Errorf("%d bytes are too large for a page", len(body))
	}
	if err := checkText(body); err != nil {
		return pageInfo{}, err
	}
	if err := l.startFile(name, nil); err != nil {
		return pageInfo{}, err
	}
	l.batch.reset(body)
	p := jsonParser{b: body, batch: l.batch, record: l.record, shape: shape, info: pageInfo{Total: -1}, each: l.eachRecord}
	err := p.page(l.tree)
	l.record = p.record
	p.info.Rows, p.info.Rejects = int64(l.batch.rows), int64(len(l.batch.rejects))
	return p.info, err
}
