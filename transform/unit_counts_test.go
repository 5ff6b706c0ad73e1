package transform

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a source did not say, and what an old manifest does not have, is not known; 0 is a number.
func TestCountsThatAreNotKnownAreNull(t *testing.T) {
	for _, c := range []struct {
		name, manifest string
		want           []any // announced pages, rows and bytes, received bytes, duplicates
	}{
		{"written before anything was counted", `{}`, []any{nil, nil, nil, nil, nil}},
		{"nothing announced", `{"announced":{"pages":-1,"rows":-1,"bytes":-1},"received":7,"duplicates":0}`, []any{nil, nil, nil, int64(7), int64(0)}},
		{"all announced", `{"announced":{"pages":2,"rows":0,"bytes":9},"received":9,"duplicates":1}`, []any{int64(2), int64(0), int64(9), int64(9), int64(1)}},
	} {
		var u unit
		if err := json.Unmarshal([]byte(c.manifest), &u); err != nil {
			t.Fatal(err)
		}
		row := (&runner{units: []unit{u}}).unitRows(piece{})[0]
		first := slices.IndexFunc(provided[rawUnit], func(c Column) bool { return c.Name == "AnnouncedPageCount" })
		if diff := cmp.Diff(c.want, row[first:]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
