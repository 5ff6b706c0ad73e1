-- int_reservation_detail is the use of one reservation by one resource on one day, from the source that counts.
--
-- The same month can come from an export, from a report made on request and from the list of the Consumption API. Of one
-- account, scope and month the export counts before the report, and the report before the list, which Microsoft no longer
-- works on. What ends more than three days before another of them was left behind, such as an export that was switched off, and does
-- not count: the same rule as for costs. A scope inside another that has the month does not count either: a billing profile's rows
-- are among its account's.
--
-- reads:  stg_reservation_details, stg_reservation_details_file
-- grain:  Source, Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
-- from:   stg_reservation_details_file on Account, Source, Scope, Page, Row
-- from:   stg_reservation_details on Account, Scope, Page, Row where int_reservation_detail.Source = 'reservation_details'
--
-- column Source                 varchar          reservation_details_export, reservation_details_report or reservation_details
-- column Account                varchar          the account's name in the configuration
-- column Scope                  varchar          the scope the rows are of
-- column BillingPeriodStart     date             first day of the month
-- column Page                   bigint           page or file the row came on
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
-- total: not exists (select Account, lower(Scope), BillingPeriodStart from int_reservation_detail group by 1, 2, 3 having count(distinct Source) > 1)
-- total: not exists (select Source, Account, Scope, BillingPeriodStart, count(*), sum(UsedHours) from int_reservation_detail group by 1, 2, 3, 4
--        except select Source, Account, Scope, BillingPeriodStart, count(*), sum(UsedHours)
--        from (select Source, Account, Scope, BillingPeriodStart, UsedHours from stg_reservation_details_file
--            union all select 'reservation_details', Account, Scope, BillingPeriodStart, UsedHours from stg_reservation_details) as served
--        group by 1, 2, 3, 4)
-- total: (select count(*) from (select Account, BillingPeriodStart from int_reservation_detail group by 1, 2) as kept)
--        = (select count(*) from (select Account, BillingPeriodStart from stg_reservation_details_file
--            union select Account, BillingPeriodStart from stg_reservation_details) as served)
with served as (
    select
        stg_reservation_details_file.Source as Source,
        case when stg_reservation_details_file.Source = 'reservation_details_export' then 1 else 2 end as Preference,
        lower(stg_reservation_details_file.Scope) as ScopeKey,
        stg_reservation_details_file.Account as Account,
        stg_reservation_details_file.Scope as Scope,
        stg_reservation_details_file.BillingPeriodStart as BillingPeriodStart,
        stg_reservation_details_file.Page as Page,
        stg_reservation_details_file.Row as Row,
        stg_reservation_details_file.ReservationOrderId as ReservationOrderId,
        stg_reservation_details_file.ReservationId as ReservationId,
        stg_reservation_details_file.SkuName as SkuName,
        stg_reservation_details_file.ReservationKind as ReservationKind,
        stg_reservation_details_file.UsageDate as UsageDate,
        stg_reservation_details_file.ResourceId as ResourceId,
        stg_reservation_details_file.ReservedHours as ReservedHours,
        stg_reservation_details_file.UsedHours as UsedHours,
        stg_reservation_details_file.TotalReservedQuantity as TotalReservedQuantity,
        stg_reservation_details_file.FlexibilityGroup as FlexibilityGroup,
        stg_reservation_details_file.FlexibilityRatio as FlexibilityRatio
    from stg_reservation_details_file
    union all
    select
        'reservation_details' as Source,
        3 as Preference,
        lower(stg_reservation_details.Scope) as ScopeKey,
        stg_reservation_details.Account as Account,
        stg_reservation_details.Scope as Scope,
        stg_reservation_details.BillingPeriodStart as BillingPeriodStart,
        stg_reservation_details.Page as Page,
        stg_reservation_details.Row as Row,
        stg_reservation_details.ReservationOrderId as ReservationOrderId,
        stg_reservation_details.ReservationId as ReservationId,
        stg_reservation_details.SkuName as SkuName,
        stg_reservation_details.ReservationKind as ReservationKind,
        stg_reservation_details.UsageDate as UsageDate,
        stg_reservation_details.ResourceId as ResourceId,
        stg_reservation_details.ReservedHours as ReservedHours,
        stg_reservation_details.UsedHours as UsedHours,
        stg_reservation_details.TotalReservedQuantity as TotalReservedQuantity,
        stg_reservation_details.FlexibilityGroup as FlexibilityGroup,
        stg_reservation_details.FlexibilityRatio as FlexibilityRatio
    from stg_reservation_details
),
offered as (
    select
        served.Account as Account,
        served.ScopeKey as ScopeKey,
        served.BillingPeriodStart as BillingPeriodStart,
        served.Preference as Preference,
        max(served.UsageDate) as LastDay
    from served
    group by 1, 2, 3, 4
),
reached as (
    select
        offered.*,
        max(offered.LastDay) over (partition by offered.Account, offered.ScopeKey, offered.BillingPeriodStart) as FurthestDay
    from offered
),
chosen as (
    select
        reached.Account as Account,
        reached.ScopeKey as ScopeKey,
        reached.BillingPeriodStart as BillingPeriodStart,
        min(reached.Preference) as Preference
    from reached
    where reached.FurthestDay is null
        or day_add(reached.LastDay, 3) >= reached.FurthestDay
    group by 1, 2, 3
),
nested as (
    select distinct
        narrow.Account as Account,
        narrow.ScopeKey as ScopeKey,
        narrow.BillingPeriodStart as BillingPeriodStart
    from chosen as narrow
    inner join chosen as wide
        on wide.Account = narrow.Account
        and wide.BillingPeriodStart = narrow.BillingPeriodStart
        and substr(narrow.ScopeKey, 1, length(wide.ScopeKey) + 1) = wide.ScopeKey || '/'
)
select
    served.Source as Source,
    served.Account as Account,
    served.Scope as Scope,
    served.BillingPeriodStart as BillingPeriodStart,
    served.Page as Page,
    served.Row as Row,
    served.ReservationOrderId as ReservationOrderId,
    served.ReservationId as ReservationId,
    served.SkuName as SkuName,
    served.ReservationKind as ReservationKind,
    served.UsageDate as UsageDate,
    served.ResourceId as ResourceId,
    served.ReservedHours as ReservedHours,
    served.UsedHours as UsedHours,
    served.TotalReservedQuantity as TotalReservedQuantity,
    served.FlexibilityGroup as FlexibilityGroup,
    served.FlexibilityRatio as FlexibilityRatio
from served
inner join chosen
    on chosen.Account = served.Account
    and chosen.ScopeKey = served.ScopeKey
    and chosen.BillingPeriodStart = served.BillingPeriodStart
    and chosen.Preference = served.Preference
left join nested
    on nested.Account = served.Account
    and nested.ScopeKey = served.ScopeKey
    and nested.BillingPeriodStart = served.BillingPeriodStart
where nested.Account is null
