package azuresim

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Price sheets are made on request, as a zip file of two CSV files.
var (
	_ = handle(http.MethodPost, "costmanagement/pricesheets/download", (*server).requestPriceSheet)
	_ = handle(http.MethodPost, "consumption/pricesheets/download", (*server).requestPriceSheet)
	_ = handle(http.MethodGet, "costmanagement/operationresults", (*server).operationResult)
	_ = handle(http.MethodGet, "consumption/operationresults", (*server).operationResult)
)

// requestPriceSheet takes on the sheet of the enrollment and a month, or of a billing profile and the open month.
func (s *server) requestPriceSheet(r *http.Request, t *target) (*answer, error) {
	j := &job{results: "operationResults", form: enrollmentSheetForm}
	switch {
	case t.a != nil && t.a.kind == enterpriseAgreement && t.month != nil:
		j.name = "ea/pricesheet-" + t.month.name
		j.files = s.e.sheetFile(t.month.name, s.e.enrollmentSheet(*t.month))
	case t.a != nil && t.a.kind == customerAgreement && t.profile != nil && strings.HasPrefix(t.operation, "costmanagement/"):
		j.form, j.name = profileSheetForm, "mca/pricesheet-"+t.profile.id
		j.files = s.e.sheetFile(s.e.open().name, s.e.profileSheet(t.a, t.profile, s.e.open()))
	default:
		return nil, badRequest("The price sheet is not supported for this scope.")
	}
	return s.accept(r, t, j)
}

func enrollmentSheetForm(r *http.Request, j *job) object {
	return object{"status": "Completed", "properties": object{"downloadUrl": j.link(r, 1), "validTill": j.validTill()}}
}

func profileSheetForm(r *http.Request, j *job) object {
	return object{"downloadUrl": j.link(r, 1), "expiryTime": j.validTill()}
}

// sheetFile makes the zip file of a sheet's lines, the first of which is the header. They are dealt out by turns.
func (e *Enterprise) sheetFile(month string, lines func() [][]string) func(context.Context) ([]jobFile, error) {
	return func(context.Context) ([]jobFile, error) {
		all := lines()
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for part := range 2 {
			w, err := z.Create(fmt.Sprintf("pricesheet_%s_%d.csv", month, part+1))
			if err != nil {
				return nil, err
			}
			c := csv.NewWriter(w)
			if err := c.Write(all[0]); err != nil {
				return nil, err
			}
			for i := 1 + part; i < len(all); i += 2 {
				if err := c.Write(all[i]); err != nil {
					return nil, err
				}
			}
			c.Flush()
		}
		err := z.Close()
		write := func(_ context.Context, w io.Writer) error {
			_, err := w.Write(b.Bytes())
			return err
		}
		return []jobFile{{bytes: int64(b.Len()), rows: len(all) - 1, write: write}}, err
	}
}

// A listed is a price of a sheet, of either agreement.
type listed struct {
	meter       *meter
	kind, term  string // PriceType and Term
	offer       string
	part        string
	price, list num
	tier        int64
}

// commitmentPrices are what a reservation or savings plan of each virtual machine costs: a reservation the whole term, a
// savings plan the unit. What the account has bought costs what it paid.
func (a *account) commitmentPrices(unit, list []num, meters []*meter) []listed {
	var all []listed
	for i, m := range meters {
		if m.category != "Virtual Machines" {
			continue
		}
		for _, years := range []int64{1, 3} {
			term := fmt.Sprintf("P%dY", years)
			share := 70 - 10*years
			whole := num{unit[i].c * 8760 * years, unit[i].s}.percent(share)
			for _, c := range a.commitments {
				if !c.plan && c.meter == m && c.months == int(12*years) {
					whole = c.payment
					if c.recurring {
						whole = num{c.payment.c * int64(c.months), c.payment.s}
					}
				}
			}
			market := num{list[i].c * 8760 * years, list[i].s}.percent(share)
			all = append(all,
				listed{meter: m, kind: "ReservedInstance", term: term, offer: offerStandard, part: m.part + "R", price: whole, list: market},
				listed{meter: m, kind: "Savings Plan", term: term, offer: offerStandard, part: m.part + "S", price: unit[i].percent(share + 10), list: list[i].percent(share + 10)})
		}
	}
	return all
}

// enrollmentSheet is the sheet that the pages of the same month list, and in the open month what commitments cost.
func (e *Enterprise) enrollmentSheet(of month) func() [][]string {
	return func() [][]string {
		var all []listed
		for _, row := range e.sheet(of.index) {
			all = append(all, listed{meter: row.meter, kind: "Consumption", offer: row.offer, part: row.meter.part, price: row.price, list: row.standard})
		}
		if of.index == e.open().index {
			var unit, list []num
			for _, m := range e.meters {
				unit, list = append(unit, m.eur[of.index]), append(list, m.eurPay[of.index])
			}
			all = append(all, e.ea.commitmentPrices(unit, list, e.meters)...)
		}
		lines := [][]string{strings.Split("EnrollmentNumber,MeterID,MeterName,MeterType,MeterCategory,MeterSubCategory,ServiceFamily,Product,SkuID,ProductID,MeterRegion,"+
			"UnitOfMeasure,PartNumber,EffectiveStartDate,EffectiveEndDate,UnitPrice,BasePrice,MarketPrice,CurrencyCode,IncludedQuantity,OfferID,Term,PriceType", ",")}
		for _, l := range all {
			m := l.meter
			lines = append(lines, []string{
				e.ea.id, m.shown, m.meter, m.category, m.category, m.sub, m.family, m.title, m.sku, "", m.region.zone,
				m.unit, l.part, e.text(of.start).us, e.text(of.last()).us, l.price.String(), l.list.String(), l.list.String(), "EUR", "0", l.offer, l.term, l.kind,
			})
		}
		return lines
	}
}

// profileSheet is a billing profile's. Storage gets cheaper from 51200 GB on, which nobody here uses.
func (e *Enterprise) profileSheet(a *account, p *profile, of month) func() [][]string {
	return func() [][]string {
		var all []listed
		var unit, list []num
		for _, m := range e.meters {
			price, market := m.usd[of.index], m.usdPay[of.index]
			unit, list = append(unit, price), append(list, market)
			all = append(all, listed{meter: m, kind: "Consumption", price: price, list: market})
			if m.meter == "Hot LRS Data Stored" {
				all = append(all, listed{meter: m, kind: "Consumption", price: price.percent(96), list: market.percent(96), tier: 51200})
			}
		}
		all = append(all, a.commitmentPrices(unit, list, e.meters)...)
		lines := [][]string{strings.Split("billingAccountID,billingAccountName,billingProfileId,billingProfileName,productOrderName,serviceFamily,product,productId,skuId,"+
			"unitOfMeasure,meterId,meterName,meterType,meterCategory,meterSubCategory,meterRegion,tierMinimumUnits,effectiveStartDate,effectiveEndDate,"+
			"unitPrice,basePrice,marketPrice,currency,billingCurrency,term,priceType", ",")}
		for _, l := range all {
			m := l.meter
			lines = append(lines, []string{
				a.id, a.name, p.id, p.name, "Azure plan", m.family, m.title, m.key[:12], m.key[12:],
				m.unit, m.id, m.meter, m.category, m.category, m.sub, m.region.zone, fmt.Sprint(l.tier), e.text(of.start).stamp, e.text(of.last()).stamp,
				l.price.String(), l.list.String(), l.list.String(), "USD", p.currency, l.term, l.kind,
			})
		}
		return lines
	}
}
