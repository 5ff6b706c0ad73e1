package azuresim

import (
	"fmt"
	"math/big"
	"testing"
	"time"
)

// Whatever the seed, the size and the day: what is billed is what the records say and what was planted.
func TestEveryBillIsItsRowsAndWhatWasPlanted(t *testing.T) {
	for i, asOf := range []time.Time{
		time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), time.Date(2028, 3, 4, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 7, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 19, 0, 0, 0, 0, time.UTC),
	} {
		for months := 1; months <= 5; months++ {
			config := Config{Seed: uint64(i*10 + months), Months: months, Rows: 500 + i*400, AsOf: asOf}
			t.Run(fmt.Sprintf("%d months to %s", months, asOf.Format(time.DateOnly)), func(t *testing.T) { billsAddUp(t, New(config).Truth()) })
		}
	}
}

func billsAddUp(t *testing.T, truth Truth) {
	t.Helper()
	void := new(big.Rat)
	for _, v := range truth.Invoices {
		want, billed := ratio(t, v.RowsSum), ratio(t, v.Billed)
		if v.Account == "ea" {
			want.Add(want, plantedIn(t, truth.Faults, v.Period))
		}
		if v.Status == "Void" || v.Document != "Invoice" {
			void.Add(void, billed)
			want = billed
		}
		if billed.Cmp(want) != 0 {
			t.Errorf("%s %s of %s bills %s, its rows and what was planted are %s", v.Account, v.Name, v.Period, v.Billed, want.FloatString(18))
		}
	}
	if void.Sign() != 0 {
		t.Errorf("void invoices and credit notes leave %s", void.FloatString(2))
	}
	for _, r := range truth.Rebills {
		if sum := new(big.Rat).Add(ratio(t, r.OriginalTotal), ratio(t, r.CreditTotal)); sum.Sign() != 0 {
			t.Errorf("rebill %+v", r)
		}
	}
	for _, v := range truth.Payg.Invoices {
		want := new(big.Rat).Add(ratio(t, v.RowsSum), ratio(t, v.Rounding))
		if billed := ratio(t, v.Billed); v.Type != "AzureSupport" && billed.Cmp(want) != 0 {
			t.Errorf("pay-as-you-go %s bills %s, its rows are %s", v.Name, v.Billed, v.RowsSum)
		}
	}
}

// plantedIn is what an enrollment's invoice of a period has beyond its rows.
func plantedIn(t *testing.T, f TruthFaults, period string) *big.Rat {
	t.Helper()
	sum := new(big.Rat)
	if f.MissingDay != nil && f.MissingDay.Period == period {
		sum.Add(sum, ratio(t, f.MissingDay.Cost))
	}
	if f.UnbalancedPeriod != nil && f.UnbalancedPeriod.Period == period {
		sum.Add(sum, ratio(t, f.UnbalancedPeriod.Amount))
	}
	return sum
}
