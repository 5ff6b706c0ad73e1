package extract

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTagsOfEveryForm(t *testing.T) {
	for served, want := range map[string]string{ // JSON value → tags
		`null`: "", `{}`: "", `{ }`: "", `[]`: "", `[ ]`: "", `""`: "", `"null"`: "", `"{}"`: "", `"  "`: "",
		`{"env":"prod"}`:                    `{"env":"prod"}`,
		`{ "b" : "1" ,  "a" : "\u00e9\/" }`: `{"b":"1","a":"é/"}`,
		`{"a":null,"b":1.50,"c":{"d": []}}`: `{"a":null,"b":1.50,"c":{"d":[]}}`,
		`{"Env":"x","env":"y"}`:             `{"Env":"x","env":"y"}`,
		`"{\"env\": \"prod\"}"`:             `{"env":"prod"}`,
		`"\"k\": \"v\",\"k2\": \"v2\""`:     `{"k":"v","k2":"v2"}`,
		`"\"k\":\"line\\nbreak\""`:          `{"k":"line\nbreak"}`,
		`" \"k\": \"a,b}\" "`:               `{"k":"a,b}"}`,
		`{"a":"tab\t\u0001\""}`:             `{"a":"tab\t\u0001\""}`,
	} {
		rows, _, got := landPage(t, testColumns, usageShape(), `{"value":[{"tags":`+served+`}]}`)
		if rows[0]["tags"] != want || got.BadTags != 0 {
			t.Errorf("tags %s became %q (bad: %d), want %q", served, rows[0]["tags"], got.BadTags, want)
		}
	}
}

func TestUnreadableTagsAreKeptAndCounted(t *testing.T) {
	for served, raw := range map[string]string{
		`"\"k\": \"v"`:          `"k": "v`,
		`"{\"k\": \"v\""`:       `{"k": "v"`,
		`"\"k\": \"v\"}"`:       `"k": "v"}`,
		`"\"k\": \"v\","`:       `"k": "v",`,
		`"k: v"`:                `k: v`,
		`"{'k': 'v'}"`:          `{'k': 'v'}`,
		`[{"k":"v"}]`:           `[{"k":"v"}]`,
		`5`:                     `5`,
		`"{\"k\":\"v\"}{}"`:     `{"k":"v"}{}`,
		`"\"k\":\"line\nbrk\""`: "\"k\":\"line\nbrk\"",
	} {
		rows, rejects, got := landPage(t, testColumns, usageShape(), `{"value":[{"id":"a","tags":`+served+`},{"id":"b","tags":`+served+`},{"tags":{"ok":"1"}}]}`, "k")
		checkRows(t, rows, []record{{"id": "a", "_tags_raw": raw}, {"id": "b", "_tags_raw": raw}, {"tags": `{"ok":"1"}`}})
		checkRows(t, rejects, nil)
		if got.BadTags != 2 {
			t.Errorf("%s: counted %d, want 2", served, got.BadTags)
		}
	}
}

func TestConfiguredTagsGetColumns(t *testing.T) {
	rows, _, _ := landPage(t, testColumns, usageShape(), `{"value":[
		{"tags":{"ENV":"upper","env":"exact","Cost Centre":"12","Owner":"\u00e9"}},
		{"tags":{"ENV":"upper","Env":"second","owner":null}},
		{"tags":{"env":7,"owner":""}},
		{"tags":null}]}`, "env", "owner", "Cost Centre")
	want := []record{
		{"tag_env": "exact", "tag_owner": "é", "tag_Cost Centre": "12"}, {"tag_env": "upper"}, {"tag_env": "7"}, {},
	}
	for i := range rows {
		delete(rows[i], "tags")
	}
	checkRows(t, rows, want)
}

// FuzzTags holds the tags of files to encoding/json with the braces put around them.
func FuzzTags(f *testing.F) {
	for _, s := range []string{`"k": "v","k2": "v2"`, `{"a":"b"}`, `{}`, ``, `null`, `"k":{"x":[1]}`, `"a":"\ud83d\ude00","A":null`, `"k": "v",`, `{"a":1}}`, "\"a\n\":1", `[]`, `"a":"b"}`, " { \"a\" :\t1e5 } "} {
		f.Add(s)
	}
	dir := f.TempDir()
	cols := []Column{{Name: "Tags", Type: Tags}}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, '\uFFFD') || strings.ToValidUTF8(text, "?") != text {
			return
		}
		l, err := newLanding(dir, cols, testOrigin, []string{"a"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.abort()
		b := l.batch
		b.reset([]byte(text))
		b.put(0, span{0, uint32(len(text))})
		tags, raw := string(b.bytes(b.cols[0].text[0])), string(b.bytes(b.cols[b.tagsRaw].text[0]))
		b.end(1, nil)
		checkTags(t, text, tags, raw)
	})
}

func checkTags(t *testing.T, text, tags, raw string) {
	trimmed := strings.TrimSpace(text)
	if !strings.HasPrefix(trimmed, "{") {
		trimmed = "{" + trimmed + "}"
	}
	valid := json.Valid([]byte(trimmed))
	switch {
	case tags != "" && raw != "":
		t.Fatalf("%q has both tags and raw", text)
	case raw != "" && raw != text:
		t.Fatalf("%q is kept as %q", text, raw)
	case raw != "" && valid && strings.Count(trimmed, "[")+strings.Count(trimmed, "{") < maxDepth:
		t.Fatalf("%q is refused", text)
	case tags != "" && !valid:
		t.Fatalf("%q became %q", text, tags)
	case tags != "" && !sameJSON(tags, trimmed):
		t.Fatalf("%q became %q", text, tags)
	}
}

func sameJSON(a, b string) bool {
	var x any
	dec := json.NewDecoder(strings.NewReader(b))
	dec.UseNumber()
	return dec.Decode(&x) == nil && sameText(a, x)
}
