-- stg_alerts is something Azure noticed at a scope: a budget passed, a credit or quota that runs out, an invoice that is due.
--
-- The year 1 is how the API says that a time never came. ThresholdRatio is a part of one. Amounts are in BillingCurrency where
-- the alert names one. Anomalies are not here: Azure sends them by mail only.
--
-- reads:  raw_alerts
-- grain:  Account, Scope, Page, Row
--
-- input id                             varchar
-- input name                           varchar
-- input definition_type                varchar
-- input definition_category            varchar
-- input definition_criteria            varchar
-- input description                    varchar
-- input source                         varchar
-- input costEntityId                   varchar
-- input status                         varchar
-- input creationTime                   timestamp
-- input closeTime                      timestamp
-- input modificationTime               timestamp
-- input statusModificationTime         timestamp
-- input statusModificationUserName     varchar
-- input details_timeGrainType          varchar
-- input details_periodStartDate        timestamp
-- input details_operator               varchar
-- input details_threshold              decimal(38, 18)
-- input details_amount                 decimal(38, 18)
-- input details_currentSpend           decimal(38, 18)
-- input details_unit                   varchar
-- input details_resourceGroupFilter    varchar
-- input details_resourceFilter         varchar
-- input details_meterFilter            varchar
-- input details_tagFilter              varchar
-- input details_contactEmails          varchar
-- input details_departmentName         varchar
-- input details_enrollmentNumber       varchar
--
-- column Account               varchar          the account's name in the configuration
-- column Scope                 varchar          the scope the API was asked for
-- column Page                  bigint           page the row came on
-- column Row                   bigint           row on that page
-- column AlertId               varchar          ARM id in lower case with a leading slash
-- column AlertName             varchar          the alert's GUID
-- column AlertType             varchar          Budget, Invoice, Credit, Quota, General, xCloud or BudgetForecast
-- column AlertCategory         varchar          Cost, Usage, Billing or System
-- column AlertCriteria         varchar          such as CostThresholdExceeded
-- column AlertStatus           varchar          Active, Overridden, Resolved, Dismissed or None
-- column AlertSource           varchar          Preset or User
-- column Description           varchar          null without one
-- column CostEntityId          varchar          what it is about, such as the budget's name
-- column CreatedAt             timestamp        UTC
-- column ModifiedAt            timestamp        UTC
-- column ClosedAt              timestamp        UTC; null while it is open
-- column StatusModifiedAt      timestamp        UTC; null while nobody changed the status
-- column StatusModifiedBy      varchar          who changed it
-- column TimeGrain             varchar          of the budget
-- column PeriodStart           timestamp        UTC, of the budget's period
-- column ThresholdOperator     varchar          such as GreaterThan
-- column ThresholdRatio        decimal(38, 18)  part of the amount; 0.8 is 80 per cent
-- column BillingCurrency       varchar          ISO 4217; null where the alert has no amount
-- column ThresholdAmount       decimal(38, 18)  BillingCurrency, the budget's or quota's amount
-- column CurrentSpend          decimal(38, 18)  BillingCurrency, when the alert was raised
-- column ResourceGroupFilter   varchar          JSON array
-- column ResourceFilter        varchar          JSON array
-- column MeterFilter           varchar          JSON array
-- column TagFilter             varchar          JSON object
-- column ContactEmails         varchar          JSON array
-- column DepartmentName        varchar          of an enrollment's alert
-- column EnrollmentNumber      varchar          of an enrollment's alert
--
-- total: (select count(*) from stg_alerts) = (select count(*) from raw_alerts)
-- total: coalesce((select sum(CurrentSpend) from stg_alerts), 0) = coalesce((select sum(details_currentSpend) from raw_alerts), 0)
select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    '/' || regexp_extract(lower(id), '^/?(.*)$', 1) as AlertId,
    name as AlertName,
    nullif(definition_type, '') as AlertType,
    nullif(definition_category, '') as AlertCategory,
    nullif(definition_criteria, '') as AlertCriteria,
    nullif(status, '') as AlertStatus,
    nullif(source, '') as AlertSource,
    nullif(raw_alerts.description, '') as Description,
    nullif(raw_alerts.costEntityId, '') as CostEntityId,
    nullif(creationTime, timestamp '0001-01-01 00:00:00') as CreatedAt,
    nullif(modificationTime, timestamp '0001-01-01 00:00:00') as ModifiedAt,
    nullif(closeTime, timestamp '0001-01-01 00:00:00') as ClosedAt,
    nullif(statusModificationTime, timestamp '0001-01-01 00:00:00') as StatusModifiedAt,
    nullif(statusModificationUserName, '') as StatusModifiedBy,
    nullif(details_timeGrainType, '') as TimeGrain,
    nullif(details_periodStartDate, timestamp '0001-01-01 00:00:00') as PeriodStart,
    nullif(details_operator, '') as ThresholdOperator,
    details_threshold as ThresholdRatio,
    nullif(trim(details_unit), '') as BillingCurrency,
    details_amount as ThresholdAmount,
    details_currentSpend as CurrentSpend,
    details_resourceGroupFilter as ResourceGroupFilter,
    details_resourceFilter as ResourceFilter,
    details_meterFilter as MeterFilter,
    details_tagFilter as TagFilter,
    details_contactEmails as ContactEmails,
    nullif(details_departmentName, '') as DepartmentName,
    nullif(details_enrollmentNumber, '') as EnrollmentNumber
from raw_alerts
