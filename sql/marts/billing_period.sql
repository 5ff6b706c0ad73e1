-- billing_period is one billing period of a subscription or enrollment, with the days it covers.
--
-- The name of a period is not its month: a subscription billed in arrears calls November 2023 202401-1. Join by the days.
--
-- reads:  stg_billing_periods
-- grain:  Account, SubAccountId, BillingPeriodName
-- from:   stg_billing_periods on Account, BillingPeriodName where coalesce(stg_billing_periods.SubscriptionId, 'Not assigned') = billing_period.SubAccountId
--
-- column Account             varchar    the account's name in the configuration
-- column SubAccountId        varchar    subscription GUID in lower case; Not assigned for an enrollment's period
-- column BillingPeriodName   varchar    such as 201702-1, or 202610 for an enrollment
-- column BillingPeriodStart  date       first day
-- column BillingPeriodEnd    date       the day after the last
-- column DayCount            bigint     days of the period
-- column InvoiceIds          varchar    JSON array of the ARM ids of its invoices; null when none is listed
--
-- check: DayCount between 1 and 366
-- total: not exists (select BillingPeriodName, BillingPeriodStart, BillingPeriodEnd from stg_billing_periods
--        except select BillingPeriodName, BillingPeriodStart, BillingPeriodEnd from billing_period)
with ranked as (
    select
        stg_billing_periods.Account,
        coalesce(stg_billing_periods.SubscriptionId, 'Not assigned') as SubAccountId,
        stg_billing_periods.BillingPeriodName,
        stg_billing_periods.BillingPeriodStart,
        stg_billing_periods.BillingPeriodEnd,
        stg_billing_periods.InvoiceIds,
        row_number() over (
            partition by stg_billing_periods.Account, stg_billing_periods.SubscriptionId, stg_billing_periods.BillingPeriodName
            order by stg_billing_periods.Scope, stg_billing_periods.Page, stg_billing_periods.Row
        ) as recency
    from stg_billing_periods
)
select
    ranked.Account as Account,
    ranked.SubAccountId as SubAccountId,
    ranked.BillingPeriodName as BillingPeriodName,
    ranked.BillingPeriodStart as BillingPeriodStart,
    ranked.BillingPeriodEnd as BillingPeriodEnd,
    date_diff('day', ranked.BillingPeriodStart, ranked.BillingPeriodEnd) as DayCount,
    ranked.InvoiceIds as InvoiceIds
from ranked
where ranked.recency = 1
