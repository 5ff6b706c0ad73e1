-- invoice_reconciliation is one invoice's way from its charges to its total, one component a row.
--
-- Usage, Marketplace, Purchase, Refund, Rounding, LateCharge, SupportPlan and Other are added up from the cost records. Credit,
-- Prepayment and Tax are never in cost records and come from the invoice. What is left is Unexplained, so the amounts of an
-- invoice add up to its total to the last digit.
--
-- creditAmount repeats the refunds for some invoices, where billedAmount leaves them out, and stands beside them for others.
-- Whichever of the two comes closer to billedAmount, the charges with or without the refunds, decides; in the first
-- case Credit is only what the refunds do not already hold.
--
-- A period that can still change is Estimated. An invoice without any cost record is NoCostData: Unexplained then holds all it
-- bills. Void is a voided invoice, or the credit note that takes it back. Charges whose invoice is not there are NoInvoice once
-- their period is closed. Without amounts on the invoice (NoAmounts) there is nothing to explain and no Unexplained row.
--
-- reads:  invoice, int_invoice_component
-- grain:  Account, InvoiceId, BillingCurrency, Component
--
-- column Account             varchar          the account's name in the configuration
-- column InvoiceId           varchar          as in invoice
-- column BillingCurrency     varchar          ISO 4217
-- column Component           varchar          Usage, Marketplace, Purchase, Refund, Rounding, LateCharge, SupportPlan, Other, Credit, Prepayment, Tax or Unexplained
-- column ComponentOrder      bigint           place in the waterfall, from 1
-- column InvoiceKind         varchar          as in invoice
-- column InvoicePeriodStart  date             first day of the invoiced period
-- column InvoicePeriodEnd    date             the day after the last
-- column Amount              decimal(38, 18)  BillingCurrency, this component's part of TotalAmount
-- column CalculatedAmount    decimal(38, 18)  BillingCurrency, as the cost records have it; null for what they never hold
-- column InvoicedAmount      decimal(38, 18)  BillingCurrency, as the invoice or balance states this component; null where it does not
-- column TotalAmount         decimal(38, 18)  BillingCurrency, of the whole invoice; of charges without an invoice, their sum; null when not stated
-- column Tolerance           decimal(38, 18)  BillingCurrency, what rounding may leave unexplained
-- column Status              varchar          of the whole invoice: Reconciled, Unexplained, NoCostData, Estimated, Void, NoInvoice or NoAmounts
-- column IsUnexplained       boolean          of the whole invoice: its charges are not what it bills, or there are none; Status is Unexplained or NoCostData
--
-- total: not exists (select Account, InvoiceId, BillingCurrency, TotalAmount from invoice where IsCounted and TotalAmount is not null
--        except select Account, InvoiceId, BillingCurrency, sum(Amount) from invoice_reconciliation group by Account, InvoiceId, BillingCurrency)
-- total: not exists (select BillingCurrency, sum(CalculatedAmount) from int_invoice_component group by BillingCurrency
--        except select BillingCurrency, sum(CalculatedAmount) from invoice_reconciliation where CalculatedAmount is not null group by BillingCurrency)
with calculated as (
    select
        int_invoice_component.Account,
        int_invoice_component.InvoiceId,
        int_invoice_component.BillingCurrency,
        sum(int_invoice_component.CalculatedAmount) as CalculatedAmount,
        coalesce(sum(int_invoice_component.CalculatedAmount) filter (where int_invoice_component.Component = 'Refund'), 0) as Refund,
        count_if(int_invoice_component.Component = 'Rounding') as RoundingCount,
        sum(int_invoice_component.LineCount) as LineCount
    from int_invoice_component
    group by int_invoice_component.Account, int_invoice_component.InvoiceId, int_invoice_component.BillingCurrency
),
counted as (
    select
        invoice.Account,
        invoice.InvoiceId,
        invoice.BillingCurrency,
        invoice.InvoiceKind,
        invoice.InvoiceStatus,
        invoice.DocumentType,
        invoice.CreditForDocumentId,
        invoice.InvoicePeriodStart,
        invoice.InvoicePeriodEnd,
        invoice.ChargeCount,
        invoice.MarketplaceAmount,
        invoice.CalculatedMarketplace,
        invoice.PrepaymentApplied,
        invoice.TaxAmount,
        invoice.CreditAmount,
        invoice.FreeCreditApplied,
        case when invoice.InvoiceKind in ('Pending', 'Missing') then invoice.CalculatedAmount else invoice.TotalAmount end as TotalAmount,
        coalesce(calculated.CalculatedAmount, 0) as CalculatedAmount,
        case
            when invoice.InvoiceKind = 'Invoice'
                and invoice.CreditAmount <> 0
                and abs(invoice.BilledAmount - calculated.CalculatedAmount + calculated.Refund) < abs(invoice.BilledAmount - calculated.CalculatedAmount)
                then calculated.Refund
            else 0
        end as RefundInCredit,
        -- Rounding rows make a bill add up; without them each line of the invoice was rounded on its own.
        case
            when calculated.RoundingCount > 0 then 1
            else greatest(coalesce(calculated.LineCount, 1), 1)
        end as RoundedCount,
        case when invoice.BillingCurrency in ('JPY', 'KRW', 'CLP', 'HUF', 'ISK', 'TWD', 'VND') then 1.00 else 0.01 end as RoundingUnit
    from invoice
    left join calculated
        on calculated.Account = invoice.Account
        and calculated.InvoiceId = invoice.InvoiceId
        and calculated.BillingCurrency = invoice.BillingCurrency
    where invoice.IsCounted
),
credited as (
    select
        counted.*,
        coalesce(counted.CreditAmount, 0) - counted.RefundInCredit - coalesce(counted.FreeCreditApplied, 0) as Credit,
        -coalesce(counted.PrepaymentApplied, 0) as Prepayment,
        coalesce(counted.TaxAmount, 0) as Tax,
        cast(counted.RoundedCount * counted.RoundingUnit as decimal(38, 18)) as Tolerance
    from counted
),
explained as (
    select
        credited.*,
        case when credited.TotalAmount is not null
            then credited.TotalAmount - credited.CalculatedAmount - credited.Credit - credited.Prepayment - credited.Tax
        end as Unexplained
    from credited
),
judged as (
    select
        explained.*,
        case
            when explained.InvoiceKind in ('Pending', 'Missing') and explained.InvoiceStatus = 'Closed' then 'NoInvoice'
            when explained.TotalAmount is null then 'NoAmounts'
            when explained.InvoiceStatus = 'Estimated' then 'Estimated'
            when explained.InvoiceStatus = 'Void'
                or (explained.DocumentType = 'CreditNote' and explained.CreditForDocumentId is not null) then 'Void'
            when abs(explained.Unexplained) <= explained.Tolerance
                and abs(coalesce(explained.MarketplaceAmount - explained.CalculatedMarketplace, 0)) <= explained.Tolerance then 'Reconciled'
            when explained.ChargeCount = 0 then 'NoCostData'
            else 'Unexplained'
        end as Status
    from explained
),
step as (
    select
        judged.Account,
        judged.InvoiceId,
        judged.BillingCurrency,
        int_invoice_component.Component,
        int_invoice_component.CalculatedAmount as Amount,
        int_invoice_component.CalculatedAmount as CalculatedAmount,
        case
            when int_invoice_component.Component = 'Marketplace' then judged.MarketplaceAmount
            when int_invoice_component.Component = 'Refund' and judged.RefundInCredit <> 0 then judged.CreditAmount
        end as InvoicedAmount
    from judged
    join int_invoice_component
        on int_invoice_component.Account = judged.Account
        and int_invoice_component.InvoiceId = judged.InvoiceId
        and int_invoice_component.BillingCurrency = judged.BillingCurrency
    union all
    select
        judged.Account,
        judged.InvoiceId,
        judged.BillingCurrency,
        'Credit',
        judged.Credit,
        null,
        judged.Credit
    from judged
    where judged.Credit <> 0
    union all
    select
        judged.Account,
        judged.InvoiceId,
        judged.BillingCurrency,
        'Prepayment',
        judged.Prepayment,
        null,
        judged.Prepayment
    from judged
    where judged.Prepayment <> 0
    union all
    select
        judged.Account,
        judged.InvoiceId,
        judged.BillingCurrency,
        'Tax',
        judged.Tax,
        null,
        judged.Tax
    from judged
    where judged.Tax <> 0
    union all
    select
        judged.Account,
        judged.InvoiceId,
        judged.BillingCurrency,
        'Unexplained',
        judged.Unexplained,
        null,
        null
    from judged
    where judged.Unexplained is not null
)
select
    step.Account as Account,
    step.InvoiceId as InvoiceId,
    step.BillingCurrency as BillingCurrency,
    step.Component as Component,
    cast(
        case step.Component
            when 'Usage' then 1
            when 'LateCharge' then 2
            when 'Purchase' then 3
            when 'SupportPlan' then 4
            when 'Marketplace' then 5
            when 'Refund' then 6
            when 'Rounding' then 7
            when 'Other' then 8
            when 'Credit' then 9
            when 'Prepayment' then 10
            when 'Tax' then 11
            else 12
        end as bigint
    ) as ComponentOrder,
    judged.InvoiceKind as InvoiceKind,
    judged.InvoicePeriodStart as InvoicePeriodStart,
    judged.InvoicePeriodEnd as InvoicePeriodEnd,
    cast(step.Amount as decimal(38, 18)) as Amount,
    cast(step.CalculatedAmount as decimal(38, 18)) as CalculatedAmount,
    cast(step.InvoicedAmount as decimal(38, 18)) as InvoicedAmount,
    cast(judged.TotalAmount as decimal(38, 18)) as TotalAmount,
    judged.Tolerance as Tolerance,
    judged.Status as Status,
    judged.Status in ('Unexplained', 'NoCostData') as IsUnexplained
from step
join judged
    on judged.Account = step.Account
    and judged.InvoiceId = step.InvoiceId
    and judged.BillingCurrency = step.BillingCurrency
