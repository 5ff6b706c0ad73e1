package azuresim

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
)

// Price sheets are made on request: a POST is accepted, the operation is asked about once in vain, and then says where a
// zip file of two CSV files is. Nothing is remembered between the requests: the operation's id is made from what was
// asked for.
var (
	_ = handle(http.MethodPost, "costmanagement/pricesheets/download", (*server).requestPriceSheet)
	_ = handle(http.MethodPost, "consumption/pricesheets/download", (*server).requestPriceSheet)
	_ = handle(http.MethodGet, "costmanagement/operationresults", (*server).priceSheetResult)
	_ = handle(http.MethodGet, "consumption/operationresults", (*server).priceSheetResult)
	_ = makeBlobs("pricesheets", (*server).priceSheetBlob)
)

// A sheetFile is a price sheet that can be asked for: of the enrollment and a month, or of a billing profile.
type sheetFile struct {
	a       *account
	profile *profile
	month   month
}

func (f sheetFile) id() string { return guid(hashText(f.profile.path + f.month.name)) }

// sheetFiles are all there are. A customer agreement's is the open month's alone.
func (e *Enterprise) sheetFiles() []sheetFile {
	var all []sheetFile
	for _, m := range e.months {
		all = append(all, sheetFile{e.ea, e.ea.profiles[0], m})
	}
	for _, p := range e.mca.profiles {
		all = append(all, sheetFile{e.mca, p, e.open()})
	}
	return all
}

func (s *server) sheetFile(id string) (sheetFile, bool) {
	for _, f := range s.e.sheetFiles() {
		if f.id() == id {
			return f, true
		}
	}
	return sheetFile{}, false
}

func (s *server) requestPriceSheet(r *http.Request, t *target) (*answer, error) {
	if t.a == nil {
		return nil, notFound(t.path)
	}
	f := sheetFile{a: t.a, profile: t.profile, month: s.e.open()}
	switch {
	case t.a.kind == enterpriseAgreement && t.month != nil:
		f.profile, f.month = t.a.profiles[0], *t.month
	case t.a.kind == customerAgreement && t.profile != nil && strings.HasPrefix(t.operation, "costmanagement/"):
	default:
		return nil, badRequest("The price sheet is not supported for this scope.")
	}
	return s.running(r, t, f.id()+"?api-version="+r.URL.Query().Get("api-version")), nil
}

// running says that an operation goes on, and where to ask about it.
func (s *server) running(r *http.Request, t *target, where string) *answer {
	provider := map[bool]string{true: "Microsoft.CostManagement", false: "Microsoft.Consumption"}[strings.HasPrefix(t.operation, "costmanagement/")]
	a := &answer{status: http.StatusAccepted, header: http.Header{}, service: "billing"}
	a.header.Set("Location", fmt.Sprintf("%s://%s%s/providers/%s/operationResults/%s", scheme(r), r.Host, t.a.path, provider, where))
	a.header.Set("Retry-After", "0")
	return a
}

func (s *server) priceSheetResult(r *http.Request, t *target) (*answer, error) {
	if len(t.rest) != 1 {
		return nil, notFound(t.path)
	}
	f, found := s.sheetFile(t.rest[0])
	if !found || f.a != t.a {
		return nil, notFound(t.path)
	}
	q := r.URL.Query()
	if q.Get("asked") == "" {
		return s.running(r, t, f.id()+"?api-version="+q.Get("api-version")+"&asked=1"), nil
	}
	link := fmt.Sprintf("%s://%s/_blob/pricesheets/%s?sv=2024-11-04&sig=%s", scheme(r), r.Host, f.id(), guid(mix(hashText(f.id()))))
	if f.a.kind == customerAgreement {
		return ok(object{"downloadUrl": link, "expiryTime": "2099-12-31T00:00:00Z"}, 0, "billing"), nil
	}
	return ok(object{"status": "Completed", "properties": object{"downloadUrl": link, "validTill": "2099-12-31T00:00:00.4266333Z"}}, 0, "billing"), nil
}

// priceSheetBlob is the zip file. The lines are dealt out to its files by turns.
func (s *server) priceSheetBlob(id string) []byte {
	f, found := s.sheetFile(id)
	if !found {
		return nil
	}
	header, lines := s.e.enrollmentSheet(f)
	if f.a.kind == customerAgreement {
		header, lines = s.e.profileSheet(f)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for part := range 2 {
		w, err := z.Create(fmt.Sprintf("pricesheet_%s_%d.csv", f.month.name, part+1))
		if err != nil {
			panic(fmt.Sprintf("azuresim: zip: %v", err)) // into memory
		}
		c := csv.NewWriter(w)
		_ = c.Write(header)
		for i, line := range lines {
			if i%2 == part {
				_ = c.Write(line)
			}
		}
		c.Flush()
	}
	if err := z.Close(); err != nil {
		panic(fmt.Sprintf("azuresim: zip: %v", err))
	}
	return b.Bytes()
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
func (e *Enterprise) enrollmentSheet(f sheetFile) (header []string, lines [][]string) {
	var all []listed
	for _, row := range e.sheet(f.month.index) {
		all = append(all, listed{meter: row.meter, kind: "Consumption", offer: row.offer, part: row.meter.part, price: row.price, list: row.standard})
	}
	if f.month.index == e.open().index {
		var unit, list []num
		for _, m := range e.meters {
			unit, list = append(unit, m.eur[f.month.index]), append(list, m.eurPay[f.month.index])
		}
		all = append(all, f.a.commitmentPrices(unit, list, e.meters)...)
	}
	header = strings.Split("EnrollmentNumber,MeterID,MeterName,MeterType,MeterCategory,MeterSubCategory,ServiceFamily,Product,SkuID,ProductID,MeterRegion,"+
		"UnitOfMeasure,PartNumber,EffectiveStartDate,EffectiveEndDate,UnitPrice,BasePrice,MarketPrice,CurrencyCode,IncludedQuantity,OfferID,Term,PriceType", ",")
	for _, l := range all {
		m := l.meter
		lines = append(lines, []string{
			f.a.id, m.shown, m.meter, m.category, m.category, m.sub, m.family, m.title, m.sku, "", m.region.zone,
			m.unit, l.part, e.text(f.month.start).us, e.text(f.month.last()).us, priceText(l.price), priceText(l.list), priceText(l.list), "EUR", "0", l.offer, l.term, l.kind,
		})
	}
	return header, lines
}

// profileSheet is a billing profile's. Storage gets cheaper from a terabyte on, which nobody here uses.
func (e *Enterprise) profileSheet(f sheetFile) (header []string, lines [][]string) {
	var all []listed
	var unit, list []num
	for _, m := range e.meters {
		price, market := m.usd[f.month.index], m.usdPay[f.month.index]
		unit, list = append(unit, price), append(list, market)
		all = append(all, listed{meter: m, kind: "Consumption", price: price, list: market})
		if m.meter == "Hot LRS Data Stored" {
			all = append(all, listed{meter: m, kind: "Consumption", price: price.percent(96), list: market.percent(96), tier: 51200})
		}
	}
	all = append(all, f.a.commitmentPrices(unit, list, e.meters)...)
	header = strings.Split("billingAccountID,billingAccountName,billingProfileId,billingProfileName,productOrderName,serviceFamily,product,productId,skuId,"+
		"unitOfMeasure,meterId,meterName,meterType,meterCategory,meterSubCategory,meterRegion,tierMinimumUnits,effectiveStartDate,effectiveEndDate,"+
		"unitPrice,basePrice,marketPrice,currency,billingCurrency,term,priceType", ",")
	for _, l := range all {
		m := l.meter
		lines = append(lines, []string{
			f.a.id, f.a.name, f.profile.id, f.profile.name, "Azure plan", m.family, m.title, m.key[:12], m.key[12:],
			m.unit, m.id, m.meter, m.category, m.category, m.sub, m.region.zone, fmt.Sprint(l.tier), e.text(f.month.start).stamp, e.text(f.month.last()).stamp,
			priceText(l.price), priceText(l.list), priceText(l.list), "USD", f.profile.currency, l.term, l.kind,
		})
	}
	return header, lines
}

func priceText(n num) string { return string(appendNum(nil, n, false)) }
