package azuresim

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
)

// fetch is one request as a plain client sees it.
func fetch(t *testing.T, link string) (*http.Response, []byte, error) {
	t.Helper()
	r, err := http.Get(link)
	if err != nil {
		return nil, nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return r, body, err
}

func TestStatusFaultsStrikeAsCounted(t *testing.T) {
	e, s := serve(t, Config{Months: 1, Rows: 500, Faults: []Fault{
		{Kind: "429", Match: "usagedetails", Nth: 2, Times: 2, Header: map[string]string{ThrottleHeaders[1]: "3"}},
		{Kind: "503", Match: "balances", Times: -1},
	}})
	var got []int
	for range 5 {
		r, _, err := fetch(t, s.URL+usagePath(e.ea, e.open(), actual, 10))
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, r.StatusCode); r.StatusCode == 429 && r.Header.Get(ThrottleHeaders[1]) != "3" {
			t.Errorf("headers: %v", r.Header)
		}
	}
	if want := []int{200, 429, 429, 200, 200}; !equalInts(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	for range 2 {
		if r, body, _ := fetch(t, s.URL+EnrollmentPath+consumption+"balances?api-version=2023-05-01"); r.StatusCode != 503 || !bytes.Contains(body, []byte(`"ServiceUnavailable"`)) {
			t.Errorf("balances: %d %s", r.StatusCode, body)
		}
	}
	if log := e.Requests(); len(log) != 7 || log[1].Fault != "429" || log[0].Rows != 10 || log[0].Fault != "" {
		t.Errorf("requests: %+v", log)
	}
}

func equalInts(a, b []int) bool { return string(encode(a)) == string(encode(b)) }

func TestBodyFaults(t *testing.T) {
	for kind, check := range map[string]func(*http.Response, []byte, error) bool{
		"html": func(r *http.Response, b []byte, err error) bool {
			return err == nil && r.StatusCode == 200 && bytes.HasPrefix(b, []byte("<html>"))
		},
		"empty": func(r *http.Response, b []byte, err error) bool {
			return err == nil && r.StatusCode == 200 && len(b) == 0
		},
		"error_200": func(r *http.Response, b []byte, err error) bool {
			return r.StatusCode == 200 && bytes.HasPrefix(b, []byte(`{"error"`))
		},
		"truncated_gzip": func(_ *http.Response, _ []byte, err error) bool { return err != nil },
		"short":          func(_ *http.Response, _ []byte, err error) bool { return err != nil },
		"reset":          func(_ *http.Response, _ []byte, err error) bool { return err != nil },
		"cut":            func(_ *http.Response, b []byte, err error) bool { return err == nil && !json.Valid(b) },
		"other_host": func(_ *http.Response, b []byte, _ error) bool {
			return bytes.Contains(b, []byte(`"nextLink":"https://management.azure.com.invalid/`))
		},
		"bad_values": func(_ *http.Response, b []byte, _ error) bool {
			return json.Valid(b) && bytes.Contains(b, []byte("1e700000000")) && bytes.Contains(b, []byte(`"NaN"`)) && bytes.Contains(b, []byte("{no json"))
		},
	} {
		e, s := serve(t, Config{Months: 1, Rows: 500, Faults: []Fault{{Kind: kind, Match: "usageDetails"}}})
		link := s.URL + usagePath(e.ea, e.open(), actual, 10)
		if r, body, err := fetch(t, link); !check(r, body, err) {
			t.Errorf("%s: %v %.200s %v", kind, r, body, err)
		}
		if r, body, err := fetch(t, link); err != nil || r.StatusCode != 200 || !json.Valid(body) || bytes.Contains(body, []byte("NaN")) {
			t.Errorf("after %s: %v %v", kind, r, err)
		}
	}
}

func TestPagingFaults(t *testing.T) {
	e, s := serve(t, Config{Months: 1, Rows: 500})
	path := usagePath(e.ea, e.open(), actual, 10)
	if err := e.AddFault(Fault{Kind: "loop", Match: "usageDetails"}); err != nil {
		t.Fatal(err)
	}
	if _, body := get(t, s, path); !strings.HasSuffix(body["nextLink"].(string), path) {
		t.Errorf("the link is %v, want the page itself", body["nextLink"])
	}
	r, err := http.Post(s.URL+"/_sim/faults", "application/json", strings.NewReader(`{"kind":"repeat","match":"usageDetails"}`))
	if err != nil || r.StatusCode != http.StatusCreated {
		t.Fatalf("POST /_sim/faults: %v %v", r, err)
	}
	r.Body.Close()
	_, first := get(t, s, path)
	_, second := get(t, s, first["nextLink"].(string))
	_, third := get(t, s, second["nextLink"].(string))
	if a, b := encode(first["value"]), encode(second["value"]); !bytes.Equal(a, b) {
		t.Error("the second page does not repeat the first")
	}
	if first["nextLink"] == second["nextLink"] || bytes.Equal(encode(second["value"]), encode(third["value"])) {
		t.Error("the repeated page does not go on")
	}
	if err := e.AddFault(Fault{Kind: "nonsense"}); err == nil {
		t.Error("an unknown fault was accepted")
	}
}

func TestDaysAreRestatedAndArriveLate(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 1, Rows: 2000})
	restated, late := e.open().start+2, e.open().start+4
	for kind, day := range map[string]int{"restated": restated, "late": late} {
		if err := e.AddFault(Fault{Kind: kind, Match: "usageDetails", Account: "ea", Day: e.text(day).iso}); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (rows map[string]int, cost map[string]*big.Rat) {
		rows, cost = map[string]int{}, map[string]*big.Rat{}
		list, _ := walk(t, s, usagePath(e.ea, e.open(), actual, 50))
		for _, r := range list {
			day := property(r, "date").(string)[:10]
			rows[day]++
			if cost[day] == nil {
				cost[day] = new(big.Rat)
			}
			cost[day].Add(cost[day], numberOf(t, r, "cost"))
		}
		return rows, cost
	}
	rowsBefore, before := count()
	rowsAfter, after := count()
	for day := range before {
		changed := before[day].Cmp(after[day]) != 0 || rowsBefore[day] != rowsAfter[day]
		if want := day == e.text(restated).iso || day == e.text(late).iso; changed != want {
			t.Errorf("%s: %d rows of %s, then %d of %s", day, rowsBefore[day], before[day].FloatString(4), rowsAfter[day], after[day].FloatString(4))
		}
	}
	if rowsAfter[e.text(late).iso] <= rowsBefore[e.text(late).iso] {
		t.Error("no row came late")
	}
}
