package sandbox_test

import (
	"net/netip"
	"testing"
	"time"

	"aggregator"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/lists"
	"aggregator/sandbox"
)

const voter, stranger = "900000000000000202", "900000000000000303"

// votingAt is the moment at which the sandbox's users vote.
var votingAt = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

// votesURL is where an invented list is asked about a user.
const votesURL = "https://list.example/votes/:id?user=:user"

// votingEntries are entries with each way to say that a user has voted.
var votingEntries = map[string]lists.VotesEntry{
	"flag":     {URL: votesURL, Voted: "voted", VotedAt: lists.Times{{Path: "at"}}, Window: "12h"},
	"unix":     {URL: votesURL, Auth: &lists.AuthEntry{}, Voted: "data.voted", VotedAt: lists.Times{{Path: "data.at", Unit: "unix"}}, Window: "day"},
	"found":    {URL: votesURL, Found: "expires", NotVoted: []int{404}, Until: lists.Times{{Path: "expires", Unit: "unix_ms"}}, Weight: "weight"},
	"while":    {URL: votesURL, Voted: "voted", While: "wait", Until: lists.Times{{Path: "wait", Unit: "left"}}, Window: "month"},
	"quarter":  {URL: votesURL, Voted: "success", VotedAt: lists.Times{{Path: "time", Unit: "http"}}, Window: "quarter"},
	"array":    {URL: votesURL, Voted: "voted", VotedAt: lists.Times{{Path: "votes[].at"}}},
	"ids":      {URL: "https://list.example/voters/:id", Voters: &lists.VotersEntry{In: "votes.today"}, Window: "24h"},
	"bare ids": {URL: "https://list.example/voters/:id", Voters: &lists.VotersEntry{}, Window: "24h"},
	"voters": {URL: "https://list.example/voters/:id", Auth: &lists.AuthEntry{Prefix: "Bearer "}, Window: "12h",
		Voters: &lists.VotersEntry{In: "votes", User: "user.id", Time: &lists.TimeAt{Path: "at", Unit: "unix"}, Newest: 3}},
	"numbered": {URL: "https://list.example/bot/:list_bot_id?user=:user", Auth: &lists.AuthEntry{In: "query", Name: "key"}, Voted: "voted"},
}

// hasVoted asks a list about a user, as the service does.
func hasVoted(t *testing.T, client *fanout.Client, l *lists.List, user, secret string, now time.Time) lists.Vote {
	t.Helper()
	call, skipped := l.PlanVote(bot, user, lists.NewToken(secret, "042"), "aggregator/test")
	if skipped != nil {
		t.Fatalf("%s is skipped: %s", l.ID, skipped)
	}
	patient := lists.Votes
	patient.Timeout = 10 * time.Second
	return call.Read(client.Run(t.Context(), patient, netip.Prefix{}, []lists.Call{call.Call})[0], user, now)
}

func TestRoundTripOfVotes(t *testing.T) {
	for name, entry := range votingEntries {
		t.Run(name, func(t *testing.T) {
			roundTripOfVotes(t, list(t, "list.example", lists.Entry{Votes: &entry}), "token")
		})
	}
}

// TestRoundTripOfVotesInTheSecondWay has a token of the other kind.
func TestRoundTripOfVotesInTheSecondWay(t *testing.T) {
	e := lists.VotesEntry{
		URL: "https://list.example/v1/@me/:user", Auth: &lists.AuthEntry{Prefix: "Bearer "}, Found: "at", NotVoted: []int{404}, VotedAt: lists.Times{{Path: "at"}},
		Otherwise: &lists.VotesOtherwise{On: []int{401}, VotesEntry: lists.VotesEntry{URL: votesURL, Auth: &lists.AuthEntry{}, Voted: "voted"}},
	}
	for _, secret := range []string{"token", "second"} {
		roundTripOfVotes(t, list(t, "list.example", lists.Entry{Votes: &e}), secret)
	}
}

// TestRoundTripOfCatalogVotes has each list of the catalog.
func TestRoundTripOfCatalogVotes(t *testing.T) {
	for _, l := range shipped(t).Lists() {
		if l.Supports(lists.Votes) {
			t.Run(l.ID, func(t *testing.T) { roundTripOfVotes(t, l, "token") })
		}
	}
}

// TestShippedWebhooks has that each list of the catalog tells of votes, in each
// of its forms, so that they are proven and understood.
func TestShippedWebhooks(t *testing.T) {
	c := shipped(t)
	s := sandbox.New(c.Lists())
	s.Now = func() time.Time { return votingAt }
	secret := lists.NewToken("a-secret-of-the-list", "42")
	for _, l := range c.Lists() {
		w := l.Webhook()
		if w == nil {
			continue
		}
		for form := range w.Forms() {
			for _, test := range []bool{false, true} {
				d, ok := s.Vote(l.ID, lists.SampleVote{BotID: bot, UserID: voter, Test: test, Second: form == 1}, secret)
				if !ok {
					t.Errorf("%s has no webhook, want one", l.ID)
					continue
				}
				proven, fault := w.Verify(d, []lists.Token{secret}, votingAt)
				if fault != nil {
					t.Errorf("%s, form %d: not proven: %s", l.ID, form, fault)
					continue
				}
				e, err := w.Read(d, proven, bot, votingAt)
				if err != nil || e.Ignored != "" || e.UserID != voter || e.BotID != bot || e.Test && !test {
					t.Errorf("%s, form %d: %s tells %+v, %v; want a vote of %s for %s", l.ID, form, d.Body, e, err, voter, bot)
				}
			}
		}
	}
}

// shipped returns the catalog.
func shipped(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, _, err := catalog.Load(aggregator.BuiltInLists(), aggregator.BuiltInLegacyIDs())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// roundTripOfVotes has that a list knows who has voted, until that is over.
func roundTripOfVotes(t *testing.T, l *lists.List, secret string) {
	t.Helper()
	s, client := open(t, []*lists.List{l})
	s.Now = func() time.Time { return votingAt }
	s.Vote(l.ID, lists.SampleVote{BotID: bot, UserID: voter}, lists.NewToken("secret", ""))
	v := hasVoted(t, client, l, voter, secret, votingAt)
	if !v.OK || !v.Voted {
		t.Errorf("who voted: got %+v, want a yes", v)
	}
	if !v.At.IsZero() && !v.At.Equal(votingAt) {
		t.Errorf("voted at %s, want %s", v.At, votingAt)
	}
	if !v.Until.IsZero() && !v.Until.After(votingAt) {
		t.Errorf("counts until %s, want a time after %s", v.Until, votingAt)
	}
	if v := hasVoted(t, client, l, stranger, secret, votingAt); !v.OK || v.Voted {
		t.Errorf("who did not: got %+v, want a no", v)
	}
	if l.Votes.Auth != nil { // it is asked with a key alone
		if v := hasVoted(t, client, l, voter, "bad", votingAt); v.OK || !v.TokenRefused {
			t.Errorf("with a bad token: got %+v, want that it is refused", v)
		}
	}
	s.Vote(l.ID, lists.SampleVote{BotID: bot, UserID: voter, Removed: true}, lists.NewToken("secret", ""))
	if v := hasVoted(t, client, l, voter, secret, votingAt); !v.OK || v.Voted {
		t.Errorf("who took the vote back: got %+v, want a no", v)
	}
}

// TestNewestVotersAlone has that a user who is not on a full page of voters may
// have voted, as long as the oldest of the page counts.
func TestNewestVotersAlone(t *testing.T) {
	e := votingEntries["voters"]
	l := list(t, "list.example", lists.Entry{Votes: &e})
	s, client := open(t, []*lists.List{l})
	s.Now = func() time.Time { return votingAt }
	for i, user := range []string{voter, "900000000000000001", "900000000000000002", "900000000000000003"} {
		s.Vote(l.ID, lists.SampleVote{BotID: bot, UserID: user, At: votingAt.Add(time.Duration(i) * time.Hour)}, lists.Token{})
	}
	if v := hasVoted(t, client, l, voter, "token", votingAt.Add(4*time.Hour)); v.OK || v.Status != 200 {
		t.Errorf("beyond the page: got %+v, want a failure", v)
	}
	if v := hasVoted(t, client, l, "900000000000000001", "token", votingAt.Add(4*time.Hour)); !v.OK || !v.Voted {
		t.Errorf("on the page: got %+v, want a yes", v)
	}
}

// TestVoteTells has what a vote's webhook is, and that tests are no votes.
func TestVoteTells(t *testing.T) {
	entry := votingEntries["flag"]
	l := list(t, "list.example", lists.Entry{Votes: &entry, Webhook: &lists.WebhookEntry{WebhookForm: lists.WebhookForm{
		Proof: lists.Proofs{{Kind: "signature", Name: "X-Signature"}}, User: lists.Names{"user"}, Test: lists.Flags{{Path: "test"}},
	}}})
	s, client := open(t, []*lists.List{l})
	s.Now = func() time.Time { return votingAt }
	secret := lists.NewToken("secret", "")
	d, ok := s.Vote(l.ID, lists.SampleVote{BotID: bot, UserID: voter, Test: true}, secret)
	if !ok {
		t.Fatal("the list has no webhook, want one")
	}
	proven, fault := l.Webhook().Verify(d, []lists.Token{secret}, votingAt)
	if fault != nil {
		t.Fatalf("the webhook is not proven: %s", fault)
	}
	if e, err := l.Webhook().Read(d, proven, bot, votingAt); err != nil || !e.Test || e.UserID != voter {
		t.Errorf("the webhook tells %+v, %v; want a test of %s", e, err, voter)
	}
	if v := hasVoted(t, client, l, voter, "token", votingAt); v.Voted {
		t.Error("after a test the user has voted, want a no")
	}
	if _, ok := sandbox.New(nil).Vote("nowhere", lists.SampleVote{}, secret); ok {
		t.Error("an unknown list has a webhook, want none")
	}
}
