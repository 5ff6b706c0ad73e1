-- stg_ea_marketplace_charges is a Marketplace charge of the retired Enterprise Reporting, under the names of today.
--
-- One-time fees were not in it. It names no currency: that is the enrollment's, which stg_ea_balance_summary has.
--
-- reads:  raw_ea_marketplace_charges
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input id                 varchar
-- input subscriptionGuid   varchar
-- input subscriptionName   varchar
-- input meterId            varchar
-- input offerName          varchar
-- input resourceGroup      varchar
-- input instanceId         varchar
-- input additionalInfo     varchar
-- input orderNumber        varchar
-- input unitOfMeasure      varchar
-- input costCenter         varchar
-- input accountName        varchar
-- input accountOwnerId     varchar
-- input departmentId       varchar
-- input departmentName     varchar
-- input publisherName      varchar
-- input planName           varchar
-- input tags               varchar
-- input usageStartDate     timestamp
-- input usageEndDate       timestamp
-- input consumedQuantity   decimal(38, 18)
-- input resourceRate       decimal(38, 18)
-- input extendedCost       decimal(38, 18)
-- input isRecurringCharge  boolean
--
-- column Account             varchar          the account's name in the configuration
-- column Scope               varchar          the scope the API was asked for
-- column BillingPeriodStart  date             first day of the billing period
-- column Page                bigint           page the row came on
-- column Row                 bigint           row on that page
-- column EnrollmentId        varchar          the enrollment's number
-- column ChargeId            varchar
-- column ChargeDate          date             first day of usage
-- column ChargeLastDate      date             last day of usage
-- column SubAccountId        varchar          GUID of the subscription in lower case; null for what has none
-- column SubAccountName      varchar          name of the subscription
-- column AccountName         varchar          enrollment account
-- column AccountOwnerId      varchar          e-mail address of its owner
-- column InvoiceSectionId    varchar          number of the department
-- column InvoiceSectionName  varchar          name of the department
-- column CostCenter          varchar
-- column ResourceGroup       varchar          in lower case
-- column ResourceId          varchar          ARM id in lower case
-- column PublisherName       varchar          who sold it
-- column OfferName           varchar          what was sold
-- column PlanName            varchar
-- column OrderNumber         varchar
-- column MeterId             varchar          GUID in lower case
-- column UnitOfMeasure       varchar          what EffectivePrice buys
-- column Quantity            decimal(38, 18)  UnitOfMeasure
-- column EffectivePrice      decimal(38, 18)  the enrollment's currency per UnitOfMeasure
-- column Cost                decimal(38, 18)  the enrollment's currency, before tax
-- column IsRecurring         boolean          charged again and again; null where it is not said
-- column AdditionalInfo      varchar          JSON text
-- column Tags                varchar          JSON object
--
-- total: (select count(*) from stg_ea_marketplace_charges) = (select count(*) from raw_ea_marketplace_charges)
-- total: coalesce((select sum(stg_ea_marketplace_charges.Cost) from stg_ea_marketplace_charges), 0) = coalesce((select sum(extendedCost) from raw_ea_marketplace_charges), 0)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    regexp_extract(_scope, '([^/]*)$', 1) as EnrollmentId,
    nullif(id, '') as ChargeId,
    cast(usageStartDate as date) as ChargeDate,
    cast(usageEndDate as date) as ChargeLastDate,
    nullif(nullif(lower(trim(subscriptionGuid)), ''), '00000000-0000-0000-0000-000000000000') as SubAccountId,
    nullif(subscriptionName, '') as SubAccountName,
    nullif(accountName, '') as AccountName,
    nullif(accountOwnerId, '') as AccountOwnerId,
    nullif(departmentId, '') as InvoiceSectionId,
    nullif(departmentName, '') as InvoiceSectionName,
    nullif(costCenter, '') as CostCenter,
    nullif(lower(trim(resourceGroup)), '') as ResourceGroup,
    nullif(lower(trim(instanceId)), '') as ResourceId,
    nullif(publisherName, '') as PublisherName,
    nullif(offerName, '') as OfferName,
    nullif(planName, '') as PlanName,
    nullif(orderNumber, '') as OrderNumber,
    nullif(lower(trim(meterId)), '') as MeterId,
    nullif(trim(unitOfMeasure), '') as UnitOfMeasure,
    consumedQuantity as Quantity,
    resourceRate as EffectivePrice,
    extendedCost as Cost,
    isRecurringCharge as IsRecurring,
    nullif(additionalInfo, '') as AdditionalInfo,
    tags as Tags
from raw_ea_marketplace_charges
