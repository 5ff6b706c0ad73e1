-- stg_forecast is what Azure expected a scope to cost on one day, when it was last asked in a month.
--
-- The days of the open month that have passed are there too, with what they cost (CostStatus Actual); the day under way can have
-- an Actual row and a Forecast row, which add up. A forecast reaches to the end of the month after BillingPeriodStart, so two
-- months' forecasts speak of the same days: never add them. Scopes that Azure makes no forecast for have no rows.
--
-- reads:  raw_forecast
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input UsageDate   date
-- input Cost        decimal(38, 18)
-- input PreTaxCost  decimal(38, 18)
-- input Currency    varchar
-- input CostStatus  varchar
--
-- column Account             varchar          the account's name in the configuration
-- column Scope               varchar          the scope the API was asked for
-- column BillingPeriodStart  date             first day of the month in which the forecast was made
-- column Page                bigint           page the row came on
-- column Row                 bigint           row on that page
-- column ChargeDate          date             the day that is forecast
-- column CostStatus          varchar          Actual or Forecast
-- column BillingCurrency     varchar          ISO 4217, trimmed
-- column Cost                decimal(38, 18)  BillingCurrency, before tax, actual cost
--
-- total: (select count(*) from stg_forecast) = (select count(*) from raw_forecast)
-- total: not exists (select BillingCurrency, sum(Cost) from stg_forecast group by BillingCurrency
--        except select nullif(trim(Currency), ''), sum(coalesce(Cost, PreTaxCost)) from raw_forecast group by nullif(trim(Currency), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    UsageDate as ChargeDate,
    nullif(trim(raw_forecast.CostStatus), '') as CostStatus,
    nullif(trim(Currency), '') as BillingCurrency,
    coalesce(raw_forecast.Cost, raw_forecast.PreTaxCost) as Cost
from raw_forecast
