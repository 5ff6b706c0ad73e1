package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The rules of the simulated enterprise: a hub whose network is passed on, a team that shares all it has,
// and a policy for everything that belongs to no single owner.
const sharedRules = `
owners: [web, claims, stores, research]
tags:
  values: {owner: {payments: [paymnets]}}
rules:
  - name: Storage
    where: {ServiceName: Storage*}
    split: even
    to: [platform, web, data, claims, research, stores, payments]
  - name: Platform
    from: platform
    split: proportional
    to: all
policies:
  unused_commitments: users
  rounding: proportional
  support: proportional
  credits: {central: platform}
  tax: proportional
markup:
  - name: Handling
    service: Virtual*
    percent: 2.5
`

// Whatever the rules do, per currency and period the costs are those of the charges, each pool is what came out of it, and what
// was charged beyond cost is what the policies say.
func TestTheSimulatedEnterpriseShares(t *testing.T) {
	t.Parallel()
	e := newEnterprise(t, 3, 1500)
	e.configure(t)
	e.run(0, "run", "--as-of", "2026-11-22")
	e.wantRows(`select count(*) from (
			select cast(BillingPeriodStart as date), BillingCurrency, sum(EffectiveCost), sum(BilledCost), count(*) from cost_and_usage group by all
			except select BillingPeriodStart, BillingCurrency, sum(EffectiveCost), sum(BilledCost), sum(ChargeCount) from chargeback group by all)`, []string{"0"})
	e.wantRows(`select count(*) from (select sum(Amount) as Shared, max(PoolAmount) as Pool from allocation_trace where TargetOwner <> ''
			group by BillingPeriodStart, RuleId, RuleName, Account, SourceOwner, SubAccountId, ServiceName, BillingCurrency, CommitmentDiscountId)
		where Shared <> Pool`, []string{"0"})
	e.wantRows(`select sum(ChargebackAmount) = sum(EffectiveCost) + sum(PolicyAmount) from chargeback`, []string{"true"})
	e.wantRows(`select count(*) from (
			select date_trunc('month', InvoicePeriodStart), Account, BillingCurrency, Component, sum(Amount) from invoice_reconciliation
			where Component in ('Tax', 'Credit') and InvoicePeriodStart >= date '2026-09-01' group by all having sum(Amount) <> 0
			except select BillingPeriodStart, Account, BillingCurrency, AllocationKind, sum(PolicyAmount) from chargeback group by all)`, []string{"0"})
	// A purchase's own invoice is of its day, which is no billing period.
	e.wantRows(`select count(distinct InvoicePeriodStart) > 3, count(*) filter (where InvoicePeriodStart not in (select BillingPeriodStart from chargeback)) > 0
		from invoice_reconciliation where Account = 'digital' and Component = 'Tax'`, []string{"true", "true"})
	e.wantRows(`select count(*) from (select Account, BillingPeriodStart from chargeback except select x_Account, cast(BillingPeriodStart as date) from cost_and_usage)`, []string{"0"})
	e.wantRows(`select count(*) from (select BillingPeriodStart, Account, CostOwner, BillingCurrency, sum(BilledCost) from chargeback group by all
			except select BillingPeriodStart, Account, CostOwner, BillingCurrency, sum(Amount) from commitment_timing group by all)`, []string{"0"})
	// A cent that has come to seven is seven parts; what the platform got of it, it passed on.
	e.wantRows(`select count(distinct TargetOwner) from allocation_trace where RuleName = 'Storage'`, []string{"7"})
	e.wantRows(`select sum(EffectiveCost) from chargeback where CostOwner = 'platform' and AllocationKind <> 'AzureAllocated'`, []string{"0"})
	e.wantRows(`select max(Level), count(*) > 0 from allocation_trace where RuleName = 'Platform'`, []string{"2", "true"})
	e.wantRows(`select sum(case when AllocationKind = 'UnusedCommitment' then EffectiveCost end) > 0,
			sum(case when AllocationKind like 'Unused%' and CostOwner = 'Unallocated' and ChargeCount > 0 then EffectiveCost end)
				+ sum(case when AllocationKind = 'UnusedCommitmentOut' then EffectiveCost end) >= 0,
			sum(case when AllocationKind = 'MarkUp' then PolicyAmount end) > 0 from chargeback`, []string{"true", "true", "true"})
}

func (e enterprise) configure(t *testing.T) {
	t.Helper()
	config := filepath.Join(e.dir, "azledger.yaml")
	text, err := os.ReadFile(config)
	check(t, err)
	check(t, os.WriteFile(config, append(text, "owners: owners.csv\nallocation: allocation.yaml\n"...), 0o644))
	check(t, os.WriteFile(filepath.Join(e.dir, "owners.csv"), []byte("CostOwner,TagKey,TagValue,ResourceGroup\npayments,owner,payments,\nplatform,owner,platform,\nplatform,owner,plattform,\ndata,,,rg-data-*\n"), 0o644))
	check(t, os.WriteFile(filepath.Join(e.dir, "allocation.yaml"), []byte(sharedRules), 0o644))
}
