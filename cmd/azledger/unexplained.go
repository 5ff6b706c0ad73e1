package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// failFlag is --fail-on-unexplained, which run, transform and reconcile have. An empty amount is refused: in cron it is a
// variable that nobody set, and the check would be off without a word.
func failFlag(c *cobra.Command, into *string) {
	c.Flags().Func("fail-on-unexplained",
		"exit with 6 if more than `amount` of an invoice is not explained, in its currency; 0: more than rounding can leave",
		func(text string) error {
			if text == "" {
				return errors.New("the amount is empty; want 0 or more, such as 0 or 10.50")
			}
			*into = text
			return nil
		})
}

// unexplainedLimit is what of an invoice may stay unexplained; nil asks nothing.
type unexplainedLimit struct{ amount *big.Rat }

var plainAmount = regexp.MustCompile(`^\d+(\.\d+)?$`)

func parseLimit(text string) (*unexplainedLimit, error) {
	if text == "" {
		return nil, nil
	}
	if !plainAmount.MatchString(text) {
		return nil, usagef("--fail-on-unexplained %s: want an amount of 0 or more, such as 0 or 10.50", text)
	}
	return &unexplainedLimit{sumOf(text).rat()}, nil
}

// unexplainedError lists invoices of which too much is not explained.
type unexplainedError struct{ invoices []string }

func (unexplainedError) exitCode() int { return exitUnexplained }

func (e unexplainedError) Error() string {
	return fmt.Sprintf("%s not explained by the charges:\n  %s", count(len(e.invoices), "invoice"), strings.Join(e.invoices, "\n  "))
}

// hold holds invoices to the limit. Those that data_quality reports are unexplained; a limit beyond 0
// lets some of them through.
func (l *unexplainedLimit) hold(invoices []*reconciledInvoice) error {
	if l == nil {
		return nil
	}
	var found []string
	for _, v := range invoices {
		if v.status != "Unexplained" || l.amount.Sign() > 0 && sumOf(v.remaining).abs().Cmp(l.amount) <= 0 {
			continue
		}
		found = append(found, fmt.Sprintf("%s %s: %s of %s %s. %s", v.account, v.id, money(v.remaining), money(v.total), v.currency, v.unexplained()))
	}
	if len(found) > 0 {
		return unexplainedError{found}
	}
	return nil
}

// holdExplained holds the invoices of the chosen months to what may stay unexplained, if the
// user asked for it.
func (j *job) holdExplained(ctx context.Context) error {
	if j.unexplained == nil {
		return nil
	}
	views, err := j.finishedViews(ctx, reconciliationTable)
	if err != nil {
		return err
	}
	known, err := j.cfg.reconciled(ctx, views)
	if err != nil {
		return err
	}
	var chosen []*reconciledInvoice
	for _, v := range known {
		if j.span.has(v.month) {
			chosen = append(chosen, v)
		}
	}
	return j.unexplained.hold(chosen)
}

// sum is an exact sum of amounts. The zero value is 0.
type sum struct{ value *big.Rat }

// sumOf is an amount as a table has it; an unknown one is 0.
func sumOf(amount string) sum {
	value, ok := new(big.Rat).SetString(amount)
	if !ok {
		value = new(big.Rat)
	}
	return sum{value}
}

func (s sum) rat() *big.Rat {
	if s.value == nil {
		return new(big.Rat)
	}
	return s.value
}

func (s sum) plus(amount string) sum { return sum{new(big.Rat).Add(s.rat(), sumOf(amount).rat())} }
func (s sum) abs() *big.Rat          { return new(big.Rat).Abs(s.rat()) }
func (s sum) text() string           { return s.rat().FloatString(18) }
