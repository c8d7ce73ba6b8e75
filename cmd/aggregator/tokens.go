package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/lists"
)

// tokensFlags say where the tokens of a bot are: in a file of their own, or in a
// file of bots.
type tokensFlags struct {
	tokens, bots string

	own *agent.Bot // of the file of bots, once the tokens are loaded; nil: there is none
}

func (f *tokensFlags) add(fs *flag.FlagSet) {
	secretPathVar(fs, &f.tokens, "tokens", "`FILE` of list ids and the bot's tokens for them, in YAML or JSON; - for standard input")
}

func (f *tokensFlags) addBots(fs *flag.FlagSet) {
	secretPathVar(fs, &f.bots, "bots", "`FILE` of your own bots (bots.yaml), in place of --tokens")
}

func addBot(fs *flag.FlagSet, bot *string) {
	fs.StringVar(bot, "bot", "", "`ID` of the bot, its Discord snowflake; may be left out where the file of --bots has one bot")
}

// checkBot returns a usageError for a bot that is not named, or is no id.
func (f *tokensFlags) checkBot(bot string) error {
	switch {
	case bot == "" && f.bots == "":
		return usagef("--bot is missing")
	case bot != "" && !lists.IsSnowflake(bot):
		return usagef("--bot %q is not a snowflake", bot)
	}
	return nil
}

// choose decides between the two files: what stands on the command line comes before
// the environment. The error is a usageError where both are given, or none is that
// must be.
func (f *tokensFlags) choose(env environment, required bool) error {
	switch {
	case f.tokens != "" && f.bots != "" && env.given["tokens"] == env.given["bots"]:
		return usagef("the tokens are given twice: by --tokens and by --bots")
	case f.tokens != "" && env.given["bots"]:
		f.tokens = ""
	case f.bots != "" && env.given["tokens"]:
		f.bots = ""
	case f.tokens == "" && f.bots == "" && required:
		return usagef("the tokens are missing: --tokens FILE, or --tokens - for standard input")
	}
	if _, err := os.Stat(f.tokens); err != nil && f.looksLikeTokens(env) {
		// It must not be repeated.
		return usagef("%s wants the name of a file, and there is none of the name that was given; tokens themselves are given on standard input, with --tokens -", f.from(env))
	}
	return nil
}

// looksLikeTokens reports whether what was given could be tokens rather than the
// name of a file. In a variable it always could.
func (f *tokensFlags) looksLikeTokens(env environment) bool {
	return f.tokens != "" && f.tokens != "-" && (!env.given["tokens"] || strings.ContainsAny(f.tokens, "{}\"\n:"))
}

// from returns where the name of the file of tokens was given.
func (f *tokensFlags) from(env environment) string {
	if env.given["tokens"] {
		return "--tokens"
	}
	return variable("tokens")
}

// load returns the tokens of a bot, which may be "" where a file of bots has one
// only: then it is that one. What is odd is printed as a warning.
func (f *tokensFlags) load(env environment, c *catalog.Catalog, bot string) (botID string, all []aggregate.NamedToken, err error) {
	o := agent.LoadOptions{Getenv: env.getenv}
	var warnings []string
	switch {
	case f.bots != "":
		var bots *agent.Bots
		if bots, warnings, err = agent.Load(f.bots, c, o); err == nil {
			bot, all, err = f.chosen(bots, bot)
		}
	case f.tokens == "-":
		var text []byte
		if text, err = io.ReadAll(io.LimitReader(env.in, maxTokens+1)); err == nil {
			all, warnings, err = parseTokens("standard input", text, c, o)
		}
	case isPipe(f.tokens): // such as <(command) of a shell
		var text []byte
		if text, err = readPipe(f.tokens); err == nil {
			all, warnings, err = parseTokens(f.tokens, text, c, o)
		}
	case f.tokens != "":
		all, warnings, err = agent.LoadTokens(f.tokens, c, o)
	}
	for _, w := range warnings {
		_, _ = fmt.Fprintln(env.errOut, "warning:", w)
	}
	if wrong := (*agent.Error)(nil); f.bots == "" && errors.As(err, &wrong) {
		err = usageError{err} // as what stands in the command line
	}
	return bot, all, err
}

// maxTokens bounds what is read of tokens that are piped, in bytes.
const maxTokens = 1 << 20

func parseTokens(name string, text []byte, c *catalog.Catalog, o agent.LoadOptions) ([]aggregate.NamedToken, []string, error) {
	if len(text) > maxTokens {
		return nil, nil, usagef("%s holds more than the %d bytes that tokens may have", name, maxTokens)
	}
	return agent.ParseTokens(name, text, c, o)
}

// isPipe reports whether a name is that of something to be read as it comes.
func isPipe(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice|fs.ModeSocket) != 0
}

func readPipe(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	return io.ReadAll(io.LimitReader(file, maxTokens+1))
}

// chosen returns the bot with an id, and its tokens; the only one for "".
func (f *tokensFlags) chosen(bots *agent.Bots, id string) (string, []aggregate.NamedToken, error) {
	all := bots.All()
	b := bots.Bot(id)
	if id == "" && len(all) == 1 {
		b = all[0]
	}
	if b != nil {
		f.own = b
		return b.ID, b.Tokens, nil
	}
	names := make([]string, len(all))
	for i, b := range all {
		names[i] = b.String()
	}
	has := f.bots + " has " + strings.Join(names, ", ")
	switch {
	case len(all) == 0:
		return "", nil, usagef("%s has no bot", f.bots)
	case id == "":
		return "", nil, usagef("--bot is missing: %s", has)
	}
	return "", nil, usagef("the bot %s is not in the file: %s", id, has)
}
