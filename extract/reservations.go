package extract

import (
	"context"
	"strings"
	"time"
)

// reservationUnits plans a unit for each scope and month of a reservation source.
//
// What both sources share:
//   - EA accounts and reservation orders take a $filter on properties/usageDate;
//     MCA billing profiles take startDate and endDate and refuse $filter. MCA has no
//     route for the whole billing account, so each billing profile is a scope.
//   - usageDate comes with an offset ("2018-09-01T00:00:00-07:00"): its date part is
//     the day meant, turning it into UTC would move it.
//   - A call may span three months at most; these span one.
func (r *run) reservationUnits(ctx context.Context, a Account, source, operation string, grains []string) ([]task, error) {
	scopes, err := r.profileScopes(ctx, a)
	if err != nil {
		return nil, err
	}
	unit := Unit{Source: source, Account: a.Name}
	return r.monthlyIn(ctx, scopes, unit, grains, func(u Unit, month time.Time) task {
		return reservationPull(u.Scope, operation, u.Dataset, month).task(u)
	})
}

func reservationPull(scope, operation, grain string, month time.Time) pull {
	var parameters []string
	if operation == "reservationSummaries" {
		parameters = append(parameters, "grain", grain)
	}
	from, to := day(month), day(lastDay(month))
	if strings.Contains(strings.ToLower(scope), "/billingprofiles/") {
		parameters = append(parameters, "startDate", from, "endDate", to)
	} else {
		parameters = append(parameters, "$filter", "properties/usageDate ge "+from+" AND properties/usageDate le "+to)
	}
	parameters = append(parameters, "api-version", consumptionVersion)
	p := consumptionList(consumptionAPI, scope, query(scope+"/providers/Microsoft.Consumption/"+operation, parameters...))
	p.absent, p.month = notFound, month
	return p
}
