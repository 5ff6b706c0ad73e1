-- int_invoice_cost is what the cost records of one billing period say was billed, by invoice, subscription and component.
--
-- A charge is one component: all that is Marketplace is Marketplace, because an enrollment is billed for it apart; then
-- Rounding, Refund, SupportPlan, Purchase, LateCharge (usage of a day before the billing period) and Usage. What is none of
-- these (credit or tax, which cost records should never hold) is Other.
--
-- reads:  cost_and_usage
-- grain:  BillingPeriodStart, Account, InvoiceId, SubAccountId, Component, BillingCurrency
-- period: BillingPeriodStart
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column InvoiceId           varchar          as the record says; Not invoiced for an enrollment, and before the invoice is made
-- column SubAccountId        varchar          subscription GUID in lower case, or Not assigned
-- column Component           varchar          Usage, Marketplace, Purchase, Refund, Rounding, LateCharge, SupportPlan or Other
-- column BillingCurrency     varchar          ISO 4217
-- column BilledCost          decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column EligibleCost        decimal(38, 18)  BillingCurrency, the part an enrollment's prepayment can pay
-- column ChargeCount         bigint           charges added up
-- column LineCount           bigint           distinct invoice sections and services, about the lines of the invoice
--
-- total: not exists (select BillingCurrency, sum(BilledCost), count(*) from cost_and_usage group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(ChargeCount) from int_invoice_cost group by BillingCurrency)
with line as (
    select
        cast(cost_and_usage.BillingPeriodStart as date) as BillingPeriodStart,
        cost_and_usage.x_Account as Account,
        coalesce(nullif(cost_and_usage.InvoiceId, ''), 'Not invoiced') as InvoiceId,
        coalesce(nullif(cost_and_usage.SubAccountId, ''), 'Not assigned') as SubAccountId,
        case
            when cost_and_usage.x_PublisherType = 'Marketplace' then 'Marketplace'
            when cost_and_usage.x_ChargeType = 'RoundingAdjustment' then 'Rounding'
            when cost_and_usage.x_ChargeType = 'Refund' then 'Refund'
            when cost_and_usage.ChargeCategory = 'Purchase'
                and (lower(cost_and_usage.x_SkuMeterCategory) like '%support%'
                    or lower(cost_and_usage.ChargeDescription) like '%support plan%') then 'SupportPlan'
            when cost_and_usage.ChargeCategory = 'Purchase' then 'Purchase'
            when cost_and_usage.ChargeCategory = 'Usage'
                and cost_and_usage.ChargePeriodStart < cost_and_usage.BillingPeriodStart then 'LateCharge'
            when cost_and_usage.ChargeCategory = 'Usage' then 'Usage'
            else 'Other'
        end as Component,
        cost_and_usage.BillingCurrency as BillingCurrency,
        cost_and_usage.x_InvoiceSectionName as InvoiceSectionName,
        cost_and_usage.ServiceName as ServiceName,
        sum(cost_and_usage.BilledCost) as BilledCost,
        sum(case when cost_and_usage.x_SkuIsCreditEligible then cost_and_usage.BilledCost else 0 end) as EligibleCost,
        count(*) as ChargeCount
    from cost_and_usage
    group by 1, 2, 3, 4, 5, 6, 7, 8
)
select
    line.BillingPeriodStart as BillingPeriodStart,
    line.Account as Account,
    line.InvoiceId as InvoiceId,
    line.SubAccountId as SubAccountId,
    line.Component as Component,
    line.BillingCurrency as BillingCurrency,
    cast(sum(line.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(line.EligibleCost) as decimal(38, 18)) as EligibleCost,
    cast(sum(line.ChargeCount) as bigint) as ChargeCount,
    count(*) as LineCount
from line
group by
    line.BillingPeriodStart,
    line.Account,
    line.InvoiceId,
    line.SubAccountId,
    line.Component,
    line.BillingCurrency
