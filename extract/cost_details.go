package extract

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"
)

// Cost details are the files of cost_export, made on request for a month: what Microsoft
// tells clients without an export to use instead of usage details.
//
// What is odd about them:
//   - An enrollment asks for a month by its billing period, and gets the late charges of
//     earlier days with it; a customer agreement asks by dates, a month at most:
//     {"metric":"ActualCost","billingPeriod":"202610"},
//     {"metric":"ActualCost","timePeriod":{"start":"2026-10-01","end":"2026-10-31"}}.
//   - They reach back 13 months. Older ones are in exports alone.
//   - Pay as you go, resource groups and management groups have none: see hasCostDetails.
//   - Files of more than some hundred MB come in parts, each with a header and a byte
//     order mark of its own.
//   - They have the columns of the exports, in the same two spellings.
//
// See operation.go and report.go for how they are waited for and fetched.
var _ = register(&Source{
	Name:       "cost_details",
	API:        "Cost Management generateCostDetailsReport",
	Version:    reportsVersion,
	Agreements: []string{ea, mca, mpa},
	Role:       "Cost Management Reader; EnrollmentReader on an enrollment; Billing account or billing profile reader",
	Feeds:      "cost_and_usage where there is no export",
	Status:     "current",
	Columns:    costExportColumns(),
	Instead: map[string]string{
		mosp: "pay as you go has no cost details report: usage_details has its charges, detailed_cost those of an invoice",
	},
	dateColumn: "Date",
	everywhere: true,
	billed:     true,
	behind:     costExports,
	standard:   hasCostDetails,
	plan: func(ctx context.Context, r *run, a Account) ([]task, error) {
		return r.costReports(ctx, a, "cost_details", "generateCostDetailsReport")
	},
})

// reportsVersion is the api-version of the three reports of Cost Management. Later ones
// change exports alone, and sovereign clouds get them last.
const reportsVersion = "2023-11-01"

// costExports are the exports that have what the reports have.
var costExports = []string{"cost_export", "focus_export"}

// reportsAPI is their pacing family, which has the general pace.
const reportsAPI = "costmanagement-report"

var groupScope = regexp.MustCompile(`(?i)/resourceGroups/[^/]+/?$|/managementGroups/[^/]+/?$`)

// hasCostDetails tells whether cost details reports can be had for the account.
func hasCostDetails(a Account) bool {
	return hasCosts(a) && a.Agreement != mosp && !groupScope.MatchString(a.Scope)
}

// hasOnlyUsageDetails tells whether usage details are all that can be asked for. Nobody
// reads both without naming them.
func hasOnlyUsageDetails(a Account) bool { return hasCosts(a) && !hasCostDetails(a) }

// costDetailsReach is how many months back the reports go.
const costDetailsReach = 13

// costReports plans a report for each month and dataset. Months out of reach are failed
// units if they were asked for by name, and else left alone: a long history must not
// fail every night.
func (r *run) costReports(ctx context.Context, a Account, source, operation string) ([]task, error) {
	unit := Unit{Source: source, Account: a.Name, Scope: a.Scope}
	reach := monthOf(r.o.AsOf).AddDate(0, -costDetailsReach, 0)
	planned, err := r.monthly(ctx, unit, []string{"actual", "amortized"}, func(u Unit, month time.Time) task {
		if month.Before(reach) {
			return task{Unit: u, fill: outOfReach(source, reach)}
		}
		return r.costReport(a, operation, month, u.Dataset).task(u)
	})
	for i, t := range planned {
		if t.Period < reach.Format(monthLayout) && r.o.Periods == (Range{}) {
			planned[i].skip = cmp.Or(t.skip, "cost reports do not reach back so far; exports do")
		}
	}
	return planned, err
}

// outOfReach fills nothing and says what has the month.
func outOfReach(source string, reach time.Time) fill {
	return func(context.Context, *run, *landing, func(int64)) (int64, error) {
		return 0, fmt.Errorf("%s reaches back %d months, to %s: let an export write this month and set exports to its folder, or name the source usage_details, which may still have it",
			source, costDetailsReach, reach.Format(monthLayout))
	}
}

func (r *run) costReport(a Account, operation string, month time.Time, dataset string) report {
	p := report{absent: notFound} // a period before the enrollment began
	body := fmt.Sprintf(`{"metric":%q,"billingPeriod":%q}`, costTypes[dataset], month.Format("200601"))
	if a.Agreement != ea {
		p.month = month
		from, to := r.daysOf(month)
		body = fmt.Sprintf(`{"metric":%q,"timePeriod":{"start":%q,"end":%q}}`, costTypes[dataset], day(from), day(to))
	}
	p.submit = request{
		API: reportsAPI, Scope: a.Scope, Method: http.MethodPost, Body: []byte(body),
		URL: query(a.Scope+"/providers/Microsoft.CostManagement/"+operation, "api-version", reportsVersion),
	}
	return p
}

// daysOf is a month up to the run's date: reports are not made of days to come.
func (r *run) daysOf(month time.Time) (from, to time.Time) {
	to = lastDay(month)
	if r.o.AsOf.Before(to) && !r.o.AsOf.Before(month) {
		to = r.o.AsOf
	}
	return month, to
}
