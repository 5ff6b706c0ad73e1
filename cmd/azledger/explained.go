package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/azledger/azledger/transform"
)

// unexplainedError lists invoices that their charges do not add up to.
type unexplainedError struct{ invoices []string }

func (unexplainedError) exitCode() int { return exitUnexplained }

func (e unexplainedError) Error() string {
	return fmt.Sprintf("%s not explained by the charges:\n  %s", count(len(e.invoices), "invoice"), strings.Join(e.invoices, "\n  "))
}

// unexplainedInvoices are those that data_quality reports as well: both go by Status.
const unexplainedInvoices = `
	select
		coalesce(strftime(InvoicePeriodStart, '%Y-%m'), ''),
		Account || ' ' || InvoiceId || ': ' || case
			when Detail like 'There are no cost records%' then 'no cost records for '
			when abs(Amount) > Tolerance then cast(cast(Amount as decimal(38, 2)) as varchar) || ' of '
			else 'Marketplace and the rest differ within '
		end || cast(cast(TotalAmount as decimal(38, 2)) as varchar) || ' ' || BillingCurrency
	from invoice_reconciliation
	where Component = 'Unexplained'
		and Status = 'Unexplained'
	order by Account, InvoiceId, BillingCurrency`

// explained holds the invoices of the chosen months to their tolerance, if the user
// asked for it.
func (j *job) explained(ctx context.Context) error {
	if !j.ask.explain {
		return nil
	}
	files, err := j.finished(ctx, "invoice_reconciliation")
	if err != nil {
		return err
	}
	var found []string
	views := map[string][]string{"invoice_reconciliation": files}
	err = j.cfg.eachRow(ctx, views, unexplainedInvoices, func(_ []transform.ColumnInfo, row []string, _ []bool) error {
		if row != nil && j.span.has(row[0]) {
			found = append(found, row[1])
		}
		return nil
	})
	if err == nil && len(found) > 0 {
		err = unexplainedError{found}
	}
	return err
}

// finished are the files of a table in the set that transform left in the lake.
func (c *config) finished(table string) ([]string, error) {
	name := filepath.Join(c.tables(), "set.json")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var set struct {
		Tables []struct {
			Name  string
			Files []struct{ Path string }
		}
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var files []string
	for _, t := range set.Tables {
		for _, f := range t.Files {
			if t.Name == table {
				files = append(files, filepath.Join(c.tables(), filepath.FromSlash(f.Path)))
			}
		}
	}
	return files, nil
}
