package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

const someVoter = "876543210987654321"

// votesYAML is a catalog of lists at an address that are asked for votes.
func votesYAML(addr string) string {
	entry := func(id, votes string) string {
		return fmt.Sprintf("  %[1]s:\n    name: %[1]q\n    url: \"https://%[1]s/\"\n    votes:\n      url: \"http://%[2]s/%[1]s/:id/:user\"\n%[3]s", id, addr, votes)
	}
	const flag = "      auth: {prefix: \"Bearer \"}\n      voted: voted\n"
	yaml := "lists:\n" +
		entry("flag.test", flag+"      voted_at: at\n      window: 12h\n") +
		entry("free.test", "      voted: voted\n") +
		entry("hang.test", flag) +
		entry("moved.test", flag) +
		entry("none.test", flag+"      not_voted: [404]\n") +
		entry("open.test", flag) +
		entry("refuse.test", flag)
	for _, id := range []string{"big.test", "bigger.test"} {
		yaml += strings.Replace(entry(id, "      auth: {}\n      voters: {in: votes, user: id}\n"), "/:user", "", 1)
	}
	return yaml
}

// voters is a list of voters of so many bytes; the last of them is some voter.
func voters(bytes int) string {
	const begin, end = `{"votes":[`, `{"id":"` + someVoter + `"}]}`
	const one = `{"id":"100000000000000001","name":"someone else"},`
	n := (bytes - len(begin) - len(end)) / len(one)
	rest := bytes - len(begin) - len(end) - n*len(one)
	return begin + strings.Repeat(one, n) + strings.Repeat(" ", rest) + end
}

// TestVotesOverTheWire asks lists for votes that answer in time, late, too much
// or not at all.
func TestVotesOverTheWire(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	elsewhere := newRig(t)
	const most = 4 << 20
	voted := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	for list, answer := range map[string]http.HandlerFunc{
		"flag.test":   testkit.Say(200, kindJSON, fmt.Sprintf(`{"voted":true,"at":%q}`, voted.Format("2006-01-02T15:04:05.000Z"))),
		"free.test":   testkit.Say(200, kindJSON, `{"voted":false}`),
		"hang.test":   testkit.Hang,
		"moved.test":  testkit.Redirect(302, "http://"+elsewhere.Addr+"/moved.test/"),
		"none.test":   testkit.Say(404, kindJSON, `{"success":false}`),
		"open.test":   testkit.Redirect(302, "/free.test/same-origin"),
		"big.test":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, voters(most)) },
		"bigger.test": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, voters(most+1)) },
		"refuse.test": func(w http.ResponseWriter, q *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "not with "+q.Header.Get("Authorization"))
		},
	} {
		r.On(list, answer)
	}
	s := boot(t, "--lists", write(t, "lists.yaml", votesYAML(r.Addr)), "--legacy-ids", write(t, "legacy_ids.yaml", ""), "--log-level", "debug", "--limit-votes", "2/7s")
	bot := newBot()
	ask := func(tokens string) answer {
		return testkit.Send(t, "POST", s.Base+"/api/bots/"+bot+"/votes/"+someVoter, tokens, "User-Agent", "caller/1")
	}
	start := time.Now()
	a := ask(`{"flag.test":"s3cret-1","free.test":"s3cret-2","hang.test":"s3cret-3","moved.test":"s3cret-4","none.test":"s3cret-5","open.test":"s3cret-6",
		"refuse.test":"s3cret-7","big.test":"s3cret-8","bigger.test":"s3cret-9","nowhere.test":"s3cret-10"}`)
	if took := time.Since(start); took > 3*time.Second+testkit.Patience {
		t.Errorf("it took %s, though a list has 3 s", took)
	}
	until := voted.Add(12 * time.Hour)
	want := `{"bot_id":"` + bot + `","user_id":"` + someVoter + `","voted":true,"lists":{"big.test":{"voted":true},"flag.test":{"voted":true,"voted_at":"` +
		voted.Format(time.RFC3339) + `","until":"` + until.Format(time.RFC3339) + `"},"free.test":{"voted":false},"none.test":{"voted":false},"open.test":{"voted":false}},` +
		`"failure":{"bigger.test":[-1,"Answer larger than 4 MiB"],"hang.test":[-1,"Timeout after 3s"],"moved.test":[-1,"Redirected to another origin, where the key must not go"],` +
		`"refuse.test":[403,"not with Bearer ***"]},"skipped":{"nowhere.test":"Unknown list"}}`
	if a.Status != 200 || a.Body != want {
		t.Errorf("got  %d %s\nwant 200 %s", a.Status, a.Body, want)
	}
	if policy := a.Header.Get("RateLimit-Policy"); policy != `"votes";q=2;w=7` {
		t.Errorf("RateLimit-Policy %s, want the flag's", policy)
	}
	if all := elsewhere.Take(); len(all) > 0 {
		t.Errorf("a key was led to another origin: %+v", all)
	}
	for _, q := range r.Take() {
		path := "/" + q.List + "/" + bot
		if q.List != "big.test" && q.List != "bigger.test" {
			path += "/" + someVoter
		}
		if strings.HasSuffix(q.URI, "/same-origin") {
			path = q.URI
		}
		if q.Method != http.MethodGet || q.URI != path || !strings.HasPrefix(q.Header.Get("User-Agent"), "botlist-aggregator/") || q.List == "free.test" && strings.Contains(q.Header.Get("Authorization"), "s3cret-2") {
			t.Errorf("%s was asked %s %s as %q", q.List, q.Method, q.URI, q.Header.Get("User-Agent"))
		}
	}
	// The lists that answered are not asked again.
	ask(`{"flag.test":"s3cret-1","big.test":"s3cret-8"}`).Want(t, 200)
	if all := r.Take(); len(all) > 0 {
		t.Errorf("asked again: %+v", all)
	}
	log := s.Log.String()
	if strings.Contains(log, "s3cret") || strings.Contains(log, someVoter) || !strings.Contains(log, `"list":"hang.test","direction":"votes","fault":"timeout"`) {
		t.Errorf("the log holds a secret or a user, or not what became of the calls: %s", log)
	}
}

// TestVotesWithAKey has the program ask with the tokens of bots.yaml for whoever
// shows the bot's key.
func TestVotesWithAKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.On("flag.test", testkit.Say(200, kindJSON, `{"voted":true}`))
	bots := write(t, "bots.yaml", `bots: {"`+ownBot+`": {key: "`+ownKey+ownBot+`", tokens: {flag.test: s3cret}}}`)
	p := r.start(t, nil, "--lists", write(t, "votes.yaml", votesYAML(r.Addr)), "--bots", bots, "--store", "memory:")
	want := `{"bot_id":"` + ownBot + `","user_id":"` + someVoter + `","voted":true,"lists":{"flag.test":{"voted":true}},"failure":{},"skipped":{}}`
	for _, method := range []string{"GET", "POST"} {
		a := testkit.Send(t, method, p.Base+"/api/bots/"+ownBot+"/votes/"+someVoter, "", "Authorization", "Bearer "+ownKey+ownBot)
		if a.Status != 200 || a.Body != want {
			t.Errorf("%s: got %d %s\nwant 200 %s", method, a.Status, a.Body, want)
		}
	}
	if q := r.Only(t); q.Header.Get("Authorization") != "Bearer s3cret" {
		t.Errorf("the list got %q, want the token of the file", q.Header.Get("Authorization"))
	}
	testkit.Send(t, "GET", p.Base+"/api/bots/"+ownBot+"/votes/"+someVoter, "").Want(t, 401)
}

// TestVotesThatWebhooksTold has a webhook answer whether a user has voted to those
// who show the bot's key, and to nobody else.
func TestVotesThatWebhooksTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t, r.votingFlags(t)...)
	check := func(what, method, body, want string, headers ...string) {
		t.Helper()
		a := testkit.Send(t, method, s.Base+"/api/bots/"+ownBot+"/votes/"+votingUser, body, headers...)
		if want = `{"bot_id":"` + ownBot + `","user_id":"` + votingUser + `",` + want; a.Status != 200 || a.Body != want {
			t.Errorf("%s: got %d %s\nwant 200 %s", what, a.Status, a.Body, want)
		}
	}
	const none = `"voted":false,"lists":{},"failure":{},"skipped":{}}`
	key := []string{"Authorization", "Bearer " + ownKey + ownBot}
	check("before", "GET", "", none, key...)
	s.tell(t, ownBot, `{"type":"test","user":"`+votingUser+`"}`).Want(t, 200)
	check("after a test", "GET", "", none, key...)
	s.tell(t, ownBot, voteBody("a")).Want(t, 200)
	check("after the vote", "GET", "", `"voted":true,"lists":{"votes.test":{"voted":true,"from":"webhook"}},"failure":{},"skipped":{}}`, key...)
	check("by POST", "POST", `{"votes.test":null}`, `"voted":true,"lists":{"votes.test":{"voted":true,"from":"webhook"}},"failure":{},"skipped":{}}`, key...)
	check("without the key", "POST", `{"votes.test":"t"}`, `"voted":false,"lists":{},"failure":{},"skipped":{"votes.test":"No votes API"}}`)
}
