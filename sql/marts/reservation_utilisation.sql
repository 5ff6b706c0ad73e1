-- reservation_utilisation is how much of one reservation or savings plan was used on one day.
--
-- A reservation's use is measured in hours, by the reservation APIs, where those were read. A savings plan is an amount of
-- money per hour, so its use is the used part of the day's amortised cost; a reservation without hours is measured the same way.
-- UtilisationBasis says which. A day on which it was only bought or given back has no row. Utilisation over several days is the sum of what was used over the sum of what was bought,
-- never the mean of the ratios.
--
-- reads:  int_commitment_daily, int_reservation_daily
-- grain:  BillingPeriodStart, Account, CommitmentId, ChargeDate, BillingCurrency
-- period: BillingPeriodStart
-- from:   int_commitment_daily on Account, CommitmentId, ChargeDate, BillingCurrency
-- adds:   UsedCost, UnusedCost
-- from:   int_reservation_daily on Account where int_reservation_daily.ReservationId = reservation_utilisation.CommitmentId
--         and int_reservation_daily.UsageDate = reservation_utilisation.ChargeDate
-- adds:   UsedHours, ReservedHours
--
-- column BillingPeriodStart     date             first day of the month of the billing period
-- column Account                varchar          the account's name in the configuration
-- column CommitmentId           varchar          GUID in lower case of the reservation or savings plan
-- column ChargeDate             date             UTC day
-- column BillingCurrency        varchar          ISO 4217; on a day without a charge that of the others in the period, XXX when there is none
-- column CommitmentType         varchar          Reservation or Savings Plan
-- column CommitmentOrderId      varchar          GUID in lower case of the order; null when not known
-- column CommitmentName         varchar          null when only the reservation APIs know it
-- column SkuName                varchar          such as Standard_DS2_v2; null for savings plans
-- column UsedHours              decimal(38, 18)  hours; null for savings plans and where not read
-- column ReservedHours          decimal(38, 18)  hours; null for savings plans and where not read
-- column UnusedHours            decimal(38, 18)  hours, ReservedHours - UsedHours
-- column UsedCost               decimal(38, 18)  BillingCurrency, amortised cost of what was used; null on a day without a charge
-- column UnusedCost             decimal(38, 18)  BillingCurrency, amortised cost of what was not; null on a day without a charge
-- column UtilisationBasis       varchar          Hours or Cost
-- column UtilisationRatio       decimal(38, 18)  used part, 1 is all; null when nothing was due
-- column UtilisationPercent     decimal(38, 18)  the same of 100
-- column DetailsMatchSummaries  boolean          details add up to the day's summary; null unless both were read
--
-- check: coalesce(DetailsMatchSummaries, true)
-- check: coalesce(UtilisationRatio between 0 and 1, true)
-- total: not exists (select BillingCurrency, sum(UsedCost), sum(UnusedCost) from int_commitment_daily
--        where UsedCost <> 0 or UnusedCost <> 0 group by BillingCurrency
--        except select BillingCurrency, sum(UsedCost), sum(UnusedCost) from reservation_utilisation where UsedCost is not null group by BillingCurrency)
-- total: not exists (select Account, ReservationId, UsageDate, UsedHours, ReservedHours from int_reservation_daily
--        except select Account, CommitmentId, ChargeDate, UsedHours, ReservedHours from reservation_utilisation)
with commitment as (
    select
        int_commitment_daily.Account,
        int_commitment_daily.CommitmentId,
        min(int_commitment_daily.BillingCurrency) as BillingCurrency,
        max(int_commitment_daily.CommitmentName) as CommitmentName
    from int_commitment_daily
    group by int_commitment_daily.Account, int_commitment_daily.CommitmentId
),
measured as (
    select
        coalesce(int_commitment_daily.BillingPeriodStart, int_reservation_daily.BillingPeriodStart) as BillingPeriodStart,
        coalesce(int_commitment_daily.Account, int_reservation_daily.Account) as Account,
        coalesce(int_commitment_daily.CommitmentId, int_reservation_daily.ReservationId) as CommitmentId,
        coalesce(int_commitment_daily.ChargeDate, int_reservation_daily.UsageDate) as ChargeDate,
        coalesce(int_commitment_daily.BillingCurrency, commitment.BillingCurrency, 'XXX') as BillingCurrency,
        coalesce(int_commitment_daily.CommitmentType, 'Reservation') as CommitmentType,
        coalesce(int_reservation_daily.ReservationOrderId, int_commitment_daily.CommitmentOrderId) as CommitmentOrderId,
        coalesce(int_commitment_daily.CommitmentName, commitment.CommitmentName) as CommitmentName,
        int_reservation_daily.SkuName as SkuName,
        int_reservation_daily.UsedHours as UsedHours,
        int_reservation_daily.ReservedHours as ReservedHours,
        int_commitment_daily.UsedCost as UsedCost,
        int_commitment_daily.UnusedCost as UnusedCost,
        case when int_reservation_daily.ReservedHours > 0 then 'Hours' else 'Cost' end as UtilisationBasis,
        case
            when int_reservation_daily.ResourceCount > 0 and int_reservation_daily.SummaryUsedHours is not null
                then int_reservation_daily.UsedHours = int_reservation_daily.SummaryUsedHours
                    and int_reservation_daily.ReservedHours = int_reservation_daily.SummaryReservedHours
        end as DetailsMatchSummaries
    from int_commitment_daily
    full outer join int_reservation_daily
        on int_reservation_daily.Account = int_commitment_daily.Account
        and int_reservation_daily.BillingPeriodStart = int_commitment_daily.BillingPeriodStart
        and int_reservation_daily.ReservationId = int_commitment_daily.CommitmentId
        and int_reservation_daily.UsageDate = int_commitment_daily.ChargeDate
    left join commitment
        on commitment.Account = int_reservation_daily.Account
        and commitment.CommitmentId = int_reservation_daily.ReservationId
    where int_reservation_daily.UsageDate is not null
        or int_commitment_daily.UsedCost <> 0
        or int_commitment_daily.UnusedCost <> 0
),
used as (
    select
        measured.*,
        case
            when measured.UtilisationBasis = 'Hours' then ratio(measured.UsedHours, measured.ReservedHours)
            else ratio(measured.UsedCost, cast(measured.UsedCost + measured.UnusedCost as decimal(38, 18)))
        end as UtilisationRatio
    from measured
)
select
    used.BillingPeriodStart as BillingPeriodStart,
    used.Account as Account,
    used.CommitmentId as CommitmentId,
    used.ChargeDate as ChargeDate,
    used.BillingCurrency as BillingCurrency,
    used.CommitmentType as CommitmentType,
    used.CommitmentOrderId as CommitmentOrderId,
    used.CommitmentName as CommitmentName,
    used.SkuName as SkuName,
    used.UsedHours as UsedHours,
    used.ReservedHours as ReservedHours,
    cast(used.ReservedHours - used.UsedHours as decimal(38, 18)) as UnusedHours,
    used.UsedCost as UsedCost,
    used.UnusedCost as UnusedCost,
    used.UtilisationBasis as UtilisationBasis,
    used.UtilisationRatio as UtilisationRatio,
    cast(used.UtilisationRatio * 100 as decimal(38, 18)) as UtilisationPercent,
    used.DetailsMatchSummaries as DetailsMatchSummaries
from used
