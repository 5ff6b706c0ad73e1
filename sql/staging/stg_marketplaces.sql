-- stg_marketplaces is a Marketplace charge, as the marketplaces API serves it.
--
-- Amounts are before tax. The same charges stand in the cost records with publisher type Marketplace, so they are for
-- reading and checking and are never added to those. Older rows have no publisher, plan or unit.
--
-- reads:  raw_marketplaces
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input id                  varchar
-- input name                varchar
-- input billingPeriodId     varchar
-- input usageStart          timestamp
-- input usageEnd            timestamp
-- input publisherName       varchar
-- input offerName           varchar
-- input planName            varchar
-- input orderNumber         varchar
-- input isRecurringCharge   boolean
-- input isEstimated         boolean
-- input subscriptionGuid    varchar
-- input subscriptionName    varchar
-- input resourceGroup       varchar
-- input instanceId          varchar
-- input instanceName        varchar
-- input consumedService     varchar
-- input meterId             varchar
-- input consumedQuantity    decimal(38, 18)
-- input unitOfMeasure       varchar
-- input resourceRate        decimal(38, 18)
-- input pretaxCost          decimal(38, 18)
-- input currency            varchar
-- input accountName         varchar
-- input departmentName      varchar
-- input costCenter          varchar
-- input additionalInfo      varchar
-- input tags                varchar
--
-- column Account             varchar          the account's name in the configuration
-- column Scope               varchar          the scope the API was asked for
-- column BillingPeriodStart  date             first day of the month of the billing period
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
-- column BillingCurrency     varchar          ISO 4217, trimmed
-- column BilledCost          decimal(38, 18)  BillingCurrency, before tax
-- column AccountName         varchar          the enrollment account
-- column DepartmentName      varchar          the enrollment's department
-- column CostCenter          varchar          as entered at the enrollment
-- column AdditionalInfo      varchar          JSON as served
-- column Tags                varchar          JSON object
--
-- total: (select count(*) from stg_marketplaces) = (select count(*) from raw_marketplaces)
-- total: not exists (select BillingCurrency, sum(BilledCost) from stg_marketplaces group by BillingCurrency
--        except select nullif(trim(currency), ''), sum(pretaxCost) from raw_marketplaces group by nullif(trim(currency), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    nullif(regexp_extract(billingPeriodId, '([^/]*)$', 1), '') as BillingPeriodName,
    usageStart as ChargePeriodStart,
    usageEnd as ChargePeriodEnd,
    nullif(publisherName, '') as PublisherName,
    nullif(offerName, '') as OfferName,
    nullif(planName, '') as PlanName,
    nullif(orderNumber, '') as OrderNumber,
    isRecurringCharge as IsRecurringCharge,
    isEstimated as IsEstimated,
    nullif(nullif(lower(subscriptionGuid), ''), '00000000-0000-0000-0000-000000000000') as SubAccountId,
    nullif(subscriptionName, '') as SubAccountName,
    nullif(resourceGroup, '') as ResourceGroupName,
    nullif(lower(instanceId), '') as ResourceId,
    nullif(instanceName, '') as ResourceName,
    nullif(consumedService, '') as ConsumedService,
    nullif(lower(meterId), '') as MeterId,
    consumedQuantity as ConsumedQuantity,
    nullif(unitOfMeasure, '') as ConsumedUnit,
    resourceRate as UnitPrice,
    nullif(trim(currency), '') as BillingCurrency,
    pretaxCost as BilledCost,
    nullif(accountName, '') as AccountName,
    nullif(departmentName, '') as DepartmentName,
    nullif(costCenter, '') as CostCenter,
    additionalInfo as AdditionalInfo,
    tags as Tags
from raw_marketplaces
