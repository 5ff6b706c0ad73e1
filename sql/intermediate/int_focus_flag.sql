-- int_focus_flag is something in a FOCUS export that counts which Microsoft's toolkit calls doubtful, added up for a month.
--
-- It is about what was served, before int_charge_focus puts it right. A cost for a quantity of nothing is not here: that is looked for
-- in the records of every source.
--
-- reads:  stg_focus_export, int_cost_source
-- grain:  Account, Scope, BillingPeriodStart, Flag, BillingCurrency
-- period: BillingPeriodStart
--
-- column Account             varchar          the account's name in the configuration
-- column Scope               varchar          the scope that is exported
-- column BillingPeriodStart  date             first day of the month the billing period starts in
-- column Flag                varchar          commitment_purchase_by_usage, commitment_purchase_amortised, list_below_contracted, contracted_below_effective, standard_with_commitment, term_in_words or price_rounded
-- column BillingCurrency     varchar          ISO 4217; ? where the record has none
-- column ChargeCount         bigint           charges
-- column Cost                decimal(38, 18)  BillingCurrency, by which they are doubtful: EffectiveCost of a purchase, what one cost is below the other; else 0
--
-- check: ChargeCount > 0
-- total: (select coalesce(sum(ChargeCount), 0) from int_focus_flag) <= 7 * (select count(*) from stg_focus_export)
with
charges as (
    select
        stg_focus_export.Account as Account,
        stg_focus_export.Scope as Scope,
        stg_focus_export.BillingPeriodStart as BillingPeriodStart,
        stg_focus_export.BillingCurrency as BillingCurrency,
        stg_focus_export.CommitmentDiscountId is not null and stg_focus_export.ChargeCategory = 'Purchase' as IsCommitmentPurchase,
        stg_focus_export.CommitmentDiscountId is not null and stg_focus_export.ChargeCategory = 'Usage'
            and stg_focus_export.PricingCategory = 'Standard' as IsStandard,
        stg_focus_export.ChargeFrequency as ChargeFrequency,
        stg_focus_export.EffectiveCost as EffectiveCost,
        stg_focus_export.ContractedCost as ContractedCost,
        stg_focus_export.ListCost as ListCost,
        upper(replace(stg_focus_export.x_SkuTerm, ' ', '')) in ('1YEAR', '3YEARS', '5YEARS') as IsTermInWords,
        stg_focus_export.x_BilledUnitPrice > 0 and stg_focus_export.x_BilledUnitPrice <> stg_focus_export.x_EffectiveUnitPrice
            and abs(stg_focus_export.x_BilledUnitPrice - stg_focus_export.x_EffectiveUnitPrice) < 0.0001 as IsRounded
    from stg_focus_export
    inner join int_cost_source
        on int_cost_source.Account = stg_focus_export.Account
        and int_cost_source.Source = stg_focus_export.Source
        and int_cost_source.Scope = stg_focus_export.Scope
        and int_cost_source.BillingPeriodStart = stg_focus_export.BillingPeriodStart
        and int_cost_source.Dataset = stg_focus_export.Dataset
    where int_cost_source.IsUsed
),
counted as (
    select
        charges.Account as Account,
        charges.Scope as Scope,
        charges.BillingPeriodStart as BillingPeriodStart,
        charges.BillingCurrency as BillingCurrency,
        count(*) filter (where charges.IsCommitmentPurchase and charges.ChargeFrequency = 'Usage-Based') as ByUsageCount,
        count(*) filter (where charges.IsCommitmentPurchase and charges.EffectiveCost > 0) as AmortisedCount,
        sum(charges.EffectiveCost) filter (where charges.IsCommitmentPurchase and charges.EffectiveCost > 0) as AmortisedCost,
        count(*) filter (where charges.ListCost > 0 and charges.ListCost < charges.ContractedCost) as ListCount,
        sum(charges.ContractedCost - charges.ListCost) filter (where charges.ListCost > 0 and charges.ListCost < charges.ContractedCost) as ListCost,
        count(*) filter (where charges.ContractedCost > 0 and charges.ContractedCost < charges.EffectiveCost) as ContractedCount,
        sum(charges.EffectiveCost - charges.ContractedCost)
            filter (where charges.ContractedCost > 0 and charges.ContractedCost < charges.EffectiveCost) as ContractedCost,
        count(*) filter (where charges.IsStandard) as StandardCount,
        count(*) filter (where charges.IsTermInWords) as TermCount,
        count(*) filter (where charges.IsRounded) as RoundedCount
    from charges
    group by 1, 2, 3, 4
),
flags as (
    select *
    from (
        values
            ('commitment_purchase_by_usage'),
            ('commitment_purchase_amortised'),
            ('list_below_contracted'),
            ('contracted_below_effective'),
            ('standard_with_commitment'),
            ('term_in_words'),
            ('price_rounded')
    ) as list (Flag)
),
flagged as (
    select
        counted.Account as Account,
        counted.Scope as Scope,
        counted.BillingPeriodStart as BillingPeriodStart,
        flags.Flag as Flag,
        counted.BillingCurrency as BillingCurrency,
        case flags.Flag
            when 'commitment_purchase_by_usage' then counted.ByUsageCount
            when 'commitment_purchase_amortised' then counted.AmortisedCount
            when 'list_below_contracted' then counted.ListCount
            when 'contracted_below_effective' then counted.ContractedCount
            when 'standard_with_commitment' then counted.StandardCount
            when 'term_in_words' then counted.TermCount
            else counted.RoundedCount
        end as ChargeCount,
        case flags.Flag
            when 'commitment_purchase_amortised' then counted.AmortisedCost
            when 'list_below_contracted' then counted.ListCost
            when 'contracted_below_effective' then counted.ContractedCost
        end as Cost
    from counted
    cross join flags
)
select
    flagged.Account as Account,
    flagged.Scope as Scope,
    flagged.BillingPeriodStart as BillingPeriodStart,
    flagged.Flag as Flag,
    flagged.BillingCurrency as BillingCurrency,
    flagged.ChargeCount as ChargeCount,
    cast(coalesce(flagged.Cost, 0) as decimal(38, 18)) as Cost
from flagged
where flagged.ChargeCount > 0
