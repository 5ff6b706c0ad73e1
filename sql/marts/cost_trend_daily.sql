-- cost_trend_daily is what each subscription spent on each service on each day.
--
-- A charge that arrives after its month was closed is billed in the next period and keeps its day, so a day can have rows in
-- two billing periods. Costs are never added across currencies.
--
-- reads:  int_owner_daily, cost_and_usage
-- grain:  BillingPeriodStart, ChargeDate, Account, SubAccountId, ServiceName, BillingCurrency
-- period: BillingPeriodStart
-- from:   int_owner_daily on BillingPeriodStart, ChargeDate, Account, SubAccountId, ServiceName, BillingCurrency
-- adds:   BilledCost, EffectiveCost, ListCost, ChargeCount
--
-- column BillingPeriodStart  date             first day of the billing period
-- column ChargeDate          date             UTC day of the charge
-- column Account             varchar          the account's name in the configuration
-- column SubAccountId        varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName         varchar          Not assigned where the charge names none
-- column BillingCurrency     varchar          ISO 4217
-- column SubAccountName      varchar          the subscription's name, the last in the alphabet where it was renamed; null without one
-- column BilledCost          decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, amortised, before tax
-- column ListCost            decimal(38, 18)  BillingCurrency, at list price, before tax; charges without a list price add nothing
-- column ChargeCount         bigint           charges added up
--
-- check: ChargeCount > 0
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost), count(*) from cost_and_usage group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount) from cost_trend_daily group by BillingCurrency)
select
    int_owner_daily.BillingPeriodStart as BillingPeriodStart,
    int_owner_daily.ChargeDate as ChargeDate,
    int_owner_daily.Account as Account,
    int_owner_daily.SubAccountId as SubAccountId,
    int_owner_daily.ServiceName as ServiceName,
    int_owner_daily.BillingCurrency as BillingCurrency,
    max(int_owner_daily.SubAccountName) as SubAccountName,
    cast(sum(int_owner_daily.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(int_owner_daily.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
    cast(sum(int_owner_daily.ListCost) as decimal(38, 18)) as ListCost,
    cast(sum(int_owner_daily.ChargeCount) as bigint) as ChargeCount
from int_owner_daily
group by
    int_owner_daily.BillingPeriodStart,
    int_owner_daily.ChargeDate,
    int_owner_daily.Account,
    int_owner_daily.SubAccountId,
    int_owner_daily.ServiceName,
    int_owner_daily.BillingCurrency
