// Package azuresim is a simulated Azure: one coherent, made-up enterprise with an Enterprise Agreement enrollment, a
// Microsoft Customer Agreement billing account and a pay-as-you-go subscription, served over HTTP in the shapes of the real
// billing APIs, with the list prices beside them.
//
// [New] builds the enterprise from a seed; nothing else decides a value, so the same [Config] serves the same bytes.
// From it come
//
//  1. the APIs, [Enterprise.Handler]: the management plane (usage details, reports, price sheets, invoices with their
//     documents, balances, budgets and the rest), Retail Prices and Enterprise Reporting, with their paging, casing and
//     headers, and with faults when they are asked for ([Fault]);
//  2. the files of Cost Management exports, [Enterprise.WriteExports];
//  3. the answers, [Enterprise.WriteTruth]: the sums and the planted faults, added up by the simulator itself, so that
//     whatever is computed from 1 or 2 can be held against a figure that was not.
//
// Rows are never kept. A row is a function of (seed, account, billing month, day, line), so a month of 50 million rows
// takes no more memory than one of 500, and any page can be served without the pages before it.
package azuresim

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// The two billing accounts.
const (
	EnrollmentID   = "8608480"
	EnrollmentPath = "/providers/Microsoft.Billing/billingAccounts/" + EnrollmentID
	CustomerID     = "9a157b81-1503-516b-4fe8-7849e97ca70e:e6bd1c01-9e9b-4fa7-a9f1-6fe6cbad31fa_2019-05-31"
	CustomerPath   = "/providers/Microsoft.Billing/billingAccounts/" + CustomerID
)

// Config decides everything about an enterprise. The zero value is four months of 5,000 rows up to 2026-11-22.
type Config struct {
	Seed   uint64
	Months int       // billing months, the open one included; 0 means 4
	Rows   int       // cost rows of a month over both accounts, about; 0 means 5000, the least is 500
	AsOf   time.Time // the day the data is looked at: rows reach to the day before. Zero means 2026-11-22

	// Balanced plants no unbalanced period: then nothing on any invoice is without an explanation.
	Balanced bool
	// Complete plants no missing day: then the records of the enrollment have all that it used.
	Complete bool
	// Restated are closed months that are told otherwise than they were billed.
	Restated []Restatement

	// PageSize is the size of a page when a request names no $top; 0 means 1000, which is also the largest.
	PageSize int

	// Token, when set, is the bearer token that every request must carry. Without it none is asked for.
	Token string
	// EnterpriseKey, when set, is the API key that every Enterprise Reporting request must carry.
	EnterpriseKey string
	// Forbidden lists parts of paths that are answered with 403 AuthorizationFailed.
	Forbidden []string
	// Faults are what goes wrong, and when. New panics on one that AddFault refuses.
	Faults []Fault
	// ReportPolls is how often a report is found unfinished before it is made.
	ReportPolls int
	// ReportRows is the most rows that a part of a cost details report has; 0 means 200,000.
	ReportRows int
	// Blobs is a directory served read-only under /_blob/ to requests with a sig parameter and no bearer token.
	Blobs string

	Log *slog.Logger // nil logs nothing
}

func (c Config) withDefaults() Config {
	if c.Months <= 0 {
		c.Months = 4
	}
	if c.Rows <= 0 {
		c.Rows = 5000
	}
	c.Rows = max(c.Rows, 500)
	if c.AsOf.IsZero() {
		c.AsOf = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	}
	if c.PageSize <= 0 || c.PageSize > maxPage {
		c.PageSize = maxPage
	}
	if c.ReportRows <= 0 {
		c.ReportRows = 200_000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Enterprise is the simulated enterprise. It is safe for concurrent use.
type Enterprise struct {
	config   Config
	seed     uint64
	months   []month
	days     []dayText
	firstDay int // epoch day of days[0]
	asOf     int // epoch day
	meters   []*meter
	ea, mca  *account
	plan     plan
	restated map[restatedMonth]bool
	server   *server
	lines    lineCache

	mu      sync.Mutex
	changes changes // what restated and late faults have changed so far
	totals  map[totalsKey]*totalsOnce
	parts   sync.Map // by totalsKey, see partsOf
}

// New builds the enterprise that config describes.
func New(config Config) *Enterprise {
	config = config.withDefaults()
	e := &Enterprise{config: config, seed: mix(config.Seed ^ 0x617a757265), totals: map[totalsKey]*totalsOnce{}}
	e.setCalendar()
	e.meters = makeMeters()
	e.setAccounts()
	e.plan = e.makePlan()
	e.ea.setNames()
	e.mca.setNames()
	e.setPrices()
	e.ea.setCommitments(enrollmentCommitments(e))
	e.mca.setCommitments(customerCommitments(e))
	e.ea.setCore(enrollmentCore(e))
	e.mca.setCore(customerCore(e))
	e.setRestated()
	e.server = newServer(e)
	return e
}

// account returns the account called name: ea or mca.
func (e *Enterprise) account(name string) (*account, error) {
	switch name {
	case e.ea.key:
		return e.ea, nil
	case e.mca.key:
		return e.mca, nil
	}
	return nil, fmt.Errorf("account(%q): the accounts are ea and mca", name)
}

func (e *Enterprise) accounts() []*account { return []*account{e.ea, e.mca} }
