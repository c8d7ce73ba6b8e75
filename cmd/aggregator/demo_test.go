package main

import (
	"regexp"
	"strings"
	"testing"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

// TestDemoServesOn does what the demo says to try.
func TestDemoServesOn(t *testing.T) {
	t.Parallel()
	sh := newReader(t, "what the demo prints", "")
	demo := sh.start(t, "aggregator demo --listen "+anyPort).out
	const begin = "every list is a sandbox. Try:\n\n"
	testkit.Wait(t, "what to try", func() bool {
		_, try, ok := strings.Cut(demo.String(), begin)
		return ok && strings.HasSuffix(try, "\n\n")
	})
	_, try, _ := strings.Cut(demo.String(), begin)
	for line := range strings.Lines(strings.TrimSpace(try)) {
		text, err := sh.start(t, strings.TrimSpace(line)).wait(t)
		if err != nil || text == "" || strings.Contains(text, `"error":true`) {
			t.Errorf("%sprinted %q, and ended with %v", line, text, err)
		}
	}
	url := regexp.MustCompile(`http://\S+/api/bots/`).FindString(try) + demoBot + "/votes/" + demoVoter
	list := tellingList(t)
	out, err := sh.start(t, `curl -d '{"`+list+`": "token"}' `+url).wait(t)
	if err != nil || !strings.Contains(out, `"`+list+`":{"voted":true`) {
		t.Errorf("%s has voted everywhere, printed %q, and ended with %v", demoVoter, out, err)
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
