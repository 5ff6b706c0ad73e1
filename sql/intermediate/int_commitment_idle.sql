-- int_commitment_idle is a run of days on which a reservation or savings plan was not used at all, in one currency.
--
-- A commitment paid for in two currencies (two billing profiles) has a run in each, and none on a day on which it was used in
-- either. A day without a charge, of which only the hours are known, has no currency of its own: it counts with the currency the
-- commitment has on other days, and under XXX only where it has none at all.
--
-- reads:  reservation_utilisation
-- grain:  Account, CommitmentId, BillingCurrency, FirstDay
--
-- column Account         varchar          the account's name in the configuration
-- column CommitmentId    varchar          GUID in lower case of the reservation or savings plan
-- column BillingCurrency varchar          ISO 4217; XXX when it has hours and no charge
-- column FirstDay        date             first day of the run
-- column LastDay         date             last day of the run
-- column DayCount        bigint           days from first to last
-- column UnusedCost      decimal(38, 18)  BillingCurrency, amortised cost of the run; null for XXX
-- column CommitmentType  varchar          Reservation or Savings Plan
-- column CommitmentName  varchar          null when only the reservation APIs know it
--
-- check: DayCount = date_diff('day', FirstDay, LastDay) + 1
-- check: (UnusedCost is null) = (BillingCurrency = 'XXX')
-- total: not exists (select BillingCurrency, sum(UnusedCost) from int_commitment_idle where BillingCurrency <> 'XXX' group by BillingCurrency
--        except select u.BillingCurrency, coalesce(sum(u.UnusedCost), 0)
--        from reservation_utilisation as u
--        inner join (select Account, CommitmentId, ChargeDate from reservation_utilisation group by 1, 2, 3 having max(UtilisationRatio) = 0) as d
--            on d.Account = u.Account and d.CommitmentId = u.CommitmentId and d.ChargeDate = u.ChargeDate
--        where u.UtilisationRatio is not null
--        group by u.BillingCurrency)
with
currencies as (
    select
        reservation_utilisation.Account as Account,
        reservation_utilisation.CommitmentId as CommitmentId,
        min(reservation_utilisation.BillingCurrency) as BillingCurrency
    from reservation_utilisation
    where reservation_utilisation.BillingCurrency <> 'XXX'
    group by 1, 2
),
unused_days as (
    select
        reservation_utilisation.Account as Account,
        reservation_utilisation.CommitmentId as CommitmentId,
        reservation_utilisation.ChargeDate as ChargeDate
    from reservation_utilisation
    group by 1, 2, 3
    having max(reservation_utilisation.UtilisationRatio) = 0
),
commitment_days as (
    select
        reservation_utilisation.Account as Account,
        reservation_utilisation.CommitmentId as CommitmentId,
        case when reservation_utilisation.BillingCurrency = 'XXX' then coalesce(currencies.BillingCurrency, 'XXX')
            else reservation_utilisation.BillingCurrency end as BillingCurrency,
        reservation_utilisation.ChargeDate as ChargeDate,
        max(reservation_utilisation.CommitmentType) as CommitmentType,
        max(reservation_utilisation.CommitmentName) as CommitmentName,
        coalesce(sum(reservation_utilisation.UnusedCost), 0) as UnusedCost
    from reservation_utilisation
    inner join unused_days
        on unused_days.Account = reservation_utilisation.Account
        and unused_days.CommitmentId = reservation_utilisation.CommitmentId
        and unused_days.ChargeDate = reservation_utilisation.ChargeDate
    left join currencies
        on currencies.Account = reservation_utilisation.Account
        and currencies.CommitmentId = reservation_utilisation.CommitmentId
    where reservation_utilisation.UtilisationRatio is not null
    group by 1, 2, 3, 4
),
numbered_days as (
    -- Within a run of idle days, the day less its number among idle days stays the same.
    select
        commitment_days.Account as Account,
        commitment_days.CommitmentId as CommitmentId,
        commitment_days.BillingCurrency as BillingCurrency,
        commitment_days.ChargeDate as ChargeDate,
        commitment_days.CommitmentType as CommitmentType,
        commitment_days.CommitmentName as CommitmentName,
        commitment_days.UnusedCost as UnusedCost,
        day_add(commitment_days.ChargeDate, -cast(row_number() over (
            partition by commitment_days.Account, commitment_days.CommitmentId, commitment_days.BillingCurrency
            order by commitment_days.ChargeDate
        ) as integer)) as RunKey
    from commitment_days
),
idle_runs as (
    select
        numbered_days.Account as Account,
        numbered_days.CommitmentId as CommitmentId,
        numbered_days.BillingCurrency as BillingCurrency,
        numbered_days.RunKey as RunKey,
        min(numbered_days.ChargeDate) as FirstDay,
        max(numbered_days.ChargeDate) as LastDay,
        count(*) as DayCount,
        sum(numbered_days.UnusedCost) as UnusedCost,
        max(numbered_days.CommitmentType) as CommitmentType,
        max(numbered_days.CommitmentName) as CommitmentName
    from numbered_days
    group by 1, 2, 3, 4
)
select
    idle_runs.Account as Account,
    idle_runs.CommitmentId as CommitmentId,
    idle_runs.BillingCurrency as BillingCurrency,
    idle_runs.FirstDay as FirstDay,
    idle_runs.LastDay as LastDay,
    idle_runs.DayCount as DayCount,
    case when idle_runs.BillingCurrency <> 'XXX' then idle_runs.UnusedCost end as UnusedCost,
    coalesce(idle_runs.CommitmentType, 'Commitment') as CommitmentType,
    idle_runs.CommitmentName as CommitmentName
from idle_runs
