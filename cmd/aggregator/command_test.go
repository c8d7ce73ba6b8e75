package main

import (
	"bytes"
	"flag"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// runWith runs the program with an environment, and nothing to read.
func runWith(t *testing.T, environ []string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	env := environment{program: "aggregator", environ: environ, in: strings.NewReader(""), out: &o, errOut: &e}
	code = env.run(t.Context(), args)
	return code, o.String(), e.String()
}

// flagsOf returns the flags of a command.
func flagsOf(c command) *flag.FlagSet {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	c.define(fs)
	return fs
}

// TestEveryCommand holds each command against the one style that all have.
func TestEveryCommand(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range commands() {
		if seen[c.name] {
			t.Errorf("%s stands there twice", c.name)
		}
		seen[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fs, words := flagsOf(c), strings.Fields(c.name)
			code, help, errOut := runWith(t, nil, append(slices.Clone(words), "-h")...)
			if code != exitDone || errOut != "" {
				t.Fatalf("-h: exit %d, want %d, and on standard error %q", code, exitDone, errOut)
			}
			for _, way := range [][]string{append([]string{"help"}, words...), append([]string{"--help"}, words...), append(slices.Clone(words), "stray", "--help")} {
				if code, out, errOut := runWith(t, nil, way...); code != exitDone || out != help || errOut != "" {
					t.Errorf("%v: exit %d, %q, and not what -h says:\n%s", way, code, errOut, out)
				}
			}
			checkHelp(t, c, fs, help)
			checkExample(t, c)
			checkMistakes(t, c, fs)
		})
	}
}

// checkHelp holds the help of a command against what it reads.
func checkHelp(t *testing.T, c command, fs *flag.FlagSet, help string) {
	t.Helper()
	want := "usage: aggregator " + c.words()
	if !strings.HasPrefix(help, want) {
		t.Errorf("the help begins with %q, want %q", strings.SplitN(help, "\n", 2)[0], want)
	}
	var capitals, explained []string
	for word := range strings.FieldsSeq(strings.Trim(c.operand, "[]")) {
		if word == strings.ToUpper(word) {
			capitals = append(capitals, word)
		}
	}
	for _, a := range c.arguments {
		explained = append(explained, a.word)
	}
	if !slices.Equal(capitals, explained) {
		t.Errorf("arguments %q are explained, want %q", explained, capitals)
	}
	sections := regexp.MustCompile(`(?m)^(\w+)(?: \([\w ]+\))?:$`).FindAllStringSubmatch(help, -1)
	var titles []string
	for _, s := range sections {
		titles = append(titles, s[1])
	}
	var wantTitles []string
	flags := 0
	fs.VisitAll(func(*flag.Flag) { flags++ })
	if len(c.arguments) > 0 {
		wantTitles = append(wantTitles, "Arguments")
	}
	if flags > 0 {
		wantTitles = append(wantTitles, "Flags", "Environment")
	}
	wantTitles = append(wantTitles, "Example")
	if titles = slices.Compact(titles); !slices.Equal(titles, wantTitles) {
		t.Errorf("the help has the parts %q, want %q", titles, wantTitles)
	}
	for _, s := range c.settings {
		if !strings.Contains(help, "\n  "+s.word+"\n") {
			t.Errorf("the help does not explain %s", s.word)
		}
	}
	body, _, _ := strings.Cut(help, "\nExample:\n")
	for line := range strings.Lines(body) {
		if n := utf8.RuneCountInString(line) - 1; n > helpWidth {
			t.Errorf("a line of %d characters, want %d at most: %s", n, helpWidth, line)
		}
	}
	fs.VisitAll(func(f *flag.Flag) { checkFlag(t, f, help) })
}

// checkFlag holds what the help says of a flag.
func checkFlag(t *testing.T, f *flag.Flag, help string) {
	t.Helper()
	value, usage := flag.UnquoteUsage(f)
	boolean, _ := f.Value.(interface{ IsBoolFlag() bool })
	switch {
	case usage == "":
		t.Errorf("--%s has no usage", f.Name)
	case boolean != nil && value != "":
		t.Errorf("--%s %s stands without a value", f.Name, value)
	case boolean == nil && value != strings.ToUpper(value), boolean == nil && value == "":
		t.Errorf("the value of --%s is called %q, want a word in capitals between backquotes in its usage", f.Name, value)
	}
	if n := len(regexp.MustCompile(`(?m)^  `+regexp.QuoteMeta(strings.TrimSpace("--"+f.Name+" "+value))+`$`).FindAllString(help, -1)); n != 1 {
		t.Errorf("--%s %s stands in the help %d times, want once", f.Name, value, n)
	}
}

// checkExample parses a command's example.
func checkExample(t *testing.T, c command) {
	t.Helper()
	typed, _, _ := strings.Cut(c.example, " > ")
	named, rest, ok := findCommand(strings.Fields(typed))
	if !ok || named.name != c.name {
		t.Errorf("the example is of another command: %s", c.example)
	}
	if _, _, err := parseFlags(flagsOf(c), c.operand, rest, func(string) string { return "" }); err != nil {
		t.Errorf("the example %s: %v", c.example, err)
	}
}

// checkMistakes gives a command what it does not know.
func checkMistakes(t *testing.T, c command, fs *flag.FlagSet) {
	t.Helper()
	refused := func(says string, args ...string) {
		t.Helper()
		code, out, errOut := runWith(t, nil, append(strings.Fields(c.name), args...)...)
		if hint := "\naggregator " + c.name + " -h shows its flags\n"; code != exitUsage || out != "" || !strings.HasPrefix(errOut, "aggregator "+c.name+": ") || !strings.Contains(errOut, says) || !strings.HasSuffix(errOut, hint) {
			t.Errorf("%q: exit %d, said %q and %q, want exit %d, nothing, and %q", args, code, out, errOut, exitUsage, says)
		}
	}
	refused("unknown flag --xyzzy", "--xyzzy")
	longest := ""
	fs.VisitAll(func(f *flag.Flag) {
		if len(f.Name) > len(longest) {
			longest = f.Name
		}
	})
	if longest != "" {
		refused(`did you mean "--`+longest+`"?`, "--"+longest+"x")
	}
	many := []string{"1", "2", "3", "4"}
	if first, _, _ := strings.Cut(strings.Trim(c.operand, "[]"), " "); first != "" && first == strings.ToLower(first) {
		many[0] = first // a word that must be as it is
	}
	refused("unexpected argument", many...)
	for word := range strings.FieldsSeq(c.operand) {
		if !strings.HasPrefix(c.operand, "[") && word == strings.ToUpper(word) {
			refused(word + " is missing")
			break
		}
	}
}

// TestFlagGroups has the help of the service show each of its flags under what it
// is for, and no group that is not there.
func TestFlagGroups(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		if c.name != "serve" {
			continue
		}
		for _, g := range groupFlags(flagsOf(c)) {
			for _, f := range g.flags {
				if g.title == ungrouped {
					t.Errorf("--%s of serve is in none of flagGroups", f.Name)
				}
			}
		}
		for _, g := range flagGroups {
			for _, name := range g.names {
				if flagsOf(c).Lookup(name) == nil {
					t.Errorf("serve has no --%s, which is in %q", name, g.title)
				}
			}
		}
	}
}

func TestGeneralHelp(t *testing.T) {
	t.Parallel()
	code, help, errOut := runWith(t, nil)
	if code != exitDone || errOut != "" {
		t.Fatalf("exit %d, %q", code, errOut)
	}
	for _, c := range commands() {
		if n := strings.Count(help, "\n  "+c.words()+"  "); n != 1 {
			t.Errorf("%s stands there %d times, want once:\n%s", c.name, n, help)
		}
	}
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}} {
		if code, out, errOut := runWith(t, nil, args...); code != exitDone || out != help || errOut != "" {
			t.Errorf("%v: exit %d, %q, and not the same:\n%s", args, code, errOut, out)
		}
	}
}

func TestFindCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args string
		name string // "" for none
		rest string
	}{
		{"serve --drain 5s", "serve", "--drain 5s"},
		{"--drain 5s serve", "serve", "--drain 5s"},
		{"--once agent --bots b.yaml", "agent", "--once --bots b.yaml"},
		{"hooks send list.example --to x", "hooks send", "list.example --to x"},
		{"--real hooks send list.example", "hooks send", "--real list.example"},
		{"hooks", "", ""},
		{"sevre version", "", ""},
		{"--nothing at all", "", ""},
	} {
		c, rest, ok := findCommand(strings.Fields(tt.args))
		if c.name != tt.name || ok != (tt.name != "") || strings.Join(rest, " ") != tt.rest {
			t.Errorf("%s: %q, %q, %t, want %q, %q", tt.args, c.name, rest, ok, tt.name, tt.rest)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	for def, want := range map[string]string{
		"": "", "false": "", "0": "", "0s": "", "10m0s": "10m", "24h0m0s": "24h", "1h30m0s": "1h30m", "5s": "5s", "9000": "9000", "off": "off",
	} {
		if got := defaultOf(&flag.Flag{DefValue: def}); got != want {
			t.Errorf("%q is shown as %q, want %q", def, got, want)
		}
	}
}
