-- int_reservation_daily is how many hours of one reservation were used on one day, by reservation details and summaries.
--
-- Details come one row per resource and repeat the reserved hours: they are taken once, used hours are added. A day on which
-- nothing was used has no details, only a summary. Where both exist, details count and the summary is the check.
--
-- reads:  int_reservation_detail, stg_reservation_summaries
-- grain:  BillingPeriodStart, Account, ReservationId, UsageDate
-- period: BillingPeriodStart
-- from:   int_reservation_detail on Account, ReservationId, UsageDate
-- from:   stg_reservation_summaries on Account, ReservationId, UsageDate where stg_reservation_summaries.Granularity = 'daily'
--
-- column BillingPeriodStart    date             first day of the month
-- column Account               varchar          the account's name in the configuration
-- column ReservationId         varchar          GUID in lower case
-- column UsageDate             date             the day
-- column ReservationOrderId    varchar          GUID in lower case
-- column SkuName               varchar          such as Standard_DS2_v2
-- column TotalReservedQuantity decimal(38, 18)  instances; null when not said
-- column UsedHours             decimal(38, 18)  hours
-- column ReservedHours         decimal(38, 18)  hours
-- column ResourceCount         bigint           resources that used it; 0 when only a summary exists
-- column SummaryUsedHours      decimal(38, 18)  hours; null without a summary
-- column SummaryReservedHours  decimal(38, 18)  hours; null without a summary
--
-- check: UsedHours <= ReservedHours
-- total: not exists (select sum(UsedHours) from int_reservation_detail having count(*) > 0
--        except select sum(UsedHours) from int_reservation_daily where ResourceCount > 0)
with detail as (
    select
        int_reservation_detail.BillingPeriodStart,
        int_reservation_detail.Account,
        int_reservation_detail.ReservationId,
        int_reservation_detail.UsageDate,
        max(int_reservation_detail.ReservationOrderId) as ReservationOrderId,
        max(int_reservation_detail.SkuName) as SkuName,
        max(int_reservation_detail.TotalReservedQuantity) as TotalReservedQuantity,
        sum(int_reservation_detail.UsedHours) as UsedHours,
        max(int_reservation_detail.ReservedHours) as ReservedHours,
        count(*) as ResourceCount
    from int_reservation_detail
    group by
        int_reservation_detail.BillingPeriodStart,
        int_reservation_detail.Account,
        int_reservation_detail.ReservationId,
        int_reservation_detail.UsageDate
),
summary as (
    select
        stg_reservation_summaries.BillingPeriodStart,
        stg_reservation_summaries.Account,
        stg_reservation_summaries.ReservationId,
        stg_reservation_summaries.UsageDate,
        max(stg_reservation_summaries.ReservationOrderId) as ReservationOrderId,
        max(stg_reservation_summaries.SkuName) as SkuName,
        max(stg_reservation_summaries.TotalReservedQuantity) as TotalReservedQuantity,
        max(stg_reservation_summaries.UsedHours) as UsedHours,
        max(stg_reservation_summaries.ReservedHours) as ReservedHours
    from stg_reservation_summaries
    where stg_reservation_summaries.Granularity = 'daily'
    group by
        stg_reservation_summaries.BillingPeriodStart,
        stg_reservation_summaries.Account,
        stg_reservation_summaries.ReservationId,
        stg_reservation_summaries.UsageDate
)
select
    coalesce(detail.BillingPeriodStart, summary.BillingPeriodStart) as BillingPeriodStart,
    coalesce(detail.Account, summary.Account) as Account,
    coalesce(detail.ReservationId, summary.ReservationId) as ReservationId,
    coalesce(detail.UsageDate, summary.UsageDate) as UsageDate,
    coalesce(detail.ReservationOrderId, summary.ReservationOrderId) as ReservationOrderId,
    coalesce(detail.SkuName, summary.SkuName) as SkuName,
    cast(coalesce(detail.TotalReservedQuantity, summary.TotalReservedQuantity) as decimal(38, 18)) as TotalReservedQuantity,
    cast(coalesce(detail.UsedHours, summary.UsedHours) as decimal(38, 18)) as UsedHours,
    cast(coalesce(detail.ReservedHours, summary.ReservedHours) as decimal(38, 18)) as ReservedHours,
    coalesce(detail.ResourceCount, 0) as ResourceCount,
    cast(summary.UsedHours as decimal(38, 18)) as SummaryUsedHours,
    cast(summary.ReservedHours as decimal(38, 18)) as SummaryReservedHours
from detail
full outer join summary
    on summary.BillingPeriodStart = detail.BillingPeriodStart
    and summary.Account = detail.Account
    and summary.ReservationId = detail.ReservationId
    and summary.UsageDate = detail.UsageDate
