package azuresim

import "strings"

// rebilledBy is what the wrong invoice bills too much.
var rebilledBy = cents(25000)

// rebillProfile is the billing profile of the customer agreement that is billed again.
const rebillProfile = 1

// rebillDay is the day on which a month's wrong invoice is taken back, three days after it was issued.
func (e *Enterprise) rebillDay(month int) int {
	m := e.months[month]
	return m.start + m.length + invoiceDay - 1 + 3
}

func (a *account) isRebilled(p *profile, month int) bool {
	return a.kind == customerAgreement && p.index == rebillProfile && month == a.e.plan.rebilled
}

// rebill are the three documents of an invoice that was wrong: the wrong one, now void, the credit note that takes it back,
// and the invoice that counts, whose name the rows carry.
func (e *Enterprise) rebill(a *account, right invoice) []invoice {
	wrong := right
	wrong.name = a.makeInvoiceName(right.profile, right.month.index, false)
	wrong.billed = right.billed.add(rebilledBy)
	e.settleInvoice(&wrong)
	wrong.status, wrong.due = "Void", amount{}
	note := wrong.negative()
	note.name, note.document, note.status, note.day = a.otherInvoiceName(right.profile, right.month.index, 1), "CreditNote", "Paid", e.rebillDay(right.month.index)
	note.creditFor = &wrong
	wrong.billedAs, right.day = right.name, note.day
	right.instead = [2]string{wrong.name, note.name}
	return []invoice{wrong, note, right}
}

func (v invoice) negative() invoice {
	for _, a := range []*amount{&v.billed, &v.credit, &v.prepaid, &v.free, &v.sub, &v.tax, &v.total} {
		*a = a.neg()
	}
	return v
}

// counts tells an invoice from one that is void and from the note that takes it back.
func (v invoice) counts() bool { return v.status != "Void" && v.document == "" }

// link sets how the documents of a rebilled month name one another. The ids have no slash before them, as served.
func (v invoice) link(a *account, p object) {
	id := func(name string) string { return strings.TrimPrefix(a.path, "/") + "/invoices/" + name }
	if v.billedAs != "" {
		p["billedDocumentId"] = id(v.billedAs)
	}
	if v.creditFor != nil {
		p["documentType"], p["creditForDocumentId"] = v.document, id(v.creditFor.name)
	}
	if v.instead[0] != "" {
		p["rebillDetails"] = object{"invoiceDocumentId": "/" + id(v.instead[0]), "creditNoteDocumentId": "/" + id(v.instead[1]), "rebillDetails": nil}
	}
}

// wrongLines are an invoice's lines with what it should not have billed.
func wrongLines(lines []billLine, v invoice) []billLine {
	return append(lines, billLine{
		family: "Other", product: "Usage billed in error", charge: "Usage", rows: 1, gross: rebilledBy, profile: v.profile, first: v.month.last(), last: v.month.last(),
	})
}

// creditLines are the lines of a credit note: those of the invoice it takes back, turned round.
func (e *Enterprise) creditLines(a *account, v invoice) []billLine {
	lines := e.invoiceLines(a, *v.creditFor)
	for i := range lines {
		lines[i].gross, lines[i].credit = lines[i].gross.neg(), amount{}
	}
	settleLines(lines, v)
	return lines
}

// A TruthRebill is an invoice that was wrong, and what came in its place. Amounts are before tax, and totals with it.
type TruthRebill struct {
	Account       string `json:"account"`
	Profile       string `json:"billingProfileId"`
	Period        string `json:"period"`
	Currency      string `json:"currency"`
	Original      string `json:"originalInvoice"`
	CreditNote    string `json:"creditNote"`
	Invoice       string `json:"rebilledInvoice"`
	Overcharge    string `json:"overcharge"` // of the original, before tax
	OriginalTotal string `json:"originalTotal"`
	CreditTotal   string `json:"creditNoteTotal"` // negative
	RebilledTotal string `json:"rebilledTotal"`
	Billed        string `json:"rebilledAmount"` // what the rows add up to
}

func (e *Enterprise) truthRebills() []TruthRebill {
	var all []TruthRebill
	list := e.invoices(e.mca)
	for i, v := range list {
		if v.instead[0] == "" {
			continue
		}
		wrong, note := list[i-2], list[i-1]
		all = append(all, TruthRebill{
			e.mca.key, v.profile.id, v.month.iso(), v.profile.currency, wrong.name, note.name, v.name, rebilledBy.String(),
			wrong.total.String(), note.total.String(), v.total.String(), v.billed.String(),
		})
	}
	return all
}
