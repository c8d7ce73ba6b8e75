// Command aggregator posts a Discord bot's server count to every bot list, and
// reads a bot from every list, over one HTTP API.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"aggregator/fanout"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	log.SetOutput(io.Discard)    // net/http logs what lists send unasked there, which may hold a token
	bounds := newBounds()
	env := environment{
		program: os.Args[0], environ: os.Environ(), in: os.Stdin, out: os.Stdout, errOut: os.Stderr,
		transport: fanout.NewTransport(fanout.WithBounds(bounds.calls, bounds.callsPerList)),
	}
	env.tune = tuneMemory
	os.Exit(env.run(ctx, os.Args[1:]))
}
