package extract

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// plan asks the chosen sources of every account for their units. A plan that fails is
// reported as a failed unit of its source; the others go on.
func (r *run) plan(ctx context.Context, chosen func(*Source) bool) ([]task, []UnitResult) {
	p := planning{run: r, exported: map[string]bool{}}
	for _, a := range append(slices.Clone(r.o.Accounts), Account{Name: noAccount}) {
		p.account(ctx, a, chosen)
	}
	p.unknown(chosen)
	return p.tasks, p.failed
}

// noAccount is the name under which what belongs to no account is filed.
const noAccount = "retail"

// planning gathers tasks.
type planning struct {
	*run
	tasks    []task
	failed   []UnitResult
	exported map[string]bool // what export files hold, see exportKey
	had      map[string]bool // sources that some account has
}

func (p *planning) fail(source string, a Account, err error) {
	p.failed = append(p.failed, UnitResult{Unit: Unit{Source: source, Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: allDatasets}, Err: err})
}

// account plans one account: its files first, because what they hold is not asked for.
func (p *planning) account(ctx context.Context, a Account, chosen func(*Source) bool) {
	agreement, err := p.agreement(ctx, a)
	if err != nil {
		p.fail("account", a, err)
		return
	}
	a.Agreement = agreement
	sources := Sources()
	slices.SortStableFunc(sources, func(x, y *Source) int { return rank(x) - rank(y) })
	for _, s := range sources {
		if !chosen(s) {
			continue
		}
		if p.wants(a, s) {
			p.source(ctx, a, s)
		} else if slices.Contains(a.Sources, s.Name) && p.asked(s.Name) {
			p.fail(s.Name, a, s.unsupported(a))
		}
	}
}

func rank(s *Source) int {
	if s.files {
		return 0
	}
	return 1
}

func (p *planning) source(ctx context.Context, a Account, s *Source) {
	planned, err := s.plan(ctx, p.run, a)
	if err != nil {
		p.fail(s.Name, a, err)
	}
	if p.had == nil {
		p.had = map[string]bool{}
	}
	p.had[s.Name] = true
	for _, t := range planned {
		t.source = cmp.Or(t.source, s)
		t.asks.Scope = cmp.Or(t.asks.Scope, t.Scope) // whatever is asked counts against the scope
		if s.files {
			p.exported[t.Source+"\x00"+exportKey(t.Unit)] = true
		}
		if t.skip == "" && !isNamed(a, p.o.Sources, s) && p.inExport(t) {
			t.skip = "an export of the same scope has it"
		}
		p.tasks = append(p.tasks, t)
	}
}

// isNamed tells whether the configuration or the command asks for the source by name.
func isNamed(a Account, sources []string, s *Source) bool {
	return slices.Contains(a.Sources, s.Name) || slices.Contains(sources, s.Name)
}

// exportKey tells units of one account apart by what they hold.
func exportKey(u Unit) string {
	return strings.ToLower(strings.Join([]string{u.Account, u.Scope, u.Period, u.Dataset}, "\x00"))
}

// inExport tells whether an export holds what the task would fetch. A FOCUS export holds
// actual and amortized cost at once.
func (p *planning) inExport(t task) bool {
	u := t.Unit
	for _, source := range t.source.behind {
		for _, u.Dataset = range []string{t.Dataset, "focus"} {
			if p.exported[source+"\x00"+exportKey(u)] {
				return true
			}
		}
	}
	return false
}

// wants tells whether the account's agreement, its configuration and the run's
// restriction all want the source.
func (r *run) wants(a Account, s *Source) bool {
	if s.global != (a.Name == noAccount && a.Scope == "") || !r.asked(s.Name) {
		return false
	}
	switch {
	case s.global:
		return len(r.o.Retail.Currencies) > 0
	case len(a.Sources) > 0 && !slices.Contains(a.Sources, s.Name):
		return false
	}
	return s.needs(a) && (isNamed(a, r.o.Sources, s) || s.isStandard(a))
}

// asked tells whether the run's restriction leaves the source.
func (r *run) asked(source string) bool {
	return len(r.o.Sources) == 0 || slices.Contains(r.o.Sources, source)
}

// unknown reports sources that the command names and no account has. Said once, not once
// for each account.
func (p *planning) unknown(chosen func(*Source) bool) {
	for _, s := range Sources() {
		if !chosen(s) || !slices.Contains(p.o.Sources, s.Name) {
			continue
		}
		if p.had[s.Name] {
			p.nothing(s)
			continue
		}
		for _, a := range p.o.Accounts {
			if found, ok := p.agreements.Load(a.Scope); ok { // auto
				a.Agreement = found.(string)
			}
			if !slices.ContainsFunc(p.failed, func(f UnitResult) bool { return f.Source == s.Name || f.Source == "account" }) && len(a.Sources) == 0 {
				p.fail(s.Name, a, s.unsupported(a))
			}
		}
	}
}

// nothing warns of a source that the command names and that has no unit in any account:
// aggregated_cost of an account that is no management group, invoices where there are none.
func (p *planning) nothing(s *Source) {
	if slices.ContainsFunc(p.tasks, func(t task) bool { return t.source == s }) || slices.ContainsFunc(p.failed, func(f UnitResult) bool { return f.Source == s.Name }) {
		return
	}
	p.log.Warn("the source has nothing for these accounts and months; azledger sources tells what it reads", "source", s.Name)
}

// agreementNames are what a billing administrator calls the agreements.
var agreementNames = map[string]string{
	ea: "an Enterprise Agreement", mca: "a Microsoft Customer Agreement", mpa: "a Microsoft Partner Agreement", mosp: "a pay-as-you-go subscription",
}

// unsupported says why the account has no such source, and which one has what it is
// looked for.
func (s *Source) unsupported(a Account) error {
	name := agreementNames[a.Agreement]
	switch {
	case s.global:
		return fmt.Errorf("%s belongs to no account: set retail.currencies instead of naming it in the account's sources", s.Name)
	case s.files && a.Exports == "":
		return fmt.Errorf("%s reads export files: set exports of account %s to their folder or container", s.Name, a.Name)
	case a.Scope == "":
		return fmt.Errorf("%s asks an API: set scope of account %s", s.Name, a.Name)
	case s.Instead[a.Agreement] != "":
		return fmt.Errorf("account %s is %s, which has no %s: %s", a.Name, name, s.API, s.Instead[a.Agreement])
	}
	var has []string
	for _, other := range s.Agreements {
		has = append(has, agreementNames[other])
	}
	return fmt.Errorf("account %s is %s, which has no %s; only %s has", a.Name, name, s.API, strings.Join(has, " or "))
}
