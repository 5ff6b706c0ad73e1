-- invoice_document is a printed document of an invoice, with its total held against the amount of the billing API.
--
-- Result says what came of it: matches, differs, not readable (scanned, locked or damaged, or no total found: then nothing was
-- compared), not compared (it states no total, or the API states no amount), or no document. Printed amounts have
-- two decimals, so an amount that the API states with more is compared to the cent. A credit note is printed without its sign
-- by some. Every invoice of the API has a row; DocumentName is none where the lake has no document of it.
--
-- reads:  stg_invoice_documents, stg_invoices
-- grain:  Account, InvoiceId, DocumentKind, DocumentName
-- from:   stg_invoice_documents on Account, InvoiceId, DocumentName
-- with:   stg_invoices on Account, InvoiceId
--
-- column Account             varchar          the account's name in the configuration
-- column InvoiceId           varchar          the invoice's number
-- column DocumentKind        varchar          Invoice, VoidNote, CreditNote, TaxReceipt, Summary or Transactions; Invoice when not said
-- column DocumentName        varchar          the document's own, or its kind's; none without a document
-- column InvoicePeriodStart  date             first day of the invoiced period
-- column InvoiceDate         timestamp        UTC, when the invoice was issued
-- column DocumentPath        varchar          in the lake; null without a file
-- column SHA256              varchar          of the file, in hex
-- column PageCount           bigint           pages of the document
-- column BillingCurrency     varchar          ISO 4217, of the API's amount
-- column DocumentCurrency    varchar          ISO 4217, as it stands beside the printed total; null when it does not
-- column DocumentTotal       decimal(38, 18)  the printed total; null when it could not be read
-- column TotalAmount         decimal(38, 18)  BillingCurrency, the API's amount; null when it states none
-- column Difference          decimal(38, 18)  BillingCurrency, DocumentTotal less TotalAmount; null when either is unknown or currencies differ
-- column Result              varchar          matches, differs, not readable, not compared or no document
-- column Reason              varchar          why there is no document, or no total; null when compared
--
-- check: Result in ('matches', 'differs', 'not readable', 'not compared', 'no document')
-- check: Result <> 'matches' or (DocumentTotal is not null and TotalAmount is not null and DocumentPath is not null)
-- check: Result <> 'matches' or abs(Difference) < 0.005
-- total: not exists (select Account, InvoiceId from stg_invoices except select Account, InvoiceId from invoice_document)
-- total: not exists (select Account, InvoiceId, DocumentName, SHA256 from stg_invoice_documents except select Account, InvoiceId, DocumentName, SHA256 from invoice_document)
with
listed as (
    -- The account's list and a billing profile's list name the same invoice.
    select
        stg_invoices.*,
        row_number() over (
            partition by stg_invoices.Account, stg_invoices.InvoiceId
            order by stg_invoices.Scope, stg_invoices.Page, stg_invoices.Row
        ) as Occurrence
    from stg_invoices
),
invoices as (
    select
        listed.Account as Account,
        listed.InvoiceId as InvoiceId,
        listed.InvoicePeriodStart as InvoicePeriodStart,
        listed.InvoiceDate as InvoiceDate,
        listed.BillingCurrency as BillingCurrency,
        listed.TotalAmount as TotalAmount
    from listed
    where listed.Occurrence = 1
),
brought as (
    select
        stg_invoice_documents.*,
        row_number() over (
            partition by stg_invoice_documents.Account, stg_invoice_documents.InvoiceId,
                coalesce(stg_invoice_documents.DocumentKind, 'Invoice'), stg_invoice_documents.DocumentName
            order by stg_invoice_documents.Scope, stg_invoice_documents.BillingPeriodStart desc, stg_invoice_documents.Row
        ) as Occurrence
    from stg_invoice_documents
),
documents as (
    select * from brought where brought.Occurrence = 1
),
paired as (
    select
        coalesce(invoices.Account, documents.Account) as Account,
        coalesce(invoices.InvoiceId, documents.InvoiceId) as InvoiceId,
        coalesce(documents.DocumentKind, 'Invoice') as DocumentKind,
        coalesce(documents.DocumentName, 'none') as DocumentName,
        coalesce(invoices.InvoicePeriodStart, documents.BillingPeriodStart) as InvoicePeriodStart,
        invoices.InvoiceDate as InvoiceDate,
        documents.DocumentPath as DocumentPath,
        documents.SHA256 as SHA256,
        documents.PageCount as PageCount,
        invoices.BillingCurrency as BillingCurrency,
        documents.DocumentCurrency as DocumentCurrency,
        documents.DocumentTotal as DocumentTotal,
        invoices.TotalAmount as TotalAmount,
        case
            when coalesce(documents.DocumentCurrency, invoices.BillingCurrency) <> invoices.BillingCurrency then cast(null as decimal(38, 18))
            when documents.DocumentKind = 'CreditNote' then abs(documents.DocumentTotal) - abs(invoices.TotalAmount)
            else documents.DocumentTotal - invoices.TotalAmount
        end as Difference,
        case
            when documents.DocumentName is null then 'none was copied: the invoice offers none, or is older than the months that are read'
            else documents.Reason
        end as Reason
    from invoices
    full outer join documents
        on documents.Account = invoices.Account
        and documents.InvoiceId = invoices.InvoiceId
)
select
    paired.Account as Account,
    paired.InvoiceId as InvoiceId,
    paired.DocumentKind as DocumentKind,
    paired.DocumentName as DocumentName,
    paired.InvoicePeriodStart as InvoicePeriodStart,
    paired.InvoiceDate as InvoiceDate,
    paired.DocumentPath as DocumentPath,
    paired.SHA256 as SHA256,
    paired.PageCount as PageCount,
    paired.BillingCurrency as BillingCurrency,
    paired.DocumentCurrency as DocumentCurrency,
    paired.DocumentTotal as DocumentTotal,
    paired.TotalAmount as TotalAmount,
    cast(paired.Difference as decimal(38, 18)) as Difference,
    case
        when paired.DocumentKind = 'Transactions' then 'not compared'
        when paired.DocumentPath is null then 'no document'
        when paired.DocumentKind not in ('Invoice', 'CreditNote', 'VoidNote') then 'not compared'
        when paired.DocumentTotal is null then 'not readable'
        when paired.TotalAmount is null then 'not compared'
        when abs(paired.Difference) < 0.005 then 'matches'
        else 'differs'
    end as Result,
    paired.Reason as Reason
from paired
