package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
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

var billingAccountName = regexp.MustCompile(`(?i)^/providers/Microsoft\.Billing/billingAccounts/([^/]+)`)

// agreement returns the account's agreement, asking Azure when it is auto.
func (r *run) agreement(ctx context.Context, a Account) (string, error) {
	if a.Scope == "" || (a.Agreement != "" && a.Agreement != "auto") {
		return a.Agreement, nil
	}
	if match := billingAccountName.FindStringSubmatch(a.Scope); match != nil {
		return r.accountAgreement(ctx, match[0], match[1])
	}
	if strings.HasPrefix(strings.ToLower(a.Scope), "/subscriptions/") {
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
	var api *APIError
	if !errors.As(err, &api) || (api.Status != http.StatusForbidden && api.Status != http.StatusNotFound) {
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
	var api *APIError
	if errors.As(err, &api) && api.Status == http.StatusBadRequest {
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

// billingProfiles lists the scopes of an MCA account's billing profiles, or the
// scope itself if it is one already.
func (r *run) billingProfiles(ctx context.Context, scope string) ([]string, error) {
	if strings.Contains(strings.ToLower(scope), "/billingprofiles/") {
		return []string{scope}, nil
	}
	profiles, err := r.billingChildren(ctx, scope, "billingProfiles")
	return idsOf(profiles), err
}

// billingChild is a scope below a billing account: a billing profile, a department, a customer.
type billingChild struct {
	ID         string
	Properties struct{ DepartmentID string } // of an enrollment account; "" when it is in none
}

func idsOf(children []billingChild) []string {
	ids := make([]string, len(children))
	for i, c := range children {
		ids[i] = c.ID
	}
	return ids
}

// billingChildren lists what hangs below a billing account under one of its types.
// Sovereign clouds may only know an older version.
func (r *run) billingChildren(ctx context.Context, scope, kind string) ([]billingChild, error) {
	children, err := r.childrenBy(ctx, scope, kind, billingVersion)
	if unknownVersion(err) {
		return r.childrenBy(ctx, scope, kind, oldInvoicesVersion)
	}
	return children, err
}

func (r *run) childrenBy(ctx context.Context, scope, kind, version string) ([]billingChild, error) {
	var all []billingChild
	first := request{API: billingAPI, Scope: scope, Method: http.MethodGet, URL: query(scope+"/"+kind, "api-version", version)}
	next := func(body []byte) (string, error) {
		var list struct {
			Value    []billingChild
			NextLink string
		}
		if err := json.Unmarshal(body, &list); err != nil {
			return "", fmt.Errorf("%s of %s: %w", kind, scope, err)
		}
		all = append(all, list.Value...)
		return list.NextLink, nil
	}
	for _, err := range r.o.Client.pages(ctx, first, cursor{}, next) {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// unknownVersion tells whether Azure refused an api-version as such.
func unknownVersion(err error) bool {
	var api *APIError
	if !errors.As(err, &api) || api.Status != http.StatusBadRequest {
		return false
	}
	return slices.Contains([]string{"InvalidApiVersionParameter", "NoRegisteredProviderFound", "UnsupportedApiVersion", "InvalidResourceType"}, api.Code)
}

var billingScope = regexp.MustCompile(`(?i)^/providers/Microsoft\.Billing/billingAccounts/[^/]+(/billingProfiles/[^/]+)?/?$`)

// isBilled tells whether the account's scope is one that is billed as a whole: an
// enrollment, a billing account or a billing profile.
func isBilled(a Account) bool { return billingScope.MatchString(a.Scope) }
