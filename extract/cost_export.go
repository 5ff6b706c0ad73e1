package extract

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
)

// Cost exports are the files that Cost Management writes to blob storage: actual
// and amortized cost, one line per charge.
//
// What is odd about them:
//   - EA files have PascalCase headers, MCA files camelCase with exceptions
//     (ProductId, SubscriptionId, ResourceId, PayGPrice), pay-as-you-go files other
//     names (PreTaxCost, UsageQuantity), and downloads in German have
//     "Ressourcengruppe (ResourceGroup)". One raw column stands for all spellings.
//   - Older versions say Product, Cost, BillingCurrency and InvoiceSection for
//     ProductName, CostInBillingCurrency, BillingCurrencyCode and InvoiceSectionName.
//   - EA dates are MM/dd/yyyy, tags are "k": "v" without braces, each part of a
//     partitioned run has its own header and byte order mark.
//   - In EA files Quantity is already counted in blocks where UnitOfMeasure is a
//     block ("10K"): the columns land as served, staging decides.
var _ = register(&Source{
	Name:       "cost_export",
	API:        "Cost Management exports (files)",
	Version:    "2019-10-01 to 2024-08-01 datasets",
	Agreements: []string{ea, mca, mpa, mosp},
	Role:       "Storage Blob Data Reader on the container, or read access to the folder",
	Feeds:      "cost_and_usage",
	Status:     "current",
	Columns:    costExportColumns(),
	dateColumn: "Date",
	files:      true,
	plan:       planCostExports,
})

func costExportColumns() []Column {
	columns := []Column{
		{Name: "Date", Type: Date, Aliases: []string{"UsageDateTime", "UsageDate"}, Required: true},
		{Name: "CostInBillingCurrency", Type: Decimal, Aliases: []string{"Cost", "PreTaxCost"}, Required: true},
		{Name: "BillingCurrencyCode", Type: Text, Aliases: []string{"BillingCurrency", "Currency"}},
		{Name: "Quantity", Type: Decimal, Aliases: []string{"UsageQuantity", "ConsumedQuantity"}},
		{Name: "EffectivePrice", Type: Decimal, Aliases: []string{"ResourceRate"}},
		{Name: "ResourceId", Type: Text, Aliases: []string{"InstanceId", "InstanceName"}},
		{Name: "SubscriptionId", Type: Text, Aliases: []string{"SubscriptionGuid"}},
		{Name: "ResourceGroup", Type: Text, Aliases: []string{"ResourceGroupName"}},
		{Name: "ProductName", Type: Text, Aliases: []string{"Product"}},
		{Name: "InvoiceSectionName", Type: Text, Aliases: []string{"InvoiceSection", "DepartmentName"}},
		{Name: "PayGPrice", Type: Decimal, Aliases: []string{"MarketPrice"}},
		{Name: "Tags", Type: Tags},
		{Name: "IsAzureCreditEligible", Type: Bool},
		{Name: "AdditionalInfo", Type: Text},
	}
	columns = append(columns, named(Decimal, "UnitPrice", "CostInPricingCurrency", "CostInUsd", "PaygCostInBillingCurrency", "PaygCostInUsd",
		"ExchangeRatePricingToBilling", "PartnerEarnedCreditRate")...)
	columns = append(columns, named(Date, "BillingPeriodStartDate", "BillingPeriodEndDate", "ServicePeriodStartDate", "ServicePeriodEndDate", "ExchangeRateDate")...)
	return append(columns, named(Text, "AccountName", "AccountOwnerId", "AccountId", "SubscriptionName", "ResourceLocation",
		"MeterCategory", "MeterSubCategory", "MeterId", "MeterName", "MeterRegion", "UnitOfMeasure", "CostCenter", "ConsumedService",
		"OfferId", "ServiceInfo1", "ServiceInfo2", "ResourceName", "ReservationId", "ReservationName", "ProductOrderId", "ProductOrderName",
		"Term", "PublisherType", "PublisherName", "ChargeType", "Frequency", "PricingModel", "AvailabilityZone",
		"BillingAccountId", "BillingAccountName", "BillingProfileId", "BillingProfileName", "InvoiceSectionId", "PartNumber", "PlanName",
		"ServiceFamily", "CostAllocationRuleName", "BenefitId", "BenefitName",
		"InvoiceId", "PreviousInvoiceId", "ResellerName", "ResellerMpnId", "ProductId", "PublisherId", "PricingCurrency", "Provider",
		"PartnerTenantId", "PartnerName", "CustomerTenantId", "CustomerName", "PartnerEarnedCreditApplied",
		"ResourceType", "ServiceName", "ServiceTier", "Location", "ResourceLocationNormalized",
		"_file", "_agreement")...) // the landing fills the last two: the file's name, and ea, mca or mosp by its header
}

// named declares columns of a file by their headers.
func named(t Type, names ...string) []Column {
	columns := make([]Column, len(names))
	for i, n := range names {
		columns[i] = Column{Name: n, Type: t}
	}
	return columns
}

// costDatasets are the exports this source reads, by exportConfig.type in lower case.
var costDatasets = map[string]string{"actualcost": "actual", "amortizedcost": "amortized", "usage": "actual"}

func planCostExports(ctx context.Context, r *run, a Account) ([]task, error) {
	folder, err := r.o.Exports(ctx, a.Exports)
	if err != nil {
		return nil, fmt.Errorf("exports of account %s: %w", a.Name, err)
	}
	runs, err := newestRuns(ctx, folder, r.log)
	if err != nil {
		err = fmt.Errorf("exports of account %s in %s: %w", a.Name, hideQueries(a.Exports), err)
	}
	var tasks []task
	for _, e := range runs {
		if r.o.Periods.contains(e.period) {
			tasks = append(tasks, e.task(folder, a))
		}
	}
	return tasks, err // runs that can be read are, whatever is wrong with others
}

// task reads every part of the run, in the manifest's order, and holds what it read
// to the manifest's counts.
func (e exportRun) task(folder ExportFolder, a Account) task {
	// Files without a manifest say no scope: they are the account's, or go by its name.
	scope := cmp.Or(e.scope, a.Scope, a.Name)
	u := Unit{Source: "cost_export", Account: a.Name, Scope: scope, Period: e.period, Dataset: e.dataset}
	return task{Unit: u, origin: e.identity(), fill: func(ctx context.Context, _ *run, l *landing, progress func(int64)) (int64, error) {
		if e.err != nil {
			return 0, e.err
		}
		var total int64
		l.announced = e.announced()
		for i, part := range e.parts {
			rows, err := e.land(ctx, folder, l, int64(i+1), part)
			if err != nil {
				return int64(i), err
			}
			total += rows
			progress(total)
		}
		if e.rows >= 0 && total != e.rows {
			return int64(len(e.parts)), fmt.Errorf("manifest %s announces %d rows, its files hold %d; wait for the export to finish or run it again", e.manifest, e.rows, total)
		}
		return int64(len(e.parts)), nil
	}}
}

// land reads one part and holds it to its own counts.
func (e exportRun) land(ctx context.Context, folder ExportFolder, l *landing, number int64, part exportPart) (int64, error) {
	body, err := folder.Open(ctx, part.name)
	if err != nil {
		return 0, fmt.Errorf("file %s of manifest %s: %w", part.name, e.manifest, err)
	}
	defer body.Close()
	counted := &countingReader{ctx: ctx, r: body}
	var rows int64
	if strings.HasSuffix(strings.ToLower(part.name), ".parquet") {
		rows, err = landParquet(l, number, part.name, counted)
	} else {
		rows, err = l.csv(number, part.name, counted)
	}
	if err != nil {
		return 0, err
	}
	l.received += counted.n
	if part.bytes >= 0 && counted.n != part.bytes {
		return 0, fmt.Errorf("file %s: manifest %s announces %d bytes, it has %d", part.name, e.manifest, part.bytes, counted.n)
	}
	if part.rows >= 0 && rows != part.rows {
		return 0, fmt.Errorf("file %s: manifest %s announces %d rows, it has %d", part.name, e.manifest, part.rows, rows)
	}
	return rows, nil
}

// countingReader counts what is read, and stops when ctx does: a large part takes
// longer to land than a container gets to stop.
type countingReader struct {
	ctx context.Context
	r   io.Reader
	n   int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
