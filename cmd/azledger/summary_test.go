package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// A month's status is that of its worst invoice, as reconcile has it: Explained is worse than Matched.
func TestSummaryStatus(t *testing.T) {
	views := madeUpTable(t, `
a|1|2026-09|EUR|Matched|10.00|0.00|0.01
+Usage|10.00||10.00||
a|2|2026-09|EUR|Explained|5.00|0.00|0.01
+Usage|4.00||4.00||
+LateCharge|1.00||1.00|3|
b|4|2026-09|EUR|Explained|5.00|0.00|0.01
+Usage|5.00||5.00||
b|5|2026-09|EUR|Unexplained|5.00|1.00|0.01
+Usage|4.00||4.00||
+Unexplained|1.00||||
c|6|2026-09|EUR|Matched|5.00|0.00|0.01
+Usage|5.00||5.00||
c|7|2026-09|EUR|Estimated|1.00|0.00|0.01
+Usage|1.00||1.00||`)
	var out bytes.Buffer
	a := &app{out: &out}
	err := (&config{}).ask(context.Background(), views, sections[0].sql, func(columns []column) printer { return sections[0].printer(a, columns) })
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"0.00  Explained", "1.00  Unexplained", "0.00  Matched, rest not invoiced yet"} {
		if line := strings.Split(out.String(), "\n")[2+i]; !strings.HasSuffix(line, want) {
			t.Errorf("%s: want it to end with %s", line, want)
		}
	}
}
