// Command aggregator posts a Discord bot's server count to every bot list, and
// reads a bot from every list, over one HTTP API.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"aggregator/fanout"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetOutput(io.Discard) // net/http logs what lists send unasked there, which may hold a token
	tuneMemory(os.Getenv)
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// environment is what a command works with.
type environment struct {
	getenv    func(string) string
	out       io.Writer
	errOut    io.Writer
	transport http.RoundTripper // all calls to lists take it
}

type command struct {
	name, what string
	run        func(ctx context.Context, env environment, args []string) error
}

var commands = []command{
	{"serve", "run the service", serve},
	{"demo", "run the service on a sandbox of all lists, and post to every one", demo},
	{"check", "check lists.yaml and legacy_ids.yaml, and exit", check},
	{"explain", "print what a list is sent and where its answers are read: explain LIST", explain},
	{"try", "try a list's entry on its live API: try FILE --list ID --bot ID --token T", try},
	{"schema", "print the JSON Schema of lists.yaml, for editors", schema},
}

// errSaid is an error whose words are out already.
var errSaid = errors.New("")

// run runs a command until it ends or ctx does, and returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, out, errOut io.Writer) int {
	bounds := newBounds()
	env := environment{getenv, out, errOut, fanout.NewTransport(fanout.WithBounds(bounds.calls, bounds.callsPerList))}
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		usage(out)
		return 0
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, env, args[1:])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errSaid):
			return 1
		}
		_, _ = fmt.Fprintf(errOut, "aggregator %s: %v\n", c.name, err)
		return 1
	}
	_, _ = fmt.Fprintf(errOut, "aggregator: unknown command %q\n\n", args[0])
	usage(errOut)
	return 2
}

func usage(w io.Writer) {
	_, _ = fmt.Fprintln(w, "usage: aggregator COMMAND [flags]   (aggregator COMMAND -h lists the flags)")
	for _, c := range commands {
		_, _ = fmt.Fprintf(w, "  %-8s %s\n", c.name, c.what)
	}
}
