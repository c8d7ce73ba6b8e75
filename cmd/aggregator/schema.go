package main

import (
	"context"
	"flag"

	"aggregator/agent"
	"aggregator/catalog"
)

// schema prints the format of lists files or of bots.yaml, as a JSON Schema or as
// a page.
func schema(fs *flag.FlagSet) action {
	var bots formatFlag
	fs.Var(&bots, "bots", "print the format of bots.yaml instead")
	markdown := fs.Bool("markdown", false, "print a page for people, in Markdown")
	return func(_ context.Context, env environment, _ []string) error {
		var text []byte
		switch {
		case bool(bots) && *markdown:
			text = agent.FormatPage()
		case bool(bots):
			text = agent.Schema()
		case *markdown:
			text = catalog.FormatPage()
		default:
			text = catalog.Schema()
		}
		_, err := env.out.Write(text)
		return err
	}
}
