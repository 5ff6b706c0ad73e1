package extract

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDatesOfEveryLayout(t *testing.T) {
	for _, c := range []struct {
		text, day, instant string // "" is no date
		dayExact, exact    bool
	}{
		{"2021-10-01", "2021-10-01", "2021-10-01T00:00:00Z", true, true},
		{"2021-10-01T00:00:00.0000000Z", "2021-10-01", "2021-10-01T00:00:00Z", true, true},
		{"2021-10-01T13:04:05.1234560Z", "2021-10-01", "2021-10-01T13:04:05.123456Z", false, true},
		{"2021-10-01T13:04:05.1234567Z", "2021-10-01", "2021-10-01T13:04:05.123456Z", false, false},
		{"2018-09-30T17:00:00-07:00", "2018-10-01", "2018-10-01T00:00:00Z", true, true},
		{"2018-10-01T01:00:00+02:00", "2018-09-30", "2018-09-30T23:00:00Z", false, true},
		{"2019-07-29 00:00:00", "2019-07-29", "2019-07-29T00:00:00Z", true, true},
		{"2019-07-29T00:00:00", "2019-07-29", "2019-07-29T00:00:00Z", true, true},
		{"2019-07-29T10:30Z", "2019-07-29", "2019-07-29T10:30:00Z", false, true},
		{"09/30/2023", "2023-09-30", "2023-09-30T00:00:00Z", true, true},
		{"9/2/2023", "2023-09-02", "2023-09-02T00:00:00Z", true, true},
		{"9/2/2023 12:00:00 AM", "2023-09-02", "2023-09-02T00:00:00Z", true, true},
		{"9/2/2023 1:05:00 PM", "2023-09-02", "2023-09-02T13:05:00Z", false, true},
		{"20180331", "2018-03-31", "2018-03-31T00:00:00Z", true, true},
		{"201803", "2018-03-01", "2018-03-01T00:00:00Z", true, true},
		{"2024-02-29", "2024-02-29", "2024-02-29T00:00:00Z", true, true},
		{"0001-01-01T00:00:00", "0001-01-01", "0001-01-01T00:00:00Z", true, true},
		{"9999-12-31T23:59:59.9999999Z", "9999-12-31", "9999-12-31T23:59:59.999999Z", false, false},
	} {
		day, exact, ok := parseDay([]byte(c.text), false)
		if got := dayText(int64(day)); !ok || got != c.day || exact != c.dayExact {
			t.Errorf("day of %q is %s (exact %v, ok %v), want %s (exact %v)", c.text, got, exact, ok, c.day, c.dayExact)
		}
		micros, exact, ok := parseInstant([]byte(c.text))
		if got := time.UnixMicro(micros).UTC().Format(time.RFC3339Nano); !ok || got != c.instant || exact != c.exact {
			t.Errorf("instant of %q is %s (exact %v, ok %v), want %s (exact %v)", c.text, got, exact, ok, c.instant, c.exact)
		}
	}
}

func TestDateAsPrintedIsNotShifted(t *testing.T) {
	day, exact, ok := parseDay([]byte("2018-09-30T17:00:00-07:00"), true)
	if got := dayText(int64(day)); !ok || !exact || got != "2018-09-30" {
		t.Errorf("got %s, exact %v, ok %v", got, exact, ok)
	}
}

func TestWhatIsNoDate(t *testing.T) {
	for _, s := range []string{
		"", "3/1/21", "31/12/2023", "2023-02-29", "2023-13-01", "2023-00-10", "2023-1-5", "yesterday", "2023-10-01x",
		"2023-10-01T24:00:00Z", "2023-10-01T10:00:00 Z", "2023-10-01T", "2023-10-01T10", "2023-10-01T10:60:00Z", "10/2023", "2023/10/01", "0000-01-01",
		"2023-10-01T10:00:00.1234567891Z", "2023-10-01T10:00:00+1", "1.5", "-2023-10-01", "9/2/2023 13:00:00 PM",
	} {
		if _, _, ok := parseDay([]byte(s), false); ok {
			t.Errorf("%q passes for a date", s)
		}
	}
}

func TestDatesAgreeWithTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		micros := rapid.Int64Range(-62135596800_000000, 253402300799_000000).Draw(rt, "micros")
		zone := rapid.IntRange(-14*60, 14*60).Draw(rt, "zone")
		at := time.UnixMicro(micros).In(time.FixedZone("", zone*60))
		if y := at.Year(); y < 1 || y > 9999 {
			return
		}
		text := at.Format("2006-01-02T15:04:05.0000000Z07:00")
		got, exact, ok := parseInstant([]byte(text))
		if got != micros || !exact || !ok {
			rt.Fatalf("parseInstant(%s) = %d, %v, %v, want %d", text, got, exact, ok, micros)
		}
	})
}
