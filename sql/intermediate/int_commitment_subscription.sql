-- int_commitment_subscription is the subscription that bought a reservation, by the records of reservation purchases.
--
-- They name the subscription even where no cost record of the purchase is at hand, as for what was bought before the history began.
--
-- reads:  reservation_transaction
-- grain:  CommitmentOrderId
--
-- column CommitmentOrderId  varchar  reservation order, GUID in lower case
-- column SubAccountId       varchar  GUID in lower case of the subscription of its first purchase
--
-- check: SubAccountId <> ''
-- total: (select count(*) from int_commitment_subscription) = (select count(distinct CommitmentOrderId) from reservation_transaction
--        where EventType = 'Purchase' and CommitmentOrderId <> '' and SubAccountId <> '')
with ranked as (
    select
        reservation_transaction.CommitmentOrderId as CommitmentOrderId,
        reservation_transaction.SubAccountId as SubAccountId,
        row_number() over (
            partition by reservation_transaction.CommitmentOrderId
            order by reservation_transaction.EventAt, reservation_transaction.SubAccountId
        ) as EventRank
    from reservation_transaction
    where reservation_transaction.EventType = 'Purchase'
        and reservation_transaction.CommitmentOrderId <> ''
        and reservation_transaction.SubAccountId <> ''
)
select
    ranked.CommitmentOrderId as CommitmentOrderId,
    ranked.SubAccountId as SubAccountId
from ranked
where ranked.EventRank = 1
