package azuresim

import (
	"fmt"
	"net/http"
)

// The lists of who is billed: profiles, sections, departments, enrollment accounts, subscriptions.
var (
	_ = handle(http.MethodGet, "billing/invoicesections", (*server).invoiceSections)
	_ = handle(http.MethodGet, "billing/departments", (*server).departments)
	_ = handle(http.MethodGet, "billing/enrollmentaccounts", (*server).enrollmentAccounts)
	_ = handle(http.MethodGet, "billing/billingsubscriptions", (*server).billingSubscriptions)
	_ = handle(http.MethodGet, "billing/customers", (*server).customers)
	_ = handle(http.MethodGet, "billing/availablebalance", (*server).availableBalance)
)

// scopePage is a page of one of these lists. 2024-04-01 takes top, without a dollar sign and up to 50.
func (s *server) scopePage(r *http.Request, list []any) (*answer, error) {
	top, err := topOf(r, "top", min(50, s.e.config.PageSize), 50)
	if err != nil {
		return nil, err
	}
	return listPage(r, list, min(top, s.e.config.PageSize), "billing")
}

func (s *server) billingProfiles(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.a.kind == enterpriseAgreement {
		return nil, notFound(t.path)
	}
	if t.profile != nil {
		return ok(t.profile.object(t.a), 1, "billing"), nil
	}
	var list []any
	for _, p := range t.a.profiles {
		list = append(list, p.object(t.a))
	}
	return s.scopePage(r, list)
}

func (p *profile) object(a *account) object {
	return object{"id": p.path, "name": p.id, "type": "Microsoft.Billing/billingAccounts/billingProfiles", "properties": object{
		"displayName": p.name, "currency": p.currency, "invoiceDay": invoiceDay, "status": "Active", "spendingLimit": "Off", "systemId": p.id,
		"hasReadAccess": true, "enabledAzurePlans": []any{object{"skuId": "0001", "skuDescription": "Microsoft Azure Plan"}},
		"billTo": object{"companyName": a.name, "country": "GB"}, "targetClouds": []any{},
	}}
}

func (s *server) invoiceSections(r *http.Request, t *target) (*answer, error) {
	if t.profile == nil {
		return nil, notFound(t.path)
	}
	var list []any
	for _, sec := range t.a.sections {
		if sec.profile == t.profile {
			list = append(list, object{"id": sec.path, "name": sec.id, "type": "Microsoft.Billing/billingAccounts/billingProfiles/invoiceSections", "properties": object{
				"displayName": sec.name, "state": "Active", "systemId": sec.id, "tags": object{"costCenter": sec.center, "owner": sec.owner},
			}})
		}
	}
	return s.scopePage(r, list)
}

func (s *server) departments(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.a.kind != enterpriseAgreement {
		return nil, notFound(t.path)
	}
	var list []any
	for _, sec := range t.a.sections {
		list = append(list, object{"id": sec.path, "name": sec.id, "type": "Microsoft.Billing/billingAccounts/departments", "properties": object{
			"displayName": sec.name, "costCenter": sec.center, "status": "Active",
		}})
	}
	return s.scopePage(r, list)
}

// enrollmentNumber is the number of a department's one enrollment account.
func (sec *section) enrollmentNumber() string { return fmt.Sprint(257000 + hashText(sec.account)%900) }

// enrollmentAccounts lists the account of each department, and the one in none.
func (s *server) enrollmentAccounts(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.a.kind != enterpriseAgreement {
		return nil, notFound(t.path)
	}
	account := func(number, name, owner, center string) object {
		return object{"id": t.a.path + "/enrollmentAccounts/" + number, "name": number, "type": "Microsoft.Billing/billingAccounts/enrollmentAccounts", "properties": object{
			"displayName": name, "accountOwner": owner, "authType": "Organization", "costCenter": center, "status": "Active", "isDevTestEnabled": true,
			"startDate": "2023-07-01T00:00:00Z", "endDate": "2029-06-30T00:00:00Z",
		}}
	}
	var list []any
	for _, sec := range t.a.sections {
		o := account(sec.enrollmentNumber(), sec.account, sec.owner, sec.center)
		o["properties"].(object)["departmentId"], o["properties"].(object)["departmentDisplayName"] = sec.id, sec.name
		list = append(list, o)
	}
	return s.scopePage(r, append(list, account(directAccount, "Enrollment", "it-purchasing@contoso.example", "")))
}

// billingSubscriptions lists those of an account or a profile, or shows the one that the path names.
func (s *server) billingSubscriptions(r *http.Request, t *target) (*answer, error) {
	if t.a == nil {
		return nil, notFound(t.path)
	}
	if t.sub != nil {
		return ok(s.e.subscriptionObject(t.a, t.sub), 1, "billing"), nil
	}
	var list []any
	for _, sub := range t.a.subs {
		if t.profile == nil || sub.section.profile == t.profile {
			list = append(list, s.e.subscriptionObject(t.a, sub))
		}
	}
	return s.scopePage(r, list)
}

// subscriptionObject has rounded charges, as the service shows them.
func (e *Enterprise) subscriptionObject(a *account, sub *subscription) object {
	open, sec := e.open().index, sub.section
	charge := func(month int) object {
		return moneyIn(sec.profile.currency, e.totalsOf(a, month).sub[sub.index].round2())
	}
	p := object{
		"subscriptionId": sub.id, "displayName": sub.name, "status": "Active", "offerId": sub.offer, "billingFrequency": "P1M",
		"monthToDateCharges": charge(open), "lastMonthCharges": charge(max(open-1, 0)),
		"billingProfileId": sec.profile.path, "billingProfileDisplayName": sec.profile.name, "billingProfileName": sec.profile.id,
	}
	if a.kind == enterpriseAgreement {
		p["enrollmentAccountId"], p["enrollmentAccountDisplayName"] = sec.enrollmentNumber(), sec.account
		p["consumptionCostCenter"] = sec.center
	} else {
		p["invoiceSectionId"], p["invoiceSectionDisplayName"], p["invoiceSectionName"] = sec.path, sec.name, sec.id
		p["skuId"], p["skuDescription"] = "0001", "Microsoft Azure Plan"
	}
	return object{"id": a.path + "/billingSubscriptions/" + sub.id, "name": sub.id, "type": "Microsoft.Billing/billingAccounts/billingSubscriptions", "properties": p}
}

// customers are a partner's.
func (s *server) customers(_ *http.Request, t *target) (*answer, error) { return nil, notFound(t.path) }

// availableBalance is what was paid on account: of profiles only.
func (s *server) availableBalance(_ *http.Request, t *target) (*answer, error) {
	if t.profile == nil {
		return nil, notFound(t.path)
	}
	amount := moneyIn(t.profile.currency, cents(int64(mix2(t.a.seed, uint64(700+t.profile.index))%500_00)))
	return ok(object{"id": t.path, "name": "default", "type": "Microsoft.Billing/billingAccounts/billingProfiles/availableBalance", "properties": object{
		"amount": amount, "totalPaymentsOnAccount": amount,
		"paymentsOnAccount": []any{object{"amount": amount, "date": s.e.text(s.e.months[0].start).iso + "T00:00:00Z", "paymentType": "Credited"}},
	}}, 1, "billing"), nil
}
