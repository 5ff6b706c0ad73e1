-- budget is one budget as Azure keeps it, with what Azure says was spent of it.
--
-- Azure evaluates budgets on actual cost and is up to a day late. A budget that several scopes list is one row.
--
-- reads:  stg_budgets
-- grain:  Account, BudgetId
--
-- column Account          varchar          the account's name in the configuration
-- column BudgetId         varchar          ARM id in lower case with a leading slash
-- column BudgetScope      varchar          the scope the budget watches, in lower case
-- column BudgetName       varchar          the budget's name
-- column BudgetCategory   varchar          Cost, or ReservationUtilization
-- column TimeGrain        varchar          Monthly, Quarterly, Annually, BillingMonth, BillingQuarter or BillingAnnual
-- column ValidFrom        date             first day the budget holds
-- column ValidTo          date             last day the budget holds; null when open
-- column BillingCurrency  varchar          ISO 4217; null until something was spent
-- column BudgetAmount     decimal(38, 18)  BillingCurrency per TimeGrain
-- column CurrentSpend     decimal(38, 18)  BillingCurrency, actual cost so far by Azure's count; null when not evaluated
-- column ForecastSpend    decimal(38, 18)  BillingCurrency, Azure's forecast; null without a forecast notification
-- column UsedRatio        decimal(38, 18)  CurrentSpend / BudgetAmount, 1 is all of it; null when not evaluated
-- column BudgetFilter     varchar          JSON of the budget's condition; null when it watches the whole scope
-- column Notifications    varchar          JSON of thresholds and contacts
-- column BudgetETag       varchar          version of the budget, for writing it back
--
-- check: BudgetAmount >= 0
-- total: not exists (select Account, BudgetId, BudgetAmount from stg_budgets except select Account, BudgetId, BudgetAmount from budget)
with ranked as (
    select
        stg_budgets.*,
        row_number() over (
            partition by stg_budgets.Account, stg_budgets.BudgetId
            order by stg_budgets.Scope, stg_budgets.Page, stg_budgets.Row
        ) as recency
    from stg_budgets
)
select
    ranked.Account as Account,
    ranked.BudgetId as BudgetId,
    ranked.BudgetScope as BudgetScope,
    ranked.BudgetName as BudgetName,
    ranked.BudgetCategory as BudgetCategory,
    ranked.TimeGrain as TimeGrain,
    ranked.ValidFrom as ValidFrom,
    ranked.ValidTo as ValidTo,
    ranked.BillingCurrency as BillingCurrency,
    ranked.BudgetAmount as BudgetAmount,
    ranked.CurrentSpend as CurrentSpend,
    ranked.ForecastSpend as ForecastSpend,
    ratio(ranked.CurrentSpend, ranked.BudgetAmount) as UsedRatio,
    ranked.BudgetFilter as BudgetFilter,
    ranked.Notifications as Notifications,
    ranked.BudgetETag as BudgetETag
from ranked
where ranked.recency = 1
