package main

import (
	"context"
	"fmt"

	"aggregator/catalog"
)

// schema prints the JSON Schema of lists.yaml.
func schema(_ context.Context, env environment, args []string) error {
	if err := parse(newFlags("schema", env.errOut), args, env.getenv); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.out, "%s\n", catalog.Schema())
	return err
}
