-- stg_reservation_summaries is the use of one reservation on one day, or in one month.
--
-- Percentages are of 100. UsageDate is the date as written: the API adds an offset (2018-09-01T00:00:00-07:00) that would
-- slip a day if it were converted. Daily and monthly rows say the same hours twice; Granularity tells them apart.
--
-- reads:  raw_reservation_summaries
-- grain:  Account, Scope, BillingPeriodStart, Granularity, Page, Row
-- period: BillingPeriodStart
--
-- input reservationOrderId        varchar
-- input reservationId             varchar
-- input skuName                   varchar
-- input kind                      varchar
-- input usageDate                 date
-- input reservedHours             decimal(38, 18)
-- input usedHours                 decimal(38, 18)
-- input minUtilizationPercentage  decimal(38, 18)
-- input avgUtilizationPercentage  decimal(38, 18)
-- input maxUtilizationPercentage  decimal(38, 18)
-- input purchasedQuantity         decimal(38, 18)
-- input remainingQuantity         decimal(38, 18)
-- input totalReservedQuantity     decimal(38, 18)
-- input usedQuantity              decimal(38, 18)
-- input utilizedPercentage        decimal(38, 18)
--
-- column Account                varchar          the account's name in the configuration
-- column Scope                  varchar          the scope the API was asked for
-- column BillingPeriodStart     date             first day of the month
-- column Granularity            varchar          daily or monthly
-- column Page                   bigint           page the row came on
-- column Row                    bigint           row on that page
-- column ReservationOrderId     varchar          GUID in lower case
-- column ReservationId          varchar          GUID in lower case
-- column SkuName                varchar          such as Standard_DS2_v2
-- column ReservationKind        varchar          Reservation, IncludedQuantity …; null in older rows
-- column UsageDate              date             the day; of a monthly row the month's first
-- column ReservedHours          decimal(38, 18)  hours
-- column UsedHours              decimal(38, 18)  hours
-- column MinUtilisationPercent  decimal(38, 18)  percent, lowest hour
-- column AvgUtilisationPercent  decimal(38, 18)  percent
-- column MaxUtilisationPercent  decimal(38, 18)  percent, highest hour
-- column PurchasedQuantity      decimal(38, 18)  instances; null in older rows
-- column RemainingQuantity      decimal(38, 18)  instances; null in older rows
-- column TotalReservedQuantity  decimal(38, 18)  instances; null in older rows
-- column UsedQuantity           decimal(38, 18)  instances; null in older rows
-- column UtilisedPercent        decimal(38, 18)  percent of the quantity; null in older rows
--
-- total: (select count(*) from stg_reservation_summaries) = (select count(*) from raw_reservation_summaries)
-- total: coalesce((select sum(UsedHours) from stg_reservation_summaries), 0) = coalesce((select sum(usedHours) from raw_reservation_summaries), 0)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Granularity,
    _page as Page,
    _row as Row,
    nullif(lower(reservationOrderId), '') as ReservationOrderId,
    nullif(regexp_extract(lower(reservationId), '([^/]*)$', 1), '') as ReservationId,
    nullif(skuName, '') as SkuName,
    nullif(kind, '') as ReservationKind,
    usageDate as UsageDate,
    reservedHours as ReservedHours,
    usedHours as UsedHours,
    minUtilizationPercentage as MinUtilisationPercent,
    avgUtilizationPercentage as AvgUtilisationPercent,
    maxUtilizationPercentage as MaxUtilisationPercent,
    purchasedQuantity as PurchasedQuantity,
    remainingQuantity as RemainingQuantity,
    totalReservedQuantity as TotalReservedQuantity,
    usedQuantity as UsedQuantity,
    utilizedPercentage as UtilisedPercent
from raw_reservation_summaries
