-- int_commitment_daily is what one reservation or savings plan cost on one day: used, unused, bought and given back.
--
-- A commitment is known by the GUID at the end of its id, because its id comes as a bare GUID, in any case, and with the
-- names of the whole path. Purchases without a reservation's GUID (the path ends in "/reservations/") are kept under their
-- order's.
--
-- reads:  cost_and_usage
-- grain:  BillingPeriodStart, Account, CommitmentId, ChargeDate, BillingCurrency
-- period: BillingPeriodStart
-- from:   cost_and_usage on BillingCurrency where cost_and_usage.x_Account = int_commitment_daily.Account
--         and cast(cost_and_usage.ChargePeriodStart as date) = int_commitment_daily.ChargeDate
--         and regexp_extract(lower(cost_and_usage.CommitmentDiscountId), '([^/]+)(/reservations/|/savingsplans/)?/*$', 1) = int_commitment_daily.CommitmentId
-- adds:   UsedCost = case when cost_and_usage.CommitmentDiscountStatus = 'Unused' then 0 else cost_and_usage.EffectiveCost end,
--         UnusedCost = case when cost_and_usage.CommitmentDiscountStatus = 'Unused' then cost_and_usage.EffectiveCost else 0 end,
--         PurchaseCost = case when cost_and_usage.x_ChargeType = 'Refund' then 0 else cost_and_usage.BilledCost end,
--         RefundCost = case when cost_and_usage.x_ChargeType = 'Refund' then cost_and_usage.BilledCost else 0 end, ChargeCount = 1
--
-- column BillingPeriodStart  date             first day of the month the billing period starts in
-- column Account             varchar          the account's name in the configuration
-- column CommitmentId        varchar          GUID in lower case of the reservation or savings plan
-- column ChargeDate          date             UTC day
-- column BillingCurrency     varchar          ISO 4217
-- column CommitmentOrderId   varchar          GUID in lower case of the order; null when only the commitment is named
-- column CommitmentType      varchar          Reservation or Savings Plan
-- column CommitmentName      varchar          the last in the alphabet where it was renamed
-- column Term                varchar          as served, such as 12 or 36 months
-- column UsedCost            decimal(38, 18)  BillingCurrency, amortised cost of what was used
-- column UnusedCost          decimal(38, 18)  BillingCurrency, amortised cost of what was not
-- column PurchaseCost        decimal(38, 18)  BillingCurrency, billed on this day
-- column RefundCost          decimal(38, 18)  BillingCurrency, given back on this day, negative
-- column ChargeCount         bigint           charges added up
--
-- check: ChargeCount > 0
-- total: not exists (select BillingCurrency, sum(BilledCost) + sum(EffectiveCost) from cost_and_usage where nullif(CommitmentDiscountId, '') is not null group by BillingCurrency
--        except select BillingCurrency, sum(UsedCost) + sum(UnusedCost) + sum(PurchaseCost) + sum(RefundCost) from int_commitment_daily group by BillingCurrency)
select
    month_start(cost_and_usage.BillingPeriodStart) as BillingPeriodStart,
    cost_and_usage.x_Account as Account,
    regexp_extract(lower(cost_and_usage.CommitmentDiscountId), '([^/]+)(/reservations/|/savingsplans/)?/*$', 1) as CommitmentId,
    cast(cost_and_usage.ChargePeriodStart as date) as ChargeDate,
    cost_and_usage.BillingCurrency as BillingCurrency,
    max(nullif(regexp_extract(lower(cost_and_usage.CommitmentDiscountId), 'orders/([^/]+)', 1), '')) as CommitmentOrderId,
    max(cost_and_usage.CommitmentDiscountType) as CommitmentType,
    max(cost_and_usage.CommitmentDiscountName) as CommitmentName,
    max(cost_and_usage.x_SkuTerm) as Term,
    cast(sum(case when cost_and_usage.CommitmentDiscountStatus = 'Unused' then 0 else cost_and_usage.EffectiveCost end) as decimal(38, 18)) as UsedCost,
    cast(sum(case when cost_and_usage.CommitmentDiscountStatus = 'Unused' then cost_and_usage.EffectiveCost else 0 end) as decimal(38, 18)) as UnusedCost,
    cast(sum(case when cost_and_usage.x_ChargeType = 'Refund' then 0 else cost_and_usage.BilledCost end) as decimal(38, 18)) as PurchaseCost,
    cast(sum(case when cost_and_usage.x_ChargeType = 'Refund' then cost_and_usage.BilledCost else 0 end) as decimal(38, 18)) as RefundCost,
    count(*) as ChargeCount
from cost_and_usage
where nullif(cost_and_usage.CommitmentDiscountId, '') is not null
group by 1, 2, 3, 4, 5
