package transform

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestBig(t *testing.T) {
	rows, _ := strconv.Atoi(os.Getenv("ROWS"))
	if rows == 0 {
		t.Skip()
	}
	dir := os.Getenv("DIR")
	l := &lake{t: t, dir: dir, models: nil}
	models := os.DirFS("/tmp/az/models")
	ms, perr := parseAll(models)
	_ = perr
	var exp *Model
	for _, m := range ms {
		if m.Name == "stg_cost_export" {
			exp = m
		}
	}
	folder := filepath.Join(dir, "raw/cost_export/scope=1/period=2026-10")
	if _, err := os.Stat(filepath.Join(folder, "amortized.json")); err != nil {
		var cols []string
		for _, c := range exp.Inputs {
			v := ""
			switch c.Type {
			case "varchar":
				k := 50
				switch c.Name {
				case "ResourceId":
					k = 200000
				case "MeterId":
					k = 3000
				case "ResourceGroup":
					k = 5000
				case "SubscriptionId":
					k = 500
				case "Tags", "AdditionalInfo":
					k = 2000
				}
				v = fmt.Sprintf("'%s-' || lpad(((i * 7919) %% %d)::varchar, 12, '0')", c.Name, k)
				switch c.Name {
				case "Tags":
					v = "'{\"owner\":\"team-' || (i*31)%300 || '\",\"env\":\"prod\",\"costcenter\":\"' || (i*17)%100 || '\"}'"
				case "AdditionalInfo":
					v = "'{\"UsageType\":\"DataTrIn\",\"ServiceType\":\"Standard_D' || (i*31)%30 || '\",\"VCPUs\":\"4\"}'"
				case "ChargeType":
					v = "'Usage'"
				case "PricingModel":
					v = "'OnDemand'"
				case "BillingCurrencyCode", "BillingCurrency", "PricingCurrency", "Currency":
					v = "'EUR'"
				case "UnitOfMeasure":
					v = "case i%3 when 0 then '1 Hour' when 1 then '10K' else '1 GB' end"
				case "ResourceId":
					v = "'/subscriptions/00000000-0000-0000-0000-' || lpad(((i*7919)%500)::varchar,12,'0') || '/resourceGroups/rg-' || (i*7919)%5000 || '/providers/Microsoft.Compute/virtualMachines/vm-' || (i*7919)%200000"
				case "Term", "Frequency", "BenefitId", "ReservationId", "ProductOrderId", "InvoiceId", "PreviousInvoiceId":
					v = "cast(null as varchar)"
				case "IsAzureCreditEligible":
					v = "'True'"
				}
			case "date":
				v = "date '2026-10-01' + (i%31)::int"
				if strings.HasPrefix(c.Name, "BillingPeriodStart") {
					v = "date '2026-10-01'"
				}
				if strings.HasPrefix(c.Name, "BillingPeriodEnd") {
					v = "date '2026-10-31'"
				}
			case "boolean":
				v = "true"
			case "bigint":
				v = "i"
			case "timestamp":
				v = "timestamp '2026-10-01'"
			default:
				v = fmt.Sprintf("ratio((i*7919)%%100003 + %d, 997)", len(c.Name))
			}
			cols = append(cols, v+" as "+ident(c.Name))
		}
		q := "select " + strings.Join(cols, ", ") + ", 1::bigint as _page, i+1 as _row from range(" + fmt.Sprint(rows) + ") t(i)"
		u := unit{Format: 1, Source: "cost_export", Account: "contoso", Scope: "/billing/1", Period: "2026-10", Dataset: "amortized", State: "complete", LargestRounding: "0"}
		u.Files = []file{l.parquet(folder, "amortized", "select "+strings.ReplaceAll(fmt.Sprintf(constants, "2026-10"), "actual", "amortized")+"* from ("+q+")")}
		u.Rows = u.Files[0].Rows
		l.writeText(filepath.Join(folder, "amortized.json"), jsonText(u))
		t.Log("raw bytes", u.Files[0].Bytes)
		return
	}
	for name, text := range map[string]string{
		"run_context": "RunDate,Version,ConfigDigest,LateDays,HistoryMonths\n2026-10-20,1,x,7,13\n",
		"account":     "Account,Scope,Agreement\ncontoso,/billing/1,ea\n",
		"owner_rule":  "Priority,CostOwner,SubscriptionId,ResourceGroup,TagKey,TagValue,ValidFrom,ValidTo\n",
		"owner_tag":   "Priority,TagKey\n1,owner\n",
	} {
		l.writeText(filepath.Join(dir, name+".csv"), text)
		l.inputs = append(l.inputs, Input{Name: name, Path: filepath.Join(dir, name+".csv")})
	}
	os.RemoveAll(filepath.Join(dir, "tables"))
	threads, _ := strconv.Atoi(os.Getenv("THREADS"))
	o := Options{Lake: dir, Models: models, Inputs: l.inputs, Threads: threads, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	s := time.Now()
	r, err := Run(context.Background(), o)
	var ru syscall.Rusage
	syscall.Getrusage(0, &ru)
	t.Log(time.Since(s), "maxrss MB", ru.Maxrss/1024, "cpu", time.Duration(ru.Utime.Nano()+ru.Stime.Nano()), err)
	var bytes int64
	for _, x := range r.Tables {
		bytes += x.Bytes
	}
	t.Log("bytes", bytes, "broken", len(r.Broken))
	text, _ := os.ReadFile(filepath.Join(dir, "tables/cost_and_usage/BillingPeriod=2026-10/state.json"))
	t.Log(string(text[:min(len(text), 120)]))
	s = time.Now()
	_, err = Run(context.Background(), o)
	t.Log("again", time.Since(s), err)
}
