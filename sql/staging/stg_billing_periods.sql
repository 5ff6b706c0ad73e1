-- stg_billing_periods is a billing period of a subscription, as the billing API names it.
--
-- The name is not the month: a real subscription answers 202401-1 for 2023-11-01 to 2023-11-30. Real end dates are
-- inclusive, those of the documentation's sample are not (2017-01-01 to 2017-02-01): an end on the same day of the
-- month as the start is taken as the next period's first day.
--
-- reads:  raw_billing_periods
-- grain:  Account, Scope, Page, Row
--
-- input id                      varchar
-- input name                    varchar
-- input billingPeriodStartDate  date
-- input billingPeriodEndDate    date
-- input invoiceIds              varchar
--
-- column Account             varchar    the account's name in the configuration
-- column Scope               varchar    the scope the API was asked for
-- column Page                bigint     page the row came on
-- column Row                 bigint     row on that page
-- column SubscriptionId      varchar    GUID in lower case; null when the period is an enrollment's
-- column BillingPeriodName   varchar    such as 201702-1, or 202610 for an enrollment
-- column BillingPeriodStart  date       first day
-- column BillingPeriodEnd    date       the day after the last
-- column InvoiceIds          varchar    JSON array of the ARM ids of its invoices; null when none is listed
--
-- check: BillingPeriodEnd > BillingPeriodStart
-- total: (select count(*) from stg_billing_periods) = (select count(*) from raw_billing_periods)
select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    nullif(regexp_extract(lower(id), 'subscriptions/([0-9a-f-]+)', 1), '') as SubscriptionId,
    name as BillingPeriodName,
    billingPeriodStartDate as BillingPeriodStart,
    case
        when billingPeriodEndDate > billingPeriodStartDate and day(billingPeriodEndDate) = day(billingPeriodStartDate)
            then billingPeriodEndDate
        else day_add(billingPeriodEndDate, 1)
    end as BillingPeriodEnd,
    invoiceIds as InvoiceIds
from raw_billing_periods
