-- credit is a prepayment, a credit or a commitment to consume, with what is left of it.
--
-- A commitment (MACC) is no money paid: what is left of it is still to be consumed. Balances are those after the last invoice; credit_event
-- has what led to them, and what is not billed yet. CreditStatus is Microsoft's where it is served, else it follows from balance and date.
-- The prepayment of an enrollment is in balance.
--
-- reads:  stg_lots, run_context
-- grain:  Account, CreditId
-- from:   stg_lots on Account where stg_lots.LotId = credit.CreditId
--
-- column Account              varchar          the account's name in the configuration
-- column CreditId             varchar          ARM id in lower case
-- column CreditName           varchar          the last part of the id, which credit_event.CreditName has for commitments
-- column CreditSource         varchar          PurchasedCredit, PromotionalCredit, ConsumptionCommitment …
-- column IsCommitment         boolean          it is to be consumed rather than paid with
-- column CreditStatus         varchar          Active, Inactive, Expired, Complete or Canceled
-- column BillingProfileId     varchar          the billing profile's code; null for what the whole account has
-- column CustomerId           varchar          a partner's customer
-- column StartDate            date             first day
-- column ExpirationDate       date             the day it expires
-- column PurchasedDate        date             the day it was bought; null for credits
-- column PurchaseOrderNumber  varchar          of the buyer
-- column CreditCurrency       varchar          ISO 4217
-- column OriginalAmount       decimal(38, 18)  CreditCurrency, what it began with
-- column ClosedBalance        decimal(38, 18)  CreditCurrency, what was left after the last invoice
-- column UsedAmount           decimal(38, 18)  CreditCurrency, OriginalAmount less ClosedBalance: used, expired or taken back
-- column BillingCurrency      varchar          ISO 4217, currency of the invoice
-- column ExchangeRate         decimal(38, 18)  BillingCurrency per CreditCurrency; null where they are the same or it is not served
-- column IsEstimated          boolean          the balance is an estimate; null where it is not said
--
-- check: coalesce(ClosedBalance <= OriginalAmount, true)
-- total: (select count(*) from credit) = (select count(*) from (select distinct Account, LotId from stg_lots) as lots)
-- total: not exists (select Account, CreditId, CreditCurrency, OriginalAmount, ClosedBalance from credit
--        except select Account, LotId, CreditCurrency, OriginalAmount, ClosedBalance from stg_lots)
with
listed as (
    -- The account and one of its billing profiles may list the same lot.
    select
        stg_lots.*,
        row_number() over (partition by stg_lots.Account, stg_lots.LotId order by stg_lots.Dataset, stg_lots.Scope, stg_lots.Page, stg_lots.Row) as Listing
    from stg_lots
)
select
    listed.Account as Account,
    listed.LotId as CreditId,
    listed.LotName as CreditName,
    listed.LotSource as CreditSource,
    coalesce(lower(listed.LotSource) = 'consumptioncommitment', listed.Dataset = 'commitment') as IsCommitment,
    case
        when listed.LotStatus is not null and lower(listed.LotStatus) <> 'none' then listed.LotStatus
        when listed.ExpirationDate < run_context.RunDate then 'Expired'
        when listed.ClosedBalance = 0 then 'Complete'
        when listed.StartDate > run_context.RunDate then 'Inactive'
        else 'Active'
    end as CreditStatus,
    listed.BillingProfileId as BillingProfileId,
    listed.CustomerId as CustomerId,
    listed.StartDate as StartDate,
    listed.ExpirationDate as ExpirationDate,
    listed.PurchasedDate as PurchasedDate,
    listed.PurchaseOrderNumber as PurchaseOrderNumber,
    listed.CreditCurrency as CreditCurrency,
    listed.OriginalAmount as OriginalAmount,
    listed.ClosedBalance as ClosedBalance,
    listed.OriginalAmount - listed.ClosedBalance as UsedAmount,
    listed.BillingCurrency as BillingCurrency,
    listed.ExchangeRate as ExchangeRate,
    listed.IsEstimated as IsEstimated
from listed
cross join run_context
where listed.Listing = 1
