-- reservation is one reservation or savings plan, as far as its charges and the reservation APIs tell of it.
--
-- Nothing says when a commitment ends, so first and last day are those on which it was seen in the periods at hand. Costs are
-- of those periods too, so a commitment bought before them shows no purchase. An enrollment's purchase can name only the order:
-- it is counted with the order's reservation, or keeps a row under the order's own id when the order has several or none is known.
--
-- reads:  int_commitment_daily, int_reservation_daily
-- grain:  Account, CommitmentId, BillingCurrency
-- from:   int_commitment_daily on Account, BillingCurrency
--         where int_commitment_daily.CommitmentId in (reservation.CommitmentId, reservation.CommitmentOrderId)
-- from:   int_reservation_daily on Account where int_reservation_daily.ReservationId = reservation.CommitmentId
--
-- column Account                varchar          the account's name in the configuration
-- column CommitmentId           varchar          GUID in lower case of the reservation or savings plan
-- column BillingCurrency        varchar          ISO 4217; XXX when it has hours and no charge
-- column CommitmentType         varchar          Reservation or Savings Plan
-- column CommitmentOrderId      varchar          GUID in lower case of the order; null when not known
-- column CommitmentName         varchar          null when only the reservation APIs know it
-- column SkuName                varchar          such as Standard_DS2_v2; null for savings plans
-- column Term                   varchar          as served, such as 12 or 36 months; null when not said
-- column TotalReservedQuantity  decimal(38, 18)  instances, the most seen; null for savings plans
-- column FirstDate              date             first day it was seen
-- column LastDate               date             last day it was seen
-- column FirstPurchaseDate      date             first day something was paid for it; null when not in the periods at hand
-- column PurchaseCost           decimal(38, 18)  BillingCurrency, billed
-- column RefundCost             decimal(38, 18)  BillingCurrency, given back, negative
-- column UsedCost               decimal(38, 18)  BillingCurrency, amortised cost of what was used
-- column UnusedCost             decimal(38, 18)  BillingCurrency, amortised cost of what was not
-- column UsedHours              decimal(38, 18)  hours; null for savings plans and where not read
-- column ReservedHours          decimal(38, 18)  hours; null for savings plans and where not read
-- column UtilisationRatio       decimal(38, 18)  used part of the hours, without hours of the amortised cost; 1 is all; null when nothing was due
--
-- total: not exists (select BillingCurrency, sum(PurchaseCost), sum(RefundCost), sum(UsedCost), sum(UnusedCost) from int_commitment_daily group by BillingCurrency
--        except select BillingCurrency, sum(PurchaseCost), sum(RefundCost), sum(UsedCost), sum(UnusedCost) from reservation group by BillingCurrency)
-- total: not exists (select Account, ReservationId, sum(UsedHours), sum(ReservedHours) from int_reservation_daily group by Account, ReservationId
--        except select Account, CommitmentId, UsedHours, ReservedHours from reservation)
with known as (
    select
        int_commitment_daily.Account,
        int_commitment_daily.CommitmentOrderId as OrderId,
        int_commitment_daily.CommitmentId
    from int_commitment_daily
    where int_commitment_daily.CommitmentId <> int_commitment_daily.CommitmentOrderId
    union
    select
        int_reservation_daily.Account,
        int_reservation_daily.ReservationOrderId,
        int_reservation_daily.ReservationId
    from int_reservation_daily
    where int_reservation_daily.ReservationOrderId is not null
),
only_one as (
    select
        known.Account,
        known.OrderId,
        min(known.CommitmentId) as CommitmentId
    from known
    group by known.Account, known.OrderId
    having count(*) = 1
),
charged as (
    select
        int_commitment_daily.Account,
        coalesce(only_one.CommitmentId, int_commitment_daily.CommitmentId) as CommitmentId,
        int_commitment_daily.BillingCurrency,
        max(int_commitment_daily.CommitmentType) as CommitmentType,
        max(int_commitment_daily.CommitmentOrderId) as CommitmentOrderId,
        max(int_commitment_daily.CommitmentName) as CommitmentName,
        max(int_commitment_daily.Term) as Term,
        min(int_commitment_daily.ChargeDate) as FirstDate,
        max(int_commitment_daily.ChargeDate) as LastDate,
        min(int_commitment_daily.ChargeDate) filter (where int_commitment_daily.PurchaseCost <> 0) as FirstPurchaseDate,
        sum(int_commitment_daily.PurchaseCost) as PurchaseCost,
        sum(int_commitment_daily.RefundCost) as RefundCost,
        sum(int_commitment_daily.UsedCost) as UsedCost,
        sum(int_commitment_daily.UnusedCost) as UnusedCost
    from int_commitment_daily
    left join only_one
        on only_one.Account = int_commitment_daily.Account
        and only_one.OrderId = int_commitment_daily.CommitmentId
    group by 1, 2, 3
),
measured as (
    select
        int_reservation_daily.Account,
        int_reservation_daily.ReservationId,
        max(int_reservation_daily.ReservationOrderId) as ReservationOrderId,
        max(int_reservation_daily.SkuName) as SkuName,
        max(int_reservation_daily.TotalReservedQuantity) as TotalReservedQuantity,
        min(int_reservation_daily.UsageDate) as FirstDate,
        max(int_reservation_daily.UsageDate) as LastDate,
        sum(int_reservation_daily.UsedHours) as UsedHours,
        sum(int_reservation_daily.ReservedHours) as ReservedHours
    from int_reservation_daily
    group by int_reservation_daily.Account, int_reservation_daily.ReservationId
)
select
    coalesce(charged.Account, measured.Account) as Account,
    coalesce(charged.CommitmentId, measured.ReservationId) as CommitmentId,
    coalesce(charged.BillingCurrency, 'XXX') as BillingCurrency,
    coalesce(charged.CommitmentType, 'Reservation') as CommitmentType,
    coalesce(measured.ReservationOrderId, charged.CommitmentOrderId) as CommitmentOrderId,
    charged.CommitmentName as CommitmentName,
    measured.SkuName as SkuName,
    charged.Term as Term,
    measured.TotalReservedQuantity as TotalReservedQuantity,
    case
        when charged.FirstDate < measured.FirstDate then charged.FirstDate
        else coalesce(measured.FirstDate, charged.FirstDate)
    end as FirstDate,
    case
        when charged.LastDate > measured.LastDate then charged.LastDate
        else coalesce(measured.LastDate, charged.LastDate)
    end as LastDate,
    charged.FirstPurchaseDate as FirstPurchaseDate,
    cast(coalesce(charged.PurchaseCost, 0) as decimal(38, 18)) as PurchaseCost,
    cast(coalesce(charged.RefundCost, 0) as decimal(38, 18)) as RefundCost,
    cast(coalesce(charged.UsedCost, 0) as decimal(38, 18)) as UsedCost,
    cast(coalesce(charged.UnusedCost, 0) as decimal(38, 18)) as UnusedCost,
    cast(measured.UsedHours as decimal(38, 18)) as UsedHours,
    cast(measured.ReservedHours as decimal(38, 18)) as ReservedHours,
    case
        when measured.ReservedHours > 0
            then ratio(cast(measured.UsedHours as decimal(38, 18)), cast(measured.ReservedHours as decimal(38, 18)))
        else ratio(
            cast(coalesce(charged.UsedCost, 0) as decimal(38, 18)),
            cast(coalesce(charged.UsedCost, 0) + coalesce(charged.UnusedCost, 0) as decimal(38, 18))
        )
    end as UtilisationRatio
from charged
full outer join measured
    on measured.Account = charged.Account
    and measured.ReservationId = charged.CommitmentId
