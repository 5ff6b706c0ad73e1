package extract

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// A price sheet lists what each meter costs under the agreement, and since 2023 also
// reservations and savings plans. It is made on request, as files.
//
// What is odd about it:
//   - The download is a zip file of several CSV files of up to 75 MB; before version
//     2023-09-01 it was one CSV or JSON file. What comes is told by its first bytes.
//   - An enrollment's sheet is had for each billing period from January 2023 on, for
//     thirteen months; a customer agreement's for each billing profile and the current
//     month alone, and the request does not say which month that is.
//   - "Reserved Instance prices are only in the sheet of the current period": the same
//     period asked for a day after its end has lost them. So the sheet of the open month
//     is kept as dataset current, fetched again each run until its month is over and never
//     afterwards, and the sheet of a month that is over is dataset closed beside it.
//   - The price of a reservation is that of the whole term, although its unit says "1 Hour".
//   - The answer is {"status":"Completed","properties":{"downloadUrl":…,"validTill":…}} for
//     an enrollment and {"downloadUrl":…,"expiryTime":…} for a billing profile.
//   - The route of Microsoft.Consumption does the same in an older form. Microsoft retires
//     it; it is asked where a cloud does not know the new one.
var _ = register(&Source{
	Name:       "price_sheet_download",
	API:        "Cost Management price sheet download",
	Version:    priceSheetVersion,
	Agreements: []string{ea, mca},
	Role:       "EnrollmentReader; billing profile reader or invoice manager",
	Feeds:      "price_sheet; prices that cost records lack; finding meters billed above their price",
	Status:     "current",
	Instead: map[string]string{
		mosp: "a pay-as-you-go subscription has no price sheet: it pays the list prices of retail_prices",
		mpa:  "a partner's prices are in the price list of Partner Center: its usage records carry what was paid",
	},
	Columns:  priceSheetColumns(),
	behind:   []string{"price_sheet_export"},
	standard: isBilled,
	plan:     planPriceSheetDownload,
})

const priceSheetVersion = "2023-11-01"

// The datasets of a sheet: as it was while its month was open, and as it is after its end.
const (
	sheetCurrent = "current"
	sheetClosed  = "closed"
)

// firstSheet is the first month that can be downloaded.
var firstSheet = time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)

func planPriceSheetDownload(ctx context.Context, r *run, a Account) ([]task, error) {
	if !isBilled(a) {
		return nil, fmt.Errorf("account %s: a price sheet is made for a billing account or a billing profile, and %s is neither; leave price_sheet_download out of its sources", a.Name, a.Scope)
	}
	scopes, err := r.profileScopes(ctx, a)
	if err != nil {
		return nil, err
	}
	months, err := r.months()
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, scope := range scopes {
		for _, month := range months {
			u := Unit{Source: "price_sheet_download", Account: a.Name, Scope: scope, Period: month.Format(monthLayout)}
			planned, err := r.sheetTask(u, a, month)
			if err != nil {
				return nil, err
			}
			tasks = append(tasks, planned...)
		}
	}
	return tasks, ctx.Err()
}

// sheetTask plans the sheet of a month, if there is one to be had and it is due.
func (r *run) sheetTask(u Unit, a Account, month time.Time) ([]task, error) {
	switch {
	case month.Before(firstSheet):
		return nil, nil
	case r.goesOn(month):
		u.Dataset = sheetCurrent
		return []task{{Unit: u, asks: sheetRequest(u), calls: reportCalls, fill: currentSheet(u, a, month)}}, nil
	case a.Agreement == mca || !r.isOver(month):
		return nil, nil
	}
	u.Dataset = sheetClosed
	skip, err := r.settled(u, lastDay(month))
	return []task{{Unit: u, skip: skip, asks: sheetRequest(u), calls: reportCalls, fill: enrollmentSheet(u, a, month)}}, err
}

// sheetRequest is the kind of request that gets a sheet, for the plan of a run.
func sheetRequest(u Unit) request { return request{API: reportsAPI, Scope: u.Scope} }

// currentSheet fetches the sheet of the month that goes on. Should the month end before
// the sheet is there, nobody can say which month it is of, and the one before is kept.
func currentSheet(u Unit, a Account, month time.Time) fill {
	fetch := enrollmentSheet(u, a, month)
	if a.Agreement == mca {
		fetch = sheetReport(u.Scope, "/providers/Microsoft.CostManagement/pricesheets/default/download", priceSheetVersion).task(u).fill
	}
	return func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
		files, err := fetch(ctx, r, l, progress)
		if err == nil && !r.goesOn(month) {
			return files, fmt.Errorf("%s ended while its price sheet was being made; the one of the last run is kept", month.Format(monthLayout))
		}
		return files, err
	}
}

// enrollmentSheet fetches an enrollment's sheet of a billing period.
func enrollmentSheet(u Unit, a Account, month time.Time) fill {
	period := a.Scope + "/billingPeriods/" + month.Format("200601")
	return func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
		files, err := sheetReport(period, "/providers/Microsoft.CostManagement/pricesheets/default/download", priceSheetVersion).fill(ctx, r, u, l, progress)
		if !unknownVersion(err) && !unknownRoute(err) {
			return files, err
		}
		r.log.Warn("the price sheet download of Cost Management is not known here, asking that of Consumption", "unit", u.String(), "error", err)
		return sheetReport(period, "/providers/Microsoft.Consumption/pricesheets/download", consumptionVersion).fill(ctx, r, u, l, progress)
	}
}

// unknownRoute tells whether Azure has no such operation, rather than no such thing.
func unknownRoute(err error) bool {
	return hasCode(err, "InvalidResourceType", "ResourceTypeNotSupported")
}

func sheetReport(scope, operation, version string) report {
	return report{
		submit: request{API: reportsAPI, Scope: scope, Method: http.MethodPost, URL: query(scope+operation, "api-version", version)},
		absent: notFound, // a period before the enrollment began or too long ago, or the first hours of a month
	}
}

// goesOn tells whether a month is the current one: by the run date, and by the clock as
// well. A run for a day of the past would otherwise take today's sheet for that month's.
func (r *run) goesOn(month time.Time) bool {
	return month.Equal(monthOf(r.o.AsOf)) && month.Equal(monthOf(r.today()))
}

// isOver tells whether a month has ended by the run date or by the clock.
func (r *run) isOver(month time.Time) bool {
	return monthOf(r.o.AsOf).After(month) || monthOf(r.today()).After(month)
}

// today is the day by the clock. A simulated Azure lives on the run date.
func (r *run) today() time.Time {
	if r.o.Client != nil && r.o.Client.loopback {
		return r.o.AsOf
	}
	return r.now().UTC()
}

// priceSheetColumns are the columns of a price sheet in a file, whether it was downloaded
// or exported.
//
// What is odd about the files:
//   - An enrollment's have "MeterID", "SkuID", "OfferID" and "CurrencyCode" where a
//     customer agreement's have "meterId", "skuId" and "currency", or the same with
//     another case: headers are matched whatever their case. Each agreement has columns
//     that the other lacks. One raw column stands for all spellings.
//   - "currency" is what prices are in, "billingCurrency" what the profile is billed in.
//   - Downloads of before 2023 have "discount" and "includedQuantity" for customer
//     agreements too.
func priceSheetColumns() []Column {
	columns := named(Decimal, "UnitPrice", "BasePrice", "MarketPrice", "IncludedQuantity", "TierMinimumUnits", "Discount")
	columns = append(columns, days(named(Date, "EffectiveStartDate", "EffectiveEndDate"))...)
	columns = append(columns, named(Text, "EnrollmentNumber", "BillingAccountId", "BillingAccountName", "BillingProfileId", "BillingProfileName",
		"MeterId", "MeterName", "MeterType", "MeterCategory", "MeterSubCategory", "MeterRegion", "ServiceFamily", "Product", "ProductId", "SkuId",
		"ProductOrderName", "UnitOfMeasure", "PartNumber", "OfferId", "Term", "PriceType", "Currency", "BillingCurrency")...)
	aliases := map[string][]string{
		"Currency":         {"CurrencyCode", "PricingCurrency"},
		"MeterSubCategory": {"Meter Sub-Category"},
		"EnrollmentNumber": {"EnrollmentId"},
	}
	for i, c := range columns {
		columns[i].Aliases = aliases[c.Name]
	}
	return append(columns, named(Text, "_file")...)
}
