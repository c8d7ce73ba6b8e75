package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// printUsage prints the commands of the sections.
func printUsage(w io.Writer, all []section) {
	_, _ = fmt.Fprintln(w, "usage: aggregator COMMAND [flags]   (aggregator COMMAND -h shows its flags)")
	widest := 0
	for _, s := range all {
		for _, c := range s.commands {
			widest = max(widest, len(c.words()))
		}
	}
	for _, s := range all {
		_, _ = fmt.Fprintf(w, "\n%s:\n", s.title)
		for _, c := range s.commands {
			_, _ = fmt.Fprintf(w, "  %-*s  %s\n", widest, c.words(), c.summary)
		}
	}
}

// words returns a command's name and its operand.
func (c command) words() string { return strings.TrimSpace(c.name + " " + c.operand) }

// printHelp prints what a command does, and all that it reads.
func (c command) printHelp(w io.Writer, fs *flag.FlagSet) {
	usage := "usage: aggregator " + c.words()
	groups := groupFlags(fs)
	if len(groups) > 0 {
		usage += " [flags]"
	}
	_, _ = fmt.Fprintf(w, "%s\n\n%s.\n", usage, strings.ToUpper(c.summary[:1])+c.summary[1:])
	printExplained(w, "Arguments", c.arguments)
	for _, g := range groups {
		explained := make([]explanation, len(g.flags))
		for i, f := range g.flags {
			explained[i] = explainFlag(f)
		}
		printExplained(w, g.title, explained)
	}
	var read []explanation
	if name := variableOf(fs); name != "" {
		meaning := "stands for --" + name + ", and so on for each flag; the command line wins"
		if again := repeatedOf(fs); again != "" {
			meaning += "; " + variable(again) + " takes several values with commas between them"
		}
		read = append(read, explanation{variable(name), meaning})
	}
	read = append(read, explainSecrets(fs)...)
	printExplained(w, "Environment", append(read, c.settings...))
	_, _ = fmt.Fprintf(w, "\nExample:\n  aggregator %s\n", c.example)
}

// variableOf returns the first flag that an environment variable can stand for, ""
// if there is none.
func variableOf(fs *flag.FlagSet) (name string) {
	fs.VisitAll(func(f *flag.Flag) {
		if _, unset := f.Value.(*formatFlag); name == "" && !unset {
			name = f.Name
		}
	})
	return name
}

// repeatedOf returns the first flag that may be given again, "" if there is none.
func repeatedOf(fs *flag.FlagSet) (name string) {
	fs.VisitAll(func(f *flag.Flag) {
		if _, several := f.Value.(*files); name == "" && several {
			name = f.Name
		}
	})
	return name
}

// explainSecrets returns what the help says of the other ways to give secrets, if
// the command takes any.
func explainSecrets(fs *flag.FlagSet) (all []explanation) {
	var texts, credentials []string
	fs.VisitAll(func(f *flag.Flag) {
		switch f.Value.(type) {
		case secretText:
			texts = append(texts, "--"+f.Name)
			credentials = append(credentials, f.Name)
		case secretPath:
			credentials = append(credentials, f.Name)
		}
	})
	if len(texts) > 0 {
		meaning := "names a file with what " + texts[0] + " would be given"
		if more := texts[1:]; len(more) > 0 {
			meaning += ", and so on for " + strings.Join(more, ", ")
		}
		all = append(all, explanation{variable(texts[0][2:]) + fileSuffix, meaning})
	}
	if len(credentials) > 0 {
		all = append(all, explanation{credentialsVariable, "folder of systemd's credentials: one of a flag's name stands for the flag (" + strings.Join(credentials, ", ") + ") where nothing else does"})
	}
	return all
}

// helpWidth is how many characters a line of the help has, unless a word is longer.
const helpWidth = 100

// printExplained prints a part of a command's help, if it has any.
func printExplained(w io.Writer, title string, all []explanation) {
	const indent = 8
	for i, e := range all {
		if i == 0 {
			_, _ = fmt.Fprintf(w, "\n%s:\n", title)
		}
		_, _ = fmt.Fprintf(w, "  %s\n", e.word)
		for _, line := range wrap(e.meaning, helpWidth-indent) {
			_, _ = fmt.Fprintf(w, "%*s%s\n", indent, "", line)
		}
	}
}

// wrap cuts a text into lines of a width in characters.
func wrap(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if last := len(lines) - 1; last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// explainFlag returns what the help says of a flag.
func explainFlag(f *flag.Flag) explanation {
	value, usage := flag.UnquoteUsage(f)
	if fallback := defaultOf(f); fallback != "" {
		usage += fmt.Sprintf(" (default %s)", fallback)
	}
	return explanation{strings.TrimSpace("--" + f.Name + " " + value), usage}
}

// defaultOf returns a flag's default as people write it, "" for none. A usage says
// itself what 0 and a boolean that is not given stand for.
func defaultOf(f *flag.Flag) string {
	switch f.DefValue {
	case "false", "0", "0s":
		return ""
	}
	text := f.DefValue
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// flagGroup is a part of the flags of a command that has many.
type flagGroup struct {
	title string
	names []string
}

// ungrouped is the title of flags that no group has.
const ungrouped = "Flags"

// maxUngrouped is how many flags a command may have without a grouping.
const maxUngrouped = 8

// flagGroups are the groups, in the order of the help.
var flagGroups = []flagGroup{
	{"Flags (serving)", []string{"listen", "tls-cert", "tls-key", "base-path", "public-url", "no-pages", "trusted-proxies", "client-ip-header", "metrics", "admin", "drain"}},
	{"Flags (what is kept)", []string{"store", "shard-ttl"}},
	{"Flags (your own bots)", []string{"bots", "discord-api", "notice-pause"}},
	{"Flags (lists)", []string{"lists", "legacy-ids", "list-keys", "probe", "probe-bot"}},
	{"Flags (limits)", []string{"limit-count", "limit-bots", "limit-votes", "limit-reports", "limit-network", "memory"}},
	{"Flags (log)", []string{"log-format", "log-level"}},
}

// group is what the help shows under one title.
type group struct {
	title string
	flags []*flag.Flag
}

// groupFlags returns a command's flags by group: those that no group has first, or
// all of them where they are few.
func groupFlags(fs *flag.FlagSet) []group {
	own := group{title: ungrouped}
	shared := make([]group, len(flagGroups))
	fs.VisitAll(func(f *flag.Flag) { own.flags = append(own.flags, f) })
	if len(own.flags) > maxUngrouped {
		for i, g := range flagGroups {
			shared[i].title = g.title
			for _, name := range g.names {
				if f := fs.Lookup(name); f != nil {
					shared[i].flags = append(shared[i].flags, f)
				}
			}
			own.flags = slices.DeleteFunc(own.flags, func(f *flag.Flag) bool { return slices.Contains(g.names, f.Name) })
		}
	}
	return slices.DeleteFunc(append([]group{own}, shared...), func(g group) bool { return len(g.flags) == 0 })
}
