-- stg_reservation_details is the use of one reservation by one resource on one day.
--
-- ReservedHours stands on every row of the reservation and day: take it once, add only UsedHours. UsageDate is the date
-- as written, its offset is not applied. The flexibility ratio is served as text ("1", "0.5").
--
-- reads:  raw_reservation_details
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input reservationOrderId        varchar
-- input reservationId             varchar
-- input skuName                   varchar
-- input kind                      varchar
-- input usageDate                 date
-- input instanceId                varchar
-- input reservedHours             decimal(38, 18)
-- input usedHours                 decimal(38, 18)
-- input totalReservedQuantity     decimal(38, 18)
-- input instanceFlexibilityGroup  varchar
-- input instanceFlexibilityRatio  varchar
--
-- column Account                varchar          the account's name in the configuration
-- column Scope                  varchar          the scope the API was asked for
-- column BillingPeriodStart     date             first day of the month
-- column Page                   bigint           page the row came on
-- column Row                    bigint           row on that page
-- column ReservationOrderId     varchar          GUID in lower case
-- column ReservationId          varchar          GUID in lower case
-- column SkuName                varchar          such as Standard_DS2_v2
-- column ReservationKind        varchar          Reservation, IncludedQuantity …; null in older rows
-- column UsageDate              date             the day
-- column ResourceId             varchar          ARM id in lower case of what used the reservation
-- column ReservedHours          decimal(38, 18)  hours of the whole reservation on this day, repeated on each row
-- column UsedHours              decimal(38, 18)  hours this resource used
-- column TotalReservedQuantity  decimal(38, 18)  instances
-- column FlexibilityGroup       varchar
-- column FlexibilityRatio       decimal(38, 18)  normalised units per instance; null when not a number
--
-- total: (select count(*) from stg_reservation_details) = (select count(*) from raw_reservation_details)
-- total: coalesce((select sum(UsedHours) from stg_reservation_details), 0) = coalesce((select sum(usedHours) from raw_reservation_details), 0)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    nullif(lower(reservationOrderId), '') as ReservationOrderId,
    nullif(regexp_extract(lower(reservationId), '([^/]*)$', 1), '') as ReservationId,
    nullif(skuName, '') as SkuName,
    nullif(kind, '') as ReservationKind,
    usageDate as UsageDate,
    nullif(lower(instanceId), '') as ResourceId,
    reservedHours as ReservedHours,
    usedHours as UsedHours,
    totalReservedQuantity as TotalReservedQuantity,
    nullif(instanceFlexibilityGroup, '') as FlexibilityGroup,
    try_cast(nullif(instanceFlexibilityRatio, '') as decimal(38, 18)) as FlexibilityRatio
from raw_reservation_details
