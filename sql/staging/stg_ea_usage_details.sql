-- stg_ea_usage_details is a charge of the retired Enterprise Reporting, under the names of today.
--
-- Its cost is actual cost. IsAzureCreditEligible is the opposite of what the API called chargesBilledSeparately. It names no currency: that
-- is the enrollment's, which stg_ea_balance_summary has. Version 2 spelled cost with a capital.
--
-- reads:  raw_ea_usage_details
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input date                     date
-- input consumedQuantity         decimal(38, 18)
-- input resourceRate             decimal(38, 18)
-- input cost                     decimal(38, 18)
-- input pascalCost               decimal(38, 18)
-- input chargesBilledSeparately  boolean
-- input isRecurringCharge        boolean
-- input departmentId             varchar
-- input departmentName           varchar
-- input accountOwnerEmail        varchar
-- input accountName              varchar
-- input subscriptionGuid         varchar
-- input subscriptionName         varchar
-- input product                  varchar
-- input meterId                  varchar
-- input resourceGuid             varchar
-- input meterCategory            varchar
-- input meterSubCategory         varchar
-- input meterRegion              varchar
-- input meterName                varchar
-- input resourceLocation         varchar
-- input location                 varchar
-- input consumedService          varchar
-- input instanceId               varchar
-- input serviceInfo1             varchar
-- input serviceInfo2             varchar
-- input additionalInfo           varchar
-- input costCenter               varchar
-- input unitOfMeasure            varchar
-- input resourceGroup            varchar
-- input serviceName              varchar
-- input serviceTier              varchar
-- input partNumber               varchar
-- input offerId                  varchar
-- input tags                     varchar
--
-- column Account                varchar          the account's name in the configuration
-- column Scope                  varchar          the scope the API was asked for
-- column BillingPeriodStart     date             first day of the billing period
-- column Page                   bigint           page the row came on
-- column Row                    bigint           row on that page
-- column EnrollmentId           varchar          the enrollment's number
-- column ChargeDate             date             the day of usage
-- column SubAccountId           varchar          GUID of the subscription in lower case; null for what has none
-- column SubAccountName         varchar          name of the subscription
-- column AccountName            varchar          enrollment account
-- column AccountOwnerId         varchar          e-mail address of its owner
-- column InvoiceSectionId       varchar          number of the department
-- column InvoiceSectionName     varchar          name of the department
-- column CostCenter             varchar          of the department or the account
-- column ResourceGroup          varchar          in lower case
-- column ResourceId             varchar          ARM id in lower case
-- column ResourceLocation       varchar          as served
-- column ConsumedService        varchar          provider of the resource
-- column Product                varchar          what was charged for
-- column MeterId                varchar          GUID in lower case
-- column MeterName              varchar
-- column MeterCategory          varchar          the service
-- column MeterSubCategory       varchar          the tier
-- column MeterRegion            varchar
-- column PartNumber             varchar          x_SkuPartNumber of cost_and_usage
-- column OfferId                varchar          such as MS-AZR-0017P
-- column UnitOfMeasure          varchar          what EffectivePrice buys
-- column Quantity               decimal(38, 18)  UnitOfMeasure
-- column EffectivePrice         decimal(38, 18)  the enrollment's currency per UnitOfMeasure
-- column Cost                   decimal(38, 18)  the enrollment's currency, before tax
-- column IsAzureCreditEligible  boolean          a prepayment can pay for it; null where it is not said
-- column IsRecurring            boolean          charged again and again; null where it is not said
-- column ServiceInfo1           varchar
-- column ServiceInfo2           varchar
-- column AdditionalInfo         varchar          JSON text
-- column Tags                   varchar          JSON object
--
-- total: (select count(*) from stg_ea_usage_details) = (select count(*) from raw_ea_usage_details)
-- total: coalesce((select sum(stg_ea_usage_details.Cost) from stg_ea_usage_details), 0) = coalesce((select sum(coalesce(cost, pascalCost)) from raw_ea_usage_details), 0)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    regexp_extract(_scope, '([^/]*)$', 1) as EnrollmentId,
    raw_ea_usage_details.date as ChargeDate,
    nullif(nullif(lower(trim(subscriptionGuid)), ''), '00000000-0000-0000-0000-000000000000') as SubAccountId,
    nullif(subscriptionName, '') as SubAccountName,
    nullif(accountName, '') as AccountName,
    nullif(accountOwnerEmail, '') as AccountOwnerId,
    nullif(departmentId, '') as InvoiceSectionId,
    nullif(departmentName, '') as InvoiceSectionName,
    nullif(costCenter, '') as CostCenter,
    nullif(lower(trim(resourceGroup)), '') as ResourceGroup,
    nullif(lower(trim(instanceId)), '') as ResourceId,
    nullif(coalesce(resourceLocation, location), '') as ResourceLocation,
    nullif(consumedService, '') as ConsumedService,
    nullif(product, '') as Product,
    nullif(lower(trim(coalesce(meterId, resourceGuid))), '') as MeterId,
    nullif(meterName, '') as MeterName,
    nullif(coalesce(nullif(meterCategory, ''), serviceName), '') as MeterCategory,
    nullif(coalesce(nullif(meterSubCategory, ''), serviceTier), '') as MeterSubCategory,
    nullif(meterRegion, '') as MeterRegion,
    nullif(partNumber, '') as PartNumber,
    nullif(offerId, '') as OfferId,
    nullif(trim(unitOfMeasure), '') as UnitOfMeasure,
    consumedQuantity as Quantity,
    resourceRate as EffectivePrice,
    coalesce(cost, pascalCost) as Cost,
    not chargesBilledSeparately as IsAzureCreditEligible,
    isRecurringCharge as IsRecurring,
    nullif(serviceInfo1, '') as ServiceInfo1,
    nullif(serviceInfo2, '') as ServiceInfo2,
    nullif(additionalInfo, '') as AdditionalInfo,
    tags as Tags
from raw_ea_usage_details
