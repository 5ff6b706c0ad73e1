-- stg_benefit_recommendations is the savings plan that would have saved most, by one look-back period, term and scope.
--
-- All amounts are of the look-back period (TotalHours), not of the term. Answers for other periods and terms look at the same
-- charges: never add them. HourlyCharges and OtherRecommendations are lists; an entry of the second has the amounts of another
-- commitment.
--
-- reads:  raw_benefit_recommendations
-- grain:  Account, Scope, Dataset, Page, Row
--
-- input id                                                  varchar
-- input kind                                                varchar
-- input scope                                               varchar
-- input subscriptionId                                      varchar
-- input resourceGroup                                       varchar
-- input lookBackPeriod                                      varchar
-- input term                                                varchar
-- input armSkuName                                          varchar
-- input commitmentGranularity                               varchar
-- input currencyCode                                        varchar
-- input firstConsumptionDate                                timestamp
-- input lastConsumptionDate                                 timestamp
-- input totalHours                                          decimal(38, 18)
-- input costWithoutBenefit                                  decimal(38, 18)
-- input usage_usageGrain                                    varchar
-- input usage_charges                                       varchar
-- input allRecommendationDetails_value                      varchar
-- input recommendationDetails_averageUtilizationPercentage  decimal(38, 18)
-- input recommendationDetails_benefitCost                   decimal(38, 18)
-- input recommendationDetails_commitmentAmount              decimal(38, 18)
-- input recommendationDetails_coveragePercentage            decimal(38, 18)
-- input recommendationDetails_overageCost                   decimal(38, 18)
-- input recommendationDetails_savingsAmount                 decimal(38, 18)
-- input recommendationDetails_savingsPercentage             decimal(38, 18)
-- input recommendationDetails_totalCost                     decimal(38, 18)
-- input recommendationDetails_wastageCost                   decimal(38, 18)
--
-- column Account                varchar          the account's name in the configuration
-- column Scope                  varchar          the scope the API was asked for
-- column Dataset                varchar          what was asked: scope, look-back period and term, such as shared_last30days_p1y
-- column Page                   bigint           page the row came on
-- column Row                    bigint           row on that page
-- column RecommendationId       varchar          ARM id in lower case
-- column BenefitKind            varchar          SavingsPlan
-- column BenefitScope           varchar          Shared or Single
-- column SubAccountId           varchar          subscription GUID in lower case; of Single only
-- column ResourceGroupName      varchar          of a resource group's only
-- column LookBackPeriod         varchar          Last7Days, Last30Days or Last60Days
-- column Term                   varchar          P1Y or P3Y
-- column SkuName                varchar          such as Compute_Savings_Plan
-- column CommitmentGranularity  varchar          Hourly: what CommitmentAmount is for
-- column FirstConsumption       timestamp        UTC, begin of the look-back period
-- column LastConsumption        timestamp        UTC, end of it
-- column TotalHours             decimal(38, 18)  hours of the look-back period
-- column BillingCurrency        varchar          ISO 4217, trimmed
-- column CostWithoutBenefit     decimal(38, 18)  BillingCurrency, what was paid on demand
-- column CommitmentAmount       decimal(38, 18)  BillingCurrency per hour, to commit to
-- column BenefitCost            decimal(38, 18)  BillingCurrency, CommitmentAmount × TotalHours
-- column OverageCost            decimal(38, 18)  BillingCurrency, what would have remained on demand
-- column TotalCost              decimal(38, 18)  BillingCurrency, BenefitCost + OverageCost
-- column WastageCost            decimal(38, 18)  BillingCurrency, part of BenefitCost nothing would have used
-- column SavingsAmount          decimal(38, 18)  BillingCurrency, CostWithoutBenefit − TotalCost
-- column SavingsPercent         decimal(38, 18)  percent of CostWithoutBenefit
-- column CoveragePercent        decimal(38, 18)  percent of the charges the plan would have covered
-- column UtilisationPercent     decimal(38, 18)  percent of the plan that would have been used
-- column UsageGrain             varchar          Hourly: what an entry of HourlyCharges is for
-- column HourlyCharges          varchar          JSON array of numbers
-- column OtherRecommendations   varchar          JSON array of objects
--
-- total: (select count(*) from stg_benefit_recommendations) = (select count(*) from raw_benefit_recommendations)
-- total: not exists (select BillingCurrency, sum(SavingsAmount), sum(CostWithoutBenefit) from stg_benefit_recommendations group by BillingCurrency
--        except select nullif(trim(currencyCode), ''), sum(recommendationDetails_savingsAmount), sum(costWithoutBenefit) from raw_benefit_recommendations group by nullif(trim(currencyCode), ''))
select
    _account as Account,
    _scope as Scope,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    lower(id) as RecommendationId,
    nullif(kind, '') as BenefitKind,
    nullif(raw_benefit_recommendations.scope, '') as BenefitScope,
    nullif(lower(subscriptionId), '') as SubAccountId,
    nullif(resourceGroup, '') as ResourceGroupName,
    nullif(raw_benefit_recommendations.lookBackPeriod, '') as LookBackPeriod,
    nullif(raw_benefit_recommendations.term, '') as Term,
    nullif(armSkuName, '') as SkuName,
    nullif(raw_benefit_recommendations.commitmentGranularity, '') as CommitmentGranularity,
    firstConsumptionDate as FirstConsumption,
    lastConsumptionDate as LastConsumption,
    raw_benefit_recommendations.totalHours as TotalHours,
    nullif(trim(currencyCode), '') as BillingCurrency,
    raw_benefit_recommendations.costWithoutBenefit as CostWithoutBenefit,
    recommendationDetails_commitmentAmount as CommitmentAmount,
    recommendationDetails_benefitCost as BenefitCost,
    recommendationDetails_overageCost as OverageCost,
    recommendationDetails_totalCost as TotalCost,
    recommendationDetails_wastageCost as WastageCost,
    recommendationDetails_savingsAmount as SavingsAmount,
    recommendationDetails_savingsPercentage as SavingsPercent,
    recommendationDetails_coveragePercentage as CoveragePercent,
    recommendationDetails_averageUtilizationPercentage as UtilisationPercent,
    nullif(usage_usageGrain, '') as UsageGrain,
    usage_charges as HourlyCharges,
    allRecommendationDetails_value as OtherRecommendations
from raw_benefit_recommendations
