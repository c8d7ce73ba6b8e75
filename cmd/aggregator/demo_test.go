package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

// TestDemoOfVotes holds what README.md shows of votes to what the demo prints,
// whichever lists tell of them.
func TestDemoOfVotes(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Votes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	mask := func(line string) string {
		for _, change := range []struct{ what, to string }{
			{`\b[a-z0-9.-]+\.[a-z]+( {2,}|")`, "LIST$1"}, {`header [\w-]+`, "header H"},
			{`, (after "\S+"|with the timestamp in [\w-]+|as t=\S+,v1=…)`, ""}, {`\d\d\d\d-\d\d-\d\dT[0-9:]+Z`, "TIME"}, {` +`, " "},
		} {
			line = regexp.MustCompile(change.what).ReplaceAllString(line, change.to)
		}
		return strings.TrimSpace(line)
	}
	e := runToEnd(t, nil, "demo", "--once", "--listen", anyPort)
	var printed []string
	for line := range strings.Lines(e.Out) {
		printed = append(printed, mask(line))
	}
	if e.Code != 0 {
		t.Errorf("ended with %d: %s", e.Code, e.ErrOut)
	}
	shown := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "    ") {
			continue
		}
		shown++
		pattern := strings.ReplaceAll(regexp.QuoteMeta(mask(line)), " … ", ".*")
		if found := regexp.MustCompile("(?m)^" + pattern + "$"); !found.MatchString(strings.Join(printed, "\n")) {
			t.Errorf("README.md shows\n%s\nwhich is not in what was printed (masked: %s)\n%s", line, pattern, e.Out)
		}
	}
	if shown != maxDemoVotes+1 {
		t.Errorf("README.md shows %d lines of the demo, want one for each list and a vote", shown)
	}
}

// TestDemoServesOn does what the demo says to try.
func TestDemoServesOn(t *testing.T) {
	t.Parallel()
	sh := newPageShell(t, nil)
	demo, _ := sh.start(t, "aggregator demo --listen "+anyPort)
	const begin = "every list is a sandbox. Try:\n\n"
	testkit.Wait(t, "what to try", func() bool {
		_, try, ok := strings.Cut(demo.String(), begin)
		return ok && strings.HasSuffix(try, "\n\n")
	})
	_, try, _ := strings.Cut(demo.String(), begin)
	for line := range strings.Lines(strings.TrimSpace(try)) {
		out, done := sh.start(t, strings.TrimSpace(line))
		testkit.Receive(t, line, done)
		if text := out.String(); text == "" || strings.Contains(text, `"error":true`) {
			t.Errorf("%sprinted %q", line, text)
		}
	}
	url := regexp.MustCompile(`http://\S+/api/bots/`).FindString(try) + demoBot + "/votes/" + demoVoter
	list := tellingList(t)
	out, done := sh.start(t, `curl -d '{"`+list+`": "token"}' `+url)
	testkit.Receive(t, "asking for a vote", done)
	if !strings.Contains(out.String(), `"`+list+`":{"voted":true`) {
		t.Errorf("%s has voted everywhere, printed %q", demoVoter, out.String())
	}
	testkit.Wait(t, "the vote that was sent", func() bool {
		_, after, _ := strings.Cut(demo.String(), begin)
		return strings.Contains(after, "  vote.created  ")
	})
}

// tellingList returns the id of a list that ships and tells who voted.
func tellingList(t *testing.T) string {
	t.Helper()
	var f catalogFlags
	c, _, err := f.read()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.Lists() {
		if _, why := l.PlanVote(demoBot, demoVoter, lists.NewToken("token", ""), userAgent); why == nil {
			return l.ID
		}
	}
	t.Fatal("no list tells who voted")
	return ""
}
