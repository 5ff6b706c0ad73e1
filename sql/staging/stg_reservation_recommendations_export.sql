-- stg_reservation_recommendations_export is a reservation that Azure says would have saved, over the days it looked back on.
--
-- Each export is a dataset: it is of one scope, resource type and look-back, and another of the same month may say the same again.
-- Amounts are for the days looked back on, not for the term. Those of a customer agreement are text with their currency in it, as
-- JSON or behind the number; text that is neither is null. An enrollment's name no currency: it is that of its bill.
--
-- reads:  raw_reservation_recommendations_export
-- grain:  Account, Scope, BillingPeriodStart, Dataset, Page, Row
-- period: BillingPeriodStart
--
-- input _file                           varchar
-- input Sku                             varchar
-- input Location                        varchar
-- input ResourceType                    varchar
-- input Scope                           varchar
-- input Term                            varchar
-- input LookBackPeriod                  varchar
-- input FirstUsageDate                  date
-- input MeterId                         varchar
-- input NormalizedSize                  varchar
-- input InstanceFlexibilityGroup        varchar
-- input InstanceFlexibilityRatio        varchar
-- input SkuProperties                   varchar
-- input RecommendedQuantity             decimal(38, 18)
-- input RecommendedQuantityNormalized   decimal(38, 18)
-- input CostWithNoReservedInstances     varchar
-- input TotalCostWithReservedInstances  varchar
-- input NetSavings                      varchar
--
-- column Account                        varchar          the account's name in the configuration
-- column Scope                          varchar          the scope that is exported
-- column BillingPeriodStart             date             first day of the month of the export
-- column Dataset                        varchar          name of the export, or of the file
-- column Page                           bigint           file of the export the row came on
-- column Row                            bigint           row in that file
-- column File                           varchar          name of the export file
-- column SkuName                        varchar          such as Standard_B2ms
-- column RegionId                       varchar          such as westus
-- column ResourceType                   varchar          such as virtualmachines
-- column RecommendationScope            varchar          Single (of a subscription) or Shared
-- column Term                           varchar          months of the commitment, as text
-- column LookBackDays                   bigint           days looked back on: 7, 30 or 60
-- column FirstUsageDate                 date             first of these days with usage
-- column MeterId                        varchar          GUID in lower case
-- column NormalizedSize                 varchar          smallest size of the flexibility group
-- column FlexibilityGroup               varchar
-- column FlexibilityRatio               decimal(38, 18)  normalised units per instance; null when not a number
-- column SkuProperties                  varchar          JSON list text of name and value
-- column RecommendedQuantity            decimal(38, 18)  instances to reserve
-- column RecommendedQuantityNormalized  decimal(38, 18)  NormalizedSize
-- column CostWithoutReservations        decimal(38, 18)  BillingCurrency, of the usage on demand
-- column CostWithReservations           decimal(38, 18)  BillingCurrency, of the same usage with the recommended reservations
-- column NetSavings                     decimal(38, 18)  BillingCurrency, the difference
-- column BillingCurrency                varchar          ISO 4217; ea: null
--
-- total: (select count(*) from stg_reservation_recommendations_export) = (select count(*) from raw_reservation_recommendations_export)
-- total: coalesce((select sum(RecommendedQuantity) from stg_reservation_recommendations_export), 0) = coalesce((select sum(RecommendedQuantity) from raw_reservation_recommendations_export), 0)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    _file as File,
    nullif(trim(Sku), '') as SkuName,
    nullif(lower(trim(Location)), '') as RegionId,
    nullif(lower(trim(ResourceType)), '') as ResourceType,
    nullif(trim(Scope), '') as RecommendationScope,
    case
        when upper(replace(Term, ' ', '')) in ('1YEAR', 'P1Y') then '12'
        when upper(replace(Term, ' ', '')) in ('3YEARS', '3YEAR', 'P3Y') then '36'
        when upper(replace(Term, ' ', '')) in ('5YEARS', '5YEAR', 'P5Y') then '60'
        when upper(replace(Term, ' ', '')) in ('1MONTH', 'P1M') then '1'
        else nullif(trim(Term), '')
    end as Term,
    try_cast(nullif(regexp_extract(LookBackPeriod, '([0-9]+)', 1), '') as bigint) as LookBackDays,
    FirstUsageDate as FirstUsageDate,
    nullif(lower(trim(MeterId)), '') as MeterId,
    nullif(trim(NormalizedSize), '') as NormalizedSize,
    nullif(trim(InstanceFlexibilityGroup), '') as FlexibilityGroup,
    try_cast(nullif(trim(InstanceFlexibilityRatio), '') as decimal(38, 18)) as FlexibilityRatio,
    nullif(trim(SkuProperties), '') as SkuProperties,
    RecommendedQuantity as RecommendedQuantity,
    RecommendedQuantityNormalized as RecommendedQuantityNormalized,
    coalesce(
        try_cast(nullif(trim(CostWithNoReservedInstances), '') as decimal(38, 18)),
        try_cast(nullif(regexp_extract(CostWithNoReservedInstances, '"value" *: *"?(-?[0-9.]+([eE][-+]?[0-9]+)?)"? *[,}]', 1), '') as decimal(38, 18)),
        try_cast(nullif(regexp_extract(trim(CostWithNoReservedInstances), '^(-?[0-9.]+([eE][-+]?[0-9]+)?) *[A-Z][A-Z][A-Z]$', 1), '') as decimal(38, 18)),
        try_cast(nullif(regexp_extract(trim(CostWithNoReservedInstances), '^[A-Z][A-Z][A-Z] *(-?[0-9.]+([eE][-+]?[0-9]+)?)$', 1), '') as decimal(38, 18))
    ) as CostWithoutReservations,
    coalesce(
        try_cast(nullif(trim(TotalCostWithReservedInstances), '') as decimal(38, 18)),
        try_cast(nullif(regexp_extract(TotalCostWithReservedInstances, '"value" *: *"?(-?[0-9.]+([eE][-+]?[0-9]+)?)"? *[,}]', 1), '') as decimal(38, 18)),
        try_cast(nullif(regexp_extract(trim(TotalCostWithReservedInstances), '^(-?[0-9.]+([eE][-+]?[0-9]+)?) *[A-Z][A-Z][A-Z]$', 1), '') as decimal(38, 18)),
        try_cast(nullif(regexp_extract(trim(TotalCostWithReservedInstances), '^[A-Z][A-Z][A-Z] *(-?[0-9.]+([eE][-+]?[0-9]+)?)$', 1), '') as decimal(38, 18))
    ) as CostWithReservations,
    coalesce(
        try_cast(nullif(trim(NetSavings), '') as decimal(38, 18)),
        try_cast(nullif(regexp_extract(NetSavings, '"value" *: *"?(-?[0-9.]+([eE][-+]?[0-9]+)?)"? *[,}]', 1), '') as decimal(38, 18)),
        try_cast(nullif(regexp_extract(trim(NetSavings), '^(-?[0-9.]+([eE][-+]?[0-9]+)?) *[A-Z][A-Z][A-Z]$', 1), '') as decimal(38, 18)),
        try_cast(nullif(regexp_extract(trim(NetSavings), '^[A-Z][A-Z][A-Z] *(-?[0-9.]+([eE][-+]?[0-9]+)?)$', 1), '') as decimal(38, 18))
    ) as NetSavings,
    coalesce(
        nullif(regexp_extract(NetSavings, '([A-Z][A-Z][A-Z])', 1), ''),
        nullif(regexp_extract(CostWithNoReservedInstances, '([A-Z][A-Z][A-Z])', 1), ''),
        nullif(regexp_extract(TotalCostWithReservedInstances, '([A-Z][A-Z][A-Z])', 1), '')
    ) as BillingCurrency
from raw_reservation_recommendations_export
