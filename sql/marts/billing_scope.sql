-- billing_scope is a part of the billing organisation: an account, a billing profile, an invoice section, a department, an
-- enrollment account, a partner's customer or a subscription, with the part that it stands under.
--
-- It is how the API lists them now; Azure keeps no history of it. ParentKind and ParentId name the nearest part above that the API
-- tells; the account has none. What reports call a department is a section in a customer agreement.
--
-- reads:  stg_billing_accounts
-- grain:  Account, Scope, Kind, ScopeId
--
-- column Account              varchar          the account's name in the configuration
-- column Scope                varchar          the scope the API was asked for
-- column Kind                 varchar          account, profile, section, department, enrollment_account, customer or subscription
-- column ScopeId              varchar          whole id in lower case
-- column Id                   varchar          last part of the id: an enrollment's number, a profile's code
-- column Name                 varchar          the name that people gave it, or Id
-- column ParentKind           varchar          kind of the part above; null for the account
-- column ParentId             varchar          Id of the part above
-- column Status               varchar          Active, Deleted, Warned …; null when not said
-- column BillingCurrency      varchar          ISO 4217, of its invoices; null when not said
-- column AgreementType        varchar          of an account: EnterpriseAgreement, MicrosoftCustomerAgreement …
-- column CostCenter           varchar          as the customer gave it; null without one
-- column Owner                varchar          of an enrollment account: who owns it; else null
-- column PurchaseOrderNumber  varchar          printed on its invoices; null without one
-- column SubAccountId         varchar          of a subscription: its GUID in lower case, as in cost_and_usage
-- column PlanName             varchar          of a subscription: the plan or offer it was sold as
-- column StartDate            date             when it began; null when not said
-- column EndDate              date             when it ends; null when not said
-- column AvailableBalance     decimal(38, 18)  BillingCurrency, credit that can settle its invoices; null where it has none of its own
-- column PaymentsOnAccount    decimal(38, 18)  BillingCurrency, payments not used yet; null where it has none of its own
-- column Tags                 varchar          JSON object text; null without tags
--
-- check: Kind in ('account', 'profile', 'section', 'department', 'enrollment_account', 'customer', 'subscription')
-- check: (ParentKind is null) = (ParentId is null)
-- check: coalesce(ParentKind = 'account', false) or ParentKind is distinct from Kind
-- total: (select count(*) from billing_scope) = (select count(*) from (select distinct Account, Scope, Kind, ScopeId from stg_billing_accounts where Kind <> 'balance') as scopes)
with
balance as (
    select
        stg_billing_accounts.Account as Account,
        stg_billing_accounts.Scope as Scope,
        stg_billing_accounts.ScopeId as ScopeId,
        max(stg_billing_accounts.BillingCurrency) as BillingCurrency,
        max(stg_billing_accounts.AvailableBalance) as AvailableBalance,
        max(stg_billing_accounts.PaymentsOnAccount) as PaymentsOnAccount
    from stg_billing_accounts
    where stg_billing_accounts.Kind = 'balance'
    group by stg_billing_accounts.Account, stg_billing_accounts.Scope, stg_billing_accounts.ScopeId
),
numbered as (
    -- A list that changes while it is read can show one thing twice.
    select
        stg_billing_accounts.*,
        row_number() over (
            partition by stg_billing_accounts.Account, stg_billing_accounts.Scope, stg_billing_accounts.Kind, stg_billing_accounts.ScopeId
            order by stg_billing_accounts.Page desc, stg_billing_accounts.Row desc
        ) as Occurrence,
        nullif(regexp_extract(stg_billing_accounts.ScopeId, '/billingaccounts/([^/]*)', 1), '') as FoldedAccountId
    from stg_billing_accounts
    where stg_billing_accounts.Kind <> 'balance'
),
placed as (
    select
        numbered.*,
        case
            when numbered.Kind = 'account' then cast(null as varchar)
            when numbered.Kind = 'subscription' and numbered.InvoiceSectionId is not null then 'section'
            when numbered.Kind = 'subscription' and numbered.EnrollmentAccountId is not null then 'enrollment_account'
            when numbered.Kind = 'subscription' and numbered.CustomerId is not null then 'customer'
            when numbered.Kind = 'enrollment_account' and numbered.DepartmentId is not null then 'department'
            when numbered.Kind in ('subscription', 'section', 'customer') and numbered.BillingProfileId is not null then 'profile'
            when numbered.FoldedAccountId is not null then 'account'
        end as ParentKind
    from numbered
    where numbered.Occurrence = 1
),
account as (
    -- Ids are compared folded, and shown as the account itself spells its own.
    select
        placed.Account as Account,
        placed.Scope as Scope,
        placed.FoldedAccountId as FoldedAccountId,
        max(placed.Id) as Id
    from placed
    where placed.Kind = 'account'
    group by placed.Account, placed.Scope, placed.FoldedAccountId
)
select
    placed.Account as Account,
    placed.Scope as Scope,
    placed.Kind as Kind,
    placed.ScopeId as ScopeId,
    placed.Id as Id,
    coalesce(placed.Name, placed.Id) as Name,
    placed.ParentKind as ParentKind,
    case placed.ParentKind
        when 'section' then placed.InvoiceSectionId
        when 'enrollment_account' then placed.EnrollmentAccountId
        when 'customer' then placed.CustomerId
        when 'department' then placed.DepartmentId
        when 'profile' then placed.BillingProfileId
        when 'account' then coalesce(account.Id, placed.FoldedAccountId)
    end as ParentId,
    placed.Status as Status,
    coalesce(placed.BillingCurrency, balance.BillingCurrency) as BillingCurrency,
    placed.AgreementType as AgreementType,
    placed.CostCenter as CostCenter,
    placed.Owner as Owner,
    placed.PurchaseOrderNumber as PurchaseOrderNumber,
    placed.SubAccountId as SubAccountId,
    coalesce(placed.PlanName, placed.OfferId) as PlanName,
    placed.StartDate as StartDate,
    placed.EndDate as EndDate,
    balance.AvailableBalance as AvailableBalance,
    balance.PaymentsOnAccount as PaymentsOnAccount,
    placed.Tags as Tags
from placed
left join balance
    on balance.Account = placed.Account
    and balance.Scope = placed.Scope
    and balance.ScopeId = placed.ScopeId
left join account
    on account.Account = placed.Account
    and account.Scope = placed.Scope
    and account.FoldedAccountId = placed.FoldedAccountId
