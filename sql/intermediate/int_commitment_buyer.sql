-- int_commitment_buyer is who bought a reservation or savings plan, by its purchases in the cost records.
--
-- The owner of the purchase is the buyer, in whatever month that was: of several purchases with an owner the first counts. Purchases
-- and unused hours do not always name the commitment alike, so it is known by its order.
--
-- reads:  int_owner_daily
-- grain:  CommitmentOrderId
--
-- column CommitmentOrderId  varchar  the order in the commitment's ARM id, in lower case
-- column CostOwner          varchar  who bought
--
-- total: (select count(*) from int_commitment_buyer) <= (select count(*) from int_owner_daily where AllocationKind = 'CommitmentPurchase')
with purchase as (
    select
        regexp_extract(int_owner_daily.CommitmentDiscountId, '/(?:reservationorders|savingsplanorders)/([^/]+)', 1) as CommitmentOrderId,
        int_owner_daily.CostOwner as CostOwner,
        int_owner_daily.ChargeDate as ChargeDate
    from int_owner_daily
    where int_owner_daily.AllocationKind = 'CommitmentPurchase'
        and int_owner_daily.CostOwner <> 'Unallocated'
        and int_owner_daily.CommitmentDiscountId <> ''
),
ranked as (
    select
        purchase.CommitmentOrderId as CommitmentOrderId,
        purchase.CostOwner as CostOwner,
        row_number() over (partition by purchase.CommitmentOrderId order by purchase.ChargeDate, purchase.CostOwner) as PurchaseRank
    from purchase
    where purchase.CommitmentOrderId <> ''
)
select
    ranked.CommitmentOrderId as CommitmentOrderId,
    ranked.CostOwner as CostOwner
from ranked
where ranked.PurchaseRank = 1
