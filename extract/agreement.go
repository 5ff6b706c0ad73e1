package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Agreements, in the words of the configuration.
const (
	ea   = "ea"   // Enterprise Agreement: the billing account is an enrollment number
	mca  = "mca"  // Microsoft Customer Agreement
	mpa  = "mpa"  // Microsoft Partner Agreement
	mosp = "mosp" // Microsoft Online Services Program: pay as you go
)

var agreementTypes = map[string]string{
	"EnterpriseAgreement":            ea,
	"MicrosoftCustomerAgreement":     mca,
	"MicrosoftPartnerAgreement":      mpa,
	"MicrosoftOnlineServicesProgram": mosp,
}

// agreement returns the account's agreement, asking Azure when it is auto.
func (r *run) agreement(ctx context.Context, a Account) (string, error) {
	if a.Scope == "" || (a.Agreement != "" && a.Agreement != "auto") {
		return a.Agreement, nil
	}
	if known, ok := r.agreements.Load(a.Scope); ok {
		return known.(string), nil
	}
	found, err := r.findAgreement(ctx, a)
	if err == nil {
		r.agreements.Store(a.Scope, found)
	}
	return found, err
}

func (r *run) findAgreement(ctx context.Context, a Account) (string, error) {
	if match := billingAccountName.FindStringSubmatch(a.Scope); match != nil {
		return r.accountAgreement(ctx, match[0], match[1])
	}
	if isSubscription(a.Scope) {
		return r.subscriptionAgreement(ctx, a.Scope)
	}
	return "", fmt.Errorf("account %s: cannot tell the agreement of scope %s; set agreement to ea, mca, mosp or mpa", a.Name, a.Scope)
}

// accountAgreement asks the billing account. A reader of an enrollment may lack the
// role to read the account itself; then its name tells: enrollments are numbers, MCA
// accounts two GUIDs and a date.
func (r *run) accountAgreement(ctx context.Context, scope, name string) (string, error) {
	var account struct {
		Properties struct{ AgreementType string }
	}
	err := r.get(ctx, query(scope, "api-version", billingVersion), &account)
	if known := agreementTypes[account.Properties.AgreementType]; err == nil && known != "" {
		return known, nil
	}
	if err == nil {
		return "", fmt.Errorf("billing account %s: agreement type %q is not known; set agreement in the configuration", name, account.Properties.AgreementType)
	}
	if !hasStatus(err, http.StatusForbidden, http.StatusNotFound) {
		return "", err
	}
	if strings.Trim(name, "0123456789") == "" {
		return ea, nil
	}
	return mca, nil
}

// subscriptionAgreement tells by billing periods: only classic agreements have them.
func (r *run) subscriptionAgreement(ctx context.Context, scope string) (string, error) {
	url := query(scope+"/providers/Microsoft.Billing/billingPeriods", "$top", "1", "api-version", billingPeriodsVersion)
	err := r.get(ctx, url, nil)
	if isBadRequest(err) {
		return mca, nil
	}
	return mosp, err
}

// get reads one small JSON document while planning.
func (r *run) get(ctx context.Context, url string, into any) error {
	if r.o.Client == nil {
		return errors.New("no client: an account with a scope needs a credential")
	}
	answer, err := r.o.Client.do(ctx, request{API: "billing", Scope: url, Method: http.MethodGet, URL: url})
	if err != nil || into == nil || len(answer.Body) == 0 {
		return err
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	return nil
}

// unknownVersion tells whether Azure refused an api-version as such.
func unknownVersion(err error) bool {
	return isBadRequest(err) &&
		hasCode(err, "InvalidApiVersionParameter", "NoRegisteredProviderFound", "UnsupportedApiVersion", "InvalidResourceType")
}
