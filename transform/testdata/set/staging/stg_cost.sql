-- stg_cost is a line of cost as its source served it.
--
-- reads:  raw_cost
-- grain:  Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- input date      date
-- input cost      decimal(38, 18)
-- input currency  varchar
-- input service   varchar
-- input start     timestamp
--
-- column Scope               varchar
-- column BillingPeriodStart  date
-- column Page                bigint
-- column Row                 bigint
-- column ChargeDate          date
-- column ServiceName         varchar
-- column BillingCurrency     varchar
-- column BilledCost          decimal(38, 18)
-- column StartTime           timestamp
select
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    date as ChargeDate,
    service as ServiceName,
    currency as BillingCurrency,
    cost as BilledCost,
    start as StartTime
from raw_cost
