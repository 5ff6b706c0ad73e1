-- int_charge_condition is a charge that meets conditions of allocation rules, and which.
--
-- A rule may ask for any column with texts or with true and false, so each of them stands here once, as text; a null is the empty
-- text. Where no rule asks for anything the join with the columns asked for is empty, and no charge is read. Patterns are compared
-- with the different values of a column, which are few, and only those that some pattern fits are looked for in the charges.
--
-- A condition is a word: the number of its rule, Pool (what is shared) or Basis (what is measured by), and its own number, such as
-- 3Pool1. It stands in Sign if one of its patterns fits, whether the rule wants that or the contrary. Conditions on tags
-- and on CostOwner are judged where these are known, in int_owner_target and int_allocation_line.
--
-- reads:  cost_and_usage, int_rule_set, allocation_filter
-- grain:  BillingPeriodStart, Account, Source, Scope, Dataset, Page, Row
-- period: BillingPeriodStart
--
-- column BillingPeriodStart  timestamp  UTC, first day of the billing period
-- column Account             varchar    the account's name in the configuration
-- column Source              varchar    as x_Source of the charge
-- column Scope               varchar    as x_Scope of the charge
-- column Dataset             varchar    as x_Dataset of the charge
-- column Page                bigint     as x_Page of the charge
-- column Row                 bigint     as x_Row of the charge
-- column Sign                varchar    conditions that a pattern fits, each between blanks
--
-- check: Sign <> ''
-- total: (select count(*) from int_charge_condition) <= (select count(*) from cost_and_usage)
with condition as (
    select distinct
        int_rule_set.BillingPeriodStart as BillingMonth,
        allocation_filter.ColumnName as ColumnName,
        cast(allocation_filter.RuleId as varchar) || allocation_filter.Use || cast(allocation_filter.ConditionId as varchar) as Word,
        allocation_filter.Pattern as Pattern
    from allocation_filter
    inner join int_rule_set on int_rule_set.RuleSet = allocation_filter.RuleSet
    where allocation_filter.ColumnName <> 'CostOwner'
        and allocation_filter.ColumnName not like 'tag.%'
),
asked as (
    select distinct condition.BillingMonth as BillingMonth, condition.ColumnName as ColumnName
    from condition
),
numbered as (
    select
        asked.BillingMonth as BillingMonth,
        asked.ColumnName as ColumnName,
        row_number() over (partition by asked.BillingMonth order by asked.ColumnName) as ColumnNumber
    from asked
),
cell as (
    select
        asked.BillingMonth as BillingMonth,
        asked.ColumnName as ColumnName,
        cost_and_usage.BillingPeriodStart as BillingPeriodStart,
        cost_and_usage.x_Account as Account,
        cost_and_usage.x_Source as Source,
        cost_and_usage.x_Scope as Scope,
        cost_and_usage.x_Dataset as Dataset,
        cost_and_usage.x_Page as Page,
        cost_and_usage.x_Row as Row,
        case asked.ColumnName
            when 'BillingAccountId' then coalesce(cost_and_usage.BillingAccountId, '')
            when 'BillingAccountName' then coalesce(cost_and_usage.BillingAccountName, '')
            when 'BillingAccountType' then coalesce(cost_and_usage.BillingAccountType, '')
            when 'InvoiceId' then coalesce(cost_and_usage.InvoiceId, '')
            when 'InvoiceIssuerName' then coalesce(cost_and_usage.InvoiceIssuerName, '')
            when 'ProviderName' then coalesce(cost_and_usage.ProviderName, '')
            when 'PublisherName' then coalesce(cost_and_usage.PublisherName, '')
            when 'SubAccountId' then coalesce(cost_and_usage.SubAccountId, '')
            when 'SubAccountName' then coalesce(cost_and_usage.SubAccountName, '')
            when 'SubAccountType' then coalesce(cost_and_usage.SubAccountType, '')
            when 'ChargeCategory' then coalesce(cost_and_usage.ChargeCategory, '')
            when 'ChargeClass' then coalesce(cost_and_usage.ChargeClass, '')
            when 'ChargeDescription' then coalesce(cost_and_usage.ChargeDescription, '')
            when 'ChargeFrequency' then coalesce(cost_and_usage.ChargeFrequency, '')
            when 'PricingCategory' then coalesce(cost_and_usage.PricingCategory, '')
            when 'BillingCurrency' then coalesce(cost_and_usage.BillingCurrency, '')
            when 'PricingCurrency' then coalesce(cost_and_usage.PricingCurrency, '')
            when 'PricingUnit' then coalesce(cost_and_usage.PricingUnit, '')
            when 'ConsumedUnit' then coalesce(cost_and_usage.ConsumedUnit, '')
            when 'CommitmentDiscountId' then coalesce(cost_and_usage.CommitmentDiscountId, '')
            when 'CommitmentDiscountName' then coalesce(cost_and_usage.CommitmentDiscountName, '')
            when 'CommitmentDiscountCategory' then coalesce(cost_and_usage.CommitmentDiscountCategory, '')
            when 'CommitmentDiscountType' then coalesce(cost_and_usage.CommitmentDiscountType, '')
            when 'CommitmentDiscountStatus' then coalesce(cost_and_usage.CommitmentDiscountStatus, '')
            when 'CommitmentDiscountUnit' then coalesce(cost_and_usage.CommitmentDiscountUnit, '')
            when 'CapacityReservationId' then coalesce(cost_and_usage.CapacityReservationId, '')
            when 'CapacityReservationStatus' then coalesce(cost_and_usage.CapacityReservationStatus, '')
            when 'ServiceName' then coalesce(cost_and_usage.ServiceName, '')
            when 'ServiceCategory' then coalesce(cost_and_usage.ServiceCategory, '')
            when 'ServiceSubcategory' then coalesce(cost_and_usage.ServiceSubcategory, '')
            when 'SkuId' then coalesce(cost_and_usage.SkuId, '')
            when 'SkuMeter' then coalesce(cost_and_usage.SkuMeter, '')
            when 'SkuPriceId' then coalesce(cost_and_usage.SkuPriceId, '')
            when 'SkuPriceDetails' then coalesce(cost_and_usage.SkuPriceDetails, '')
            when 'ResourceId' then coalesce(cost_and_usage.ResourceId, '')
            when 'ResourceName' then coalesce(cost_and_usage.ResourceName, '')
            when 'ResourceType' then coalesce(cost_and_usage.ResourceType, '')
            when 'RegionId' then coalesce(cost_and_usage.RegionId, '')
            when 'RegionName' then coalesce(cost_and_usage.RegionName, '')
            when 'AvailabilityZone' then coalesce(cost_and_usage.AvailabilityZone, '')
            when 'Tags' then coalesce(cost_and_usage.Tags, '')
            when 'x_Account' then coalesce(cost_and_usage.x_Account, '')
            when 'x_Source' then coalesce(cost_and_usage.x_Source, '')
            when 'x_Scope' then coalesce(cost_and_usage.x_Scope, '')
            when 'x_Dataset' then coalesce(cost_and_usage.x_Dataset, '')
            when 'x_File' then coalesce(cost_and_usage.x_File, '')
            when 'x_Agreement' then coalesce(cost_and_usage.x_Agreement, '')
            when 'x_IsAmortized' then coalesce(cast(cost_and_usage.x_IsAmortized as varchar), '')
            when 'x_ChargeType' then coalesce(cost_and_usage.x_ChargeType, '')
            when 'x_PricingModel' then coalesce(cost_and_usage.x_PricingModel, '')
            when 'x_Frequency' then coalesce(cost_and_usage.x_Frequency, '')
            when 'x_AccountName' then coalesce(cost_and_usage.x_AccountName, '')
            when 'x_AccountOwnerId' then coalesce(cost_and_usage.x_AccountOwnerId, '')
            when 'x_BillingAccountId' then coalesce(cost_and_usage.x_BillingAccountId, '')
            when 'x_BillingAccountName' then coalesce(cost_and_usage.x_BillingAccountName, '')
            when 'x_BillingProfileId' then coalesce(cost_and_usage.x_BillingProfileId, '')
            when 'x_InvoiceSectionId' then coalesce(cost_and_usage.x_InvoiceSectionId, '')
            when 'x_InvoiceSectionName' then coalesce(cost_and_usage.x_InvoiceSectionName, '')
            when 'x_PreviousInvoiceId' then coalesce(cost_and_usage.x_PreviousInvoiceId, '')
            when 'x_CostCenter' then coalesce(cost_and_usage.x_CostCenter, '')
            when 'x_CostAllocationRuleName' then coalesce(cost_and_usage.x_CostAllocationRuleName, '')
            when 'x_CustomerId' then coalesce(cost_and_usage.x_CustomerId, '')
            when 'x_CustomerName' then coalesce(cost_and_usage.x_CustomerName, '')
            when 'x_InvoiceIssuerId' then coalesce(cost_and_usage.x_InvoiceIssuerId, '')
            when 'x_ResellerId' then coalesce(cost_and_usage.x_ResellerId, '')
            when 'x_ResellerName' then coalesce(cost_and_usage.x_ResellerName, '')
            when 'x_PartnerCreditApplied' then coalesce(cast(cost_and_usage.x_PartnerCreditApplied as varchar), '')
            when 'x_PublisherId' then coalesce(cost_and_usage.x_PublisherId, '')
            when 'x_PublisherType' then coalesce(cost_and_usage.x_PublisherType, '')
            when 'x_Provider' then coalesce(cost_and_usage.x_Provider, '')
            when 'x_ContractedPriceSource' then coalesce(cost_and_usage.x_ContractedPriceSource, '')
            when 'x_PricingUnitDescription' then coalesce(cost_and_usage.x_PricingUnitDescription, '')
            when 'x_QuantityScale' then coalesce(cost_and_usage.x_QuantityScale, '')
            when 'x_ResourceGroupName' then coalesce(cost_and_usage.x_ResourceGroupName, '')
            when 'x_ResourceType' then coalesce(cost_and_usage.x_ResourceType, '')
            when 'x_ConsumedService' then coalesce(cost_and_usage.x_ConsumedService, '')
            when 'x_ReservationId' then coalesce(cost_and_usage.x_ReservationId, '')
            when 'x_SkuDetails' then coalesce(cost_and_usage.x_SkuDetails, '')
            when 'x_SkuIsCreditEligible' then coalesce(cast(cost_and_usage.x_SkuIsCreditEligible as varchar), '')
            when 'x_SkuMeterCategory' then coalesce(cost_and_usage.x_SkuMeterCategory, '')
            when 'x_SkuMeterId' then coalesce(cost_and_usage.x_SkuMeterId, '')
            when 'x_SkuMeterSubcategory' then coalesce(cost_and_usage.x_SkuMeterSubcategory, '')
            when 'x_SkuOfferId' then coalesce(cost_and_usage.x_SkuOfferId, '')
            when 'x_SkuOrderId' then coalesce(cost_and_usage.x_SkuOrderId, '')
            when 'x_SkuOrderName' then coalesce(cost_and_usage.x_SkuOrderName, '')
            when 'x_SkuPartNumber' then coalesce(cost_and_usage.x_SkuPartNumber, '')
            when 'x_SkuPlanName' then coalesce(cost_and_usage.x_SkuPlanName, '')
            when 'x_SkuRegion' then coalesce(cost_and_usage.x_SkuRegion, '')
            when 'x_SkuServiceFamily' then coalesce(cost_and_usage.x_SkuServiceFamily, '')
            when 'x_SkuTerm' then coalesce(cost_and_usage.x_SkuTerm, '')
            when 'x_TagsRaw' then coalesce(cost_and_usage.x_TagsRaw, '')
        end as CellText
    from cost_and_usage
    inner join asked on asked.BillingMonth = month_start(cost_and_usage.BillingPeriodStart)
),
distinct_value as (
    select distinct cell.BillingMonth as BillingMonth, cell.ColumnName as ColumnName, cell.CellText as CellText
    from cell
),
hit as (
    select distinct
        distinct_value.BillingMonth as BillingMonth,
        distinct_value.ColumnName as ColumnName,
        distinct_value.CellText as CellText,
        condition.Word as Word
    from distinct_value
    inner join condition
        on condition.BillingMonth = distinct_value.BillingMonth
        and condition.ColumnName = distinct_value.ColumnName
        and folded(distinct_value.CellText) like condition.Pattern escape '\'
),
hit_sign as (
    select
        hit.BillingMonth as BillingMonth,
        hit.ColumnName as ColumnName,
        hit.CellText as CellText,
        numbered.ColumnNumber as ColumnNumber,
        joined(array_agg(' ' || hit.Word || ' ' order by hit.Word), '') as Words
    from hit
    inner join numbered on numbered.BillingMonth = hit.BillingMonth and numbered.ColumnName = hit.ColumnName
    group by hit.BillingMonth, hit.ColumnName, hit.CellText, numbered.ColumnNumber
)
-- Lists cost twice as much as all the rest of this, so only the columns after the fourth are made one: rules seldom ask for more.
select
    cell.BillingPeriodStart as BillingPeriodStart,
    cell.Account as Account,
    cell.Source as Source,
    cell.Scope as Scope,
    cell.Dataset as Dataset,
    cell.Page as Page,
    cell.Row as Row,
    coalesce(max(case when hit_sign.ColumnNumber = 1 then hit_sign.Words end), '')
    || coalesce(max(case when hit_sign.ColumnNumber = 2 then hit_sign.Words end), '')
    || coalesce(max(case when hit_sign.ColumnNumber = 3 then hit_sign.Words end), '')
    || coalesce(max(case when hit_sign.ColumnNumber = 4 then hit_sign.Words end), '')
    || coalesce(joined(array_agg(hit_sign.Words order by hit_sign.ColumnNumber) filter (where hit_sign.ColumnNumber > 4), ''), '') as Sign
from cell
inner join hit_sign
    on hit_sign.BillingMonth = cell.BillingMonth
    and hit_sign.ColumnName = cell.ColumnName
    and hit_sign.CellText = cell.CellText
group by 1, 2, 3, 4, 5, 6, 7
