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
	"time"

	"aggregator/catalog"
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
	terminal    func(io.Writer) bool                              // whether a writer is a terminal; nil: as the system says
	patience    time.Duration                                     // for a store that another process has open; 0: storePatience
	after       func(time.Duration) <-chan time.Time              // as time.After, which nil stands for
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

type action func(ctx context.Context, env environment, operands []string) error

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
	if len(args) == 0 || isHelp(args[0]) && len(args) == 1 {
		printUsage(env.out, sections())
		return exitDone
	}
	switch {
	case isHelp(args[0]):
		args = append(slices.Clone(args[1:]), "-h")
	case args[0] == "-version", args[0] == "--version":
		args = append([]string{"version"}, args[1:]...)
	}
	if c, rest, ok := findCommand(args); ok {
		return env.runCommand(ctx, c, rest)
	}
	return env.unknownCommand(args)
}

func isHelp(word string) bool {
	return slices.Contains([]string{"help", "-h", "-help", "--help"}, word)
}

// findCommand returns the command that arguments name, and the other arguments.
// Flags may stand before the name.
func findCommand(args []string) (found command, rest []string, ok bool) {
	for before := range args {
		for _, c := range commands() {
			words := strings.Fields(c.name)
			if after := args[before:]; len(after) >= len(words) && slices.Equal(after[:len(words)], words) {
				return c, slices.Concat(args[:before], after[len(words):]), true
			}
		}
		if !strings.HasPrefix(args[0], "-") {
			break // what is not a flag was to be the name
		}
	}
	return command{}, nil, false
}

// unknownCommand says which commands there are, of a group where the arguments
// name one, and returns the exit code.
func (env environment) unknownCommand(args []string) int {
	before, word, all := "", args[0], sections()
	if group := inGroup(all, word); len(group) > 0 {
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
	for _, s := range all {
		for _, c := range s.commands {
			first, _, _ := strings.Cut(strings.TrimPrefix(c.name, before), " ")
			names = append(names, first)
		}
	}
	_, _ = fmt.Fprintf(env.errOut, "aggregator: unknown command %q%s\n", before+word, near.Suggestion(word, names))
	_, _ = fmt.Fprintf(env.errOut, "aggregator %s-h shows the commands\n", before)
	return exitUsage
}

// inGroup returns the commands of a group, such as hooks.
func inGroup(all []section, group string) []section {
	var some []section
	for _, s := range all {
		s.commands = slices.DeleteFunc(slices.Clone(s.commands), func(c command) bool { return !strings.HasPrefix(c.name, group+" ") })
		if len(s.commands) > 0 {
			some = append(some, s)
		}
	}
	return some
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
	env.report(c, err)
	if wrong := (usageError{}); errors.As(err, &wrong) {
		_, _ = fmt.Fprintf(env.errOut, "aggregator %s -h shows its flags\n", c.name)
		return exitUsage
	}
	return exitFailed
}

// report prints why a command failed. What is wrong with files stands in lines
// that begin with the file, as editors take them.
func (env environment) report(c command, err error) {
	var wrong *catalog.Error
	switch {
	case errors.Is(err, errReported):
	case errors.As(err, &wrong):
		_, _ = fmt.Fprintln(env.errOut, wrong)
	case errors.Is(err, context.Canceled):
		_, _ = fmt.Fprintf(env.errOut, "aggregator %s: interrupted\n", c.name)
	default:
		_, _ = fmt.Fprintf(env.errOut, "aggregator %s: %v\n", c.name, err)
	}
}
