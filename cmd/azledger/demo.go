package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/extract/azuresim"
)

func (a *app) demoCommand() *cobra.Command {
	var f enterpriseFlags
	var out string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Do a whole run against a simulated Azure: no account needed",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), out, f) },
	}
	f.add(c)
	c.Flags().StringVar(&out, "out", "demo", "`folder` for what the demo makes")
	return c
}

// demo simulates Azure, copies its bills, and tells what came of it.
func (a *app) demo(ctx context.Context, out string, f enterpriseFlags) error {
	e, err := f.enterprise(a.now())
	if err != nil {
		return err
	}
	if err := ownDemo(out, f); err != nil {
		return err
	}
	if err := writeExports(ctx, e, filepath.Join(out, "exports")); err != nil {
		return err
	}
	server, err := serve(ctx, e, demoAddress(out))
	if err != nil {
		return err
	}
	if err := writeDemo(out, f, server.url); err != nil {
		return errors.Join(err, server.close())
	}
	a.configPath = filepath.Join(out, defaultConfig)
	err = a.work(ctx, ask{command: "demo", copies: true, asOf: f.asOf}, everything)
	if err = errors.Join(err, server.close()); err != nil {
		return err
	}
	return a.summary(ctx, out)
}

//go:embed demo.yaml
var demoYAML string

// The rules by which the simulated enterprise is charged back.
var (
	//go:embed demo_owners.csv
	demoOwners []byte
	//go:embed demo_allocation.yaml
	demoAllocation []byte
)

// demoMark is the line of the configuration by which the demo knows its own folder.
func demoMark(f enterpriseFlags) string { return "# azledger demo " + f.String() + "\n" }

// ownDemo refuses a folder that holds something else than this very demo: figures of
// two enterprises in one lake would be nobody's.
func ownDemo(out string, f enterpriseFlags) error {
	text, err := os.ReadFile(filepath.Join(out, defaultConfig))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(text, []byte(demoMark(f))) {
		return usagef("%s holds another demo or something else; give another --out, or delete it", out)
	}
	return nil
}

// demoAddress is the address an earlier demo in this folder had, so that its
// configuration stays as it is; else any free port.
func demoAddress(out string) string {
	c, err := readConfig(filepath.Join(out, defaultConfig))
	if err != nil || c.Endpoints.Management == "" {
		return "127.0.0.1:0"
	}
	return c.Endpoints.Management[len("http://"):]
}

// writeDemo leaves the configuration and the files of rules in the demo's folder.
func writeDemo(out string, f enterpriseFlags, url string) error {
	t, err := template.New("").Parse(demoYAML)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	text.WriteString(demoMark(f))
	err = t.Execute(&text, map[string]any{
		"Months": f.months, "URL": url, "Addr": url[len("http://"):], "Flags": f.String(),
		"Enrollment": azuresim.EnrollmentPath, "Customer": azuresim.CustomerPath,
	})
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"owners.csv": demoOwners, "allocation.yaml": demoAllocation} {
		if err := replaceFile(filepath.Join(out, name), content); err != nil {
			return err
		}
	}
	return replaceFile(filepath.Join(out, defaultConfig), text.Bytes())
}
