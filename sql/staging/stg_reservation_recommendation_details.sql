-- stg_reservation_recommendation_details is what one recommended reservation was worked out from.
--
-- CalculatedSavings is a list of other quantities with what each would have cost and saved; UsageData has an entry for each
-- UsageGrain of the look-back period. Both keep the digits served. A month has the recommendations that were read in it.
--
-- reads:  raw_reservation_recommendation_details
-- grain:  Account, Scope, BillingPeriodStart, Dataset
-- period: BillingPeriodStart
--
-- input location                      varchar
-- input sku                           varchar
-- input currency                      varchar
-- input scope                         varchar
-- input resourceGroup                 varchar
-- input resource_product              varchar
-- input resource_region               varchar
-- input resource_resourceType         varchar
-- input resource_onDemandRate         decimal(38, 18)
-- input resource_reservationRate      decimal(38, 18)
-- input resource_appliedScopes        varchar
-- input savings_lookBackPeriod        varchar
-- input savings_recommendedQuantity   decimal(38, 18)
-- input savings_reservationOrderTerm  varchar
-- input savings_savingsType           varchar
-- input savings_unitOfMeasure         varchar
-- input savings_calculatedSavings     varchar
-- input usage_firstConsumptionDate    timestamp
-- input usage_lastConsumptionDate     timestamp
-- input usage_lookBackUnitType        varchar
-- input usage_usageGrain              varchar
-- input usage_usageData               varchar
--
-- column Account              varchar          the account's name in the configuration
-- column Scope                varchar          the scope the API was asked for
-- column BillingPeriodStart   date             first day of the month in which it was read
-- column Dataset              varchar          what was asked: scope, look-back period, term, region and product
-- column ReservationScope     varchar          Shared or Single
-- column ResourceType         varchar          such as virtualmachines
-- column SkuName              varchar          such as Standard_DS14_v2
-- column RegionId             varchar          such as eastus
-- column ResourceGroupName    varchar          null but for a resource group's
-- column Term                 varchar          P1Y or P3Y
-- column LookBackDays         bigint           days looked back
-- column RecommendedQuantity  decimal(38, 18)  instances to reserve
-- column SavingsType          varchar          such as instance
-- column UnitOfMeasure        varchar          what the rates are for, such as hour
-- column BillingCurrency      varchar          ISO 4217, trimmed
-- column OnDemandRate         decimal(38, 18)  BillingCurrency per UnitOfMeasure
-- column ReservationRate      decimal(38, 18)  BillingCurrency per UnitOfMeasure
-- column FirstConsumption     timestamp        UTC
-- column LastConsumption      timestamp        UTC
-- column AppliedScopes        varchar          JSON array of subscriptions and resource groups
-- column CalculatedSavings    varchar          JSON array of objects
-- column UsageUnit            varchar          what an entry of UsageData counts
-- column UsageGrain           varchar          such as hourly
-- column UsageData            varchar          JSON array of numbers
--
-- total: (select count(*) from stg_reservation_recommendation_details) = (select count(*) from raw_reservation_recommendation_details)
-- total: coalesce((select sum(RecommendedQuantity) from stg_reservation_recommendation_details), 0)
--        = coalesce((select sum(savings_recommendedQuantity) from raw_reservation_recommendation_details), 0)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Dataset,
    nullif(raw_reservation_recommendation_details.scope, '') as ReservationScope,
    nullif(resource_resourceType, '') as ResourceType,
    coalesce(nullif(resource_product, ''), nullif(sku, '')) as SkuName,
    lower(coalesce(nullif(resource_region, ''), nullif(location, ''))) as RegionId,
    nullif(resourceGroup, '') as ResourceGroupName,
    nullif(savings_reservationOrderTerm, '') as Term,
    cast(nullif(regexp_extract(savings_lookBackPeriod, '([0-9]+)', 1), '') as bigint) as LookBackDays,
    savings_recommendedQuantity as RecommendedQuantity,
    nullif(savings_savingsType, '') as SavingsType,
    nullif(savings_unitOfMeasure, '') as UnitOfMeasure,
    nullif(trim(currency), '') as BillingCurrency,
    resource_onDemandRate as OnDemandRate,
    resource_reservationRate as ReservationRate,
    usage_firstConsumptionDate as FirstConsumption,
    usage_lastConsumptionDate as LastConsumption,
    resource_appliedScopes as AppliedScopes,
    savings_calculatedSavings as CalculatedSavings,
    nullif(usage_lookBackUnitType, '') as UsageUnit,
    nullif(usage_usageGrain, '') as UsageGrain,
    usage_usageData as UsageData
from raw_reservation_recommendation_details
