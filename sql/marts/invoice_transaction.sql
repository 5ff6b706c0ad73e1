-- invoice_transaction is a line of an invoice, or a charge that waits for its invoice, as Azure adds them up by product and section.
--
-- The lines of an invoice add up to its Subtotal, TaxAmount and TotalAmount in table invoice; cost_and_usage has the charges
-- they are made of. What waited for an invoice is left out once the month's invoice of its billing profile is there.
--
-- reads:  stg_transactions, stg_invoices
-- grain:  Account, Scope, BillingPeriodStart, IsBilled, Page, Row
-- from:   stg_transactions on Account, Scope, IsBilled, Page, Row
-- with:   stg_invoices on Account, InvoiceId
--
-- column Account              varchar          the account's name in the configuration
-- column Scope                varchar          the scope the API was asked for
-- column BillingPeriodStart   date             first day of the invoice's month, or of the month that waits for it
-- column IsBilled             boolean          stands on an invoice
-- column Page                 bigint           page the line came on
-- column Row                  bigint           row on that page
-- column TransactionId        varchar          Azure's name for the line
-- column InvoiceId            varchar          the invoice's number; null without one
-- column InvoiceDate          timestamp        UTC, when the invoice was issued; null without one
-- column TransactionDate      date             day of the charge, or the last one of the usage it adds up
-- column TransactionType      varchar          Purchase, Usage charge, Cancel, Refund …: free text
-- column TransactionKind      varchar          Reservation or Other; null when not said
-- column BillingCurrency      varchar          ISO 4217
-- column TransactionAmount    decimal(38, 18)  BillingCurrency, what is charged for the line, with tax
-- column Subtotal             decimal(38, 18)  BillingCurrency, before tax
-- column TaxAmount            decimal(38, 18)  BillingCurrency
-- column AzureCreditApplied   decimal(38, 18)  BillingCurrency, credit used for it, positive
-- column CommitmentDecrement  decimal(38, 18)  BillingCurrency, what it counts towards a consumption commitment (MACC)
-- column PricingCurrency      varchar          ISO 4217
-- column ExchangeRate         decimal(38, 18)  BillingCurrency per PricingCurrency
-- column DiscountFraction     decimal(38, 18)  0.1 is ten per cent; null without
-- column Quantity             decimal(38, 18)  how many were bought; 1 for usage
-- column ProductFamily        varchar          Compute, Storage, Marketplace …: free text
-- column ProductName          varchar          type of the product
-- column ProductDescription   varchar          the line's text
-- column PartNumber           varchar          of an enrollment; else null
-- column OrderId              varchar          of a purchase; null when not said
-- column ServicePeriodStart   date             first day it is for
-- column ServicePeriodEnd     date             the last
-- column BillingProfileId     varchar          last part of the profile's id
-- column BillingProfileName   varchar          the profile's name
-- column InvoiceSectionId     varchar          last part of the section's id; null for an enrollment
-- column InvoiceSectionName   varchar          the section's name
-- column CustomerId           varchar          a partner's customer, last part of the id
-- column CustomerName         varchar          a partner's customer
-- column SubAccountId         varchar          subscription GUID in lower case; null where the line adds up several
-- column ReasonCode           varchar          of a credit or refund; else null
--
-- check: not IsBilled or InvoiceId is not null
-- total: not exists (select BillingCurrency, count(*), sum(Subtotal), sum(TransactionAmount) from stg_transactions where IsBilled group by BillingCurrency
--        except select BillingCurrency, count(*), sum(Subtotal), sum(TransactionAmount) from invoice_transaction where IsBilled group by BillingCurrency)
with
listed as (
    -- The account's list and a billing profile's list name the same invoice.
    select
        stg_invoices.Account as Account,
        stg_invoices.InvoiceId as InvoiceId,
        min(stg_invoices.InvoiceDate) as InvoiceDate
    from stg_invoices
    group by stg_invoices.Account, stg_invoices.InvoiceId
),
monthly as (
    select distinct
        stg_invoices.Account as Account,
        stg_invoices.BillingProfileId as BillingProfileId,
        month_start(stg_invoices.InvoicePeriodStart) as BillingPeriodStart
    from stg_invoices
    where stg_invoices.IsMonthlyInvoice
        and stg_invoices.DocumentType = 'Invoice'
        and stg_invoices.InvoiceStatus is distinct from 'Void'
)
select
    stg_transactions.Account as Account,
    stg_transactions.Scope as Scope,
    stg_transactions.BillingPeriodStart as BillingPeriodStart,
    stg_transactions.IsBilled as IsBilled,
    stg_transactions.Page as Page,
    stg_transactions.Row as Row,
    stg_transactions.TransactionId as TransactionId,
    stg_transactions.InvoiceId as InvoiceId,
    listed.InvoiceDate as InvoiceDate,
    stg_transactions.TransactionDate as TransactionDate,
    stg_transactions.TransactionType as TransactionType,
    stg_transactions.TransactionKind as TransactionKind,
    stg_transactions.BillingCurrency as BillingCurrency,
    stg_transactions.TransactionAmount as TransactionAmount,
    stg_transactions.Subtotal as Subtotal,
    stg_transactions.TaxAmount as TaxAmount,
    stg_transactions.AzureCreditApplied as AzureCreditApplied,
    stg_transactions.CommitmentDecrement as CommitmentDecrement,
    stg_transactions.PricingCurrency as PricingCurrency,
    stg_transactions.ExchangeRate as ExchangeRate,
    stg_transactions.DiscountFraction as DiscountFraction,
    stg_transactions.Quantity as Quantity,
    stg_transactions.ProductFamily as ProductFamily,
    stg_transactions.ProductName as ProductName,
    stg_transactions.ProductDescription as ProductDescription,
    stg_transactions.PartNumber as PartNumber,
    stg_transactions.OrderId as OrderId,
    stg_transactions.ServicePeriodStart as ServicePeriodStart,
    stg_transactions.ServicePeriodEnd as ServicePeriodEnd,
    stg_transactions.BillingProfileId as BillingProfileId,
    stg_transactions.BillingProfileName as BillingProfileName,
    stg_transactions.InvoiceSectionId as InvoiceSectionId,
    stg_transactions.InvoiceSectionName as InvoiceSectionName,
    stg_transactions.CustomerId as CustomerId,
    stg_transactions.CustomerName as CustomerName,
    stg_transactions.SubAccountId as SubAccountId,
    stg_transactions.ReasonCode as ReasonCode
from stg_transactions
left join listed
    on listed.Account = stg_transactions.Account
    and listed.InvoiceId = stg_transactions.InvoiceId
left join monthly
    on monthly.Account = stg_transactions.Account
    and monthly.BillingProfileId = stg_transactions.BillingProfileId
    and monthly.BillingPeriodStart = stg_transactions.BillingPeriodStart
where stg_transactions.IsBilled
    or monthly.Account is null
