package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"aggregator/catalog"
)

// check checks the catalog's files and prints a summary of one line.
func check(fs *flag.FlagSet) action {
	var f catalogFlags
	f.add(fs)
	return func(_ context.Context, env environment, _ string) error { return f.check(env) }
}

func (f *catalogFlags) check(env environment) error {
	c, warnings, err := f.read()
	if wrong, ok := errors.AsType[*catalog.Error](err); ok {
		_, _ = fmt.Fprintln(env.errOut, wrong)
		return errReported
	}
	if err != nil {
		return err
	}
	for _, w := range warnings {
		_, _ = fmt.Fprintln(env.errOut, "warning:", w)
	}
	_, _ = fmt.Fprintln(env.out, c.Counts())
	return nil
}
