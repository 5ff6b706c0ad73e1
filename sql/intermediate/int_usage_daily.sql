-- int_usage_daily is what the running usage of a service in a subscription costs on a day.
--
-- Only what goes on from day to day is in it: no purchases, refunds, adjustments or Marketplace charges, and no commitment left
-- unused, so that a day out of the ordinary is one of usage.
--
-- reads:  cost_and_usage
-- grain:  Account, SubAccountId, ServiceName, BillingPeriodStart, ChargeDate, BillingCurrency
-- period: BillingPeriodStart
--
-- column Account             varchar          the account's name in the configuration
-- column SubAccountId        varchar          subscription; Not assigned without one
-- column ServiceName         varchar          as in cost_and_usage
-- column BillingPeriodStart  date             first day of the month the billing period starts in
-- column ChargeDate          date             UTC day
-- column BillingCurrency     varchar          ISO 4217; XXX where the record has none
-- column EffectiveCost       decimal(38, 18)  BillingCurrency
-- column SubAccountName      varchar          null without a subscription
--
-- check: ServiceName <> ''
-- total: coalesce((select sum(EffectiveCost) from int_usage_daily), 0)
--        = coalesce((select sum(EffectiveCost) from cost_and_usage
--            where x_ChargeType = 'Usage' and ChargeFrequency = 'Usage-Based' and coalesce(x_PublisherType, '') <> 'Marketplace'), 0)
select
    cost_and_usage.x_Account as Account,
    coalesce(cost_and_usage.SubAccountId, 'Not assigned') as SubAccountId,
    cost_and_usage.ServiceName as ServiceName,
    month_start(cost_and_usage.BillingPeriodStart) as BillingPeriodStart,
    cast(cost_and_usage.ChargePeriodStart as date) as ChargeDate,
    coalesce(cost_and_usage.BillingCurrency, 'XXX') as BillingCurrency,
    sum(cost_and_usage.EffectiveCost) as EffectiveCost,
    max(cost_and_usage.SubAccountName) as SubAccountName
from cost_and_usage
where cost_and_usage.x_ChargeType = 'Usage'
    and cost_and_usage.ChargeFrequency = 'Usage-Based'
    and coalesce(cost_and_usage.x_PublisherType, '') <> 'Marketplace'
group by 1, 2, 3, 4, 5, 6
