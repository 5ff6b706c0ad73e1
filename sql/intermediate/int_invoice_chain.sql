-- int_invoice_chain is a billing document that another one took the place of, and the one that counts in the end.
--
-- When a bill is made anew Azure voids the invoice, issues a credit note over it, and a new invoice. The voided one names its
-- replacement, the credit note the voided one, and the new invoice both of them, and those before them, in its rebill details. In
-- practice only the new invoice is listed, so a document can stand here that the API does not list; charges can still name it.
--
-- A document that is listed and owed is not replaced, whoever names it, and a credit note over one stands alone. Chains of up to eight documents are followed to their end.
--
-- reads:  stg_invoices
-- grain:  Account, InvoiceId
--
-- column Account         varchar  the account's name in the configuration
-- column InvoiceId       varchar  the document that was replaced, or the credit note
-- column NextInvoiceId   varchar  the document it leads to: the replacement, or what the credit note takes back
-- column FinalInvoiceId  varchar  the last of the chain, whose charges these are
--
-- check: InvoiceId <> NextInvoiceId
-- total: not exists (select Account, InvoiceId from stg_invoices where InvoiceStatus = 'Void' and BilledDocumentId <> InvoiceId
--        except select Account, InvoiceId from int_invoice_chain)
with
listed as (
    select
        stg_invoices.Account as Account,
        stg_invoices.InvoiceId as InvoiceId,
        min(case
            when stg_invoices.InvoiceStatus = 'Void'
                or (stg_invoices.DocumentType = 'CreditNote' and stg_invoices.CreditForDocumentId is not null) then 0
            else 1
        end) as OwedCount
    from stg_invoices
    group by 1, 2
),
rebilled as (
    select
        stg_invoices.Account as Account,
        stg_invoices.InvoiceId as InvoiceId,
        stg_invoices.RebillDetails as Details
    from stg_invoices
    where stg_invoices.RebillDetails is not null
    union all
    select
        stg_invoices.Account,
        stg_invoices.InvoiceId,
        json_value_text(stg_invoices.RebillDetails, 'rebillDetails')
    from stg_invoices
    where stg_invoices.RebillDetails is not null
    union all
    select
        stg_invoices.Account,
        stg_invoices.InvoiceId,
        json_value_text(json_value_text(stg_invoices.RebillDetails, 'rebillDetails'), 'rebillDetails')
    from stg_invoices
    where stg_invoices.RebillDetails is not null
),
named as (
    select
        stg_invoices.Account as Account,
        stg_invoices.InvoiceId as InvoiceId,
        stg_invoices.BilledDocumentId as NextInvoiceId,
        1 as Preference
    from stg_invoices
    where stg_invoices.InvoiceStatus = 'Void'
    union all
    select
        stg_invoices.Account,
        stg_invoices.InvoiceId,
        stg_invoices.CreditForDocumentId,
        2
    from stg_invoices
    where stg_invoices.DocumentType = 'CreditNote'
    union all
    select
        rebilled.Account,
        regexp_extract(json_value_text(rebilled.Details, 'invoiceDocumentId'), '([^/]*)$', 1),
        rebilled.InvoiceId,
        3
    from rebilled
    union all
    select
        rebilled.Account,
        regexp_extract(json_value_text(rebilled.Details, 'creditNoteDocumentId'), '([^/]*)$', 1),
        rebilled.InvoiceId,
        3
    from rebilled
),
link as (
    select
        named.Account as Account,
        named.InvoiceId as InvoiceId,
        named.NextInvoiceId as NextInvoiceId,
        row_number() over (partition by named.Account, named.InvoiceId order by named.Preference, named.NextInvoiceId) as Place
    from named
    left join listed
        on listed.Account = named.Account
        and listed.InvoiceId = named.InvoiceId
    left join listed as credited
        on credited.Account = named.Account
        and credited.InvoiceId = named.NextInvoiceId
        and named.Preference = 2
    where named.InvoiceId <> ''
        and named.NextInvoiceId <> ''
        and named.NextInvoiceId <> named.InvoiceId
        and coalesce(listed.OwedCount, 0) = 0
        and coalesce(credited.OwedCount, 0) = 0
),
one as (
    select
        link.Account as Account,
        link.InvoiceId as InvoiceId,
        link.NextInvoiceId as NextInvoiceId
    from link
    where link.Place = 1
),
two as (
    select
        one.Account as Account,
        one.InvoiceId as InvoiceId,
        coalesce(further.NextInvoiceId, one.NextInvoiceId) as FinalInvoiceId
    from one
    left join one as further
        on further.Account = one.Account
        and further.InvoiceId = one.NextInvoiceId
),
four as (
    select
        two.Account as Account,
        two.InvoiceId as InvoiceId,
        coalesce(further.FinalInvoiceId, two.FinalInvoiceId) as FinalInvoiceId
    from two
    left join two as further
        on further.Account = two.Account
        and further.InvoiceId = two.FinalInvoiceId
),
eight as (
    select
        four.Account as Account,
        four.InvoiceId as InvoiceId,
        coalesce(further.FinalInvoiceId, four.FinalInvoiceId) as FinalInvoiceId
    from four
    left join four as further
        on further.Account = four.Account
        and further.InvoiceId = four.FinalInvoiceId
)
select
    one.Account as Account,
    one.InvoiceId as InvoiceId,
    one.NextInvoiceId as NextInvoiceId,
    eight.FinalInvoiceId as FinalInvoiceId
from one
inner join eight
    on eight.Account = one.Account
    and eight.InvoiceId = one.InvoiceId
