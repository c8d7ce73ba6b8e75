package main

import (
	"context"
	"flag"
	"fmt"

	"aggregator/catalog"
)

// schema prints the JSON Schema of lists.yaml.
func schema(*flag.FlagSet) action {
	return func(_ context.Context, env environment, _ string) error {
		_, err := fmt.Fprintf(env.out, "%s\n", catalog.Schema())
		return err
	}
}
