-- cost_daily is what each service cost on each day. Nothing is added across
-- currencies.
--
-- reads:  stg_cost
-- grain:  BillingPeriodStart, ChargeDate, ServiceName, BillingCurrency
-- period: BillingPeriodStart
--
-- column BillingPeriodStart  date             first day of the billing period
-- column ChargeDate          date             UTC day
-- column ServiceName         varchar          the service
-- column BillingCurrency     varchar          ISO 4217
-- column BilledCost          decimal(38, 18)  BillingCurrency, before tax
-- column LineCount           bigint           lines added up
--
-- check: BilledCost >= 0
-- check: LineCount > 0
-- total: not exists (select BillingCurrency, sum(BilledCost) from stg_cost group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost) from cost_daily group by BillingCurrency)
select
    BillingPeriodStart,
    ChargeDate,
    ServiceName,
    BillingCurrency,
    cast(sum(BilledCost) as decimal(38, 18)) as BilledCost,
    count(*) as LineCount
from stg_cost
group by BillingPeriodStart, ChargeDate, ServiceName, BillingCurrency
