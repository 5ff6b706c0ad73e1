package azuresim

import (
	"fmt"
	"strings"
)

// A region as the price sheet, the resource and the row spell it; the last is what un-normalised rows say.
type region struct{ name, arm, zone, raw string }

var regions = [...]region{
	{"West Europe", "westeurope", "EU West", "EUWest"},
	{"North Europe", "northeurope", "EU North", "northeurope"},
	{"UK South", "uksouth", "UK South", "UKSouth"},
	{"East US", "eastus", "US East", "USEast"},
}

// A pattern is how a meter's quantity runs through a month.
type pattern uint8

const (
	hourly     pattern = iota // hours run, at most 24 a day
	daily                     // 1 a day
	monthShare                // a part of a month, 12 digits: 0.033333333333
	amounts                   // something counted or weighed, level ± noise
)

// A product is a meter before it has a region. list is the pay-as-you-go price in the enrollment's currency, per
// unit; quantities of units such as 10K are already counted in blocks, as they are in real rows.
type product struct {
	category, sub, meter, family, provider, kind, unit string
	list                                               num
	runs                                               pattern
	low, high                                          int64 // quantity range in 10^-scale, for amounts
	scale                                              uint8
	sku                                                string // ServiceType of compute
}

var products = [...]product{
	{"Virtual Machines", "Dsv5 Series", "D2s v5", "Compute", "Microsoft.Compute", "virtualMachines", "1 Hour", num{978, 4}, hourly, 0, 0, 4, "Standard_D2s_v5"},
	{"Virtual Machines", "Dsv5 Series", "D4s v5", "Compute", "Microsoft.Compute", "virtualMachines", "1 Hour", num{1956, 4}, hourly, 0, 0, 4, "Standard_D4s_v5"},
	{"Virtual Machines", "Esv5 Series", "E4s v5", "Compute", "Microsoft.Compute", "virtualMachines", "1 Hour", num{2576, 4}, hourly, 0, 0, 4, "Standard_E4s_v5"},
	{"Virtual Machines", "FSv2 Series", "F2s v2", "Compute", "Microsoft.Compute", "virtualMachines", "1 Hour", num{893, 4}, hourly, 0, 0, 4, "Standard_F2s_v2"},
	{"Virtual Machines", "BS Series", "B2ms", "Compute", "Microsoft.Compute", "virtualMachines", "1 Hour", num{812, 4}, hourly, 0, 0, 4, "Standard_B2ms"},
	{"Storage", "Premium SSD Managed Disks", "P10 LRS Disk", "Storage", "Microsoft.Compute", "disks", "1/Month", num{1792, 2}, monthShare, 1, 4, 12, ""},
	{"Storage", "Standard HDD Managed Disks", "S10 LRS Disk Operations", "Storage", "Microsoft.Compute", "disks", "10K", num{5, 4}, amounts, 4, 90000, 4, ""},
	{"Storage", "Tiered Block Blob", "Hot LRS Data Stored", "Storage", "Microsoft.Storage", "storageAccounts", "1 GB/Month", num{184321, 7}, amounts, 800_000_000_000, 900_000_000_000_000, 12, ""},
	{"Storage", "Tiered Block Blob", "Hot LRS Write Operations", "Storage", "Microsoft.Storage", "storageAccounts", "10K", num{537, 4}, amounts, 4, 400000, 4, ""},
	{"Storage", "Tables", "LRS Batch Write Operations", "Storage", "Microsoft.Storage", "storageAccounts", "10K", num{36, 5}, amounts, 3, 90000, 4, ""},
	{"Storage", "General Block Blob", "Delete Operations", "Storage", "Microsoft.Storage", "storageAccounts", "10K", num{1, 7}, amounts, 10000, 990000, 4, ""},
	{"SQL Database", "Single Standard", "S2 DTUs", "Databases", "Microsoft.Sql", "servers", "1/Day", num{24193, 4}, daily, 0, 0, 0, ""},
	{"SQL Database", "Single/Elastic Pool General Purpose - Compute Gen5", "vCore", "Databases", "Microsoft.Sql", "servers", "1 Hour", num{2214, 4}, amounts, 240000, 480000, 4, ""},
	{"Bandwidth", "Rtn Preference: MGN", "Standard Data Transfer Out", "Networking", "Microsoft.Network", "publicIPAddresses", "1 GB", num{735, 4}, amounts, 30_000_000, 90_000_000, 6, ""},
	{"Load Balancer", "Standard", "Standard Included LB Rules and Outbound Rules", "Networking", "Microsoft.Network", "loadBalancers", "1 Hour", num{225, 4}, hourly, 0, 0, 4, ""},
	{"Azure Kubernetes Service", "Standard", "Standard Uptime SLA", "Compute", "Microsoft.ContainerService", "managedClusters", "1 Hour", num{978, 4}, hourly, 0, 0, 4, ""},
	{"Functions", "Premium", "Standard Execution Time", "Compute", "Microsoft.Web", "sites", "1 GB Second", num{16, 6}, amounts, 900_000_000, 90_000_000_000, 6, ""},
	{"Functions", "Standard", "Standard Total Executions", "Compute", "Microsoft.Web", "sites", "10", num{169, 8}, amounts, 12000, 9_000_000, 1, ""},
	{"Azure Cosmos DB", "Azure Cosmos DB", "100 RU/s", "Databases", "Microsoft.DocumentDB", "databaseAccounts", "1/Hour", num{72, 4}, amounts, 960000, 4_800_000, 4, ""},
	{"Azure Cosmos DB", "Azure Cosmos DB", "Data Stored", "Databases", "Microsoft.DocumentDB", "databaseAccounts", "1 GB/Month", num{2256, 4}, amounts, 33_000_000_000, 990_000_000_000, 12, ""},
	{"Key Vault", "Standard", "Operations", "Security", "Microsoft.KeyVault", "vaults", "10K", num{272, 4}, amounts, 1, 3000, 4, ""},
	{"Log Analytics", "Log Analytics", "Pay-as-you-go Data Ingestion", "Management and Governance", "Microsoft.OperationalInsights", "workspaces", "1 GB", num{25368, 4}, amounts, 3000, 4_000_000, 6, ""},
	{"Azure Monitor", "Azure Monitor", "Alerts Metric Monitored", "Management and Governance", "Microsoft.Insights", "metricAlerts", "1/Month", num{92, 3}, monthShare, 1, 9, 12, ""},
	{"Azure App Service", "Basic Plan", "B1", "Compute", "Microsoft.Web", "serverfarms", "100 Hours", num{152, 2}, amounts, 2400, 9600, 4, ""},
	{"Event Hubs", "Event Hubs", "Standard Ingress Events", "Internet of Things", "Microsoft.EventHub", "namespaces", "1M", num{248, 4}, amounts, 100, 9_000_000, 6, ""},
	{"Virtual Network", "IP Addresses", "Standard IPv4 Static Public IP", "Networking", "Microsoft.Network", "publicIPAddresses", "1 Hour", num{45, 4}, hourly, 0, 0, 4, ""},
	{"Container Registry", "Container Registry", "Standard Registry Unit", "Containers", "Microsoft.ContainerRegistry", "registries", "1/Day", num{5972, 4}, daily, 0, 0, 0, ""},
	{"Azure Firewall", "Azure Firewall", "Standard Deployment", "Networking", "Microsoft.Network", "azureFirewalls", "1 Hour", num{11125, 4}, hourly, 0, 0, 4, ""},
	{"VPN Gateway", "VPN Gateway", "VpnGw1", "Networking", "Microsoft.Network", "virtualNetworkGateways", "1 Hour", num{1691, 4}, hourly, 0, 0, 4, ""},
}

// drawn is how many products lines are drawn from; those after them are used by what is shared alone.
const drawn = len(products) - 2

// discounted are the categories for which the enrollment negotiated 6 % off the list price.
var discounted = map[string]bool{"Virtual Machines": true, "Storage": true, "SQL Database": true}

// A meter is a product in a region. Meter ids are public, so they do not depend on the seed.
type meter struct {
	*product
	index  int
	region *region
	id     string
	shown  string // the id as the price sheet spells it, which for some meters is in capitals
	part   string
	title  string // product text of rows
	key    string // ProductId of MCA rows
	eur    []num  // contract price of the enrollment, by month
	usd    []num  // contract price of the billing account, by month
	eurPay []num  // list prices
	usdPay []num
}

func makeMeters() []*meter {
	var all []*meter
	for i := range products {
		for j := range regions {
			p, r := &products[i], &regions[j]
			h := hashText(p.category + p.meter + r.arm)
			m := &meter{product: p, index: len(all), region: r, id: guid(h), part: partNumber(h)}
			m.title = fmt.Sprintf("%s %s - %s - %s", p.category, p.sub, p.meter, r.zone)
			m.key = "DZH318Z0" + strings.ReplaceAll(code(h)[:9], "-", "")
			m.shown = m.id
			if h%4 == 0 {
				m.shown = strings.ToUpper(m.id)
			}
			all = append(all, m)
		}
	}
	return all
}

func partNumber(h uint64) string {
	return fmt.Sprintf("AA%c-%05d", 'A'+h%7, h>>8%100000)
}

func (e *Enterprise) meterNamed(name, arm string) *meter {
	for _, m := range e.meters {
		if m.meter == name && m.region.arm == arm {
			return m
		}
	}
	panic("azuresim: no meter " + name + " in " + arm)
}

// setPrices writes each meter's prices for each month. Most never change; some compute prices rise by 3 % in the third
// month, so that a change of cost has a price part.
func (e *Enterprise) setPrices() {
	for _, m := range e.meters {
		for i := range e.months {
			list := m.list
			if i >= 2 && m.category == "Virtual Machines" && hashText(m.id)%4 == 0 {
				list = list.percent(103)
			}
			unit := list
			if discounted[m.category] {
				unit = list.percent(94)
			}
			m.eurPay, m.eur = append(m.eurPay, list), append(m.eur, unit)
			m.usdPay, m.usd = append(m.usdPay, list.percent(108)), append(m.usd, list.percent(108))
		}
	}
}

// billedPrice is what rows of a profile say the unit price is: the sheet's, except for the one meter and month of each
// agreement that is over-billed.
func (a *account) billedPrice(of *profile, m *meter, period int) num {
	p := &a.e.plan
	switch {
	case a.kind == enterpriseAgreement && period == p.overbilled && m == p.overMeter:
		return m.eur[period].percent(107)
	case a.kind == customerAgreement && of.currency == "USD" && period == p.digital && m == p.digitalMeter:
		return m.usd[period].percent(112)
	}
	return a.sheetPrice(m, period)
}

// sheetPrice is what the price sheet says.
func (a *account) sheetPrice(m *meter, period int) num {
	if a.kind == enterpriseAgreement {
		return m.eur[period]
	}
	return m.usd[period]
}

// sheetFillers is how many meters the price sheet lists that nobody uses: a real sheet is mostly those.
const sheetFillers = 1200

// sheetRow is one line of a price sheet.
type sheetRow struct {
	meter    *meter
	offer    string
	price    num
	standard num
}

// sheet is the enrollment's price sheet of a month: every meter under both offers, then meters nobody uses.
func (e *Enterprise) sheet(period int) []sheetRow {
	var rows []sheetRow
	for _, m := range e.meters {
		for _, offer := range []string{offerStandard, offerDevTest} {
			rows = append(rows, sheetRow{m, offer, m.eur[period], m.eurPay[period]})
		}
	}
	for i := range sheetFillers {
		h := hashText("unused") + uint64(i)
		p := products[h%uint64(drawn)]
		p.meter = fmt.Sprintf("%s %03d", p.meter, i)
		price := num{int64(mix(h) % 99999), 6}.trim()
		m := &meter{product: &p, region: &regions[mix(h+7)%uint64(len(regions))], id: guid(h), shown: guid(h), part: partNumber(mix(h))}
		rows = append(rows, sheetRow{m, offerStandard, price, price})
	}
	return rows
}
