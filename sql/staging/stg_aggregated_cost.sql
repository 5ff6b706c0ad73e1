-- stg_aggregated_cost is the cost of one management group in one billing period, as Azure adds it up.
--
-- The groups below it are in Children, each with figures that are part of these. IsPartial says that subscriptions were left out, of
-- another agreement or out of the identity's reach; it is null where Azure does not say which were counted.
--
-- reads:  raw_aggregated_cost
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input currency                 varchar
-- input includedSubscriptions    varchar
-- input excludedSubscriptions    varchar
-- input children                 varchar
-- input usageStart               date
-- input usageEnd                 date
-- input azureCharges             decimal(38, 18)
-- input chargesBilledSeparately  decimal(38, 18)
-- input marketplaceCharges       decimal(38, 18)
--
-- column Account                  varchar          the account's name in the configuration
-- column Scope                    varchar          the scope the API was asked for
-- column BillingPeriodStart       date             first day of the billing period
-- column Page                     bigint           page the row came on
-- column Row                      bigint           row on that page
-- column ManagementGroupId        varchar          in lower case
-- column UsageStart               date             first day
-- column UsageEnd                 date             last day
-- column BillingCurrency          varchar          ISO 4217, trimmed
-- column AzureCharges             decimal(38, 18)  BillingCurrency, Azure services that a prepayment can pay for
-- column ChargesBilledSeparately  decimal(38, 18)  BillingCurrency, charges that a prepayment cannot pay for
-- column MarketplaceCharges       decimal(38, 18)  BillingCurrency, Azure Marketplace
-- column TotalCharges             decimal(38, 18)  BillingCurrency, the three together
-- column IsPartial                boolean          subscriptions are left out; null when not known
-- column IncludedSubscriptions    varchar          JSON array of ids
-- column ExcludedSubscriptions    varchar          JSON array of ids
-- column Children                 varchar          JSON array of the groups below, in the form they are served
--
-- total: (select count(*) from stg_aggregated_cost) = (select count(*) from raw_aggregated_cost)
-- total: not exists (select BillingCurrency, sum(AzureCharges), sum(MarketplaceCharges) from stg_aggregated_cost group by BillingCurrency
--        except select nullif(trim(currency), ''), sum(azureCharges), sum(marketplaceCharges) from raw_aggregated_cost group by nullif(trim(currency), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    nullif(regexp_extract(lower(_scope), '/managementgroups/([^/]*)', 1), '') as ManagementGroupId,
    usageStart as UsageStart,
    usageEnd as UsageEnd,
    nullif(trim(currency), '') as BillingCurrency,
    azureCharges as AzureCharges,
    chargesBilledSeparately as ChargesBilledSeparately,
    marketplaceCharges as MarketplaceCharges,
    coalesce(azureCharges, 0) + coalesce(chargesBilledSeparately, 0) + coalesce(marketplaceCharges, 0) as TotalCharges,
    case when excludedSubscriptions is null then null else replace(excludedSubscriptions, ' ', '') <> '[]' end as IsPartial,
    includedSubscriptions as IncludedSubscriptions,
    excludedSubscriptions as ExcludedSubscriptions,
    children as Children
from raw_aggregated_cost
