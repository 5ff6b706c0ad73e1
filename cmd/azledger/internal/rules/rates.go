package rules

import "fmt"

var (
	rateColumns = []string{"MeterId", "ServiceName", "SkuMeter", "PricingUnit", "BillingCurrency", "UnitPrice", "ValidFrom", "ValidTo"}
	rateNeeds   = []string{"PricingUnit", "BillingCurrency", "UnitPrice"}
)

// rate is a line of the rate card: what a unit costs inside the house.
type rate struct {
	line                            int
	meter, service, sku             string
	unit, currency, price, from, to string
}

func readRates(file string, text []byte) ([]rate, Problems) {
	records, problems := readCSV(file, text, rateColumns, rateNeeds)
	var rates []rate
	before := map[[5]string][]rate{}
	for _, r := range records {
		wrong := append(r.checkRate(file), r.checkSpan(file)...)
		n := rate{r.line, fold(r.get("MeterId")), fold(r.get("ServiceName")), fold(r.get("SkuMeter")), r.get("PricingUnit"), r.get("BillingCurrency"), r.get("UnitPrice"), r.get("ValidFrom"), r.get("ValidTo")}
		key := [5]string{n.meter, n.service, n.sku, fold(n.unit), n.currency}
		for _, other := range before[key] {
			if overlap(n.from, n.to, other.from, other.to) {
				wrong = append(wrong, Problem{File: file, Line: r.line, Text: fmt.Sprintf("line %d has a price for the same on the same day", other.line)})
				break
			}
		}
		problems = append(problems, wrong...)
		if len(wrong) == 0 {
			rates = append(rates, n)
			before[key] = append(before[key], n)
		}
	}
	return rates, problems
}

func (r record) checkRate(file string) (problems Problems) {
	wrong := func(format string, args ...any) {
		problems = append(problems, Problem{File: file, Line: r.line, Text: fmt.Sprintf(format, args...)})
	}
	if r.get("MeterId") == "" && r.get("ServiceName") == "" && r.get("SkuMeter") == "" {
		wrong("the line names no column: give a MeterId, a ServiceName or a SkuMeter")
	}
	if id := r.get("MeterId"); id != "" && !guid.MatchString(fold(id)) {
		wrong("MeterId %q: want a GUID as in x_SkuMeterId", id)
	}
	for _, column := range []string{"ServiceName", "SkuMeter"} {
		if text := r.get(column); isPattern(text) {
			wrong("%s %q: a price is for what is named in full, without * and ?", column, text)
		}
	}
	if code := r.get("BillingCurrency"); !currency.MatchString(code) {
		wrong("BillingCurrency %q: want a code of ISO 4217 such as EUR", code)
	}
	if r.get("PricingUnit") == "" {
		wrong("PricingUnit is empty: say what the price buys, such as Hours")
	}
	switch price := decimal(r.get("UnitPrice")); {
	case price == nil:
		wrong("UnitPrice %q: %s", r.get("UnitPrice"), wantedDecimal)
	case price.Sign() < 0:
		wrong("UnitPrice %s is below zero", r.get("UnitPrice"))
	}
	return problems
}

func (s *Set) rateRows(add func(table string, fields ...string)) {
	for i, r := range s.rates {
		add("allocation_rate", fmt.Sprint(i+1), fmt.Sprint(r.line), r.meter, r.service, r.sku, r.unit, r.currency, r.price, r.from, r.to)
	}
}
