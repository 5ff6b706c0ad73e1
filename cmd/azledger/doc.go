/*
Azledger copies what Azure bills you for into Parquet, checks that the bill is right,
and publishes tables about it.

Usage:

	azledger <command> [flags]

	run         copy what is new, rebuild the tables it changes, publish them: what cron calls
	extract     copy billing records into the lake, and no more
	transform   build the tables that are out of date and check them, and no more
	load        publish the tables that transform left in the lake, and no more
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

	Month    Account          Currency   Charges  Credits and tax  Calculated    Billed  Difference  Status
	------------------------------------------------------------------------------------------------------------------------------------
	2026-10  contoso          EUR       2,942.92        -2,731.44      211.48    334.93      123.45  Unexplained
	2026-10  contoso-digital  GBP         168.30            14.22      182.52    182.45        0.00  Reconciled, rest not invoiced yet
	2026-10  contoso-digital  USD       1,095.00            90.34    1,185.34  1,185.34        0.00  Reconciled
	2026-11  contoso          EUR         126.11             0.00      126.11         -           -  Not invoiced yet
	2026-11  contoso-digital  GBP          76.33             0.00       76.33         -           -  Not invoiced yet
	2026-11  contoso-digital  USD           0.00             0.00        0.00         -           -  Not invoiced yet

	Who pays? Amortised cost of all these months before tax, the four highest in each currency

	Currency  Owner          Cost
	-------------------------------
	EUR       Unallocated  993.19
	EUR       payments     135.84
	EUR       zoë.müller   127.03
	EUR       data          80.89
	EUR       all others   137.66
	GBP       Unallocated  126.58
	GBP       platform     108.42
	GBP       claims         0.13
	USD       web          156.00
	USD       Unallocated    0.00

	This month so far, amortised, before tax

	Currency  Complete to   Spent  Same days last month  Last month
	-----------------------------------------------------------------
	EUR       2026-11-21   635.31                627.99      839.30
	GBP       2026-11-21    66.24                137.24      168.89
	USD       2026-11-21    63.00                 63.00       93.00

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
	error     contoso  2026-10  Invoice 8608480-202610 bills 334.93 EUR; 123.45 of it is in no charge, credit or tax.
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
	Usage,181.414462881339595568
	Purchase,2634.480000000000000000
	Marketplace,127.030000000000000000
	Rounding,-0.004462881339595568
	Prepayment,-2731.440000000000000000
	Unexplained,123.450000000000000000

	$ azledger query --config demo/azledger.yaml "select count(*) as Charges, count(distinct BillingCurrency) as Currencies from cost_and_usage"
	Charges  Currencies
	---------------------
	   1102           3

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

# Owners

The owners file says who pays. It is CSV with a header; the columns may stand in any
order and, all but CostOwner, be left out. An empty field fits everything. The first
rule from the top that fits a charge in all its fields decides; where none does, the
first of tags.keys that the charge carries.

	CostOwner       who pays
	SubscriptionId  the rule is for this subscription
	ResourceGroup   for this resource group
	TagKey          for what carries this tag
	TagValue        with this value
	ValidFrom       first day of the rule, such as 2026-01-01
	ValidTo         last day of the rule

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
	--fail-on-unexplained     exit with 6 if an invoice differs from what its charges add up to

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
	1    failed; what was published stays
	2    wrong usage or configuration
	3    another run holds the lake, or took it over
	4    a check failed; what was published stays
	5    published without a scope that failed (publish_with_failed_scopes)
	6    an invoice is not explained by its charges (--fail-on-unexplained)
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

	azledger demo [--out dir] [--months n] [--rows n] [--seed n]
	azledger simulate [--addr host:port] [--months n] [--rows n] [--seed n] [--exports dir] [--truth file]
	                  [--export-account ea|mca] [--export-datasets names] [--export-format csv|csv.gz|parquet] [--export-layout layout]

Simulate serves the billing APIs of the demo's enterprise until it is interrupted. With
--exports it first writes the files of its Cost Management exports, with --truth the
sums that any correct reading of them must reach. Rows is the number of charges in a
month over both accounts.
*/
package main
