package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"aggregator/internal/near"
)

// environment is what a command works with.
type environment struct {
	program     string   // as it was called, such as bin/aggregator
	environ     []string // as os.Environ returns it
	in          io.Reader
	out, errOut io.Writer
	transport   http.RoundTripper                                 // of all calls to lists
	given       map[string]bool                                   // flags on the command line
	tune        func(memory byteSize, getenv func(string) string) // the process for a service; nil: it is left as it is
}

// getenv returns the value of an environment variable, "" where it is not set.
func (env environment) getenv(name string) string {
	for _, variable := range slices.Backward(env.environ) {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}

// command is one of the program's commands.
type command struct {
	name    string // one word, or two for one of a group, such as "hooks send"
	operand string // what follows the name, such as "LIST", or "[lift ID]", which may be left out; "" for nothing
	summary string
	example string // what follows the program's name
	// define defines the command's flags and returns what it does once they are
	// set. It is given what stands where the operand does, a word for each of its.
	define func(fs *flag.FlagSet) action
}

type action func(ctx context.Context, env environment, operands []string) error

// commands returns the program's commands, in the order of the help.
func commands() []command {
	return []command{
		{"serve", "", "run the service", "serve --listen :8080 --store sqlite:aggregator.db", serve},
		{"agent", "", "post the counts of your own bots by itself, without the HTTP side", "agent --bots bots.yaml --once", runAgent},
		{"demo", "", "run the service on a sandbox of all lists, and post to every one", "demo --once", demo},
		{"check", "", "check the lists files and the legacy ids", "check --lists builtin --lists my-list.yaml", check},
		{"explain", "[LIST]", "print what a list is sent and where its answers are read", "explain list.example", explain},
		{"try", "FILE", "try an entry of FILE on the list's live API", "try my-list.yaml --list list.example --bot 123456789012345678 --servers 1234 --token-file token.txt", try},
		{"backup", "FILE", "copy the store of a running service to FILE, which must not be there yet", "backup aggregator-backup.db --admin unix:/run/aggregator-admin.sock", backup},
		{"holds", "[lift ID]", "show what a running service holds back from lists, or lift one of the holds", "holds --list list.example --admin unix:/run/aggregator-admin.sock", holds},
		{"hooks listen", "", "take votes at an endpoint for trying out: check each signature, and print a line", "hooks listen --port 9000 --secret-file secret.txt", hooksListen},
		{"hooks send", "LIST", "send a webhook as LIST does, signed, of a test vote or a real one", "hooks send list.example --to http://localhost:8080/hooks/123456789012345678/list.example --secret-file secret.txt", hooksSend},
		{"version", "", "print which build of the program this is", "version", printVersion},
		{"schema", "", "print the format of lists files: a JSON Schema for editors, or a page", "schema > lists.schema.json", schema},
	}
}

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// errReported is an error about which everything has been printed.
var errReported = errors.New("reported")

// usageError is a mistake in the command line or the environment.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run runs a command until it ends or ctx does, and returns the exit code.
func (env environment) run(ctx context.Context, args []string) int {
	all := commands()
	if len(args) == 0 || isHelp(args[0]) && len(args) == 1 {
		printUsage(env.out, all)
		return exitDone
	}
	switch {
	case isHelp(args[0]):
		args = append(slices.Clone(args[1:]), "-h")
	case args[0] == "-version", args[0] == "--version":
		args = append([]string{"version"}, args[1:]...)
	}
	for _, c := range all {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return env.runCommand(ctx, c, args[len(words):])
		}
	}
	return env.unknownCommand(all, args)
}

func isHelp(word string) bool {
	return slices.Contains([]string{"help", "-h", "-help", "--help"}, word)
}

// unknownCommand says which commands there are, of a group where the arguments
// name one, and returns the exit code.
func (env environment) unknownCommand(all []command, args []string) int {
	before, word := "", args[0]
	if group := of(all, word); len(group) > 0 {
		switch {
		case len(args) == 1:
			_, _ = fmt.Fprintf(env.errOut, "aggregator %s: a command is missing\n\n", word)
			printUsage(env.errOut, group)
			return exitUsage
		case isHelp(args[1]):
			printUsage(env.out, group)
			return exitDone
		}
		before, word, all = word+" ", args[1], group
	}
	var names []string
	for _, c := range all {
		first, _, _ := strings.Cut(strings.TrimPrefix(c.name, before), " ")
		names = append(names, first)
	}
	_, _ = fmt.Fprintf(env.errOut, "aggregator: unknown command %q%s\n\n", before+word, near.Suggestion(word, names))
	printUsage(env.errOut, all)
	return exitUsage
}

// of returns the commands of a group.
func of(all []command, group string) []command {
	return slices.DeleteFunc(slices.Clone(all), func(c command) bool { return !strings.HasPrefix(c.name, group+" ") })
}

func (env environment) runCommand(ctx context.Context, c command, args []string) int {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are printed below, once
	do := c.define(fs)
	operands, given, err := parseFlags(fs, c.operand, args, env.getenv)
	if errors.Is(err, flag.ErrHelp) {
		c.printHelp(env.out, fs)
		return exitDone
	}
	if err == nil {
		env.given = given
		err = do(ctx, env, operands)
	}
	if err == nil {
		return exitDone
	}
	if !errors.Is(err, errReported) {
		_, _ = fmt.Fprintf(env.errOut, "aggregator %s: %v\n", c.name, err)
	}
	if wrong := (usageError{}); errors.As(err, &wrong) {
		_, _ = fmt.Fprintf(env.errOut, "aggregator %s -h shows its flags\n", c.name)
		return exitUsage
	}
	return exitFailed
}

func printUsage(w io.Writer, all []command) {
	_, _ = fmt.Fprintln(w, "usage: aggregator COMMAND [flags]   (aggregator COMMAND -h shows its flags)")
	for _, c := range all {
		_, _ = fmt.Fprintf(w, "  %-16s %s\n", strings.TrimSpace(c.name+" "+c.operand), c.summary)
	}
}

func (c command) printHelp(w io.Writer, fs *flag.FlagSet) {
	usage := strings.TrimSpace("usage: aggregator "+c.name+" "+c.operand) + " [flags]"
	_, _ = fmt.Fprintf(w, "%s\n\n%s.\n", usage, strings.ToUpper(c.summary[:1])+c.summary[1:])
	flags := false
	fs.VisitAll(func(f *flag.Flag) {
		if !flags {
			_, _ = fmt.Fprintf(w, "\nFlags, each also an environment variable (%s for --%s):\n", variable(f.Name), f.Name)
		}
		flags = true
		value, usage := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			usage += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		_, _ = fmt.Fprintf(w, "  %s\n        %s\n", strings.TrimSpace("--"+f.Name+" "+value), usage)
	})
	_, _ = fmt.Fprintf(w, "\nExample:\n  aggregator %s\n", c.example)
}
