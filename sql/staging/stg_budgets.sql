-- stg_budgets is a budget as Azure keeps it, with what it has spent.
--
-- Ids come with and without a leading slash ("subscriptions/f2dd…/providers/Microsoft.Consumption/budgets/team").
-- Older answers carry the condition in filters, newer ones in filter. Azure's spend lags by up to a day.
--
-- reads:  raw_budgets
-- grain:  Account, Scope, Page, Row
--
-- input id                    varchar
-- input name                  varchar
-- input eTag                  varchar
-- input category              varchar
-- input amount                decimal(38, 18)
-- input timeGrain             varchar
-- input timePeriod_startDate  date
-- input timePeriod_endDate    date
-- input currentSpend_amount   decimal(38, 18)
-- input currentSpend_unit     varchar
-- input forecastSpend_amount  decimal(38, 18)
-- input forecastSpend_unit    varchar
-- input filter                varchar
-- input filters               varchar
-- input notifications         varchar
--
-- column Account          varchar          the account's name in the configuration
-- column Scope            varchar          the scope the API was asked for
-- column Page             bigint           page the row came on
-- column Row              bigint           row on that page
-- column BudgetId         varchar          ARM id in lower case with a leading slash
-- column BudgetScope      varchar          the scope the budget watches, in lower case with a leading slash
-- column BudgetName       varchar          the budget's name
-- column BudgetETag       varchar          version of the budget, for writing it back
-- column BudgetCategory   varchar          Cost, or ReservationUtilization
-- column TimeGrain        varchar          Monthly, Quarterly, Annually, BillingMonth, BillingQuarter or BillingAnnual
-- column ValidFrom        date             first day the budget holds
-- column ValidTo          date             last day the budget holds; null when open
-- column BillingCurrency  varchar          currency of the amounts, as the spend states it; null until something was spent
-- column BudgetAmount     decimal(38, 18)  BillingCurrency per TimeGrain
-- column CurrentSpend     decimal(38, 18)  BillingCurrency, actual cost so far by Azure's count; null when not evaluated
-- column ForecastSpend    decimal(38, 18)  BillingCurrency, Azure's forecast; null without a forecast notification
-- column BudgetFilter     varchar          JSON of the budget's condition; null when it watches the whole scope
-- column Notifications    varchar          JSON of thresholds and contacts
--
-- total: (select count(*) from stg_budgets) = (select count(*) from raw_budgets)
-- total: coalesce((select sum(BudgetAmount) from stg_budgets), 0) = coalesce((select sum(amount) from raw_budgets), 0)
select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    '/' || regexp_extract(lower(id), '^/?(.*)$', 1) as BudgetId,
    regexp_extract('/' || lower(id), '^/?(/.*)/providers/[^/]*/budgets/[^/]*$', 1) as BudgetScope,
    name as BudgetName,
    eTag as BudgetETag,
    category as BudgetCategory,
    timeGrain as TimeGrain,
    timePeriod_startDate as ValidFrom,
    timePeriod_endDate as ValidTo,
    nullif(trim(coalesce(currentSpend_unit, forecastSpend_unit)), '') as BillingCurrency,
    amount as BudgetAmount,
    currentSpend_amount as CurrentSpend,
    forecastSpend_amount as ForecastSpend,
    coalesce(raw_budgets.filter, raw_budgets.filters) as BudgetFilter,
    notifications as Notifications
from raw_budgets
