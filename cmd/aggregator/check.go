package main

import (
	"context"
	"errors"
	"fmt"

	"aggregator/catalog"
)

// check checks the catalog's files and prints a summary of one line.
func check(_ context.Context, env environment, args []string) error {
	fs := newFlags("check", env.errOut)
	var f catalogFlags
	f.add(fs)
	if err := parse(fs, args, env.getenv); err != nil {
		return err
	}
	c, warnings, err := f.read()
	var wrong *catalog.Error
	if errors.As(err, &wrong) {
		_, _ = fmt.Fprintln(env.errOut, wrong)
		return errSaid
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
