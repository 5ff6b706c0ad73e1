-- stg_reservation_details_file is the use of one reservation by one resource on one day, as a file has it: an export, or a report made on
-- request. Source says which.
--
-- Its columns are those of stg_reservation_details, name by name and type by type, so that both can be read as one.
-- ReservedHours stands on every row of the reservation and day: take it once, add only UsedHours. UsageDate is the date
-- as written, its offset is not applied. The flexibility ratio is served as text ("1", "0.5").
--
-- reads:  raw_reservation_details_export, raw_reservation_details_report
-- grain:  Account, Source, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input ReservationOrderId        varchar
-- input ReservationId             varchar
-- input SkuName                   varchar
-- input Kind                      varchar
-- input UsageDate                 date
-- input InstanceId                varchar
-- input ReservedHours             decimal(38, 18)
-- input UsedHours                 decimal(38, 18)
-- input TotalReservedQuantity     decimal(38, 18)
-- input InstanceFlexibilityGroup  varchar
-- input InstanceFlexibilityRatio  varchar
--
-- column Account                varchar          the account's name in the configuration
-- column Source                 varchar          reservation_details_export or reservation_details_report
-- column Scope                  varchar          the enrollment or billing profile that the file is of
-- column BillingPeriodStart     date             first day of the month
-- column Page                   bigint           file the row came in
-- column Row                    bigint           row in that file
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
-- total: (select count(*) from stg_reservation_details_file)
--        = (select count(*) from raw_reservation_details_export) + (select count(*) from raw_reservation_details_report)
-- total: coalesce((select sum(UsedHours) from stg_reservation_details_file where Source = 'reservation_details_export'), 0)
--        = coalesce((select sum(UsedHours) from raw_reservation_details_export), 0)
-- total: coalesce((select sum(UsedHours) from stg_reservation_details_file where Source = 'reservation_details_report'), 0)
--        = coalesce((select sum(UsedHours) from raw_reservation_details_report), 0)
with
lines as (
    select
        raw_reservation_details_export.*,
        'reservation_details_export' as _source
    from raw_reservation_details_export
    union all
    select
        raw_reservation_details_report.*,
        'reservation_details_report' as _source
    from raw_reservation_details_report
)
select
    _account as Account,
    _source as Source,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    nullif(lower(ReservationOrderId), '') as ReservationOrderId,
    nullif(regexp_extract(lower(ReservationId), '([^/]*)$', 1), '') as ReservationId,
    nullif(SkuName, '') as SkuName,
    nullif(Kind, '') as ReservationKind,
    UsageDate as UsageDate,
    nullif(lower(InstanceId), '') as ResourceId,
    ReservedHours as ReservedHours,
    UsedHours as UsedHours,
    TotalReservedQuantity as TotalReservedQuantity,
    nullif(InstanceFlexibilityGroup, '') as FlexibilityGroup,
    try_cast(nullif(InstanceFlexibilityRatio, '') as decimal(38, 18)) as FlexibilityRatio
from lines
