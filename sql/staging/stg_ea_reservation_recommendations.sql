-- stg_ea_reservation_recommendations is a reservation that Azure advised to buy, of the retired Enterprise Reporting.
--
-- Amounts are of the look-back period, in the enrollment's currency, which is not named.
--
-- reads:  raw_ea_reservation_recommendations
-- grain:  Account, Scope, Dataset, Page, Row
--
-- input subscriptionId                 varchar
-- input lookBackPeriod                 varchar
-- input meterId                        varchar
-- input skuName                        varchar
-- input term                           varchar
-- input region                         varchar
-- input resourceType                   varchar
-- input instanceFlexibilityGroup       varchar
-- input normalizedSize                 varchar
-- input skuProperties                  varchar
-- input firstUsageDate                 date
-- input costWithNoRI                   decimal(38, 18)
-- input recommendedQuantity            decimal(38, 18)
-- input totalCostWithRI                decimal(38, 18)
-- input netSavings                     decimal(38, 18)
-- input instanceFlexibilityRatio       decimal(38, 18)
-- input recommendedQuantityNormalized  decimal(38, 18)
--
-- column Account                        varchar          the account's name in the configuration
-- column Scope                          varchar          the scope the API was asked for
-- column Dataset                        varchar          shared_7, shared_30, shared_60, single_7, single_30 or single_60
-- column Page                           bigint           page the row came on
-- column Row                            bigint           row on that page
-- column EnrollmentId                   varchar          the enrollment's number
-- column RecommendationScope            varchar          Shared or Single
-- column SubAccountId                   varchar          GUID of the subscription in lower case; null for a shared one
-- column LookBackPeriod                 varchar          as served: Last7Days or 7
-- column MeterId                        varchar          GUID in lower case
-- column SkuName                        varchar          such as Standard_F1s
-- column Term                           varchar          P1Y or P3Y
-- column RegionId                       varchar          such as eastus
-- column ResourceType                   varchar
-- column FirstUsageDate                 date             first day of the usage looked at
-- column RecommendedQuantity            decimal(38, 18)  instances
-- column CostWithoutReservation         decimal(38, 18)  the enrollment's currency
-- column CostWithReservation            decimal(38, 18)  the enrollment's currency
-- column NetSavings                     decimal(38, 18)  the enrollment's currency
-- column FlexibilityGroup               varchar
-- column FlexibilityRatio               decimal(38, 18)  normalised units per instance
-- column NormalizedSize                 varchar
-- column RecommendedNormalizedQuantity  decimal(38, 18)  instances of NormalizedSize
-- column SkuProperties                  varchar          JSON array of name and value
--
-- total: (select count(*) from stg_ea_reservation_recommendations) = (select count(*) from raw_ea_reservation_recommendations)
-- total: coalesce((select sum(NetSavings) from stg_ea_reservation_recommendations), 0) = coalesce((select sum(raw_ea_reservation_recommendations.netSavings) from raw_ea_reservation_recommendations), 0)
select
    _account as Account,
    _scope as Scope,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    regexp_extract(_scope, '([^/]*)$', 1) as EnrollmentId,
    case when _dataset like 'single%' then 'Single' else 'Shared' end as RecommendationScope,
    nullif(lower(trim(subscriptionId)), '') as SubAccountId,
    nullif(lookBackPeriod, '') as LookBackPeriod,
    nullif(lower(trim(meterId)), '') as MeterId,
    nullif(skuName, '') as SkuName,
    nullif(upper(term), '') as Term,
    nullif(lower(trim(region)), '') as RegionId,
    nullif(resourceType, '') as ResourceType,
    firstUsageDate as FirstUsageDate,
    recommendedQuantity as RecommendedQuantity,
    costWithNoRI as CostWithoutReservation,
    totalCostWithRI as CostWithReservation,
    netSavings as NetSavings,
    nullif(instanceFlexibilityGroup, '') as FlexibilityGroup,
    instanceFlexibilityRatio as FlexibilityRatio,
    nullif(normalizedSize, '') as NormalizedSize,
    recommendedQuantityNormalized as RecommendedNormalizedQuantity,
    skuProperties as SkuProperties
from raw_ea_reservation_recommendations
