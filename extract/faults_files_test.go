package extract

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// Texts of any kind: what is no JSON, what has line breaks, quotes, 64 KB. None of it changes a
// row, a sum, or the rows around it, in whichever file of charges it stands.
func TestTextsOfAnyKindChangeNoSum(t *testing.T) {
	quoted := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	long := `{"ServiceType":"` + strings.Repeat("x\n\"", 64<<10/3) + `"}`
	for source, names := range map[string][5]string{
		"focus_export":  {"ChargePeriodStart", "BilledCost", "Tags", "x_SkuDetails", "ResourceName"},
		"cost_export":   {"Date", "CostInBillingCurrency", "Tags", "AdditionalInfo", "ResourceName"},
		"cost_details":  {"Date", "CostInBillingCurrency", "Tags", "AdditionalInfo", "ResourceName"},
		"detailed_cost": {"Date", "CostInBillingCurrency", "Tags", "AdditionalInfo", "ResourceName"},
	} {
		t.Run(source, func(t *testing.T) {
			header, also := strings.Join(names[:], ","), ""
			if source == "focus_export" {
				header, also = header+",EffectiveCost", ",0"
			}
			row := func(cost, tags, info, name string) string {
				return "2026-10-05," + cost + "," + tags + "," + info + "," + name + also + "\r\n"
			}
			text := header + "\r\n" +
				row("1.1", quoted(`"env": "prod`), "", "a") + // tags that end in the middle
				row("2.2", quoted(`{"env":"pr`+"\r\n"+`od"}`), "", quoted("two\nlines")) +
				row("4.4", quoted(`{"note":"a \"quoted\" word"}`), quoted(long), `5" disk`) + // a quote within a plain field is text
				row("8.8", "env: prod", `{no json}`, quoted(`"`)) +
				row("16.16", "", "", "last")
			l := land(t, sourceNamed(t, source).Columns)
			if n, err := l.csv(1, "part_0.csv", strings.NewReader(text)); err != nil || n != 5 {
				t.Fatalf("%d rows, %v", n, err)
			}
			got := l.done()
			if got.Rejects != nil || got.BadTags != 3 {
				t.Errorf("%d rows are rejects, %d have tags that are none; want 0 and 3", got.RejectRows, got.BadTags)
			}
			column := func(name string) []string {
				var all []string
				for _, r := range duckQuery(t, duck(t), fmt.Sprintf("select coalesce(cast(%q as varchar), '') from '%s' order by _row", name, got.File.Path)) {
					all = append(all, r[0])
				}
				return all
			}
			if sum := firstRow(t, fmt.Sprintf("select sum(%q)::varchar from '%s'", names[1], got.File.Path)); !sameRat(sum, "32.66") {
				t.Errorf("the sum is %s", sum)
			}
			for name, want := range map[string][]string{
				names[2]:    {"", "", `{"note":"a \"quoted\" word"}`, "", ""},
				"_tags_raw": {`"env": "prod`, "{\"env\":\"pr\r\nod\"}", "", "env: prod", ""},
				names[4]:    {"a", "two\nlines", `5" disk`, `"`, "last"},
			} {
				if have := column(name); fmt.Sprintf("%q", have) != fmt.Sprintf("%q", want) {
					t.Errorf("%s: %q, want %q", name, have, want)
				}
			}
			if info := firstRow(t, fmt.Sprintf("select max(length(%q))::varchar from '%s'", names[3], got.File.Path)); info != fmt.Sprint(len(long)) {
				t.Errorf("the longest %s has %s characters, want %d", names[3], info, len(long))
			}
		})
	}
}

// The same number is the same whichever reader it comes through, to the last digit, or is refused
// by each.
func TestNumbersAreTheSameThroughEveryReader(t *testing.T) {
	cols := []Column{{Name: "Cost", Type: Decimal}}
	const refused = "refused"
	for served, want := range map[string]string{
		"0.1": "0.1", "-0": "0", "-0.00": "0", "1E-07": "0.0000001", "3.1e2": "310", "79228162514.264337593543950335": "79228162514.264337593543950335",
		"12345678901234567890.123456789012345678": "12345678901234567890.123456789012345678",
		"0.1234567890123456789012345678":          "0.123456789012345679",                    // 28 decimals, rounded half to even, and said so
		"1e700000000":                             refused, "100000000000000000000": refused, // more than 20 digits before the point
		"NaN": refused, "Infinity": refused, "1,5": refused, "1.234,5": refused, "0x10": refused, "--1": refused, "1.5 EUR": refused,
	} {
		readers := map[string]func(l testLanding) error{
			"CSV": func(l testLanding) error {
				_, err := l.csv(1, "part.csv", strings.NewReader("Cost\n\""+served+"\"\n"))
				return err
			},
			"text in JSON": func(l testLanding) error {
				_, err := l.jsonPage(1, "page", fmt.Appendf(nil, `{"value":[{"Cost":%q}]}`, served), usageShape())
				return err
			},
			"text in Parquet": func(l testLanding) error {
				_, err := l.parquet(1, "export.parquet", duckExport(t, "select '"+served+"' as Cost", ""))
				return err
			},
		}
		if want != refused || served == "1e700000000" || served == "100000000000000000000" {
			readers["JSON"] = func(l testLanding) error {
				_, err := l.jsonPage(1, "page", fmt.Appendf(nil, `{"value":[{"Cost":%s}]}`, served), usageShape())
				return err
			}
		}
		if want == served && len(served) > 20 {
			readers["decimals in Parquet"] = func(l testLanding) error {
				_, err := l.parquet(1, "export.parquet", duckExport(t, "select '"+served+"'::decimal(38, 18) as Cost", ""))
				return err
			}
		}
		for reader, read := range readers {
			l := land(t, cols)
			if err := read(l); err != nil {
				t.Fatalf("%s from %s: %v", served, reader, err)
			}
			got := l.done()
			if want == refused {
				if got.RejectRows != 1 || got.Rows != 0 || got.Unreadable != 1 {
					t.Errorf("%s from %s: %d rows and %d rejects, want it refused", served, reader, got.Rows, got.RejectRows)
				}
				continue
			}
			if got.Rows != 1 {
				t.Errorf("%s from %s: %d rows, %d rejects", served, reader, got.Rows, got.RejectRows)
				continue
			}
			if value := firstRow(t, "select Cost::varchar from '"+got.File.Path+"'"); !sameRat(value, want) || strings.HasPrefix(value, "-") {
				t.Errorf("%s from %s became %s, want %s", served, reader, value, want)
			}
			if rounded := got.Rounded; (rounded == 1) != strings.HasPrefix(served, "0.1234") {
				t.Errorf("%s from %s: %d numbers are said to be rounded", served, reader, rounded)
			}
		}
	}
}

// A refund of August is served in October. The closed month stays as it is, byte by byte, until its
// invoice changes; then the refund is in it, and the charges that were there are there still.
func TestALateChargeComesWithItsInvoice(t *testing.T) {
	s := newUsageAPI(t)
	amount, late := "10.00", false
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/invoices") {
			return anInvoice(w, "2026-08", amount)
		}
		start := r.URL.Query().Get("startDate")
		records := usageRecord(start, "charge", "10.25")
		if late && start == "2026-08-01" {
			records += "," + usageRecord(start, "refund", "-4.125")
		}
		fmt.Fprintf(w, `{"value":[%s]}`, records)
		return true
	}
	o := testOptions(t, s, t.TempDir())
	o.Sources = []string{"usage_details", "invoices"}
	o.Periods, o.History, o.Refresh = Range{}, 3, false
	run := func(asOf string) (august map[string]string) {
		o.AsOf, _ = time.Parse(time.DateOnly, asOf)
		mustRun(t, o)
		files := rawFiles(t, o.Lake)
		maps.DeleteFunc(files, func(name, _ string) bool {
			return !strings.Contains(name, "usage_details") || !strings.Contains(name, "period=2026-08")
		})
		return files
	}
	before := run("2026-10-20")
	late = true
	if diff := gocmp.Diff(before, run("2026-10-21")); diff != "" {
		t.Errorf("the month is closed and its invoice the same, and it changed:\n%.500s", diff)
	}
	amount = "6.13"
	run("2026-10-22")
	for _, dataset := range []string{"actual", "amortized"} {
		m := manifestOf(t, o.Lake, "2026-08", dataset)
		path := filepath.Join(filepath.Dir(lakeIn(o.Lake).manifestPath(m.Unit)), m.Files[0].Path)
		if got := firstRow(t, "select count(*), sum(costInBillingCurrency)::varchar from '"+path+"'"); got != "2|6.125000000000000000" {
			t.Errorf("%s: rows and sum are %s, want the charge and its refund", dataset, got)
		}
	}
	kept := rawFiles(t, o.Lake)
	for name, text := range before {
		if strings.HasSuffix(name, ".parquet") && kept[name] != text {
			t.Errorf("%s, which the version before was made of, is gone", name)
		}
	}
}
