-- stg_ea_billing_periods is a billing period as Enterprise Reporting listed it, with the reports it had.
--
-- billingEnd was the last day at noon less a second; its day is the last of the period.
--
-- reads:  raw_ea_billing_periods
-- grain:  Account, Scope, Page, Row
--
-- input billingPeriodId     varchar
-- input balanceSummary      varchar
-- input usageDetails        varchar
-- input marketplaceCharges  varchar
-- input priceSheet          varchar
-- input billingStart        timestamp
-- input billingEnd          timestamp
--
-- column Account               varchar  the account's name in the configuration
-- column Scope                 varchar  the scope the API was asked for
-- column Page                  bigint   page the row came on
-- column Row                   bigint   row on that page
-- column EnrollmentId          varchar  the enrollment's number
-- column BillingPeriodName     varchar  such as 201704
-- column BillingPeriodStart    date     first day
-- column BillingPeriodLastDay  date     last day
-- column HasBalance            boolean  it had a balance summary
-- column HasUsage              boolean  it had usage
-- column HasMarketplace        boolean  it had Marketplace charges
-- column HasPriceSheet         boolean  it had a price sheet
--
-- total: (select count(*) from stg_ea_billing_periods) = (select count(*) from raw_ea_billing_periods)
-- total: (select min(BillingPeriodStart) from stg_ea_billing_periods) is not distinct from (select min(cast(billingStart as date)) from raw_ea_billing_periods)
select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    regexp_extract(_scope, '([^/]*)$', 1) as EnrollmentId,
    nullif(billingPeriodId, '') as BillingPeriodName,
    cast(billingStart as date) as BillingPeriodStart,
    cast(billingEnd as date) as BillingPeriodLastDay,
    balanceSummary is not null as HasBalance,
    usageDetails is not null as HasUsage,
    marketplaceCharges is not null as HasMarketplace,
    priceSheet is not null as HasPriceSheet
from raw_ea_billing_periods
