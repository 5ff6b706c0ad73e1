package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// decodeYAML reads the text of a file into c. The decoder of the library (goccy/go-yaml 1.19)
// takes 1.5 for the whole number 1, a list at the top for nothing, stops at the end of
// the first document, and names Go types in its errors; so shapes are looked at first.
func decodeYAML(file string, text []byte, c *config) error {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return describe(file, err)
	}
	documents := written(tree)
	if len(documents) == 0 {
		return nil
	}
	if len(documents) > 1 {
		return pointAt(file, documents[1].Body.GetToken(), "a second document: the file wants one, without --- between its keys")
	}
	if wrong := misshapen(documents[0].Body, reflect.TypeOf(*c), "the file"); wrong != nil {
		return pointAt(file, wrong.at, wrong.text)
	}
	if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
		return describe(file, err)
	}
	return nil
}

// written are the documents that hold more than comments.
func written(tree *ast.File) []*ast.DocumentNode {
	var documents []*ast.DocumentNode
	for _, d := range tree.Docs {
		if _, comment := d.Body.(*ast.CommentGroupNode); d.Body != nil && !comment {
			documents = append(documents, d)
		}
	}
	return documents
}

// misfit is a value of the wrong kind and its place.
type misfit struct {
	at   *token.Token
	text string
}

// misshapen finds the first value that is of another kind than the key wants. Keys that
// are unknown, and aliases, are left to the decoder.
func misshapen(node ast.Node, want reflect.Type, key string) *misfit {
	switch n := node.(type) {
	case *ast.AnchorNode:
		return misshapen(n.Value, want, key)
	case *ast.TagNode:
		return misshapen(n.Value, want, key)
	case nil, *ast.AliasNode, *ast.NullNode:
		return nil
	case *ast.MappingNode:
		if want.Kind() == reflect.Struct {
			return misshapenField(n, want)
		}
	case *ast.SequenceNode:
		if want.Kind() == reflect.Slice {
			return misshapenElement(n, want, key)
		}
	default:
		if fits(node, want.Kind()) {
			return nil
		}
	}
	return &misfit{start(node), fmt.Sprintf("%s wants %s", key, wantedKind(want.Kind()))}
}

func misshapenField(n *ast.MappingNode, want reflect.Type) *misfit {
	for _, v := range n.Values {
		name := v.Key.GetToken().Value
		for i := range want.NumField() {
			f := want.Field(i)
			if f.Tag.Get("yaml") != name {
				continue
			}
			if wrong := misshapen(v.Value, f.Type, name); wrong != nil {
				return wrong
			}
		}
	}
	return nil
}

func misshapenElement(n *ast.SequenceNode, want reflect.Type, key string) *misfit {
	for _, v := range n.Values {
		if wrong := misshapen(v, want.Elem(), "each of "+key); wrong != nil {
			return wrong
		}
	}
	return nil
}

// fits tells whether a scalar is of the kind. Numbers and yes or no serve as texts, as
// in "name: 2026".
func fits(node ast.Node, want reflect.Kind) bool {
	switch want {
	case reflect.Int:
		_, ok := node.(*ast.IntegerNode)
		return ok
	case reflect.Bool:
		_, ok := node.(*ast.BoolNode)
		return ok
	}
	return want == reflect.String
}

func wantedKind(kind reflect.Kind) string {
	switch kind {
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a text"
	}
	return "a mapping"
}

// start is where a value begins: a mapping's own token is the colon of its first key.
func start(node ast.Node) *token.Token {
	if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken()
	}
	return node.GetToken()
}

// describe gives an error of the library the file, the line and the column, with a
// caret under the place.
func describe(file string, err error) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var large *yaml.OverflowError
	if errors.As(err, &large) {
		return pointAt(file, at.GetToken(), large.SrcNum+" is too large")
	}
	return pointAt(file, at.GetToken(), strings.Replace(at.GetMessage(), "unknown field", "unknown key", 1))
}

func pointAt(file string, at *token.Token, message string) error {
	syntax := &yaml.SyntaxError{Message: message, Token: at}
	_, excerpt, _ := strings.Cut(syntax.FormatError(false, true), "\n")
	return fmt.Errorf("%s:%d:%d: %s\n%s", file, at.Position.Line, at.Position.Column, message, excerpt)
}
