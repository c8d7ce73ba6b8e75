package lists

import (
	"slices"
	"strings"
	"testing"
)

// TestVotesProblems has what is wrong with the votes of an entry.
func TestVotesProblems(t *testing.T) {
	t.Parallel()
	const (
		noHeader = "holds a character that no header can carry"
		badPath  = "%q cannot be followed"
	)
	for _, tt := range []struct {
		name  string
		entry VotesEntry
		want  []Problem
	}{
		{"a flag", VotesEntry{URL: votesURL, Voted: "voted"}, nil},
		{"no URL", VotesEntry{Voted: "voted"}, []Problem{{"votes.url", "is required"}}},
		{"over http", VotesEntry{URL: "http://list.test/:id/:user", Voted: "voted"}, []Problem{{"votes.url", `must begin with https:// (http:// is for loopback hosts and defunct lists), is "http://list.test/:id/:user"`}}},
		{"unknown placeholder", VotesEntry{URL: "https://list.test/:id/:user_id", Voted: "voted"}, []Problem{
			{"votes.url", `unknown placeholder ":user_id"; allowed: :id, :list_bot_id, :user`},
			{"votes.url", "must hold :user, or voters must say where the answer lists those who voted"}}},
		{"no user", VotesEntry{URL: "https://list.test/:id", Voted: "voted"}, []Problem{{"votes.url", "must hold :user, or voters must say where the answer lists those who voted"}}},
		{"the user in a header", VotesEntry{URL: "https://list.test/:id", Voted: "voted", Headers: map[string]string{"X-User": ":user"}}, nil},
		{"no bot", VotesEntry{URL: "https://list.test/:user", Voted: "voted"}, []Problem{{"votes.url", "must hold :id, or the votes of every bot would be taken for one's"}}},
		{"no bot, with a key", VotesEntry{URL: "https://list.test/:user", Voted: "voted", Auth: &AuthEntry{}}, nil},
		{"the list's number without a key", VotesEntry{URL: "https://list.test/:id/:list_bot_id/:user", Voted: "voted"}, []Problem{{"votes.url", "holds :list_bot_id, which comes with a key; say under auth where the key goes"}}},
		{"a key in the body", VotesEntry{URL: votesURL, Voted: "voted", Auth: &AuthEntry{In: "body", Name: "k"}}, []Problem{{"votes.auth.in", "is body, but a vote check sends none; allowed: header, query"}}},
		{"a limit per token without one", VotesEntry{URL: votesURL, Voted: "voted", Limits: []LimitEntry{{PerToken, 1, 1}}}, []Problem{{"votes.limits[0].per", "is token, but a call needs no key; allowed: address"}}},
		{"no way to say yes", VotesEntry{URL: votesURL}, []Problem{{"votes", "needs one of voted, found and voters, which says what a yes is"}}},
		{"two ways to say yes", VotesEntry{URL: votesURL, Voted: "voted", Voters: &VotersEntry{}}, []Problem{{"votes", "needs one of voted, found and voters, which says what a yes is"}}},
		{"found without a status for no", VotesEntry{URL: votesURL, Found: "x"}, []Problem{{"votes.found", "is there for who has voted, but not_voted names no status for who has not"}}},
		{"a status of success for no", VotesEntry{URL: votesURL, Voted: "voted", NotVoted: []int{200}}, []Problem{{"votes.not_voted[0]", "must be an HTTP status from 400 to 599, is 200"}}},
		{"paths", VotesEntry{URL: votesURL, Voted: "a..b", While: "c[", Weight: "d..e", VotedAt: Times{{Path: "f[x]"}}, Until: Times{{Path: "."}}}, []Problem{
			{"votes.voted", badPath}, {"votes.while", badPath}, {"votes.weight", badPath}, {"votes.voted_at", badPath}, {"votes.until", badPath}}},
		{"window", VotesEntry{URL: votesURL, Voted: "voted", Window: "12"}, []Problem{{"votes.window", `must be hours from 1h to 744h, day, month or quarter, is "12"`}}},
		{"window of minutes", VotesEntry{URL: votesURL, Voted: "voted", Window: "12h30m"}, []Problem{{"votes.window", `must be hours from 1h to 744h, day, month or quarter, is "12h30m"`}}},
		{"window of nothing", VotesEntry{URL: votesURL, Voted: "voted", Window: "0h"}, []Problem{{"votes.window", `must be hours from 1h to 744h, day, month or quarter, is "0h"`}}},
		{"header", VotesEntry{URL: votesURL, Voted: "voted", Headers: map[string]string{"X-A": "\x01"}}, []Problem{{"votes.headers.X-A", noHeader}}},
		{"voters with times of their own", VotesEntry{URL: votesURL, Voters: &VotersEntry{}, VotedAt: Times{{Path: "at"}}}, []Problem{{"votes.voters", "have their own time; leave voted_at, until, weight and while out"}}},
		{"voters, a time of an id", VotesEntry{URL: votesURL, Voters: &VotersEntry{Time: &TimeAt{Path: "at"}}}, []Problem{{"votes.voters.time", "is a path in an item, but without user an item is an id"}}},
		{"voters, time left", VotesEntry{URL: votesURL, Voters: &VotersEntry{User: "id", Time: &TimeAt{Path: "at", Unit: "left"}}}, []Problem{{"votes.voters.time.unit", "is left, which is no time of a vote"}}},
		{"voters, fewer than none", VotesEntry{URL: votesURL, Voters: &VotersEntry{Newest: -1}}, []Problem{{"votes.voters.newest", "must be 1 or more, is -1"}}},

		{"a second way", VotesEntry{URL: votesURL, Auth: &AuthEntry{}, Voted: "voted", NotVoted: []int{404}, Otherwise: &VotesOtherwise{On: []int{404}, VotesEntry: VotesEntry{URL: votesURL, NotVoted: []int{403}}}}, []Problem{
			{"votes.otherwise.on", "names 404, which means no by votes.not_voted"},
			{"votes.otherwise", "needs one of voted, found and voters, which says what a yes is"},
			{"votes.otherwise.not_voted", "names 403, which cannot be told from a token that is not for this way"},
			{"votes.otherwise", "is for other tokens, but one of the ways needs no key; say under auth where it goes"}}},
		{"a second way at no status", VotesEntry{URL: votesURL, Auth: &AuthEntry{}, Voted: "voted", Otherwise: &VotesOtherwise{VotesEntry: VotesEntry{URL: votesURL, Auth: &AuthEntry{}, Voted: "voted"}}}, []Problem{
			{"votes.otherwise.on", "must name a status"}}},
	} {
		_, problems := New("list.test", Entry{Votes: &tt.entry})
		checkProblems(t, tt.name, problems, tt.want)
	}
}

// checkProblems compares problems; of one that a path cannot be followed it
// compares no more than that.
func checkProblems(t *testing.T, name string, got, want []Problem) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(p, q Problem) bool {
		if q.Message == "%q cannot be followed" {
			return p.Field == q.Field && strings.Contains(p.Message, " cannot be followed; ")
		}
		return p == q
	}) {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

// TestWebhookProblems has what is wrong with the webhook of an entry.
func TestWebhookProblems(t *testing.T) {
	t.Parallel()
	user := Names{"user"}
	form := func(change func(*WebhookForm)) WebhookEntry {
		e := WebhookEntry{WebhookForm: WebhookForm{User: user, Proof: Proofs{{Kind: "header"}}}}
		change(&e.WebhookForm)
		return e
	}
	proofs := func(all ...ProofEntry) WebhookEntry {
		return form(func(f *WebhookForm) { f.Proof = all })
	}
	typed := &KindEntry{Path: "type", Votes: Names{"vote"}}
	for _, tt := range []struct {
		name  string
		entry WebhookEntry
		want  []Problem
	}{
		{"the least", WebhookEntry{WebhookForm: WebhookForm{User: user}}, nil},
		{"no user", WebhookEntry{}, []Problem{{"webhook.user", "is required"}}},
		{"a user nowhere", form(func(f *WebhookForm) { f.User = Names{"a..b"} }), []Problem{{"webhook.user", `must be names joined by dots, is "a..b"`}}},
		{"token without posts", form(func(*WebhookForm) {}), nil},
		{"window", WebhookEntry{Window: "week", WebhookForm: WebhookForm{User: user}}, []Problem{{"webhook.window", `must be hours from 1h to 744h, day, month or quarter, is "week"`}}},
		{"the token, without posts", WebhookEntry{Secret: "token", WebhookForm: WebhookForm{User: user}}, []Problem{{"webhook.secret", "is token, but no count is posted to the list"}}},

		{"a signature nowhere", proofs(ProofEntry{Kind: "signature"}), []Problem{{"webhook.proof[0].name", `must be the name of a header, is ""`}}},
		{"a signature in no header", proofs(ProofEntry{Kind: "timestamped", Name: "x y"}), []Problem{{"webhook.proof[0].name", `must be the name of a header, is "x y"`}}},
		{"a JWT with a name", proofs(ProofEntry{Kind: "jwt", Name: "X-A"}), []Problem{{"webhook.proof[0]", "is the whole body, which has no name and no prefix"}}},
		{"a prefix beside a timestamp", proofs(ProofEntry{Kind: "timestamped", Name: "X-A", Prefix: "sha256="}), []Problem{
			{"webhook.proof[0].prefix", "is of a signature that is alone in its header; name the header of the timestamp, or leave the prefix out"}}},
		{"a prefix that is none", proofs(ProofEntry{Kind: "header", Prefix: "\x7f"}), []Problem{{"webhook.proof[0].prefix", "holds a character that no header can carry"}}},
		{"a timestamp of a plain signature", proofs(ProofEntry{Kind: "signature", Name: "X-A", Timestamp: "X-B"}), []Problem{{"webhook.proof[0].timestamp", "is of kind: timestamped alone"}}},
		{"a timestamp in no header", proofs(ProofEntry{Kind: "timestamped", Name: "X-A", Timestamp: "x y"}), []Problem{{"webhook.proof[0].timestamp", `must be the name of a header, is "x y"`}}},
		{"the weaker first", proofs(ProofEntry{Kind: "header"}, ProofEntry{Kind: "signature", Name: "X-A"}), []Problem{{"webhook.proof", "has header before signature, which is stronger; the stronger must come first"}}},
		{"one twice", proofs(ProofEntry{Kind: "header"}, ProofEntry{Kind: "header", Name: "authorization"}), []Problem{{"webhook.proof", "has header Authorization twice"}}},

		{"kinds of nothing", form(func(f *WebhookForm) { f.Kind = &KindEntry{Path: "type"} }), []Problem{{"webhook.kind.votes", "must name a kind"}}},
		{"a kind twice", form(func(f *WebhookForm) {
			f.Kind = &KindEntry{Path: "type", Votes: Names{"vote"}, Tests: Names{"Vote"}}
		}), []Problem{{"webhook.kind.tests", `names "vote" twice`}}},
		{"ignored for nothing", form(func(f *WebhookForm) { f.Ignored = []IgnoredEntry{{Path: "x", As: "x"}} }), []Problem{{"webhook.ignored[0]", "needs one of is, not and present"}}},
		{"ignored for two reasons", form(func(f *WebhookForm) { f.Ignored = []IgnoredEntry{{Path: "x", As: "x", Is: 1, Present: true}} }), []Problem{{"webhook.ignored[0]", "needs one of is, not and present"}}},
		{"a flag for two reasons", form(func(f *WebhookForm) { f.Test = Flags{{Path: "x", Is: 1, Present: true}} }), []Problem{{"webhook.test[0]", "needs is or present, not both"}}},
		{"a weight of no kind", form(func(f *WebhookForm) { f.Kind, f.Weights = typed, map[string]int64{"other": 2} }), []Problem{{"webhook.weights.other", "is the weight of a kind that neither kind.votes nor kind.tests names"}}},
		{"a weight of nothing", form(func(f *WebhookForm) { f.Kind, f.Weights = typed, map[string]int64{"vote": 0} }), []Problem{{"webhook.weights.vote", "must be 1 to 1000, is 0"}}},
		{"a weekend that nothing says", form(func(f *WebhookForm) { f.WeekendWeight = 2 }), []Problem{{"webhook.weekend_weight", "needs weekend, which says whether it is one"}}},
		{"a weekend of too much", form(func(f *WebhookForm) { f.Weekend, f.WeekendWeight = Names{"x"}, 1001 }), []Problem{{"webhook.weekend_weight", "must be 1 to 1000, is 1001"}}},
		{"time left", form(func(f *WebhookForm) { f.Time = Times{{Path: "x", Unit: "left"}} }), []Problem{{"webhook.time.unit", "is left, which a webhook cannot say"}}},
		{"a time that nothing proves", form(func(f *WebhookForm) { f.TimeHeader = "X-Time" }), []Problem{{"webhook.time_header", "must be the timestamp of a proof, or anyone could change it"}}},
		{"headers", form(func(f *WebhookForm) { f.BotHeader, f.IDHeader = "x y", "x z" }), []Problem{
			{"webhook.bot_header", `must be the name of a header, is "x y"`}, {"webhook.id_header", `must be the name of a header, is "x z"`}}},

		{"a second form", WebhookEntry{WebhookForm: WebhookForm{User: user, Proof: Proofs{{Kind: "header"}}}, Otherwise: &WebhookForm{User: user, Proof: Proofs{{Kind: "query"}}}}, nil},
		{"a second form without a proof", WebhookEntry{WebhookForm: WebhookForm{User: user, Proof: Proofs{{Kind: "header"}}}, Otherwise: &WebhookForm{User: user}}, []Problem{
			{"webhook.otherwise", "is told from the first form by its proof; name one for each"}}},
		{"a second form with the stronger proof", WebhookEntry{WebhookForm: WebhookForm{User: user, Proof: Proofs{{Kind: "header"}}}, Otherwise: &WebhookForm{Proof: Proofs{{Kind: "jwt"}}}}, []Problem{
			{"webhook.otherwise.user", "is required"}, {"webhook.proof", "has header before jwt, which is stronger; the stronger must come first"}}},
	} {
		_, problems := New("list.test", Entry{Webhook: &tt.entry})
		checkProblems(t, tt.name, problems, tt.want)
	}
}

// TestVoteRules has what is said of an entry to people.
func TestVoteRules(t *testing.T) {
	t.Parallel()
	l := mustList(t, "list.test", Entry{
		APIPost: "https://list.test/:id", APIField: "n",
		Votes: &VotesEntry{
			URL: "https://list.test/:user", Auth: &AuthEntry{}, Found: "ends", While: "wait", NotVoted: []int{404, 410}, VotedAt: Times{{Path: "at", Unit: "unix_ms"}, {Path: "time"}},
			Until: Times{{Path: "ends"}}, Weight: "weight", Window: "12h", Limits: []LimitEntry{{PerToken, 1, 60}},
			Otherwise: &VotesOtherwise{On: []int{401, 403}, VotesEntry: VotesEntry{URL: votesURL, Auth: &AuthEntry{}, Voters: &VotersEntry{In: "votes", User: "id", Time: &TimeAt{Path: "at"}, Newest: 500}}},
		},
		Webhook: &WebhookEntry{
			Secret: "token", Window: "quarter",
			WebhookForm: WebhookForm{
				Proof:   Proofs{{Kind: "timestamped", Name: "x-sig", Timestamp: "x-time"}, {Kind: "signature", Name: "x-old-sig", Prefix: "sha256="}},
				Kind:    &KindEntry{Path: "type", Votes: Names{"vote", "Premium"}, Tests: Names{"test"}, Removed: Names{"unvote"}},
				Ignored: []IgnoredEntry{{Path: "down", Is: true, As: "downvote"}, {Path: "on", Not: "discord", As: "platform"}, {Path: "guild", Present: true, As: "guild"}},
				User:    Names{"user.id", "user_id"}, Bot: Names{"bot"}, BotHeader: "x-bot", ID: Names{"id"}, IDHeader: "x-delivery",
				Test: Flags{{Path: "test"}}, Removed: Flags{{Path: "liked", Is: false}}, Weight: Names{"votes"}, Weights: map[string]int64{"Premium": 2},
				Weekend: Names{"weekend"}, WeekendWeight: 2, Time: Times{{Path: "at"}}, TimeHeader: "x-time", Until: Times{{Path: "end", Unit: "http"}},
			},
			Otherwise: &WebhookForm{Proof: Proofs{{Kind: "header", Prefix: "Bearer "}}, User: Names{"id"}, BotHeader: "x-bot", Weekend: Names{"weekend"}},
		},
	})
	for _, tt := range []struct {
		what string
		got  []string
		want string
	}{
		{"votes", l.VoteRules(), `
The user has voted if the status is 200 and the answer has ends in it.
The vote counts only as long as the answer has wait in it.
When the user voted stands in at (Unix time in milliseconds) or time (ISO 8601).
Until when the vote counts stands in ends (ISO 8601).
How many votes it counts for stands in weight.
A vote counts for 12 hours.
If the status is 404 or 410, the user has not voted.
At most 1 call in a minute with one token.
If the status is 401 or 403, the token may be of another kind: one more call follows, GET https://list.test/:id/votes?user=:user.
There, the user has voted if id in votes is the user's id.
There, the list shows its newest 500 voters only.
There, when the user voted stands in at (ISO 8601).`},
		{"webhook", l.WebhookRules(), `
secret: the token that counts are posted with
proof: header X-Sig, with the timestamp in X-Time: HMAC-SHA256 of the timestamp, a dot and the body, in hex
proof: header X-Old-Sig: HMAC-SHA256 of the body, in hex, after "sha256="
a vote: type is vote or premium
a test: type is test
a vote taken back: type is unvote
ignored: any other type
ignored as downvote: down is true
ignored as platform: on is not "discord"
ignored as guild: guild is there
user: user.id or user_id
bot: bot, or header X-Bot
vote id: id
id, unproven: header X-Delivery
a test: test is true or 1
a vote taken back: liked is false
weight: votes
weight: 2 of premium
weekend: weekend, a vote then counts for 2
voted at: at (ISO 8601)
voted at: header X-Time (Unix time)
until: end (an HTTP date)
window: quarter
otherwise, proof: the secret in header Authorization, after "Bearer "
otherwise, every request is about a vote
otherwise, user: id
otherwise, bot: header X-Bot
otherwise, weekend: weekend
otherwise, window: quarter`},
	} {
		if got := "\n" + strings.Join(tt.got, "\n"); got != tt.want {
			t.Errorf("%s:%s\nwant%s", tt.what, got, tt.want)
		}
	}
}
