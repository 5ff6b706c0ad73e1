package extract

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// The scopes that an account can have, told by their form, and what hangs below them.

var billingAccountName = regexp.MustCompile(`(?i)^/providers/Microsoft\.Billing/billingAccounts/([^/]+)`)

// isBillingAccount tells a billing account from what is below one.
func isBillingAccount(scope string) bool {
	return strings.EqualFold(billingAccountName.FindString(scope), strings.TrimRight(scope, "/"))
}

var billingScope = regexp.MustCompile(`(?i)^/providers/Microsoft\.Billing/billingAccounts/[^/]+(/billingProfiles/[^/]+)?/?$`)

// isBilled tells whether the account's scope is one that is billed as a whole: an
// enrollment, a billing account or a billing profile.
func isBilled(a Account) bool { return billingScope.MatchString(a.Scope) }

// isSubscription tells whether the scope is a subscription, or a part of one.
func isSubscription(scope string) bool {
	return strings.HasPrefix(strings.ToLower(scope), "/subscriptions/")
}

// mospSubscription is where the billing API keeps a pay-as-you-go subscription.
func mospSubscription(scope string) string {
	return "/providers/Microsoft.Billing/billingAccounts/default/billingSubscriptions/" + scope[len("/subscriptions/"):]
}

func isManagementGroup(scope string) bool {
	return strings.Contains(strings.ToLower(scope), "/managementgroups/")
}

// hasCosts tells whether a scope has costs of its own. Orders of reservations and savings
// plans are scopes that have usage only.
func hasCosts(a Account) bool {
	scope := strings.ToLower(a.Scope)
	return !strings.HasPrefix(scope, "/providers/microsoft.capacity/") && !strings.HasPrefix(scope, "/providers/microsoft.billingbenefits/")
}

// getsAdvice tells whether Azure recommends anything to a scope.
func getsAdvice(a Account) bool {
	return isBilled(a) || isSubscription(a.Scope)
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

// profileScopes are the billing profiles of a customer agreement, and of any other
// agreement the account's own scope.
func (r *run) profileScopes(ctx context.Context, a Account) ([]string, error) {
	if a.Agreement == mca && billingAccountName.MatchString(a.Scope) {
		return r.billingProfiles(ctx, a.Scope)
	}
	return []string{a.Scope}, nil
}

// customers lists the scopes of a partner's customers, or the scope itself if it is one.
func (r *run) customers(ctx context.Context, scope string) ([]string, error) {
	if strings.Contains(strings.ToLower(scope), "/customers/") {
		return []string{scope}, nil
	}
	list, err := r.billingChildren(ctx, scope, "customers")
	return idsOf(list), err
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

// billingChildren lists what hangs below a billing account under one of its types, asked
// for once in a run. Sovereign clouds may only know an older version.
func (r *run) billingChildren(ctx context.Context, scope, kind string) ([]billingChild, error) {
	key := scope + "/" + kind
	if known, ok := r.children.Load(key); ok {
		return known.([]billingChild), nil
	}
	children, err := r.childrenBy(ctx, scope, kind, billingVersion)
	if unknownVersion(err) {
		children, err = r.childrenBy(ctx, scope, kind, oldInvoicesVersion)
	}
	if err == nil {
		r.children.Store(key, children)
	}
	return children, err
}

func (r *run) childrenBy(ctx context.Context, scope, kind, version string) ([]billingChild, error) {
	first := request{API: billingAPI, Scope: scope, Method: http.MethodGet, URL: query(scope+"/"+kind, "api-version", version)}
	return listAll[billingChild](ctx, r, first, kind+" of "+scope)
}

// listAll reads a list while planning. What it is of is for errors.
func listAll[T any](ctx context.Context, r *run, first request, of string) ([]T, error) {
	var all []T
	next := func(body []byte) (string, error) {
		var list struct {
			Value    []T
			NextLink string
		}
		if err := json.Unmarshal(body, &list); err != nil {
			return "", fmt.Errorf("%s: %w", of, err)
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
