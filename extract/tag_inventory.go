package extract

import "context"

// Tags are the tag keys in use below a scope, with their values.
//
// What is odd about them:
//   - The document is one object; its records are in properties.tags and the link to
//     the next page is properties.nextLink, beside a previousLink.
//   - Values are an array under the singular name value, and only there when asked for
//     with $expand, which no specification lists but Microsoft's own links carry.
//   - A scope without tags is an answer 204 without a body.
//   - Keys that differ in case are one tag to Azure and come as several here.
var _ = register(&Source{
	Name:       "tags",
	API:        "Consumption tags",
	Version:    consumptionVersion,
	Agreements: []string{ea, mosp},
	Role:       "Cost Management Reader; EnrollmentReader on an enrollment",
	Feeds:      "the tags in use, to find misspelt owners",
	Status:     "current",
	Columns:    append(fields(Text, "key"), fields(JSONText, "value")...),
	Instead: map[string]string{
		mca: "a customer agreement has no list of tags: they are on its charges in cost_and_usage",
		mpa: "a partner agreement has no list of tags: they are on its charges in cost_and_usage",
	},
	plan: planTags,
})

func planTags(_ context.Context, _ *run, a Account) ([]task, error) {
	p := consumptionList(consumptionAPI, a.Scope, query(a.Scope+"/providers/Microsoft.Consumption/tags",
		"$expand", "properties/tags/value", "$top", "1000", "api-version", consumptionVersion))
	p.shape = jsonShape{Rows: "properties.tags", Next: "properties.nextLink"}
	p.absent = notFound
	return []task{p.task(Unit{Source: "tags", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: allDatasets})}, nil
}
