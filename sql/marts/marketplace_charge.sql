-- marketplace_charge is one Marketplace charge, as the marketplaces API serves it.
--
-- The same charges stand in cost_and_usage with x_PublisherType Marketplace; this table is for what only the API knows of
-- them (order, offer, plan). Never add the two.
--
-- reads:  stg_marketplaces
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- column BillingPeriodStart  date             first day of the month of the billing period
-- column Account             varchar          the account's name in the configuration
-- column Scope               varchar          the scope the API was asked for
-- column Page                bigint           page the row came on
-- column Row                 bigint           row on that page
-- column BillingPeriodName   varchar          the API's name of the period, such as 201804-1
-- column ChargePeriodStart   timestamp        UTC
-- column ChargePeriodEnd     timestamp        UTC, exclusive
-- column PublisherName       varchar          null in older rows
-- column OfferName           varchar          the offer in the Marketplace
-- column PlanName            varchar          the plan of the offer
-- column OrderNumber         varchar          the order's number
-- column IsRecurringCharge   boolean          null when not said
-- column IsEstimated         boolean          the period is still open
-- column SubAccountId        varchar          subscription GUID in lower case; null without one
-- column SubAccountName      varchar          the subscription's name
-- column ResourceGroupName   varchar          as served; null without one
-- column ResourceId          varchar          ARM id in lower case
-- column ResourceName        varchar          the resource's own name
-- column ConsumedService     varchar          as served
-- column MeterId             varchar          in lower case
-- column ConsumedQuantity    decimal(38, 18)  ConsumedUnit
-- column ConsumedUnit        varchar          null in older rows
-- column UnitPrice           decimal(38, 18)  BillingCurrency per ConsumedUnit
-- column BillingCurrency     varchar          ISO 4217
-- column BilledCost          decimal(38, 18)  BillingCurrency, before tax
-- column AccountName         varchar          the enrollment account
-- column DepartmentName      varchar          the enrollment's department
-- column CostCenter          varchar          as entered at the enrollment
-- column AdditionalInfo      varchar          JSON as served
-- column Tags                varchar          JSON object
--
-- total: not exists (select BillingCurrency, count(*), sum(BilledCost) from stg_marketplaces group by BillingCurrency
--        except select BillingCurrency, count(*), sum(BilledCost) from marketplace_charge group by BillingCurrency)
select
    stg_marketplaces.BillingPeriodStart as BillingPeriodStart,
    stg_marketplaces.Account as Account,
    stg_marketplaces.Scope as Scope,
    stg_marketplaces.Page as Page,
    stg_marketplaces.Row as Row,
    stg_marketplaces.BillingPeriodName as BillingPeriodName,
    stg_marketplaces.ChargePeriodStart as ChargePeriodStart,
    stg_marketplaces.ChargePeriodEnd as ChargePeriodEnd,
    stg_marketplaces.PublisherName as PublisherName,
    stg_marketplaces.OfferName as OfferName,
    stg_marketplaces.PlanName as PlanName,
    stg_marketplaces.OrderNumber as OrderNumber,
    stg_marketplaces.IsRecurringCharge as IsRecurringCharge,
    stg_marketplaces.IsEstimated as IsEstimated,
    stg_marketplaces.SubAccountId as SubAccountId,
    stg_marketplaces.SubAccountName as SubAccountName,
    stg_marketplaces.ResourceGroupName as ResourceGroupName,
    stg_marketplaces.ResourceId as ResourceId,
    stg_marketplaces.ResourceName as ResourceName,
    stg_marketplaces.ConsumedService as ConsumedService,
    stg_marketplaces.MeterId as MeterId,
    stg_marketplaces.ConsumedQuantity as ConsumedQuantity,
    stg_marketplaces.ConsumedUnit as ConsumedUnit,
    stg_marketplaces.UnitPrice as UnitPrice,
    stg_marketplaces.BillingCurrency as BillingCurrency,
    stg_marketplaces.BilledCost as BilledCost,
    stg_marketplaces.AccountName as AccountName,
    stg_marketplaces.DepartmentName as DepartmentName,
    stg_marketplaces.CostCenter as CostCenter,
    stg_marketplaces.AdditionalInfo as AdditionalInfo,
    stg_marketplaces.Tags as Tags
from stg_marketplaces
