-- commitment_timing is one owner's way from what he is charged back to what the invoice bills, one step a row.
--
-- Chargeback spreads a commitment over its term, an invoice has it on the day it is bought. From the amount charged back,
-- policies are taken off, then what commitments cost where they were used and where nobody used them, and then purchases and
-- refunds of commitments are added, which leaves what the invoice bills before tax and credits. The steps of an owner and
-- billing period add up to InvoicedAmount, and InvoicedAmount over all owners is the billed cost of the period.
--
-- reads:  chargeback
-- grain:  BillingPeriodStart, Account, CostOwner, BillingCurrency, Step
-- period: BillingPeriodStart
-- from:   chargeback on BillingPeriodStart, Account, CostOwner, BillingCurrency
-- adds:   Amount = chargeback.ChargebackAmount, InvoicedAmount = chargeback.BilledCost when commitment_timing.Step = 'Chargeback'
-- adds:   Amount = -chargeback.PolicyAmount when commitment_timing.Step = 'Policy'
-- adds:   Amount = case when chargeback.AllocationKind = 'CommitmentPurchase' then chargeback.CommitmentTiming else 0 end
--         when commitment_timing.Step = 'CommitmentPurchase'
-- adds:   Amount = case when chargeback.AllocationKind in ('UnusedCommitment', 'UnusedCommitmentOut') then chargeback.CommitmentTiming else 0 end
--         when commitment_timing.Step = 'CommitmentUnused'
-- adds:   Amount = case when chargeback.AllocationKind in ('CommitmentPurchase', 'UnusedCommitment', 'UnusedCommitmentOut') then 0 else chargeback.CommitmentTiming end
--         when commitment_timing.Step = 'CommitmentUsed'
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column CostOwner           varchar          who pays
-- column BillingCurrency     varchar          ISO 4217
-- column Step                varchar          Chargeback, Policy, CommitmentUsed, CommitmentUnused or CommitmentPurchase
-- column StepOrder           bigint           place on the way, from 1
-- column Amount              decimal(38, 18)  BillingCurrency, what this step adds
-- column InvoicedAmount      decimal(38, 18)  BillingCurrency, of the owner in the period: where the way ends, billed cost before tax
--
-- total: not exists (select BillingPeriodStart, Account, CostOwner, BillingCurrency, sum(BilledCost) from chargeback group by 1, 2, 3, 4
--        except select BillingPeriodStart, Account, CostOwner, BillingCurrency, sum(Amount) from commitment_timing group by 1, 2, 3, 4)
-- total: not exists (select 1 from commitment_timing group by BillingPeriodStart, Account, CostOwner, BillingCurrency having sum(Amount) <> max(InvoicedAmount))
with step as (
    select
        chargeback.BillingPeriodStart as BillingPeriodStart,
        chargeback.Account as Account,
        chargeback.CostOwner as CostOwner,
        chargeback.BillingCurrency as BillingCurrency,
        way.Step as Step,
        way.StepOrder as StepOrder,
        chargeback.BilledCost as BilledCost,
        case way.Step
            when 'Chargeback' then chargeback.ChargebackAmount
            when 'Policy' then -chargeback.PolicyAmount
            when case
                when chargeback.AllocationKind = 'CommitmentPurchase' then 'CommitmentPurchase'
                when chargeback.AllocationKind in ('UnusedCommitment', 'UnusedCommitmentOut') then 'CommitmentUnused'
                else 'CommitmentUsed'
            end then chargeback.CommitmentTiming
            else 0
        end as Amount
    from chargeback
    cross join (
        values ('Chargeback', 1), ('Policy', 2), ('CommitmentUsed', 3), ('CommitmentUnused', 4), ('CommitmentPurchase', 5)
    ) as way (Step, StepOrder)
)
select
    step.BillingPeriodStart as BillingPeriodStart,
    step.Account as Account,
    step.CostOwner as CostOwner,
    step.BillingCurrency as BillingCurrency,
    step.Step as Step,
    cast(step.StepOrder as bigint) as StepOrder,
    cast(sum(step.Amount) as decimal(38, 18)) as Amount,
    cast(sum(step.BilledCost) as decimal(38, 18)) as InvoicedAmount
from step
group by 1, 2, 3, 4, 5, 6
