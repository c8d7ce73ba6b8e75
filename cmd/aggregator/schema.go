package main

import (
	"context"
	"flag"
	"fmt"

	"aggregator/catalog"
)

// schema prints the format of lists files, as a JSON Schema or as a page.
func schema(fs *flag.FlagSet) action {
	markdown := fs.Bool("markdown", false, "print a page for people, in Markdown")
	return func(_ context.Context, env environment, _ string) error {
		if *markdown {
			_, err := env.out.Write(catalog.FormatPage())
			return err
		}
		_, err := fmt.Fprintf(env.out, "%s\n", catalog.Schema())
		return err
	}
}
