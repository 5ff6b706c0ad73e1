-- int_region is the region behind a location as the records of the month spell it.
--
-- Billing has its own names: "US East 2", EastUS2, USEast2 and eastus2 are one region, and newer record versions carry the resource
-- manager's spelling beside. RegionId is that spelling, RegionName what the portal shows. A location that is in neither list
-- keeps its name. Records that say unassigned or unknown have no region. Of a commitment that is bought, given back or not used,
-- the meter's region is a location too, where the record has no other.
--
-- reads:  stg_cost_file, stg_focus_export, stg_usage_details
-- grain:  LocationKey, BillingPeriodStart
-- period: BillingPeriodStart
--
-- column LocationKey         varchar  location in lower case without blanks and underscores
-- column BillingPeriodStart  date     first day of the month the billing period starts in
-- column RegionId            varchar  such as eastus2
-- column RegionName          varchar  such as East US 2
--
-- check: RegionId <> ''
-- check: RegionName <> ''
-- total: (select count(*) from int_region) <= (select count(*) from stg_cost_file) + (select count(*) from stg_focus_export) + (select count(*) from stg_usage_details)
with
spellings as (
    select
        coalesce(
            stg_cost_file.ResourceLocationNormalized,
            stg_cost_file.ResourceLocation,
            case when stg_cost_file.PricingModel in ('Reservation', 'SavingsPlan') and stg_cost_file.ChargeType in ('Purchase', 'Refund')
                or stg_cost_file.ChargeType in ('UnusedReservation', 'UnusedSavingsPlan') then stg_cost_file.MeterRegion end
        ) as Location,
        stg_cost_file.BillingPeriodStart as BillingPeriodStart
    from stg_cost_file
    group by 1, 2
    union all
    select
        coalesce(
            stg_focus_export.RegionId,
            stg_focus_export.RegionName,
            case when stg_focus_export.CommitmentDiscountId is not null
                and (stg_focus_export.ChargeCategory = 'Purchase' or stg_focus_export.CommitmentDiscountStatus = 'Unused')
                then stg_focus_export.x_SkuRegion end
        ) as Location,
        stg_focus_export.BillingPeriodStart as BillingPeriodStart
    from stg_focus_export
    group by 1, 2
    union all
    select
        coalesce(
            stg_usage_details.ResourceLocationNormalized,
            stg_usage_details.ResourceLocation,
            case when stg_usage_details.PricingModel in ('Reservation', 'SavingsPlan') and stg_usage_details.ChargeType in ('Purchase', 'Refund')
                or stg_usage_details.ChargeType in ('UnusedReservation', 'UnusedSavingsPlan') then stg_usage_details.MeterRegion end
        ) as Location,
        stg_usage_details.BillingPeriodStart as BillingPeriodStart
    from stg_usage_details
    group by 1, 2
),
locations as (
    select
        lower(replace(replace(spellings.Location, ' ', ''), '_', '')) as LocationKey,
        spellings.BillingPeriodStart as BillingPeriodStart,
        min(spellings.Location) as Location
    from spellings
    group by 1, 2
),
regions as (
    select *
    from (
        values
            ('eastus', 'eastus', 'East US'),
            ('eastus2', 'eastus2', 'East US 2'),
            ('eastus3', 'eastus3', 'East US 3'),
            ('westus', 'westus', 'West US'),
            ('westus2', 'westus2', 'West US 2'),
            ('westus3', 'westus3', 'West US 3'),
            ('centralus', 'centralus', 'Central US'),
            ('northcentralus', 'northcentralus', 'North Central US'),
            ('southcentralus', 'southcentralus', 'South Central US'),
            ('westcentralus', 'westcentralus', 'West Central US'),
            ('southeastus', 'southeastus', 'Southeast US'),
            ('canadacentral', 'canadacentral', 'Canada Central'),
            ('canadaeast', 'canadaeast', 'Canada East'),
            ('mexicocentral', 'mexicocentral', 'Mexico Central'),
            ('brazilsouth', 'brazilsouth', 'Brazil South'),
            ('brazilsoutheast', 'brazilsoutheast', 'Brazil Southeast'),
            ('chilecentral', 'chilecentral', 'Chile Central'),
            ('northeurope', 'northeurope', 'North Europe'),
            ('westeurope', 'westeurope', 'West Europe'),
            ('uksouth', 'uksouth', 'UK South'),
            ('ukwest', 'ukwest', 'UK West'),
            ('francecentral', 'francecentral', 'France Central'),
            ('francesouth', 'francesouth', 'France South'),
            ('germanywestcentral', 'germanywestcentral', 'Germany West Central'),
            ('germanynorth', 'germanynorth', 'Germany North'),
            ('switzerlandnorth', 'switzerlandnorth', 'Switzerland North'),
            ('switzerlandwest', 'switzerlandwest', 'Switzerland West'),
            ('norwayeast', 'norwayeast', 'Norway East'),
            ('norwaywest', 'norwaywest', 'Norway West'),
            ('swedencentral', 'swedencentral', 'Sweden Central'),
            ('swedensouth', 'swedensouth', 'Sweden South'),
            ('denmarkeast', 'denmarkeast', 'Denmark East'),
            ('finlandcentral', 'finlandcentral', 'Finland Central'),
            ('polandcentral', 'polandcentral', 'Poland Central'),
            ('italynorth', 'italynorth', 'Italy North'),
            ('spaincentral', 'spaincentral', 'Spain Central'),
            ('austriaeast', 'austriaeast', 'Austria East'),
            ('belgiumcentral', 'belgiumcentral', 'Belgium Central'),
            ('greececentral', 'greececentral', 'Greece Central'),
            ('uaenorth', 'uaenorth', 'UAE North'),
            ('uaecentral', 'uaecentral', 'UAE Central'),
            ('qatarcentral', 'qatarcentral', 'Qatar Central'),
            ('israelcentral', 'israelcentral', 'Israel Central'),
            ('saudiarabiaeast', 'saudiarabiaeast', 'Saudi Arabia East'),
            ('southafricanorth', 'southafricanorth', 'South Africa North'),
            ('southafricawest', 'southafricawest', 'South Africa West'),
            ('eastasia', 'eastasia', 'East Asia'),
            ('southeastasia', 'southeastasia', 'Southeast Asia'),
            ('japaneast', 'japaneast', 'Japan East'),
            ('japanwest', 'japanwest', 'Japan West'),
            ('koreacentral', 'koreacentral', 'Korea Central'),
            ('koreasouth', 'koreasouth', 'Korea South'),
            ('taiwannorth', 'taiwannorth', 'Taiwan North'),
            ('taiwannorthwest', 'taiwannorthwest', 'Taiwan Northwest'),
            ('indonesiacentral', 'indonesiacentral', 'Indonesia Central'),
            ('malaysiawest', 'malaysiawest', 'Malaysia West'),
            ('malaysiasouth', 'malaysiasouth', 'Malaysia South'),
            ('centralindia', 'centralindia', 'Central India'),
            ('southindia', 'southindia', 'South India'),
            ('westindia', 'westindia', 'West India'),
            ('indiasouthcentral', 'indiasouthcentral', 'India South Central'),
            ('jioindiacentral', 'jioindiacentral', 'Jio India Central'),
            ('jioindiawest', 'jioindiawest', 'Jio India West'),
            ('australiaeast', 'australiaeast', 'Australia East'),
            ('australiasoutheast', 'australiasoutheast', 'Australia Southeast'),
            ('australiacentral', 'australiacentral', 'Australia Central'),
            ('australiacentral2', 'australiacentral2', 'Australia Central 2'),
            ('newzealandnorth', 'newzealandnorth', 'New Zealand North'),
            ('chinaeast', 'chinaeast', 'China East'),
            ('chinaeast2', 'chinaeast2', 'China East 2'),
            ('chinaeast3', 'chinaeast3', 'China East 3'),
            ('chinanorth', 'chinanorth', 'China North'),
            ('chinanorth2', 'chinanorth2', 'China North 2'),
            ('chinanorth3', 'chinanorth3', 'China North 3'),
            ('usgovvirginia', 'usgovvirginia', 'USGov Virginia'),
            ('usgovtexas', 'usgovtexas', 'USGov Texas'),
            ('usgovarizona', 'usgovarizona', 'USGov Arizona'),
            ('usgoviowa', 'usgoviowa', 'USGov Iowa'),
            ('usdodeast', 'usdodeast', 'USDoD East'),
            ('usdodcentral', 'usdodcentral', 'USDoD Central'),
            ('germanycentral', 'germanycentral', 'Germany Central'),
            ('germanynortheast', 'germanynortheast', 'Germany Northeast'),
            ('global', 'global', 'Global'),
            ('useast', 'eastus', 'East US'),
            ('useast2', 'eastus2', 'East US 2'),
            ('useast3', 'eastus3', 'East US 3'),
            ('uswest', 'westus', 'West US'),
            ('uswest2', 'westus2', 'West US 2'),
            ('uswest3', 'westus3', 'West US 3'),
            ('uscentral', 'centralus', 'Central US'),
            ('usnorthcentral', 'northcentralus', 'North Central US'),
            ('ussouthcentral', 'southcentralus', 'South Central US'),
            ('uswestcentral', 'westcentralus', 'West Central US'),
            ('eunorth', 'northeurope', 'North Europe'),
            ('euwest', 'westeurope', 'West Europe'),
            ('europenorth', 'northeurope', 'North Europe'),
            ('europewest', 'westeurope', 'West Europe'),
            ('frcentral', 'francecentral', 'France Central'),
            ('frsouth', 'francesouth', 'France South'),
            ('dewestcentral', 'germanywestcentral', 'Germany West Central'),
            ('denorth', 'germanynorth', 'Germany North'),
            ('decentral', 'germanycentral', 'Germany Central'),
            ('denortheast', 'germanynortheast', 'Germany Northeast'),
            ('chnorth', 'switzerlandnorth', 'Switzerland North'),
            ('chwest', 'switzerlandwest', 'Switzerland West'),
            ('noeast', 'norwayeast', 'Norway East'),
            ('nowest', 'norwaywest', 'Norway West'),
            ('secentral', 'swedencentral', 'Sweden Central'),
            ('sesouth', 'swedensouth', 'Sweden South'),
            ('plcentral', 'polandcentral', 'Poland Central'),
            ('itnorth', 'italynorth', 'Italy North'),
            ('escentral', 'spaincentral', 'Spain Central'),
            ('ateast', 'austriaeast', 'Austria East'),
            ('becentral', 'belgiumcentral', 'Belgium Central'),
            ('ilcentral', 'israelcentral', 'Israel Central'),
            ('qacentral', 'qatarcentral', 'Qatar Central'),
            ('apeast', 'eastasia', 'East Asia'),
            ('apsoutheast', 'southeastasia', 'Southeast Asia'),
            ('asiaeast', 'eastasia', 'East Asia'),
            ('asiasoutheast', 'southeastasia', 'Southeast Asia'),
            ('jaeast', 'japaneast', 'Japan East'),
            ('jawest', 'japanwest', 'Japan West'),
            ('krcentral', 'koreacentral', 'Korea Central'),
            ('krsouth', 'koreasouth', 'Korea South'),
            ('incentral', 'centralindia', 'Central India'),
            ('insouth', 'southindia', 'South India'),
            ('inwest', 'westindia', 'West India'),
            ('indiacentral', 'centralindia', 'Central India'),
            ('indiasouth', 'southindia', 'South India'),
            ('indiawest', 'westindia', 'West India'),
            ('mywest', 'malaysiawest', 'Malaysia West'),
            ('idcentral', 'indonesiacentral', 'Indonesia Central'),
            ('twnorth', 'taiwannorth', 'Taiwan North'),
            ('aueast', 'australiaeast', 'Australia East'),
            ('ausoutheast', 'australiasoutheast', 'Australia Southeast'),
            ('aucentral', 'australiacentral', 'Australia Central'),
            ('aucentral2', 'australiacentral2', 'Australia Central 2'),
            ('nznorth', 'newzealandnorth', 'New Zealand North'),
            ('brsouth', 'brazilsouth', 'Brazil South'),
            ('brsoutheast', 'brazilsoutheast', 'Brazil Southeast'),
            ('cacentral', 'canadacentral', 'Canada Central'),
            ('caeast', 'canadaeast', 'Canada East'),
            ('mxcentral', 'mexicocentral', 'Mexico Central'),
            ('clcentral', 'chilecentral', 'Chile Central'),
            ('aenorth', 'uaenorth', 'UAE North'),
            ('aecentral', 'uaecentral', 'UAE Central'),
            ('zanorth', 'southafricanorth', 'South Africa North'),
            ('zawest', 'southafricawest', 'South Africa West'),
            ('cneast', 'chinaeast', 'China East'),
            ('cneast2', 'chinaeast2', 'China East 2'),
            ('cneast3', 'chinaeast3', 'China East 3'),
            ('cnnorth', 'chinanorth', 'China North'),
            ('cnnorth2', 'chinanorth2', 'China North 2'),
            ('cnnorth3', 'chinanorth3', 'China North 3'),
            ('usgovaz', 'usgovarizona', 'USGov Arizona'),
            ('usgovtx', 'usgovtexas', 'USGov Texas'),
            ('usgoveast', 'usgovvirginia', 'USGov Virginia'),
            ('usgovcentral', 'usgoviowa', 'USGov Iowa')
    ) as list (LocationKey, RegionId, RegionName)
)
select
    locations.LocationKey as LocationKey,
    locations.BillingPeriodStart as BillingPeriodStart,
    coalesce(min(regions.RegionId), locations.LocationKey) as RegionId,
    coalesce(min(regions.RegionName), min(locations.Location)) as RegionName
from locations
left join regions
    on regions.LocationKey = locations.LocationKey
where locations.LocationKey not in ('', 'unassigned', 'unknown', 'n/a', 'null')
group by 1, 2
