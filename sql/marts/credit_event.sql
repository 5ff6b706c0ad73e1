-- credit_event is a change of a credit or a commitment, with the balance after it.
--
-- A commitment's events have a balance of the commitment; a credit's have one of all credits of the billing profile, and do not name which.
-- Pending events are not billed yet: they change from day to day, and Microsoft estimates their balance.
--
-- reads:  stg_events
-- grain:  Account, EventId
--
-- column Account           varchar          the account's name in the configuration
-- column EventId           varchar          ARM id in lower case
-- column EventDate         date             the day
-- column EventType         varchar          NewCredit, SettledCharges, PendingCharges …
-- column EventDescription  varchar          in Microsoft's words
-- column IsPending         boolean          it is not billed yet
-- column InvoiceId         varchar          the invoice that has it; null for what is not billed yet
-- column BillingProfileId  varchar          the billing profile's code
-- column CreditName        varchar          the commitment, as in credit; null for credits
-- column IsCommitment      boolean          it is of a commitment to consume
-- column CreditCurrency    varchar          ISO 4217
-- column NewCredit         decimal(38, 18)  CreditCurrency, added; 0 where there is none
-- column Adjustments       decimal(38, 18)  CreditCurrency, corrections; 0 where there are none
-- column Charges           decimal(38, 18)  CreditCurrency, taken off for charges; 0 where there are none
-- column ExpiredCredit     decimal(38, 18)  CreditCurrency, expired; 0 where there is none
-- column CanceledCredit    decimal(38, 18)  CreditCurrency, taken back; 0 where there is none
-- column BalanceChange     decimal(38, 18)  CreditCurrency, NewCredit + Adjustments - Charges - ExpiredCredit - CanceledCredit
-- column ClosedBalance     decimal(38, 18)  CreditCurrency, left after the event
--
-- check: BalanceChange = NewCredit + Adjustments - Charges - ExpiredCredit - CanceledCredit
-- total: (select count(*) from credit_event) = (select count(*) from (select distinct Account, EventId from stg_events) as events)
-- total: not exists (select Account, EventId, NewCredit, Charges from credit_event
--        except select Account, EventId, coalesce(NewCredit, 0), coalesce(Charges, 0) from stg_events)
with
listed as (
    -- An event that moved to another day may stand in two months until the earlier one is read again: the later month has it now.
    select
        stg_events.Account as Account,
        stg_events.EventId as EventId,
        stg_events.EventDate as EventDate,
        stg_events.EventType as EventType,
        stg_events.EventDescription as EventDescription,
        stg_events.IsPending as IsPending,
        stg_events.InvoiceId as InvoiceId,
        stg_events.BillingProfileId as BillingProfileId,
        stg_events.LotName as LotName,
        stg_events.Dataset as Dataset,
        stg_events.CreditCurrency as CreditCurrency,
        coalesce(stg_events.NewCredit, 0) as NewCredit,
        coalesce(stg_events.Adjustments, 0) as Adjustments,
        coalesce(stg_events.Charges, 0) as Charges,
        coalesce(stg_events.ExpiredCredit, 0) as ExpiredCredit,
        coalesce(stg_events.CanceledCredit, 0) as CanceledCredit,
        stg_events.ClosedBalance as ClosedBalance,
        row_number() over (partition by stg_events.Account, stg_events.EventId
            order by stg_events.BillingPeriod desc, stg_events.Scope, stg_events.Page, stg_events.Row) as Listing
    from stg_events
)
select
    listed.Account as Account,
    listed.EventId as EventId,
    listed.EventDate as EventDate,
    listed.EventType as EventType,
    listed.EventDescription as EventDescription,
    listed.IsPending as IsPending,
    listed.InvoiceId as InvoiceId,
    listed.BillingProfileId as BillingProfileId,
    listed.LotName as CreditName,
    listed.Dataset = 'commitment' as IsCommitment,
    listed.CreditCurrency as CreditCurrency,
    listed.NewCredit as NewCredit,
    listed.Adjustments as Adjustments,
    listed.Charges as Charges,
    listed.ExpiredCredit as ExpiredCredit,
    listed.CanceledCredit as CanceledCredit,
    listed.NewCredit + listed.Adjustments - listed.Charges - listed.ExpiredCredit - listed.CanceledCredit as BalanceChange,
    listed.ClosedBalance as ClosedBalance
from listed
where listed.Listing = 1
