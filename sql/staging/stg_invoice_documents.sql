-- stg_invoice_documents is a document that an invoice offers, with the file the lake has of it and the total its text states.
--
-- What cannot be read has no total and says why. The currency is null where the text has it not beside the total.
--
-- reads:  raw_invoice_documents
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input invoice   varchar
-- input document  varchar
-- input kind      varchar
-- input source    varchar
-- input path      varchar
-- input sha256    varchar
-- input bytes     bigint
-- input pages     bigint
-- input readable  boolean
-- input total     decimal(38, 18)
-- input currency  varchar
-- input reason    varchar
--
-- column Account             varchar          the account's name in the configuration
-- column Scope               varchar          the scope the API was asked for
-- column BillingPeriodStart  date             first day of the invoice's month
-- column Page                bigint           1
-- column Row                 bigint           row of the document in its month
-- column InvoiceId           varchar          the invoice's number
-- column DocumentName        varchar          the document's own, or its kind's
-- column DocumentKind        varchar          Invoice, VoidNote, CreditNote, TaxReceipt, Summary or Transactions
-- column DocumentSource      varchar          DRS or ENF: where Microsoft keeps it; null when not said
-- column DocumentPath        varchar          in the lake; null without a file
-- column SHA256              varchar          of the file, in hex
-- column DocumentBytes       bigint           size of the file
-- column PageCount           bigint           pages of the document; null when it could not be opened
-- column IsReadable          boolean          a total was found in its text
-- column DocumentTotal       decimal(38, 18)  DocumentCurrency, the total in the text
-- column DocumentCurrency    varchar          ISO 4217, as it stands beside the total
-- column Reason              varchar          why there is no file or no total
--
-- total: (select count(*) from stg_invoice_documents) = (select count(*) from raw_invoice_documents)
-- total: coalesce((select sum(DocumentTotal) from stg_invoice_documents), 0) = coalesce((select sum(total) from raw_invoice_documents), 0)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    invoice as InvoiceId,
    document as DocumentName,
    nullif(kind, '') as DocumentKind,
    nullif(source, '') as DocumentSource,
    path as DocumentPath,
    sha256 as SHA256,
    bytes as DocumentBytes,
    pages as PageCount,
    readable as IsReadable,
    total as DocumentTotal,
    nullif(currency, '') as DocumentCurrency,
    nullif(reason, '') as Reason
from raw_invoice_documents
