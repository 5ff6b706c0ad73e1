package azuresim

import (
	"net/http"
	"strings"
	"time"
)

var (
	_ = handle(http.MethodGet, "costmanagement/alerts", (*server).alerts)
	_ = handle(http.MethodGet, "costmanagement/exports", (*server).exports)
	_ = handle(http.MethodGet, "costmanagement/benefitutilizationsummaries", (*server).benefitUtilization)
	_ = handle(http.MethodGet, "costmanagement/benefitrecommendations", (*server).benefitRecommendations)
)

// never is the time of what has not happened.
const never = "0001-01-01T00:00:00"

// alerts are the budgets of a scope that are spent to four fifths and more. The account shows those of its profiles too.
func (s *server) alerts(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.order != "" {
		return nil, notFound(t.path)
	}
	var list []any
	for _, b := range s.e.budgetsOf(t.a) {
		within := b.sub == t.sub && (b.profile == t.profile || t.profile == nil && t.sub == nil) && t.section == nil && t.group == ""
		if within && b.amount.times(num{8, 1}).less(b.spent) {
			list = append(list, s.e.alertObject(b))
		}
	}
	return listPage(r, list, s.e.config.PageSize, "consumption")
}

func (e *Enterprise) alertObject(b budget) object {
	name := guid(hashText(b.scope+b.name) ^ e.seed)
	created := stamp(e.asOf-1, hashText(b.name))
	start := dayTime(e.open().start)
	if b.grain == "Annually" {
		start = time.Date(start.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return object{
		"id": strings.TrimPrefix(b.scope, "/") + "/providers/Microsoft.CostManagement/alerts/" + name, "name": name, "type": "Microsoft.CostManagement/alerts",
		"properties": object{
			"definition":  object{"type": "Budget", "category": "Cost", "criteria": "CostThresholdExceeded"},
			"description": "", "source": "Preset", "costEntityId": b.name, "status": "Active",
			"creationTime": created, "closeTime": never, "modificationTime": created, "statusModificationUserName": nil, "statusModificationTime": never,
			"details": object{
				"timeGrainType": b.grain, "periodStartDate": start.Format("2006-01-02T15:04:05Z"), "triggeredBy": name + "_1_01",
				"resourceGroupFilter": []any{}, "resourceFilter": []any{}, "meterFilter": []any{}, "tagFilter": object{},
				"threshold": money(num{8, 1}.amount()), "operator": "GreaterThan", "amount": money(b.amount), "unit": b.unit, "currentSpend": money(b.spent),
				"contactEmails": []any{"finops@contoso.example"}, "contactGroups": []any{}, "contactRoles": []any{"Owner"}, "overridingAlert": nil,
			},
		},
	}
}

// exports are those that WriteExports writes the files of: one for each dataset of an account. Their last run is shown on
// request.
func (s *server) exports(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.order != "" || len(t.rest) > 0 {
		return nil, notFound(t.path)
	}
	list := []any{}
	if t.sub == nil && t.profile == nil && t.section == nil {
		for _, ds := range []dataset{actual, amortized} {
			list = append(list, s.e.exportObject(t.a, ds, strings.Contains(strings.ToLower(r.URL.Query().Get("$expand")), "runhistory")))
		}
	}
	return ok(object{"value": list}, len(list), "consumption"), nil
}

func (e *Enterprise) exportObject(a *account, ds dataset, history bool) object {
	last := e.open()
	if last.data == 0 {
		last = e.months[max(last.index-1, 0)]
	}
	o := ExportOptions{Account: a.key}.withDefaults()
	submitted := dayTime(min(e.asOf, last.start+last.length+invoiceDay-1)).Add(6*time.Hour + 10*time.Minute)
	run := e.newRun("", o, a, ds, last, submitted, 1)
	config, delivery := run.exportConfig(), run.deliveryConfig()
	first := dayTime(e.months[0].start)
	definition := object{
		"type": config["type"], "timeframe": config["timeFrame"],
		"dataSet": object{"granularity": config["granularity"], "configuration": object{"dataVersion": config["dataVersion"]}},
	}
	properties := object{
		"format": delivery["fileFormat"], "compressionMode": delivery["compressionMode"], "partitionData": delivery["partitionData"],
		"dataOverwriteBehavior": delivery["dataOverwriteBehavior"], "exportDescription": "Costs of " + a.name, "definition": definition,
		"deliveryInfo": object{"destination": object{"type": "AzureBlob", "resourceId": delivery["containerUri"], "container": "exports", "rootFolderPath": o.Root}},
		"schedule": object{"status": "Active", "recurrence": "Daily", "recurrencePeriod": object{
			"from": first.Format("2006-01-02T15:04:05Z"), "to": first.AddDate(10, 0, 0).Format("2006-01-02T15:04:05Z"),
		}},
		"nextRunTimeEstimate": submitted.AddDate(0, 0, 1).Format("2006-01-02T15:04:05Z"), "systemSuspensionContext": nil,
	}
	if history {
		properties["runHistory"] = object{"value": []any{run.historyObject(properties)}}
	}
	return object{
		"id": strings.TrimPrefix(a.path, "/") + "/providers/Microsoft.CostManagement/exports/" + run.export, "name": run.export, "type": "Microsoft.CostManagement/exports",
		"eTag": fmtETag(run.export), "properties": properties,
	}
}

func fmtETag(name string) string { return `"` + guid(hashText(name))[:15] + `"` }

// historyObject is the run as the export's history tells it.
func (r *run) historyObject(export object) object {
	begun := r.submitted.Add(90 * time.Second)
	layout := "2006-01-02T15:04:05.0000000Z"
	return object{
		"id": strings.TrimPrefix(r.a.path, "/") + "/providers/Microsoft.CostManagement/exports/" + r.export + "/run/" + r.id, "name": r.id, "type": "Microsoft.CostManagement/exports/run",
		"properties": object{
			"executionType": "Scheduled", "status": "Completed", "submittedBy": "System", "submittedTime": r.submitted.Format(layout),
			"processingStartTime": begun.Format(layout), "processingEndTime": begun.Add(4 * time.Minute).Format(layout),
			"startDate": dayTime(r.m.start).Format("2006-01-02T15:04:05Z"), "endDate": dayTime(r.m.last()).Format("2006-01-02T15:04:05Z"),
			"fileName": r.folder, "manifestFile": r.folder + "/manifest.json",
			"runSettings": object{"format": export["format"], "definition": export["definition"], "deliveryInfo": export["deliveryInfo"]},
		},
	}
}

// benefitUtilization serves the use of savings plans by day or month. Accounts and profiles take filter, orders and plans
// $filter; the other of the two is ignored, as it is by the service.
func (s *server) benefitUtilization(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.sub != nil || t.section != nil {
		return nil, badRequest("Benefit utilization is not supported for this scope.")
	}
	grain := strings.ToLower(r.URL.Query().Get("grainParameter"))
	if grain != "daily" && grain != "monthly" {
		return nil, badRequest("The query parameter grainParameter is required: Hourly (not simulated), Daily or Monthly.")
	}
	name := "filter"
	if t.order != "" {
		name = "$filter"
	}
	conditions, err := parseFilter(r.URL.Query().Get(name))
	if err != nil {
		return nil, err
	}
	from, to := s.e.months[0].start, s.e.asOf-1
	for _, c := range conditions {
		if c.field != "usagedate" {
			return nil, badRequest("Invalid filter: field '%s' is not supported.", c.field)
		}
		if err := c.narrow(&from, &to); err != nil {
			return nil, err
		}
	}
	var list []any
	for _, c := range t.a.commitments {
		if !c.plan || t.profile != nil && c.profile != t.profile || t.order != "" && c.order != t.order {
			continue
		}
		for _, span := range s.e.spans(grain, from, to) {
			if o := c.utilization(t, span[0], span[1]); o != nil {
				list = append(list, o)
			}
		}
	}
	return listPage(r, list, s.e.config.PageSize, "consumption")
}

func (c *commitment) utilization(t *target, from, to int) object {
	var reserved, used, low, high int64 = 0, 0, 1 << 60, 0
	for day := from; day <= to; day++ {
		if c.active(day) {
			hours := c.usedAll(day).c
			reserved, used, low, high = reserved+c.reserved()*1_0000, used+hours, min(low, hours), max(high, hours)
		}
	}
	if reserved == 0 {
		return nil
	}
	full := c.reserved() * 1_0000
	name := c.order + "_" + c.id + "_" + dayTime(from).Format("20060102")
	order, _, _ := strings.Cut(c.benefitID(c.id), "/savingsPlans/")
	return object{
		"id": t.path + "/" + name, "name": name, "type": "Microsoft.CostManagement/benefitUtilizationSummaries", "kind": "SavingsPlan",
		"properties": object{
			"armSkuName": "Compute_Savings_Plan", "benefitId": c.benefitID(c.id), "benefitOrderId": order, "benefitType": "SavingsPlan",
			"usageDate":                dayTime(from).Format("2006-01-02T15:04:05Z"),
			"avgUtilizationPercentage": percent(used, reserved), "minUtilizationPercentage": percent(low, full), "maxUtilizationPercentage": percent(high, full),
		},
	}
}
