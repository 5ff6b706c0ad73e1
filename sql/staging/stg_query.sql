-- stg_query is what Azure says a scope cost on one day: the sum its line items must come to.
--
-- A charge counts on its own day, also where a later billing period bills it, so it is compared by ChargeDate and never by the
-- period. The amount is called Cost, and PreTaxCost by old pay-as-you-go scopes. Azure rounds it at the eighth digit. Where
-- profiles have different currencies a day has a row for each. The two datasets are two views of the same charges: never add them.
--
-- reads:  raw_query
-- grain:  Account, Scope, BillingPeriodStart, Dataset, Page, Row
-- period: BillingPeriodStart
--
-- input UsageDate   date
-- input Cost        decimal(38, 18)
-- input PreTaxCost  decimal(38, 18)
-- input Currency    varchar
--
-- column Account             varchar          the account's name in the configuration
-- column Scope               varchar          the scope the API was asked for
-- column BillingPeriodStart  date             first day of the month; of a pay-as-you-go subscription, of the month its billing period starts in
-- column Dataset             varchar          actual or amortized
-- column Page                bigint           page the row came on
-- column Row                 bigint           row on that page
-- column ChargeDate          date             the day
-- column BillingCurrency     varchar          ISO 4217, trimmed
-- column Cost                decimal(38, 18)  BillingCurrency, before tax, of all charges of the day
--
-- total: (select count(*) from stg_query) = (select count(*) from raw_query)
-- total: not exists (select BillingCurrency, Dataset, sum(Cost) from stg_query group by BillingCurrency, Dataset
--        except select nullif(trim(Currency), ''), _dataset, sum(coalesce(Cost, PreTaxCost)) from raw_query group by nullif(trim(Currency), ''), _dataset)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    UsageDate as ChargeDate,
    nullif(trim(Currency), '') as BillingCurrency,
    coalesce(raw_query.Cost, raw_query.PreTaxCost) as Cost
from raw_query
