/*
Azledger copies what Azure bills you for into Parquet, checks that the bill is right,
and publishes tables about it.

Usage:

	azledger <command> [flags]

	run         copy what is new, rebuild the tables it changes, publish them: what cron calls
	extract     copy billing records into the lake, and no more
	transform   build the tables that are out of date and check them, and no more
	load        publish the tables that transform left in the lake, and no more
	reconcile   say of every invoice whether it is right, and where a difference lies, worst first
	explain     say how a number came about, down to the raw records, and compute it again
	allocation  read the rules of chargeback in words, or see what a change of them moves
	close       sign off a month: its published tables never change again
	verify      compute again what was signed off
	plan        say what a run would fetch, what that costs of Azure's quotas, and how long it takes at least
	query       ask the published tables a question in SQL
	models      list the published tables, or describe one
	sources     list what azledger can read, and the role that reading it needs
	demo        a whole run against a simulated Azure, no account needed
	simulate    serve the simulated Azure
	version     print the version

Data goes to standard output, everything else to standard error.

# A first look

The demo simulates an enterprise with an Enterprise Agreement and a Microsoft Customer
Agreement, copies its bills, and publishes the tables. The same seed makes the same
tables, byte for byte.

	$ azledger demo --out demo --months 2 --rows 500 --quiet
	Is the bill right? What each month's invoices ask for, against what its charges add up to

	Month    Account          Currency   Charges  Credits and tax  Together  Invoiced  Remains  Status
	------------------------------------------------------------------------------------------------------------------------------
	2026-10  contoso          EUR       2,951.04        -2,738.32    212.72    336.17   123.45  Unexplained
	2026-10  contoso-digital  GBP         458.94           -14.83    444.11    443.91     0.00  Explained, rest not invoiced yet
	2026-10  contoso-digital  USD       1,311.11            84.78  1,395.89  1,395.89     0.00  Matched
	2026-11  contoso          EUR         126.11             0.00    126.11         -        -  Not invoiced yet
	2026-11  contoso-digital  GBP         275.59             0.00    275.59         -        -  Not invoiced yet
	2026-11  contoso-digital  USD         131.95             0.00    131.95         -        -  Not invoiced yet

	Where does it differ? What an invoice bills beside its month's usage and purchases at the prices of the sheet

	Month    Account          Currency  Where it lies      Amount
	---------------------------------------------------------------
	2026-10  contoso          EUR       Unexplained        123.45
	2026-10  contoso          EUR       Quantity mismatch   10.07
	2026-10  contoso          EUR       Missing usage        8.11
	2026-10  contoso          EUR       Price mismatch       4.99
	2026-10  contoso-digital  GBP       Exchange rate        2.16
	2026-10  contoso          EUR       Late charges        -0.01

	Who pays? All these months before tax, the four highest in each currency

	Currency  Owner        Own cost  Shared  Unused commitments  Added  Charged
	-----------------------------------------------------------------------------
	EUR       Unallocated    614.33    0.00              164.84  15.58   794.76
	EUR       payments       182.37    0.00                0.00   3.65   186.02
	EUR       zoë.müller     171.50    0.00                0.00   3.43   174.93
	EUR       research       100.77    0.00               45.02   2.92   148.71
	EUR       all others     195.68    0.00                0.09   3.92   199.69
	GBP       Unallocated    611.73    0.00                4.89  12.33   628.95
	GBP       platform       108.42    0.00                0.00   2.17   110.59
	USD       claims         348.06    0.00                0.00   6.96   355.02
	USD       web            156.00    0.00                0.00   3.12   159.12
	USD       Unallocated      0.00    0.00                0.00   0.00     0.00

	This month so far, amortised, before tax

	Currency  Complete to   Spent  Same days last month  Last month
	-----------------------------------------------------------------
	EUR       2026-11-21   635.31                627.99      839.30
	GBP       2026-11-21   265.50                334.29      459.53
	USD       2026-11-21   194.95                210.40      309.11

	Is what was bought used?

	Commitment    Currency  How many  Used %  Unused cost
	-------------------------------------------------------
	Reservation   EUR              4    76.7       113.22
	Reservation   GBP              1    91.2         4.89
	Savings Plan  EUR              1    62.4        96.74
	Savings Plan  USD              1   100.0         0.00

	What wants a look? The simulated bill has mistakes on purpose

	Severity  Account  Period   Finding
	------------------------------------------------------------------------------------------------------------------------
	error     contoso  2026-10  Azure itself adds up actual cost of the days of 2026-10 to 2951.05 EUR, the records that
	                            count to 2942.94; they differ on 2026-10-05. Fetch the month again, and ask Microsoft if
	                            that changes nothing.
	error     contoso  2026-10  Azure itself adds up amortized cost of the days of 2026-10 to 861.52 EUR, the records that
	                            count to 839.30; they differ on 2026-10-05. Fetch the month again, and ask Microsoft if
	                            that changes nothing.
	error     contoso  2026-10  Invoice 8608480-202610 bills 336.17 EUR; 123.45 of it is in no charge, credit or tax. Of
	                            Marketplace it states 128.27, the cost records have 127.03.
	error     contoso  2026-10  Usage goes on every day, but there is none on 2026-10-05. The cost of the period is
	                            probably too low: fetch it again, and ask Microsoft if that changes nothing.
	error     contoso  2026-10  Azure Cosmos DB, 100 RU/s was billed at up to 0.007704 EUR per 1/Hour, the price sheet
	                            says 0.007200. 30 charges are 4.99 EUR too high.
	warning   contoso  all      Reservation VM_RI_05-01-2026_19-55 was not used at all on 52 days in a row, from
	                            2026-10-01 to 2026-11-21, which cost 46.53 EUR. Check its scope, exchange or return it.
	warning   contoso  2026-10  Bandwidth in Core Network test cost 24.51 EUR on 2026-10-17; on the days of the two weeks
	                            before it was 2.18 a day.

	The tables are in demo/published: azledger models lists them. Ask them something:

	  azledger query --config demo/azledger.yaml "select ServiceName, BillingCurrency, round(sum(EffectiveCost), 2) as Cost from cost_trend_monthly group by all order by all"

Its configuration is left beside what it made, so everything else works on it:

	$ azledger query --config demo/azledger.yaml --format csv "select Component, Amount from invoice_reconciliation where Account = 'contoso' and InvoiceId like '%-202610' order by ComponentOrder"
	Component,Amount
	Usage,166.362847973275395568
	LateCharge,-0.010165266285800000
	Purchase,2550.030000000000000000
	SupportPlan,84.450000000000000000
	Marketplace,127.034000000000000000
	Rounding,-0.003154725337381588
	PriceMismatch,4.993556097600000000
	QuantityMismatch,10.068224076750000000
	MissingUsage,8.114691845000000000
	Prepayment,-2738.320000000000000000
	Unexplained,123.449999998997786020

	$ azledger query --config demo/azledger.yaml "select count(*) as Charges, count(distinct BillingCurrency) as Currencies from cost_and_usage"
	Charges  Currencies
	---------------------
	   1207           3

# Configuration

A run reads azledger.yaml from the working directory, or the file that --config or
AZLEDGER_CONFIG names. Relative paths start at the file's folder. A key that is not
known is an error, told with its line and column. Lake and publish are places side by side:
neither may hold the other.

	lake: lake                  # what was copied and built: directory, or container URL as for publish
	publish: published          # directory, or https://<account>.blob.core.windows.net/<container>/<prefix>
	publish_with_failed_scopes: false   # publish even if a scope failed, and exit with 5
	accept_rejects: false       # go on without records that cannot be read; data_quality lists them
	cloud: public               # public, usgov or china
	endpoints:                  # other addresses than the cloud's
	  management: ""            # Azure Resource Manager
	  authority: ""             # where tokens come from
	  retail: ""                # list prices
	  enterprise: ""            # a replay of the retired Enterprise Reporting; without it none
	credential: default         # default, environment, managed_identity, workload_identity, cli, none
	accounts:
	  - name: contoso           # as tables and logs call it
	    scope: /providers/Microsoft.Billing/billingAccounts/8608480
	    agreement: auto         # auto asks Azure; or ea, mca, mosp, mpa
	    sources: []             # names of sources; empty: all that the agreement supports
	    exports: ""             # Cost Management exports: directory or container URL
	    offer:                  # of pay as you go, for rate_card; all four or none
	      id: ""                # such as MS-AZR-0003P
	      currency: ""          # such as EUR
	      locale: ""            # such as en-US
	      region: ""            # such as DE
	retail:                     # list prices, which belong to no account
	  currencies: []            # such as [USD, EUR]; empty: none are copied
	  families: []              # service families as Microsoft spells them; empty: all
	periods:
	  history: 13               # months copied where there is nothing yet, the open one included
	  late_days: 7              # days after its end in which a month is copied again
	  versions: 14              # superseded versions kept of each month
	limits:
	  memory: 2GB               # of DuckDB
	  threads: 0                # of DuckDB, and months copied at once; 0: as many as there are processors
	  temp: ""                  # where large queries spill; and the copy of a lake in a container; empty: <lake>/temp
	  retries: 5                # how often a broken or missing answer is asked for again
	owners: ""                  # who pays, see below
	allocation: ""              # rules for what is shared, see below
	tags:
	  keys: [owner, costcenter] # tags that get a column, and that name the owner where no rule does

The scope is a billing account, a billing profile, a subscription, a department or an
enrollment account. An account may have a scope, exports or both; a month that both
have is taken from the exports, once, and the API is not asked for it.

Each key is an environment variable too: AZLEDGER_ and the path to the key in capitals,
joined by underscores, list elements by number. The variable wins over the file.

	AZLEDGER_LIMITS_MEMORY=4GB
	AZLEDGER_ACCOUNTS_0_EXPORTS=/mnt/exports
	AZLEDGER_TAGS_KEYS='[owner, environment]'

Secrets come from the environment and are never printed:

	AZLEDGER_STORAGE_CONNECTION_STRING   a storage account
	AZLEDGER_STORAGE_SAS                 shared access signature for the storage account of publish,
	                                     or of lake where publish is a directory
	AZLEDGER_ENTERPRISE_KEY              an enrollment's key for endpoints.enterprise
	AZLEDGER_SIGNING_KEY                 signs closed months: 32 bytes in base64 (openssl rand -base64 32)
	AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH
	                                     for the credential environment

The first two open what of lake, publish and exports lies in their storage account. All
other containers are opened with the credential that the billing APIs are read with, or
with a signature in their URL, which is then given as a variable too, such as
AZLEDGER_LAKE or AZLEDGER_ACCOUNTS_0_EXPORTS. Lake and publish need the role Storage Blob
Data Contributor, or a signature with the permissions racwdl; exports need Storage Blob
Data Reader, or rl.

# What is read

	azledger sources [name]…

lists every source: what Microsoft calls it, the version asked for, the agreements that
have it, the role that reading it needs, the table it becomes, and whether Microsoft still
keeps it. An account whose sources are empty reads what its agreement has and what no better
source has too:

  - Charges. From exports, else from cost_details: a report that Azure makes for a month and
    that is submitted once, waited for, and fetched in parts. A run that is stopped, or that
    waited an hour for nothing, goes on with the same report for four hours. Pay as you go,
    resource groups and management groups have no such report and read usage_details.
    detailed_cost is read where it is named: it has the charges of one pay-as-you-go invoice.
  - Prices. price_sheet_download, for enrollments and billing profiles. An enrollment's prices
    of reservations are in the open month's sheet only: a month's are kept if a run, or an
    export, took them while it was open. rate_card, where the offer is configured.
    retail_prices, where retail.currencies are: about 3,500 requests for each currency and day.
  - Invoices, what is on them (transactions), and their documents, which are kept under
    documents in the lake. The total printed on a document is read where it has text, and
    compared with the amount that the API says: table invoice_document.
  - Commitments, recommendations, prepayment and credits, budgets and alerts, the forecast, and
    the organisation (billing_scope).
  - Azure's own sums by day (query), against which the charges are held: table
    source_completeness_cost. They and the forecast cost four query units a run and scope; the
    first run reads the history, 26.
  - Sources whose feed begins with stg_ are kept in the lake and typed, but published in no table
    yet; azledger models --all describes them.
  - What Enterprise Reporting had, from a replay of it: sources ea_*, where they are named.

An export folder may hold every dataset that Cost Management exports, in CSV, CSV.gz or
Parquet: actual and amortized cost, FOCUS 1.0 to 1.2, price sheets, reservation details,
recommendations and transactions. Each manifest goes to the source of its type; files without
a manifest are told by their headers. A FOCUS export becomes cost_and_usage as it is, with the
gaps filled that Microsoft leaves in it.

Where several sources have one month of one scope, the one that has both actual and amortized
cost counts, alone: cost exports before FOCUS exports, those before reports, those before
usage_details. Table source_completeness says for each unit what was expected, what came, what
counts and why.

	azledger plan [--limits] [--format table|json|csv] [flags of run]

says before anything is fetched what a run would fetch and leave alone, the calls that takes
(as many as the last time, where there was one; else the least there can be) and the earliest
finish under the limits that Azure publishes. --limits lists these, with the calls that count
against each. A run paces itself by the same numbers; a simulated Azure on this machine has
none. The plan itself asks Azure for what planning takes, such as the names of billing profiles
and the list of invoices, so it needs the credential that a run needs.

	$ azledger plan --config demo/azledger.yaml --as-of 2026-11-23 --source balances --source budgets
	account          source    periods  units  calls at least  skipped  skipped because
	--------------------------------------------------------------------------------------------------------------
	contoso          balances  2026-11      1               1        1  closed, and fetched since
	contoso          budgets   all          1               1        0
	contoso-digital  budgets   all          1               1        0
	total                                   3               3        1  a simulated Azure on this machine holds
	                                                                    nothing back

# Is the bill right?

	azledger reconcile [months] [--account name]… [--invoice id] [--fail-on-unexplained amount] [--format table|json|csv]

says of each invoice what it asks for, what we calculate, and where the difference lies, worst
first. What we calculate is quantity times the price of that period's sheet, where the sheet has
the meter, and what was charged where it has not.

	$ azledger reconcile 2026-10 --config demo/azledger.yaml --account contoso-digital
	period   account          invoice                         currency  status     invoiced  calculated  difference  where it lies
	-------------------------------------------------------------------------------------------------------------------------------------
	2026-10  contoso-digital  G188884494                      GBP       Explained    319.73      317.57        2.16  Exchange rate 2.16
	2026-10  contoso-digital  G188989223                      GBP       Matched      124.18      124.18        0.00
	2026-10  contoso-digital  contoso-digital-202610-pending  GBP       Estimated         -        0.20        0.00
	2026-10  contoso-digital  G189093952                      USD       Matched      210.55      210.55        0.00
	2026-10  contoso-digital  G189198681                      USD       Matched    1,185.34    1,185.34        0.00

	contoso-digital, invoice G188884494, 2026-10, GBP: Explained

	component      invoiced  calculated  difference  amount  invoice  in words
	----------------------------------------------------------------------------------------------------------------------------------
	Usage                 -      288.42           -  288.42           Usage of the period.
	Marketplace           -       64.68           -   64.68           Products of other sellers.
	Rounding              -        0.00           -    0.00           Rounding of the bill to whole cents.
	Exchange rate      2.16        0.00        2.16    2.16           Charges converted at another rate than most of this invoice.
	Prepayment       -88.82           -           -  -88.82           Paid from the prepayment, as the invoice or balance states it.
	Tax               53.29           -           -   53.29           Tax, as the invoice states it.
	Unexplained           -           -           -    0.00           Nothing is left.
	the invoice                                      319.73

	contoso-digital, invoice contoso-digital-202610-pending, 2026-10, GBP: Estimated

	component    invoiced  calculated  difference  amount  invoice  in words
	-------------------------------------------------------------------------------------------------------
	Usage               -        0.20           -    0.20           Usage of the period.
	Unexplained         -           -           -    0.00           These charges wait for their invoice.
	so far                                           0.20

	currency  status     invoices  invoiced  calculated  difference  remains
	--------------------------------------------------------------------------
	GBP       Explained         1    319.73      317.57        2.16     0.00
	GBP       Matched           1    124.18      124.18        0.00     0.00
	GBP       Estimated         1         -        0.20        0.00     0.00
	USD       Matched           2  1,395.89    1,395.89        0.00     0.00

An invoice is taken apart into components that add up to it to the last digit: table
invoice_reconciliation. Usage, Purchase, Marketplace, SupportPlan, Rounding, Credit,
Prepayment and Tax are in every bill. The others say where it differs:

	LateCharge        usage of an earlier month; that month's invoice has it with the other sign
	PurchaseTiming    the same of a purchase billed in another period than its day's
	Refund            given back of what another invoice billed
	Rebill            a voided invoice and the credit note that takes it back
	ExchangeRate      charges converted at another rate than the rest of the invoice
	PriceMismatch     another price than the sheet's; price_check lists the meters
	QuantityMismatch  another quantity than was used
	MissingUsage      billed usage of days for which Azure's own daily sums exceed the records
	Other             what only the invoice's own lines say
	Unexplained       what is left

An invoice is Matched, Explained (by the components above), Unexplained (more is left than
rounding can leave) or Estimated (not there yet). Documents of an enrollment repeat what its
billing periods state; they are reconciled, but IsCounted is false: say so in sums.
invoice_reconciliation_line has the same by section, product order and service family.

--fail-on-unexplained 5 exits with 6 where more than 5 of an invoice remains unexplained, in its
currency; 0 where anything does. Run and transform take it too.

price_check prices every meter of a period anew: tiers, included quantities, units and exchange
rates. What cannot be priced is listed with the reason as Result. A customer agreement's sheet
can be had only while its month is open: without a run in it, its usage is NoSheet.

	$ azledger query --config demo/azledger.yaml "select Result, count(*) as Meters, round(sum(PriceMismatch + QuantityMismatch), 2) as Mismatch from price_check where BillingCurrency = 'EUR' group by Result order by Result"
	Result            Meters  Mismatch
	------------------------------------
	Adjustment             1      0.00
	Commitment            22      0.00
	Marketplace            5      0.00
	Matched                6      0.00
	PriceMismatch          1      4.99
	Purchase               2      0.00
	QuantityMismatch       1     10.07
	Refund                 1      0.00

# Who pays?

The owners file says whose the charges are. It is CSV with a header; the columns may stand in
any order and, all but CostOwner, be left out. An empty field fits everything; * and ? stand for
any letters and for one. The first line that fits a charge in all its fields decides; where none
does, the first of tags.keys that the charge carries.

	CostOwner       who pays
	SubscriptionId  the line is for this subscription
	ResourceGroup   for this resource group
	InvoiceSection  for this invoice section or department, by name or id
	TagKey          for what carries this tag
	TagValue        with this value
	ValidFrom       first day of the line, such as 2026-01-01
	ValidTo         last day of the line

What nobody uses alone is divided by the rules of allocation.yaml:

	owners: [Security]                  # owners that no line of the owners file names

	tags:                               # how tags are spelled, inherited and required
	  keys:
	    CostCenter: [cost-center, Kostenstelle]
	  values:
	    Environment:
	      production: [prod, prd, live]
	  inherited: tags.csv               # tags of resource groups and subscriptions, see below
	  inherit: [resource_group, subscription]
	  required:                         # untagged_spend lists what lacks them
	    CostCenter: any
	    Environment: [production, test, development]

	rules:                              # from the top; the first that fits a charge takes it
	  - name: Shared network
	    from: Platform                  # of this owner's cost; without it, of anyone's
	    where:                          # any column of cost_and_usage, tag.<key>, CostOwner: all hold
	      ServiceName: [Virtual Network, "Load*"]
	      tag.Environment: {not: test}
	    split: proportional             # to what the receivers cost, or to what of: chooses of it
	    of: {ServiceName: Virtual Machines}
	    to: all                         # or a list of owners
	  - name: Database cluster
	    where: {x_ResourceGroupName: rg-sql-*}
	    split: usage                    # of one meter
	    meter: 6e0d1f2a-1111-4222-8333-944455566677
	    to: [Data, Web]
	  - name: Platform desk
	    from: Platform
	    where: {ServiceName: Azure DevOps}
	    split: fixed                    # by weights; even: all alike
	    to: {Data: 12, Web: 30.5}
	    valid_from: 2026-01-01
	    valid_to: 2026-12-31
	  - name: Platform                  # without where: what Platform received from rules above, too
	    from: Platform
	    split: manual                   # per cent, 100 together
	    to: {Data: 60, Web: 40}
	    months:
	      2026-09: {Data: 55.5, Web: 44.5}

	policies:                           # cost that is nobody's by nature
	  unused_commitments: users         # buyer, users (by what they used of it), or {central: Platform}
	  rounding: {central: Platform}     # none, proportional or central, as are the next
	  support: proportional
	  credits: none
	  tax: none

	markup:
	  - name: Service fee
	    owner: [Data, Web]
	    service: "Virtual *"
	    percent: 2.5

	rate_card: rates.csv                # prices of the house: MeterId, ServiceName, SkuMeter,
	                                    # PricingUnit, BillingCurrency, UnitPrice, ValidFrom, ValidTo;
	                                    # units are spelled as in cost_and_usage

Tags.csv has SubscriptionId, ResourceGroup (empty for the subscription's own tags), TagKey,
TagValue, ValidFrom and ValidTo; Azure Resource Graph lists them (resourcecontainers). All files
are checked before anything is computed: every fault is told with file, line and rule.

Table chargeback has the lines. Where money moved, Shared stands at who receives and SharedOut
at who had it, so that each month's sum stays the cost, to the last digit; parts are cut at the
eighteenth place and the largest remainders get what is over. PolicyAmount is what mark-ups,
internal prices, tax and credits add, and ChargebackAmount what the owner pays. What Azure's own
cost allocation moved (AzureAllocated) is not moved again. allocation_trace has the way of each
amount, commitment_timing the way from what an owner is charged to what the invoice bills, and
untagged_spend what lacks a good value of a tag, in money, with a suggestion.

	azledger allocation check
	azledger allocation plan [--period months] [--rules] [--format table|json|csv]

Check says the rules in words. Plan says what the files as they are now would move, for each
month and owner, against the rules of the last run; nothing is changed by it. Each set of rules
that was ever used is kept in the lake under rules/, and table run names it.

	$ azledger allocation check --config demo/azledger.yaml
	kind     line  name                                     in words
	------------------------------------------------------------------------------------------------------------------------------------------
	owner       2  TagKey owner, TagValue paymnets          payments
	owner       3  TagKey owner, TagValue claims-team       claims
	owner       4  TagKey owner, TagValue plattform         platform
	owner       5  TagKey owner, TagValue data & analytics  data
	owner       6  TagKey owner, TagValue web "shop"        web
	owner       7  TagKey owner, TagValue store             stores
	owner       8  TagKey owner, TagValue zoe.mueller       zoë.müller
	tag            owner tag 1                              owner names the owner where no line of the owners file does
	tag            owner tag 2                              costcenter names the owner where no line of the owners file does
	tag         9  value r&d of owner                       means research
	tag         9  value researh of owner                   means research
	rule       12  Shared network                           shares the cost of platform where ServiceName is Azure Firewall or VPN Gateway
	                                                        by what each spends where ServiceName is Virtual Machines, among all owners with
	                                                        cost
	policy         UnusedCommitment                         goes to who used the commitment, by what each used
	policy         Rounding                                 goes to every owner, by what each spends
	policy         Support                                  goes to every owner, by what each spends
	policy         Credit                                   stays where it was charged
	policy         Tax                                      stays where it was charged
	mark-up    28  Cloud desk                               adds 2 percent to what every owner is charged for everything

# What has changed?

Restatement lists the past days that are not what they were in the run before, by how much, and
whether Azure changed its records or somebody the rules. Running again with nothing new leaves
it as it is.

	azledger close 2026-09 [--by name] [--note text] [--accept reason]
	azledger verify [month]

Close signs a month off: the month's part of every published table, the rules it was made with and
the hashes of all raw files behind it are kept in the lake under closed/. From then on the month is
published as it was signed off. What Azure changes in it later is in period_adjustment, and is
charged in the first open month as lines of kind Adjustment. Months are closed in order, and those
before the first one that is closed stay open. A month is refused while it can still change, while
tables are out of date, and (unless --accept says why) while an invoice is missing or not explained.
close --undo --reason opens the last one again.

Verify computes all of it again and exits with 1, naming the file, where anything is not what was
signed off. It lists raw data that Azure has restated since; that is no fault.

	$ azledger close 2026-10 --config demo/azledger.yaml --by "M. Rossi" --accept "123.45 is being asked for" --quiet
	table                        rows  bytes  sha256
	------------------------------------------------------------
	allocation_trace               19   6200  eb1ee979e51256a1
	balance                         1   3371  4cfd0ab9823bbb1b
	billing_period                  1   1451  bb7efd064bbfbcb8
	chargeback                     85   7462  d73f6e317176bfb5
	commitment_timing              55   2578  74670378a04bee4c
	cost_and_usage                715  78052  98a6b7e1dacbea0d
	cost_trend_daily              585  11911  e0720f6e5c7b61ac
	data_quality                   10   4594  8e85b06c447ff7ee
	invoice                         7   7440  d40bf0e368ea9cdb
	invoice_document                5   4029  9ad94620fc10c889
	invoice_reconciliation         38   5892  33fc549182dabffb
	invoice_reconciliation_line    17   3865  6cf3015a2f24727b
	invoice_transaction             9   7749  b15a836b4da2e82a
	marketplace_charge             32   9090  0a5949680de1f76d
	period_adjustment               0    575  abe18bd9f40842d8
	price_check                    37  10465  49b3c35c0d6a176b
	price_sheet                  1432  83410  e253930ce49fcdb8
	reservation_transaction         3   7531  81acd10a1eeb1039
	reservation_utilisation       207  10727  98bded33cf15fa86
	restatement                     0    839  540b10ab1af58caa
	source_completeness            40   7571  49ad0ab6e0f35377
	source_completeness_cost        6   4265  c37f178028237455
	untagged_spend                 60   5218  0930dd0372215549

# How did this number come about?

	azledger explain <table> column=value… [--sum] [--limit n] [--sql] [--format table|json]

shows a row of a published table, the model it comes from, the rows it was made of step by step,
and of the raw records at the end the file, page and row, and the request that fetched them, with
its id and time; then the rules that had a part in it. It computes the number again, by the model's own query and
from the rows it shows, and exits with 1 if it does not come out. --sum explains several rows
together, and a day may be cut short: BillingPeriodStart=2026-09.

# Running

	azledger run [--account name]… [--source name]… [--table name]… [--period months] [--as-of day]

copies, builds and publishes. Without --period it copies the open month, months that
ended less than periods.late_days ago, months of the history that are missing, and the charges
of older months whose invoices have changed since.
--period 2026-09 or 2026-01..2026-09 copies those months whatever their state. --as-of
is the run date, today in UTC where it is not given; the same records and the same run
date make the same tables.

	--account name            only this account
	--source name             only this source, see azledger sources
	--table name              only this table and what it is made from
	--refresh                 fetch again what was fetched less than four hours ago
	--accept-shrink reason    accept data that lost rows or days, or an older run date; the reason is recorded
	--fail-on-unexplained n   exit with 6 if more than n of an invoice is not explained, see above

Extract, transform and load do one of the three steps and take those of the flags that
mean something to them. All of them can be repeated at any time, also after a crash: what is
done is not done again, and the result is the same.

A record that cannot be read (a cost that is no number, a line with a field too many)
fails its month, because sums without it would look whole. accept_rejects: true goes on
without such records; they are kept beside the raw data, and data_quality names them.

If a scope fails, the others go on. Then nothing is published and the exit code is 1,
unless publish_with_failed_scopes is true: then the rest is published and the exit code
is 5. Whatever fails, what was published before stays as it is.

Load, and so run, puts back published files that were deleted, cut off or overwritten. In a
directory it knows them by their size, or by a time later than current.json's; a file that
a failing disk changed, time and all, has to be deleted first. Query names such files.

One run at a time may work on a lake; another one exits with 3 and says who is at work.

# A lake in a container

	lake: https://<account>.blob.core.windows.net/<container>/<prefix>

keeps the lake in blob storage, for a machine that has no disk of its own or another one
every night. Names are the same as in a directory, so either can be copied over the other.

A run works on a copy of the lake: a folder below limits.temp, or below the system's
folder for temporary files, that only its user can use and that is the same for every run.
It lists the container, fetches the small files that tell what there is, and Parquet files
when something is built or published from them; usually those of the open months, and
the published tables of the others. The folder needs room for these and for what is built. It
may be deleted whenever no run is at work; where it stays, less is fetched.

What extract and transform have done is saved after each of them, also when they failed or
the run was interrupted: first data, then what refers to it. So a run that dies leaves a
whole lake. Pages of a month that was not finished are saved when the run is told to stop
(SIGTERM, as container platforms do) and has 20 seconds left; after kill -9 or a power cut
they are only on the disk where they were fetched, and without that disk they are fetched
again.

lock.json in the container says which run holds the lake. The run renews it while it works.
If its host dies, the next run on the same disk goes on at once. On another host a run
exits with 3 for two minutes; after them it watches for one more whether the claim is
renewed, and then takes the lake. A run that was taken for dead and comes back saves nothing
more and exits with 3.

On a terminal a run shows its progress; elsewhere it logs one line for each unit copied,
table built and file published. --log-format json makes the lines JSON, --quiet leaves
warnings and errors.

# Exit codes

	0    done
	1    failed; what was published stays. Verify and explain: a number is not what it was
	2    wrong usage or configuration
	3    another run holds the lake, or took it over
	4    a check failed; what was published stays
	5    published without a scope that failed (publish_with_failed_scopes)
	6    an invoice is not explained (--fail-on-unexplained)
	130  interrupted; the same command goes on from here
	143  terminated; the same command goes on from here

# Asking

	azledger query [--format table|json|csv] "select …"

runs a query of DuckDB's SQL over the published tables, in a directory or a container,
whichever publish names. A query can read the tables and nothing else. CSV has a header
line; amounts have all their 18 decimals. In JSON decimals and integers of 128 bits are
texts, because most readers turn numbers into binary fractions; so are nan and inf, which
JSON lacks. Columns of one name become a, a_2, a_3.

	azledger models [--all] [table]
	azledger sources [name]…

describe the tables and the sources.

# The simulated Azure

	azledger demo [--out dir] [--months n] [--rows n] [--seed n] [--as-of day] [--restate month]
	azledger simulate [--addr host:port] [--months n] [--rows n] [--seed n] [--as-of day] [--restate month]
	                  [--exports dir] [--truth file]
	                  [--export-account ea|mca] [--export-datasets names] [--export-format csv|csv.gz|parquet] [--export-layout layout]

Simulate serves the billing APIs of the demo's enterprise until it is interrupted. With
--exports it first writes the files of its Cost Management exports, with --truth the
sums that any correct reading of them must reach. Rows is the number of charges in a
month over both accounts. --restate 2026-09, given to the same demo a second time, makes Azure
tell that month otherwise than it was billed: restatement lists what changed, and where the
month was closed in between, period_adjustment has the difference.
*/
package main
