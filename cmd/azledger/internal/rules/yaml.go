package rules

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A document is a YAML file that is read key by key, so that whatever is wrong is told with
// its line, and no number ever passes through binary fractions.
type document struct {
	file     string
	problems Problems
}

// item is a value of the document and what it belongs to, for the words of a problem.
type item struct {
	doc  *document
	node ast.Node
	at   *token.Token // where it stands, also if it is nothing
	rule string
}

// pair is a key and its value.
type pair struct{ key, value item }

// open parses the text. What it returns is the top of the document; ok tells whether there
// is any.
func (d *document) open(text []byte) (top item, ok bool) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if p := otherEncoding(d.file, text, `save it as UTF-8`); p != nil {
		d.problems = append(d.problems, *p)
		return item{}, false
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		d.problems = append(d.problems, syntaxProblem(d.file, err))
		return item{}, false
	}
	var found []item
	for _, document := range tree.Docs {
		if _, comment := document.Body.(*ast.CommentGroupNode); document.Body != nil && !comment {
			found = append(found, item{doc: d, node: document.Body, at: start(document.Body)})
		}
	}
	if len(found) > 1 {
		found[1].wrong("a second document: the file wants one, without --- between its keys")
	}
	if len(found) == 0 {
		return item{}, false
	}
	return found[0], true
}

func syntaxProblem(file string, err error) Problem {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		p := at.GetToken().Position
		return Problem{File: file, Line: p.Line, Column: p.Column, Text: at.GetMessage()}
	}
	return Problem{File: file, Line: 1, Text: err.Error()}
}

// start is where a value begins: a mapping's own token is the colon of its first key.
func start(node ast.Node) *token.Token {
	if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken()
	}
	return node.GetToken()
}

func (i item) position() (line, column int) {
	if i.at == nil || i.at.Position == nil {
		return 1, 0
	}
	return i.at.Position.Line, i.at.Position.Column
}

func (i item) line() int {
	line, _ := i.position()
	return line
}

// wrong notes a problem at the value.
func (i item) wrong(format string, args ...any) {
	line, column := i.position()
	i.doc.problems = append(i.doc.problems, Problem{File: i.doc.file, Line: line, Column: column, Rule: i.rule, Text: fmt.Sprintf(format, args...)})
}

// of is the value as part of something that has a name.
func (i item) of(rule string) item {
	i.rule = rule
	return i
}

// isList and isMapping tell the shape of a value whose keys allow several.
func (i item) isList() bool {
	_, ok := i.node.(*ast.SequenceNode)
	return ok
}

func (i item) isMapping() bool {
	_, ok := i.node.(*ast.MappingNode)
	return ok
}

// pairs are the keys and values of a mapping; what says what the mapping is.
func (i item) pairs(what string) []pair {
	m, ok := i.node.(*ast.MappingNode)
	if !ok {
		i.wrong("%s wants keys and values%s", what, i.shape())
		return nil
	}
	var pairs []pair
	for _, v := range m.Values {
		key := item{i.doc, v.Key, v.Key.GetToken(), i.rule}
		value := item{i.doc, v.Value, v.Key.GetToken(), i.rule}
		if v.Value != nil && v.Value.GetToken() != nil {
			value.at = start(v.Value)
		}
		pairs = append(pairs, pair{key, value})
	}
	return pairs
}

// fields are the values of a mapping whose keys are known.
func (i item) fields(what string, known ...string) map[string]item {
	fields := map[string]item{}
	for _, p := range i.pairs(what) {
		key, ok := p.key.text("a key")
		switch {
		case !ok:
		case !slices.Contains(known, key):
			p.key.wrong("unknown key %q; %s knows %s", key, what, strings.Join(known, ", "))
		default:
			fields[key] = p.value
		}
	}
	return fields
}

// list are the elements of a list.
func (i item) list(what string) []item {
	s, ok := i.node.(*ast.SequenceNode)
	if !ok {
		i.wrong("%s wants a list%s", what, i.shape())
		return nil
	}
	var items []item
	for _, v := range s.Values {
		element := item{i.doc, v, i.at, i.rule}
		if v != nil && v.GetToken() != nil {
			element.at = start(v)
		}
		items = append(items, element)
	}
	return items
}

// oneOrMore are the elements of a list, or the single value that stands in its place.
func (i item) oneOrMore(what string) []item {
	if !i.isList() {
		return []item{i}
	}
	items := i.list(what)
	if len(items) == 0 {
		i.wrong("%s: the list is empty", what)
	}
	return items
}

// text is a value that is a text, or a number or truth as it is written.
func (i item) text(what string) (string, bool) {
	switch n := i.node.(type) {
	case *ast.StringNode:
		return strings.TrimSpace(n.Value), true
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return strings.TrimSpace(n.GetToken().Value), true
	}
	i.wrong("%s wants a text%s", what, i.shape())
	return "", false
}

// name is a text that is not empty.
func (i item) name(what string) (string, bool) {
	text, ok := i.text(what)
	if ok && text == "" {
		i.wrong("%s is empty", what)
		return "", false
	}
	return strings.Join(strings.Fields(text), " "), ok
}

// shape says what the value is instead, where that helps.
func (i item) shape() string {
	switch i.node.(type) {
	case nil, *ast.NullNode:
		return ", and there is nothing"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "; anchors, aliases and !tags are not read here, write the value out"
	case *ast.MappingNode:
		return ", not keys and values"
	case *ast.SequenceNode:
		return ", not a list"
	}
	return ""
}
