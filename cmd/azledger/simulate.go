package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/extract/azuresim"
)

// enterpriseFlags say which enterprise is simulated: the same flags, the same bytes.
type enterpriseFlags struct {
	months, rows int
	seed         uint64
	asOf         string
	restated     []string // months told otherwise than they were billed; not part of String, as it is the same enterprise
}

// The day the demo's data is looked at. It is a fixed day, not today, so that the
// demo prints the same figures whenever it is run.
const demoDay = "2026-11-22"

func (f *enterpriseFlags) add(c *cobra.Command) {
	c.Flags().IntVar(&f.months, "months", 3, "`number` of billing months, the open one included")
	c.Flags().IntVar(&f.rows, "rows", 20_000, "`number` of charges in a month")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "`number` that decides every value")
	c.Flags().StringVar(&f.asOf, "as-of", demoDay, "the `day` up to which there is data")
	c.Flags().StringSliceVar(&f.restated, "restate", nil, "closed `month`, such as 2026-09, that is told otherwise than it was billed; its exports get a newer run")
}

// enterprise makes the simulated enterprise.
func (f *enterpriseFlags) enterprise(now time.Time) (*azuresim.Enterprise, error) {
	day, err := parseDay(f.asOf, now)
	if err != nil {
		return nil, err
	}
	if f.months < 1 || f.rows < 500 {
		return nil, usagef("want at least one month (--months %d) of 500 rows (--rows %d)", f.months, f.rows)
	}
	config := azuresim.Config{Seed: f.seed, Months: f.months, Rows: f.rows, AsOf: day}
	for _, month := range f.restated {
		config.Restated = append(config.Restated, azuresim.Restatement{Month: month})
	}
	e := azuresim.New(config)
	for _, month := range f.restated {
		if !e.Closed(month) {
			return nil, usagef("--restate %s: want one of the %d months, as 2026-09, that is closed on %s", month, f.months, f.asOf)
		}
	}
	return e, nil
}

// String is the flags as they were given, to be given again.
func (f *enterpriseFlags) String() string {
	return fmt.Sprintf("--months %d --rows %d --seed %d --as-of %s", f.months, f.rows, f.seed, f.asOf)
}

func (a *app) simulateCommand() *cobra.Command {
	var f enterpriseFlags
	var addr, exports, truth string
	options := azuresim.ExportOptions{Account: "ea", Format: "csv.gz"}
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Serve a simulated Azure until interrupted",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.simulate(c.Context(), f, addr, exports, options, truth)
		},
	}
	f.add(c)
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:0", "`address` to listen on; port 0 takes a free one")
	c.Flags().StringVar(&exports, "exports", "", "write the files of Cost Management exports into this `folder` first")
	c.Flags().StringVar(&options.Account, "export-account", options.Account, "`account` whose exports are written: ea or mca")
	c.Flags().StringSliceVar(&options.Datasets, "export-datasets", []string{"actual", "amortized"}, "`datasets` that are exported: "+strings.Join(azuresim.ExportDatasets, ", "))
	c.Flags().StringVar(&options.Format, "export-format", options.Format, "`format` of the files: csv, csv.gz or parquet")
	c.Flags().StringVar(&options.Layout, "export-layout", "create_new", "`layout` of the folders: create_new, overwrite, legacy (old manifests) or legacy_single (no manifests)")
	c.Flags().StringVar(&truth, "truth", "", "write the sums that must come out into this `file` first")
	return c
}

func (a *app) simulate(ctx context.Context, f enterpriseFlags, addr, exports string, options azuresim.ExportOptions, truth string) error {
	e, err := f.enterprise(a.now())
	if err != nil {
		return err
	}
	if exports != "" {
		if err := e.WriteExports(ctx, exports, options); err != nil {
			return err
		}
	}
	if truth != "" {
		if err := e.WriteTruth(truth); err != nil {
			return err
		}
	}
	server, err := serve(ctx, e, addr)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, server.url)
	<-ctx.Done()
	return server.close()
}

// writeExports writes the enrollment's exports as Cost Management would.
func writeExports(ctx context.Context, e *azuresim.Enterprise, dir string) error {
	return e.WriteExports(ctx, dir, azuresim.ExportOptions{Account: "ea", Format: "csv.gz"})
}

// A simServer is the simulated Azure listening.
type simServer struct {
	url  string
	http *http.Server
	done chan error
}

// serve listens on the address until close.
func serve(ctx context.Context, e *azuresim.Enterprise, addr string) (*simServer, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, usagef("simulate: %w", err)
	}
	s := &simServer{
		url:  "http://" + listener.Addr().String(),
		http: &http.Server{Handler: e.Handler(), ReadHeaderTimeout: 10 * time.Second},
		done: make(chan error, 1),
	}
	go func() { s.done <- s.http.Serve(listener) }()
	return s, nil
}

// close stops listening.
func (s *simServer) close() error {
	err := s.http.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		return served
	}
	return err
}
