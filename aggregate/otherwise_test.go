package aggregate_test

import (
	"strings"
	"testing"
	"time"

	"aggregator/lists"
)

// twoWays is a list that takes tokens of two kinds.
const twoWays = `
lists:
  two.test:
    name: Two
    url: "https://two.test/"
    api_post: "https://two.test/v0/:id"
    api_field: n
    post:
      limits: [{per: token, requests: 2, seconds: 60}]
      otherwise:
        on: [401, 404]
        url: "https://two.test/v1/me"
        method: PATCH
        auth: {prefix: "Bearer "}
        fields: {server_count: count}
`

// TestOtherwiseIsRemembered posts with a token of the second kind, as the fan-out
// would: it tries the second way where the first one's answer says so.
func TestOtherwiseIsRemembered(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{onListed: twoWays})
	var knows map[string]lists.Answer // what a list says, by version
	var asked []string
	d.answer = func(c lists.Call) lists.Answer {
		ask := func(c lists.Call) lists.Answer {
			version := strings.Split(c.Wire().URL, "/")[3]
			asked = append(asked, version)
			return knows[version]
		}
		first := ask(c)
		if !c.IsOtherwise(first) {
			return first
		}
		second, _ := c.Otherwise()
		return lists.Counts(first, ask(second))
	}
	first := map[string]lists.Answer{"v0": ok, "v1": refused}
	second := map[string]lists.Answer{"v0": refused, "v1": ok}
	neither := map[string]lists.Answer{"v0": refused, "v1": refused}
	for _, step := range []struct {
		name  string
		later time.Duration
		token string
		knows map[string]lists.Answer
		asked string
		want  string
	}{
		{"a token of the first kind", 0, "a", first, "v0", "200"},
		{"it stays with the first way", time.Hour, "a", first, "v0", "200"},
		{"a token of the second kind", time.Hour, "b", second, "v0 v1", "200"},
		{"its way is remembered", time.Hour, "b", second, "v1", "200"},
		{"for a month", 30 * 24 * time.Hour, "b", second, "v1", "200"},
		{"for each token", time.Hour, "c", second, "v0 v1", "200"},
		{"what fails for a moment is not forgotten", time.Hour, "b", map[string]lists.Answer{"v0": ok, "v1": {Status: 503}}, "v1", "503"},
		{"refused values neither", time.Hour, "b", map[string]lists.Answer{"v0": ok, "v1": {Status: 422}}, "v1", "422"},
		{"a token that the second way refuses", time.Hour, "b", first, "v1", "401"},
		{"goes the first way again", time.Hour, "b", first, "v0", "200"},
		{"and stays there", time.Hour, "b", first, "v0", "200"},
		{"a token that nobody knows", time.Hour, "d", neither, "v0 v1", "401"},
		{"is not remembered", time.Hour, "d", neither, "v0 v1", "401"},
		{"a way that was not gone for three months", 91 * 24 * time.Hour, "c", second, "v0 v1", "200"},
	} {
		d.Advance(step.later)
		knows, asked = step.knows, nil
		if got := d.post(t, firstBot, "two.test="+step.token); got != step.want {
			t.Errorf("%s: got %s, want %s", step.name, got, step.want)
		}
		if got := strings.Join(asked, " "); got != step.asked {
			t.Errorf("%s: asked %q, want %q", step.name, got, step.asked)
		}
	}
}

// TestOtherwiseUsesOneSlot: a post that goes both ways counts once, as for the
// list, which refused it the first time.
func TestOtherwiseUsesOneSlot(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{onListed: twoWays})
	d.says(lists.Answer{Status: 200, Otherwise: true})
	for i, want := range []string{"200", "200", until("12:01:00")} {
		if got := d.post(t, firstBot, "two.test=b"); got != want {
			t.Errorf("post %d: got %s, want %s", i+1, got, want)
		}
	}
}

// TestOtherwiseShows: an answer shows what was sent the way that counts, and a
// dry run the way that a token is known to go.
func TestOtherwiseShows(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{onListed: twoWays})
	d.says(lists.Answer{Status: 200, Otherwise: true})
	request := countOf(firstBot, "two.test=b")
	dry := request
	dry.DryRun = true
	planned := func() string {
		t.Helper()
		a, err := d.Count(t.Context(), dry, caller(1))
		if err != nil || len(a.Planned) != 1 {
			t.Fatalf("%+v, %v", a, err)
		}
		return a.Planned[0].Masked().URL
	}
	if got, want := planned(), "https://two.test/v0/"+firstBot; got != want {
		t.Errorf("before: planned %s, want %s", got, want)
	}
	a, err := d.Count(t.Context(), request, caller(1))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := a.Results[0].Sent(), `{"count":5}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if got, want := planned(), "https://two.test/v1/me"; got != want {
		t.Errorf("after: planned %s, want %s", got, want)
	}
}
