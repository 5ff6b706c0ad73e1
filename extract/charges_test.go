package extract

import "testing"

func TestExamplesOfChargesAndCredits(t *testing.T) {
	value := jsonShape{Rows: "value", Next: "nextLink"}
	proveExamples(t, "charges", value, "consumption/*/ChargesList*.json", "consumption/2019-10-01/ChargesFor*.json", "consumption/2021-10-01/ChargesFor*.json")
	proveExamples(t, "charges", jsonShape{}, "consumption/2018-10-01/ChargesFor*.json", "consumption/2019-04-01-preview/ChargesFor*.json")
	proveExamples(t, "lots", value, "consumption/*/Lots*.json")
	proveExamples(t, "credits", jsonShape{}, "consumption/*/CreditSummary*.json")
	proveExamples(t, "events", value, "consumption/*/Events*.json")
	proveExamples(t, "aggregated_cost", jsonShape{}, "consumption/*/AggregatedCost*.json")
	proveExamples(t, "tags", jsonShape{Rows: "properties.tags", Next: "properties.nextLink"}, "consumption/*/Tags*.json")
}
