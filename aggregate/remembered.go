package aggregate

import (
	"net/netip"
	"strconv"
	"sync"
	"time"

	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/store"
)

const (
	// maxVotedFresh bounds how long it is remembered that a user has voted, however
	// long the vote counts, and notVotedFresh is how long it is that one has not.
	maxVotedFresh = time.Hour
	notVotedFresh = 5 * time.Second
	// votersFresh is how long a list of voters serves whoever asks.
	votersFresh = 10 * time.Second

	// Bounds on what is remembered, in bytes: of votes that lists were asked for,
	// of lists of voters, and of votes that webhooks told. A share of the second
	// holds a list of voters that is as large as it may be.
	maxVoteBytes   = 8 << 20
	maxVoterBytes  = cacheShares * (4<<20 + 64<<10)
	maxHookedBytes = 8 << 20
)

// remembered is what is remembered of votes in place of asking lists again: what
// they said when they were asked, for the same bot, user, list and credential,
// and what their webhooks told. It holds no credential, but keyed hashes. A nil
// remembered remembers nothing.
type remembered struct {
	hash func(parts ...string) store.Key
	now  func() time.Time

	mu        sync.Mutex
	events    uint64 // calls begun and webhooks heard, by which what came later is told
	votes     *cache[rememberedVote]
	voters    *cache[rememberedVoters]
	hooked    *cache[hookedVote]
	inquiries map[store.Key]*inquiry
}

// rememberedVote is what a list said of a user.
type rememberedVote struct {
	lists.Vote
	event uint64 // when it was asked
}

// rememberedVoters is a list of voters.
type rememberedVoters struct {
	lists.Voters
	event uint64 // when it was asked
}

// hookedVote is what a webhook told. It is remembered longer than it is an
// answer, so that nothing older than it is one.
type hookedVote struct {
	lists.Vote
	until time.Time // how long it is an answer
	event uint64    // when it came
	told  time.Time // the vote's own time; zero where the webhook did not tell it
}

func newRemembered(hash func(parts ...string) store.Key, now func() time.Time) *remembered {
	return &remembered{
		hash: hash, now: now, inquiries: map[store.Key]*inquiry{},
		votes:  newCache[rememberedVote](maxVoteBytes, now),
		voters: newCache[rememberedVoters](maxVoterBytes, now),
		hooked: newCache[hookedVote](maxHookedBytes, now),
	}
}

// voteCheck is what a call that checks a vote is about.
type voteCheck struct {
	request *VoteRequest
	list    *lists.List
	catalog *catalog.Catalog // that the list is of: another one may read its answers in another way
	cannot  *lists.Skip      // why the list cannot be asked, whatever is remembered; nil: it can

	// Under which keys it is remembered; see remembered.keys.
	hooked  store.Key // what the list's webhook told of the vote
	answer  store.Key // what the list says to the credential
	voters  store.Key // the list of voters that the credential opens
	inquiry store.Key // the same call, whoever makes it
}

// keys fills in under which keys a call is remembered.
func (m *remembered) keys(p *planned) {
	c := p.vote
	list, bot, user := c.list.ID, c.request.BotID, c.request.UserID
	c.hooked = m.hash("vote", list, bot, user)
	if c.cannot != nil {
		return
	}
	credential, generation := p.call.Credential(), strconv.FormatUint(c.catalog.Generation(), 10)
	of := p.call.ListBotID() // which the list goes by, whatever bot is asked about
	c.answer = m.hash("answer", generation, list, bot, of, user, credential)
	c.voters = m.hash("voters", generation, list, bot, of, credential)
	c.inquiry = c.answer
	if (lists.VoteCall{Call: p.call}).ListsVoters() && !p.call.HasOtherwise() {
		c.inquiry = c.voters
	}
}

// recall splits a plan into the calls whose lists are to be asked, and what is
// known without that. Lists that cannot be asked are skipped.
func (m *remembered) recall(plan []planned) (rest []planned, known []VoteResult, skipped []Skipped) {
	if m == nil {
		return plan, nil, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rest = plan[:0]
	for _, p := range plan {
		m.keys(&p)
		switch result, ok := m.find(p); {
		case ok:
			known = append(known, result)
		case p.vote.cannot != nil:
			skipped = append(skipped, p.skipped(p.vote.cannot)...)
		default:
			rest = append(rest, p)
		}
	}
	return rest, known, skipped
}

// find returns what is remembered of a vote. What was asked before a webhook
// told something else is not.
func (m *remembered) find(p planned) (r VoteResult, ok bool) {
	c := p.vote
	hooked, _ := m.hooked.get(c.hooked)
	if c.request.Keyed && hooked.until.After(m.now()) {
		return VoteResult{List: c.list.ID, Vote: hooked.Vote, FromWebhook: true}, true
	}
	if c.cannot != nil {
		return VoteResult{}, false
	}
	if v, ok := m.votes.get(c.answer); ok && v.event > hooked.event {
		return VoteResult{List: c.list.ID, Vote: v.Vote}, true
	}
	if v, ok := m.voters.get(c.voters); ok && v.event > hooked.event {
		return VoteResult{List: c.list.ID, Vote: v.Vote(c.request.UserID, m.now())}, true
	}
	return VoteResult{}, false
}

// hear remembers a vote that a list's webhook told. One that comes late, when a
// later vote of the user has been told, changes nothing.
func (m *remembered) hear(list string, e lists.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, told := m.hash("vote", list, e.BotID, e.UserID), e.At
	if e.AtOfRequest {
		told = time.Time{}
	}
	if known, _ := m.hooked.get(key); !told.IsZero() && told.Before(known.told) {
		return
	}
	m.events++
	now := m.now()
	v := lists.Vote{Verdict: lists.Verdict{OK: true}, Voted: !e.Removed && (e.Until.IsZero() || e.Until.After(now)), At: e.At, Until: e.Until, Weight: e.Weight}
	if !v.Voted {
		v = lists.Vote{Verdict: v.Verdict}
	}
	m.hooked.put(key, hookedVote{v, now.Add(freshFor(v, now)), m.events, told}, 0, now.Add(maxVotedFresh), netip.Prefix{})
}

// keep remembers what a list said when it was asked, for a network: of a user, and
// of all voters where it lists them. Callers hold the mutex.
func (m *remembered) keep(c *voteCheck, v lists.Vote, voters lists.Voters, event uint64, network netip.Prefix) {
	now := m.now()
	if voters.OK {
		m.voters.put(c.voters, rememberedVoters{voters, event}, voters.Size(), now.Add(votersFresh), network)
	}
	if v.OK && (v.Voted || !voters.OK) { // that a user has not voted, a list of voters says itself
		v.Text = "" // it may be long, and only says why there is no answer
		m.votes.put(c.answer, rememberedVote{v, event}, 0, now.Add(freshFor(v, now)), network)
	}
}

// freshFor returns how long a vote is remembered.
func freshFor(v lists.Vote, now time.Time) time.Duration {
	switch {
	case !v.Voted:
		return notVotedFresh
	case v.Until.IsZero():
		return maxVotedFresh
	}
	return min(maxVotedFresh, v.Until.Sub(now))
}
