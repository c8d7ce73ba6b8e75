package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"aggregator/agent"
)

// checkFlags say which files are checked.
type checkFlags struct {
	catalogFlags
	bots      string
	noSecrets bool
}

// check checks the catalog's files, and the file of one's own bots, and prints a
// summary of one line for each.
func check(fs *flag.FlagSet) action {
	var f checkFlags
	f.catalogFlags.add(fs)
	secretPathVar(fs, &f.bots, "bots", "`FILE` of your own bots (bots.yaml) to check too")
	fs.BoolVar(&f.noSecrets, "no-secrets", false, "check references to secrets in the file of bots for their form alone, where the secrets are not there")
	return func(_ context.Context, env environment, _ []string) error { return f.check(env) }
}

func (f *checkFlags) check(env environment) error {
	if f.noSecrets && f.bots == "" {
		return usagef("--no-secrets needs --bots")
	}
	c, warnings, err := f.read()
	if err != nil {
		return err
	}
	var bots *agent.Bots
	if f.bots != "" {
		var more []string
		bots, more, err = agent.Load(f.bots, c, agent.LoadOptions{Getenv: env.getenv, NoSecrets: f.noSecrets})
		warnings = append(warnings, more...)
	}
	for _, w := range warnings {
		_, _ = fmt.Fprintln(env.errOut, "warning:", w)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.out, c.Counts())
	if f.bots != "" {
		_, e := fmt.Fprintln(env.out, describeBots(bots))
		err = errors.Join(err, e)
	}
	return err
}
