-- stg_benefit_utilization_summaries is the use of one savings plan, or of an included quantity, on one day or in one month.
--
-- Percentages are of 100. Daily and monthly rows say the same use twice; Granularity tells them apart. Ids are the last part of
-- the resource ids, as in charges. UtilisationPercent is what either kind calls its use.
--
-- reads:  raw_benefit_utilization_summaries
-- grain:  Account, Scope, BillingPeriodStart, Granularity, Page, Row
-- period: BillingPeriodStart
--
-- input kind                      varchar
-- input armSkuName                varchar
-- input benefitId                 varchar
-- input benefitOrderId            varchar
-- input benefitType               varchar
-- input usageDate                 date
-- input avgUtilizationPercentage  decimal(38, 18)
-- input minUtilizationPercentage  decimal(38, 18)
-- input maxUtilizationPercentage  decimal(38, 18)
-- input utilizationPercentage     decimal(38, 18)
--
-- column Account                varchar          the account's name in the configuration
-- column Scope                  varchar          the scope the API was asked for
-- column BillingPeriodStart     date             first day of the month
-- column Granularity            varchar          daily or monthly
-- column Page                   bigint           page the row came on
-- column Row                    bigint           row on that page
-- column BenefitKind            varchar          SavingsPlan or IncludedQuantity
-- column BenefitType            varchar          as served
-- column SkuName                varchar          such as Compute_Savings_Plan
-- column CommitmentDiscountId   varchar          ARM id in lower case
-- column CommitmentId           varchar          GUID in lower case
-- column CommitmentOrderId      varchar          GUID in lower case
-- column UsageDate              date             the day; of a monthly row the month's first
-- column UtilisationPercent     decimal(38, 18)  percent, average of the hours
-- column MinUtilisationPercent  decimal(38, 18)  percent, lowest hour; null for an included quantity
-- column MaxUtilisationPercent  decimal(38, 18)  percent, highest hour; null for an included quantity
--
-- total: (select count(*) from stg_benefit_utilization_summaries) = (select count(*) from raw_benefit_utilization_summaries)
-- total: coalesce((select sum(UtilisationPercent) from stg_benefit_utilization_summaries), 0)
--        = coalesce((select sum(coalesce(avgUtilizationPercentage, utilizationPercentage)) from raw_benefit_utilization_summaries), 0)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Granularity,
    _page as Page,
    _row as Row,
    nullif(kind, '') as BenefitKind,
    nullif(raw_benefit_utilization_summaries.benefitType, '') as BenefitType,
    nullif(armSkuName, '') as SkuName,
    nullif(lower(benefitId), '') as CommitmentDiscountId,
    nullif(regexp_extract(lower(benefitId), '([^/]*)$', 1), '') as CommitmentId,
    nullif(regexp_extract(lower(benefitOrderId), '([^/]*)$', 1), '') as CommitmentOrderId,
    raw_benefit_utilization_summaries.usageDate as UsageDate,
    coalesce(avgUtilizationPercentage, utilizationPercentage) as UtilisationPercent,
    minUtilizationPercentage as MinUtilisationPercent,
    maxUtilizationPercentage as MaxUtilisationPercent
from raw_benefit_utilization_summaries
