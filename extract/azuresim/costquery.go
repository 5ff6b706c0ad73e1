package azuresim

import (
	"encoding/json"
	"io"
	"math/bits"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var (
	_ = handle(http.MethodPost, "costmanagement/query", (*server).costQuery)
	_ = handle(http.MethodPost, "costmanagement/forecast", (*server).costForecast)
)

// A costQuestion is the body of a query or a forecast, as far as the simulator answers it.
type costQuestion struct {
	Type       string
	Timeframe  string
	TimePeriod struct{ From, To string }
	Dataset    struct {
		Granularity string
		Aggregation map[string]struct{ Name, Function string }
		Grouping    []struct{ Type, Name string }
	}
	IncludeActualCost       bool
	IncludeFreshPartialCost bool

	column   string
	from, to int    // epoch days
	seal     string // of the body: a link is only good for the question it came with
}

// costQuery answers what a scope cost on each day, by the day of the charge whatever the period that bills it, for each
// currency and group. It knows the day that the records lack.
func (s *server) costQuery(r *http.Request, t *target) (*answer, error) {
	q, err := s.e.readQuestion(r, t)
	if err != nil {
		return nil, err
	}
	rows, err := s.e.costRows(t, q)
	if err != nil {
		return nil, err
	}
	columns := []string{q.column}
	for _, g := range q.Dataset.Grouping {
		columns = append(columns, g.Name)
	}
	columns = append(columns, "UsageDate", "Currency")
	var table [][]any
	for _, row := range rows {
		cells := []any{money(row.cost.round8())}
		for _, name := range row.group {
			cells = append(cells, name)
		}
		table = append(table, append(cells, dayNumber(row.day), row.currency))
	}
	return tablePage(r, t, q, columns, table, s.e.config.PageSize)
}

func (e *Enterprise) readQuestion(r *http.Request, t *target) (costQuestion, error) {
	var q costQuestion
	if t.a == nil && !t.payg || t.order != "" {
		return q, notFound(t.path)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return q, err
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return q, badRequest("Invalid query definition: %v", err)
	}
	q.seal = guid(hashText(string(body)) ^ e.seed)
	if r.URL.Query().Get("$skiptoken") != "" && r.URL.Query().Get("id") != q.seal {
		return q, badRequest("Invalid $skiptoken: post the body of the first request to the nextLink as it is.")
	}
	return q, q.check()
}

func (q *costQuestion) check() error {
	if q.Type != "ActualCost" && q.Type != "AmortizedCost" && q.Type != "Usage" {
		return badRequest("Invalid query definition: type '%s'.", q.Type)
	}
	if q.Timeframe != "Custom" || q.Dataset.Granularity != "Daily" || len(q.Dataset.Aggregation) != 1 || len(q.Dataset.Grouping) > 2 {
		return badRequest("Invalid query definition: the simulated service answers a custom timeframe, by day, with one aggregation and two groupings at most.")
	}
	for _, sum := range q.Dataset.Aggregation {
		if q.column = sum.Name; sum.Function != "Sum" || sum.Name != "Cost" && sum.Name != "PreTaxCost" {
			return badRequest("Invalid query definition: aggregation %s of %s.", sum.Function, sum.Name)
		}
	}
	from, err := time.Parse(time.RFC3339, q.TimePeriod.From)
	if err != nil {
		return badRequest("Invalid query definition: timePeriod.from '%s'.", q.TimePeriod.From)
	}
	to, err := time.Parse(time.RFC3339, q.TimePeriod.To)
	if err != nil || to.Before(from) || to.After(from.AddDate(1, 0, 0)) {
		return badRequest("Invalid query definition: timePeriod.to '%s'.", q.TimePeriod.To)
	}
	q.from, q.to = epochDay(from), epochDay(to)
	return nil
}

// groupings are the dimensions that the simulated service groups by.
var groupings = map[string]func(*row) string{
	"ChargeType":   func(r *row) string { return strings.ToLower(r.charge) },
	"ServiceName":  func(r *row) string { return r.category() },
	"PricingModel": func(r *row) string { return r.model },
	"SubscriptionId": func(r *row) string {
		if r.sub == nil {
			return ""
		}
		return r.sub.id
	},
}

// A costRow is the cost of a day, in one currency and group.
type costRow struct {
	day      int
	currency string
	group    []string
	cost     amount
}

// costRows adds up the scope's own rows, in the order of day, currency and group.
func (e *Enterprise) costRows(t *target, q costQuestion) ([]*costRow, error) {
	sel := selection{a: t.a, sub: t.sub, section: t.section, profile: t.profile, resource: strings.ToLower(t.group), usageOnly: q.Type == "Usage", whole: true}
	if q.Type == "AmortizedCost" {
		sel.ds = amortized
	}
	e.selectRange(&sel, q.from, q.to, 1)
	sums := map[string]*costRow{}
	c := e.cursor(sel, position{})
	var r row
	for c.next(&r) {
		var group []string
		for _, g := range q.Dataset.Grouping {
			name, known := groupings[g.Name]
			if !known || g.Type != "Dimension" {
				return nil, badRequest("Invalid query definition: dimension '%s' is not supported.", g.Name)
			}
			group = append(group, name(&r))
		}
		key := strings.Join(append([]string{e.text(r.day).iso, r.profile.currency}, group...), "\x00")
		if sums[key] == nil {
			sums[key] = &costRow{day: r.day, currency: r.profile.currency, group: group}
		}
		sums[key].cost = sums[key].cost.add(r.cost)
	}
	var rows []*costRow
	for _, key := range sortedKeys(sums) {
		rows = append(rows, sums[key])
	}
	return rows, nil
}

func dayNumber(day int) json.Number { return json.Number(dayTime(day).Format("20060102")) }

// round8 rounds half to even at the 8th digit, as the service does.
func (a amount) round8() amount {
	hi, lo, negative := a.abs()
	unit := pow10[amountScale-8]
	hi, lo = divEven(0, hi, lo, unit)
	h, l := bits.Mul64(lo, unit)
	return signed(hi*unit+h, l, negative)
}

// tablePage is one page of a table: 204 where there are no rows, and the link inside properties.
func tablePage(r *http.Request, t *target, q costQuestion, columns []string, rows [][]any, size int) (*answer, error) {
	top, err := topOf(r, "$top", size, 5000)
	if err != nil {
		return nil, err
	}
	page, next, err := window(r, rows, top)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return noContent(), nil
	}
	var named []any
	for _, name := range columns {
		kind := "String"
		if name == q.column || name == "UsageDate" {
			kind = "Number"
		}
		named = append(named, object{"name": name, "type": kind})
	}
	properties := object{"nextLink": nil, "columns": named, "rows": page}
	if next > 0 {
		properties["nextLink"] = link(r, "$skiptoken="+offsetToken(next), "id="+q.seal)
	}
	name := guid(hashText(q.seal + r.URL.RawQuery))
	a := ok(object{
		"id": strings.TrimPrefix(t.path, "/") + "/" + name, "name": name, "type": "Microsoft.CostManagement/query",
		"location": nil, "sku": nil, "eTag": nil, "properties": properties,
	}, len(page), "consumption")
	months := (q.to-q.from)/31 + 1
	a.header.Set("x-ms-ratelimit-microsoft.costmanagement-qpu-consumed", strconv.Itoa(months))
	a.header.Set("x-ms-ratelimit-microsoft.costmanagement-qpu-remaining", "QueryConsumer-10s:11,QueryConsumer-60s:59,QueryConsumer-3600s:599")
	return a, nil
}

// forecastHistory is how many days the forecast needs, and takes the mean of.
const forecastHistory = 28

// costForecast goes on from the days that have rows with the mean of the last four weeks. Where it is asked to, it repeats
// the actual days before. Scopes of several currencies, and too short a history, are a failed dependency.
func (s *server) costForecast(r *http.Request, t *target) (*answer, error) {
	q, err := s.e.readQuestion(r, t)
	if err != nil {
		return nil, err
	}
	if q.IncludeFreshPartialCost && !q.IncludeActualCost {
		return nil, badRequest("includeFreshPartialCost needs includeActualCost.")
	}
	past := q
	past.from, past.to = min(q.from, s.e.asOf-forecastHistory), s.e.asOf-1
	known, err := s.e.costRows(t, past)
	if err != nil {
		return nil, err
	}
	daily, days := amount{}, map[int]bool{}
	for _, row := range known {
		if row.currency != known[0].currency {
			return nil, refuse(http.StatusFailedDependency, "FailedDependency", "The forecast is unavailable: the scope has costs in several currencies.")
		}
		if row.day >= s.e.asOf-forecastHistory {
			daily, days[row.day] = daily.add(row.cost), true
		}
	}
	if len(days) < forecastHistory/2 {
		return nil, refuse(http.StatusFailedDependency, "FailedDependency", "The forecast is unavailable: there is not enough history.")
	}
	var table [][]any
	for _, row := range known {
		if q.IncludeActualCost && row.day >= q.from {
			table = append(table, []any{money(row.cost.round8()), dayNumber(row.day), "Actual", row.currency})
		}
	}
	each := daily.over(num{forecastHistory, 0}).round8()
	for day := max(s.e.asOf, q.from); day <= q.to; day++ {
		table = append(table, []any{money(each), dayNumber(day), "Forecast", known[0].currency})
	}
	return tablePage(r, t, q, []string{q.column, "UsageDate", "CostStatus", "Currency"}, table, s.e.config.PageSize)
}
