package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/extract"
)

func (a *app) sourcesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "sources [name]…",
		Short: "List what azledger can read, and the role that reading it needs",
		RunE:  func(_ *cobra.Command, args []string) error { return a.sources(args) },
	}
	a.formatFlag(c)
	return c
}

func (a *app) sources(names []string) error {
	if err := a.checkFormat(); err != nil {
		return err
	}
	for _, n := range names {
		if !slices.Contains(sourceNames(), n) {
			return usagef("%q is no source; azledger sources lists them", n)
		}
	}
	var rows [][]string
	for _, s := range extract.Sources() {
		if len(names) == 0 || slices.Contains(names, s.Name) {
			rows = append(rows, []string{s.Name, s.API, s.Version, strings.Join(s.Agreements, " "), s.Role, s.Feeds, status(s)})
		}
	}
	return a.print([]column{
		{name: "source"},
		{name: "api", wrap: 24},
		{name: "version", wrap: 20},
		{name: "agreements"},
		{name: "role", wrap: 40},
		{name: "feeds", wrap: 34},
		{name: "status", wrap: 24},
	}, rows)
}

// status says what to use instead of what Microsoft gives up.
func status(s *extract.Source) string {
	if s.Successor == "" {
		return s.Status
	}
	return s.Status + ": use " + s.Successor
}

func sourceNames() []string {
	var names []string
	for _, s := range extract.Sources() {
		names = append(names, s.Name)
	}
	return names
}
