package main

import (
	"slices"
	"testing"
)

// credits holds the published credits to the invoices: what an invoice says was paid with prepayment or a free credit is
// what the events took off, and the events of a credit come to the balance it has.
func (e enterprise) credits(t *testing.T) {
	var want [][]string
	for _, v := range e.truth.Invoices {
		if v.Account == "mca" && v.Monthly {
			want = append(want, []string{v.Name, v.Prepaid}, []string{v.Name, v.Free})
		}
	}
	want = zeroless(adds(t, want, 1), 1)
	slices.SortFunc(want, slices.Compare)
	if len(want) == 0 {
		t.Fatal("no invoice was paid with a credit")
	}
	l := e.on(t)
	l.wantRows(`select InvoiceId, sum(Charges) from credit_event where not IsCommitment and EventType = 'SettledCharges' group by all order by all`, want...)
	l.wantRows(`select Account, BillingProfileId, sum(ClosedBalance) from credit where not IsCommitment group by all order by all`,
		l.rows(`select Account, BillingProfileId, sum(BalanceChange) from credit_event where not IsCommitment and not IsPending group by all order by all`)...)
	l.wantRows(`select Account, CreditName, CreditCurrency, OriginalAmount, ClosedBalance from credit where IsCommitment order by all`,
		l.rows(`select Account, CreditName, CreditCurrency, sum(NewCredit), sum(BalanceChange) from credit_event where IsCommitment group by all order by all`)...)
	l.wantRows(`select Account, count(*) from credit where CreditStatus = 'Active' group by all order by all`, []string{"contoso", "1"}, []string{"digital", "2"})
}
