package extract

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// Enterprise Reporting was the API of enrollments before Azure Resource Manager had one:
// consumption.azure.com, with a key of the enrollment. Microsoft announced its end for
// May 2024 and has since called it retired. Its sources, ea_…, are for archives and
// replays of it (endpoints.enterprise), and read only where they are named.
//
// What they share:
//   - Most documents are the array of records itself, without an envelope and without
//     paging. Usage is {"id":…,"data":[…],"nextLink":""}, and the empty link is its end.
//   - Ids are numbers in one API and text in the other (billingPeriodId is 201704 and
//     "201704"): all are kept as text. Tags are the text of an object.
//   - Answers carry an ETag, and If-None-Match spares an unchanged one. It is not used:
//     a replay costs nothing, and the lake sees by itself that nothing has changed.

const (
	enterpriseAPI     = "enterprise"
	enterpriseVersion = "v3"
	statusRetired     = "retired"
	enterpriseRole    = "the enrollment's API key, in AZLEDGER_ENTERPRISE_KEY"
)

// onlyEnrollments is Source.Instead of the sources of Enterprise Reporting.
var onlyEnrollments = map[string]string{
	mca:  "Enterprise Reporting was for enrollments only",
	mpa:  "Enterprise Reporting was for enrollments only",
	mosp: "Enterprise Reporting was for enrollments only",
}

var enrollmentScope = regexp.MustCompile(`(?i)^/providers/Microsoft\.Billing/billingAccounts/(\d+)(/|$)`)

// A reportingAPI is one of its operations.
type reportingAPI struct {
	source  string
	shape   jsonShape
	path    string // below /v3/enrollments/<number>
	version string // of the path; "" means v3
}

// call asks for the operation at a path below the enrollment.
func (p reportingAPI) call(a Account, path string) (pull, error) {
	match := enrollmentScope.FindStringSubmatch(a.Scope)
	if match == nil {
		return pull{}, fmt.Errorf("account %s: %s is of enrollments, and scope %s is none", a.Name, p.source, a.Scope)
	}
	version := enterpriseVersion
	if p.version != "" {
		version = p.version
	}
	return pull{
		first: request{Service: enterpriseService, API: enterpriseAPI, Scope: a.Scope, URL: "/" + version + "/enrollments/" + match[1] + path},
		shape: p.shape,
	}, nil
}

// monthly plans a unit for each month. Path tells the address of a month.
func (p reportingAPI) monthly(path func(month time.Time) string) func(context.Context, *run, Account) ([]task, error) {
	return func(ctx context.Context, r *run, a Account) ([]task, error) {
		if _, err := p.call(a, ""); err != nil {
			return nil, err
		}
		unit := Unit{Source: p.source, Account: a.Name, Scope: a.Scope}
		return r.monthly(ctx, unit, []string{allDatasets}, func(u Unit, month time.Time) task {
			call, _ := p.call(a, path(month)) // the scope was looked at above
			return call.task(u)
		})
	}
}

// byPeriod plans the months of an operation that goes by billing period.
func (p reportingAPI) byPeriod() func(context.Context, *run, Account) ([]task, error) {
	return p.monthly(func(month time.Time) string { return "/billingPeriods/" + month.Format("200601") + p.path })
}
