-- stg_reservation_recommendations is a reservation that would have saved money, by scope, resource type and look-back period.
--
-- Amounts are of the look-back period, not of the term. Those of an enrollment come without a currency: it is the enrollment's.
-- Shared and Single recommendations, and those for one and for three years, look at the same use: never add them.
--
-- reads:  raw_reservation_recommendations
-- grain:  Account, Scope, Dataset, Page, Row
--
-- input id                                       varchar
-- input kind                                     varchar
-- input location                                 varchar
-- input sku                                      varchar
-- input scope                                    varchar
-- input subscriptionId                           varchar
-- input resourceType                             varchar
-- input lookBackPeriod                           varchar
-- input term                                     varchar
-- input skuName                                  varchar
-- input properties_location                      varchar
-- input meterId                                  varchar
-- input normalizedSize                           varchar
-- input instanceFlexibilityGroup                 varchar
-- input instanceFlexibilityRatio                 decimal(38, 18)
-- input recommendedQuantity                      decimal(38, 18)
-- input recommendedQuantityNormalized            decimal(38, 18)
-- input firstUsageDate                           date
-- input skuProperties                            varchar
-- input costWithNoReservedInstances              decimal(38, 18)
-- input costWithNoReservedInstances_value        decimal(38, 18)
-- input costWithNoReservedInstances_currency     varchar
-- input totalCostWithReservedInstances           decimal(38, 18)
-- input totalCostWithReservedInstances_value     decimal(38, 18)
-- input totalCostWithReservedInstances_currency  varchar
-- input netSavings                               decimal(38, 18)
-- input netSavings_value                         decimal(38, 18)
-- input netSavings_currency                      varchar
--
-- column Account                        varchar          the account's name in the configuration
-- column Scope                          varchar          the scope the API was asked for
-- column Dataset                        varchar          what was asked: scope, resource type and look-back period, such as shared_virtualmachines_last30days
-- column Page                           bigint           page the row came on
-- column Row                            bigint           row on that page
-- column RecommendationId               varchar          ARM id in lower case with a leading slash
-- column RecommendationKind             varchar          legacy or modern
-- column ReservationScope               varchar          Shared or Single
-- column SubAccountId                   varchar          subscription GUID in lower case; of Single only
-- column ResourceType                   varchar          such as virtualMachines
-- column LookBackDays                   bigint           days looked back: 7, 30 or 60
-- column Term                           varchar          P1Y or P3Y
-- column SkuName                        varchar          such as Standard_DS1_v2
-- column RegionId                       varchar          such as westus
-- column MeterId                        varchar          in lower case
-- column NormalizedSize                 varchar          the smallest size of the group
-- column InstanceFlexibilityGroup       varchar          sizes that one reservation covers
-- column InstanceFlexibilityRatio       decimal(38, 18)  of the size to the smallest of its group
-- column RecommendedQuantity            decimal(38, 18)  instances to reserve
-- column RecommendedQuantityNormalized  decimal(38, 18)  instances of NormalizedSize
-- column FirstUsageDate                 date             first day with use in the look-back period
-- column BillingCurrency                varchar          ISO 4217; null where not said
-- column CostWithoutReservation         decimal(38, 18)  currency of the scope, what was paid
-- column CostWithReservation            decimal(38, 18)  currency of the scope, with the reservation
-- column NetSavings                     decimal(38, 18)  currency of the scope, the difference
-- column SkuProperties                  varchar          JSON array of name and value
--
-- total: (select count(*) from stg_reservation_recommendations) = (select count(*) from raw_reservation_recommendations)
-- total: not exists (select BillingCurrency, sum(NetSavings), sum(RecommendedQuantity) from stg_reservation_recommendations group by BillingCurrency
--        except select nullif(trim(netSavings_currency), ''), sum(coalesce(netSavings_value, netSavings)), sum(recommendedQuantity) from raw_reservation_recommendations group by nullif(trim(netSavings_currency), ''))
select
    _account as Account,
    _scope as Scope,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    '/' || regexp_extract(lower(id), '^/?(.*)$', 1) as RecommendationId,
    nullif(kind, '') as RecommendationKind,
    nullif(raw_reservation_recommendations.scope, '') as ReservationScope,
    nullif(lower(subscriptionId), '') as SubAccountId,
    nullif(raw_reservation_recommendations.resourceType, '') as ResourceType,
    cast(nullif(regexp_extract(lookBackPeriod, '([0-9]+)', 1), '') as bigint) as LookBackDays,
    nullif(raw_reservation_recommendations.term, '') as Term,
    coalesce(nullif(sku, ''), nullif(raw_reservation_recommendations.skuName, '')) as SkuName,
    lower(coalesce(nullif(location, ''), nullif(properties_location, ''))) as RegionId,
    nullif(lower(raw_reservation_recommendations.meterId), '') as MeterId,
    nullif(raw_reservation_recommendations.normalizedSize, '') as NormalizedSize,
    nullif(raw_reservation_recommendations.instanceFlexibilityGroup, '') as InstanceFlexibilityGroup,
    raw_reservation_recommendations.instanceFlexibilityRatio as InstanceFlexibilityRatio,
    raw_reservation_recommendations.recommendedQuantity as RecommendedQuantity,
    raw_reservation_recommendations.recommendedQuantityNormalized as RecommendedQuantityNormalized,
    raw_reservation_recommendations.firstUsageDate as FirstUsageDate,
    nullif(trim(coalesce(netSavings_currency, totalCostWithReservedInstances_currency, costWithNoReservedInstances_currency)), '') as BillingCurrency,
    coalesce(costWithNoReservedInstances_value, costWithNoReservedInstances) as CostWithoutReservation,
    coalesce(totalCostWithReservedInstances_value, totalCostWithReservedInstances) as CostWithReservation,
    coalesce(netSavings_value, raw_reservation_recommendations.netSavings) as NetSavings,
    raw_reservation_recommendations.skuProperties as SkuProperties
from raw_reservation_recommendations
