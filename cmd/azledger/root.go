package main

import (
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
)

// app is what every command has: where to print, the clock, the environment, and
// the flags that all commands share.
type app struct {
	out, err io.Writer
	now      func() time.Time
	env      []string

	configPath string
	format     string
	logFormat  string
	quiet      bool

	lease time.Duration // how long a host that died keeps others from a lake in a container; 0: as package mirror has it

	started bool // the arguments were understood; what goes wrong from here is no usage error
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "azledger",
		Short:             "Copies Azure bills to Parquet, checks them, and publishes tables about them",
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.start() },
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.configPath, "config", "c", "", "configuration `file` (default azledger.yaml, or AZLEDGER_CONFIG)")
	flags.StringVar(&a.logFormat, "log-format", "text", "log as text or json")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "log only warnings and errors, show no progress")
	root.AddCommand(
		a.runCommand(), a.extractCommand(), a.transformCommand(), a.loadCommand(),
		a.planCommand(), a.reconcileCommand(), a.explainCommand(), a.allocationCommand(), a.closeCommand(), a.verifyCommand(),
		a.queryCommand(), a.sourcesCommand(), a.modelsCommand(), a.demoCommand(), a.simulateCommand(), a.versionCommand(),
	)
	return root
}

// start ends the reading of arguments.
func (a *app) start() error {
	if a.logFormat != "text" && a.logFormat != "json" {
		return usagef("--log-format %s: want text or json", a.logFormat)
	}
	a.started = true
	return nil
}

// formatFlag gives a command that prints records the choice of their form.
func (a *app) formatFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.format, "format", "table", "print as table, json or csv")
}

// logger writes to stderr; where there is a terminal, progress bars stand for the
// lines of things that went well.
func (a *app) logger() *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if a.quiet || a.terminal() {
		o.Level = slog.LevelWarn
	}
	if a.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.err, o))
	}
	return slog.New(slog.NewTextHandler(a.err, o))
}
