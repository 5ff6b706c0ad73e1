package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/cmd/azledger/internal/rules"
)

func (a *app) allocationCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "allocation",
		Short: "Check the rules of who pays, and see what a change of them moves",
		RunE: func(_ *cobra.Command, args []string) error {
			return usagef("allocation %s: want check or plan", strings.Join(args, " "))
		},
	}
	c.AddCommand(a.allocationCheckCommand(), a.allocationPlanCommand())
	return c
}

func (a *app) allocationCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Find what is wrong with the rules, or say in words what they do",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.checkAllocation() },
	}
	a.formatFlag(c)
	return c
}

func (a *app) checkAllocation() error {
	if err := a.checkFormat(); err != nil {
		return err
	}
	cfg, err := loadConfig(a.configPath, a.env)
	if err != nil {
		return err
	}
	set, err := cfg.rules()
	if err != nil {
		return err
	}
	columns := []column{{name: "kind"}, {name: "line", number: true, bare: true}, {name: "name", wrap: 40}, {name: "in words", wrap: 80}}
	var rows [][]string
	for _, i := range set.Items() {
		line := ""
		if i.Line > 0 {
			line = fmt.Sprint(i.Line)
		}
		rows = append(rows, []string{i.Kind, line, i.Name, i.Text})
	}
	return a.print(columns, rows)
}

func (a *app) allocationPlanCommand() *cobra.Command {
	k := ask{command: "allocation plan"}
	onlyRules := false
	c := &cobra.Command{
		Use:   "plan",
		Short: "Say what the rules as they are now would move from owner to owner, before they are applied",
		Long: `Say what the rules as they are now would move from owner to owner, before they are applied.

The chargeback is computed twice in a folder of its own: with the rules of the last run, and with the owners file and
the allocation file as they are now. Nothing in the lake or in the publication changes. Closed months keep their rules.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.checkFormat(); err != nil {
				return err
			}
			return a.work(c.Context(), k, func(ctx context.Context, j *job) error { return j.planAllocation(ctx, onlyRules) })
		},
	}
	c.Flags().StringVar(&k.period, "period", "", "`months` such as 2026-09 or 2026-01..2026-09 (default: all)")
	c.Flags().BoolVar(&onlyRules, "rules", false, "list the rules that changed, and no money")
	a.formatFlag(c)
	return c
}

// planAllocation prints the rules that changed and the money they move.
func (j *job) planAllocation(ctx context.Context, onlyRules bool) error {
	set, err := j.cfg.finishedSet()
	if err != nil {
		return err
	}
	if err := j.known(set.periods("chargeback")); err != nil {
		return err
	}
	after, err := j.cfg.rules()
	if err != nil {
		return err
	}
	if !set.has("run", "RulesDigest") {
		return errors.New("the finished tables are of an older azledger, which did not note its rules: azledger transform makes them anew, then plan")
	}
	before, err := j.appliedRules(ctx)
	if err != nil {
		return err
	}
	changes := changeRows(rules.Changes(before, after))
	if onlyRules {
		return j.printChanges(changes)
	}
	if j.asOf, err = time.Parse(time.DateOnly, set.AsOf); err != nil {
		return err
	}
	moves, err := j.moves(ctx, before, after)
	if err != nil {
		return err
	}
	return j.printMoves(changes, moves)
}

// known refuses months that the chargeback does not have.
func (j *job) known(there []string) error {
	if j.span == (months{}) || slices.ContainsFunc(there, j.span.has) {
		return nil
	}
	return usagef("--period %s: the chargeback has no such month; it has %s", j.ask.period, strings.Join(there, ", "))
}

// appliedRules are those of the last run that finished.
func (j *job) appliedRules(ctx context.Context) (*rules.Set, error) {
	views, err := j.finishedViews(ctx, "run")
	if err != nil {
		return nil, err
	}
	digest := ""
	err = j.cfg.eachRow(ctx, views, "select RulesDigest from run", func(row []string) error {
		digest = row[0]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return j.cfg.rulesOf(digest)
}

var changeColumns = []column{{name: "changed"}, {name: "name", wrap: 40}, {name: "before", wrap: 50}, {name: "after", wrap: 50}}

func changeRows(changes []rules.Change) [][]string {
	var rows [][]string
	for _, c := range changes {
		rows = append(rows, []string{c.Kind, c.Name, c.Before, c.After})
	}
	return rows
}

// move is what one owner pays before and after, in one period and currency.
type move struct {
	period, currency, owner string
	before, after           *big.Rat
}

func (m move) difference() *big.Rat { return new(big.Rat).Sub(m.after, m.before) }

// exact writes an amount of the tables, which have 18 decimal places, without needless digits.
func exact(n *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(18), "0"), ".")
}

var moveColumns = []column{
	{name: "period"}, {name: "currency"}, {name: "owner"}, {name: "before", number: true}, {name: "after", number: true}, {name: "difference", number: true},
}

// printChanges prints the rules that changed; to a person it says that there are none.
func (j *job) printChanges(changes [][]string) error {
	if len(changes) == 0 && j.format == "table" {
		_, err := fmt.Fprintln(j.out, "The rules are those of the last run.")
		return err
	}
	return j.print(changeColumns, changes)
}

// printMoves prints records for machines exactly, and for people in cents, with the changes
// of the rules above and totals below.
func (j *job) printMoves(changes [][]string, moves []move) error {
	if j.format != "table" {
		return j.print(moveColumns, moveRows(moves, exact))
	}
	if err := j.printChanges(changes); err != nil || len(changes) == 0 {
		return err
	}
	fmt.Fprintln(j.out)
	if len(moves) == 0 {
		fmt.Fprintln(j.out, "No money moves.")
		return nil
	}
	return j.print(moveColumns, append(moveRows(moves, cents), moveRows(totals(moves), cents)...))
}

// cents shows what is less than half a cent whole: that it moves is what is looked for.
func cents(n *big.Rat) string {
	if text := money(exact(n)); text != "0.00" || n.Sign() == 0 {
		return text
	}
	return exact(n)
}

func moveRows(moves []move, amount func(*big.Rat) string) [][]string {
	var rows [][]string
	for _, m := range moves {
		rows = append(rows, []string{m.period, m.currency, m.owner, amount(m.before), amount(m.after), amount(m.difference())})
	}
	return rows
}

// totals add up what moves, by currency.
func totals(moves []move) []move {
	var sums []move
	for _, m := range moves {
		i := slices.IndexFunc(sums, func(s move) bool { return s.currency == m.currency })
		if i < 0 {
			i, sums = len(sums), append(sums, move{"total", m.currency, "all that move", new(big.Rat), new(big.Rat)})
		}
		sums[i].before.Add(sums[i].before, m.before)
		sums[i].after.Add(sums[i].after, m.after)
	}
	return sums
}
