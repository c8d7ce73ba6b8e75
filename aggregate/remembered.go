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
	// maxYes bounds how long a yes is remembered, however long its vote counts,
	// and noFresh is how long a no is.
	maxYes  = time.Hour
	noFresh = 5 * time.Second
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

	mu     sync.Mutex
	events uint64 // calls begun and webhooks heard, by which what came later is told
	votes  *cache[rememberedVote]
	voters *cache[rememberedVoters]
	hooked *cache[hookedVote]
	asking map[store.Key]*inquiry
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
		hash: hash, now: now, asking: map[store.Key]*inquiry{},
		votes: newCache[rememberedVote](maxVoteBytes, now), voters: newCache[rememberedVoters](maxVoterBytes, now), hooked: newCache[hookedVote](maxHookedBytes, now),
	}
}

// voteCheck is what a call that checks a vote is about.
type voteCheck struct {
	request *VoteRequest
	list    *lists.List
	catalog *catalog.Catalog // that the list is of: another one may read its answers in another way
	cannot  *lists.Skip      // why the list cannot be asked, whatever is remembered; nil: it can

	// Under which keys it is remembered; see keys.
	vote   store.Key // what its webhook told of the vote
	answer store.Key // what the list says to the credential
	voters store.Key // the list of voters that the credential opens
	asking store.Key // the same call, of whomever it is
}

// keys fills in under which keys a call is remembered.
func (m *remembered) keys(p *planned) {
	c := p.vote
	list, bot, user := c.list.ID, c.request.BotID, c.request.UserID
	c.vote = m.hash("vote", list, bot, user)
	if c.cannot != nil {
		return
	}
	credential, generation := p.call.Credential(), strconv.FormatUint(c.catalog.Generation(), 10)
	of := p.call.ListBotID() // which the list goes by, whatever bot is asked about
	c.answer = m.hash("answer", generation, list, bot, of, user, credential)
	c.voters = m.hash("voters", generation, list, bot, of, credential)
	c.asking = c.answer
	if (lists.VoteCall{Call: p.call}).ListsVoters() && !p.call.HasOtherwise() {
		c.asking = c.voters
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
	hooked, _ := m.hooked.get(c.vote)
	if c.request.Keyed && hooked.until.After(m.now()) {
		return VoteResult{c.list.ID, hooked.Vote, true}, true
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

// readVote returns what an answer to the call says of the user.
func (p planned) readVote(a lists.Answer, otherwise bool, now time.Time) VoteResult {
	call := p.call
	if second, ok := call.Otherwise(); ok && otherwise {
		call = second
	}
	return VoteResult{List: p.vote.list.ID, Vote: lists.VoteCall{Call: call}.Read(a, p.vote.request.UserID, now)}
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
	m.hooked.put(key, hookedVote{v, now.Add(freshFor(v, now)), m.events, told}, 0, now.Add(maxYes), netip.Prefix{})
}

// inquiry is one call that is being made, for all who would make the same.
type inquiry struct {
	event     uint64
	done      chan struct{} // closed when it is known what became of it
	answer    *lists.Answer // nil: it was not made
	otherwise bool          // the answer is to the list's second way
	held      *lists.Skip   // why the call was not made, where that is known
	joined    int           // requests that wait for it
}

// inquiries are the calls of one request.
type inquiries struct {
	of     *remembered
	own    map[store.Key]*inquiry
	joined []joinedInquiry
}

// joinedInquiry is a call that another request makes.
type joinedInquiry struct {
	*inquiry
	planned planned
}

// begin splits the calls of a request, which may be made now, into those that it
// makes itself, and what is known by now. Those that another request is making
// just now are joined. Whoever begins must end.
func (m *remembered) begin(plan []planned) (own []planned, known []VoteResult, q *inquiries) {
	if m == nil {
		return plan, nil, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	q = &inquiries{of: m, own: map[store.Key]*inquiry{}}
	own = make([]planned, 0, len(plan))
	m.events++
	for _, p := range plan {
		if result, ok := m.find(p); ok {
			known = append(known, result)
		} else if i := m.asking[p.vote.asking]; i != nil {
			i.joined++
			q.joined = append(q.joined, joinedInquiry{i, p})
		} else {
			i = &inquiry{event: m.events, done: make(chan struct{})}
			m.asking[p.vote.asking], q.own[p.vote.asking] = i, i
			own = append(own, p)
		}
	}
	return own, known, q
}

// held notes why calls of the request are not made; nil for one that is.
func (q *inquiries) held(plan []planned, why []*lists.Skip) {
	if q == nil {
		return
	}
	for i, p := range plan {
		q.own[p.vote.asking].held = why[i]
	}
}

// answered remembers what the lists answered to the calls of the request, for a
// network, and returns what they say.
func (q *inquiries) answered(plan []planned, answers []lists.Answer, network netip.Prefix) []VoteResult {
	if q == nil {
		return nil
	}
	m := q.of
	results, voters := make([]VoteResult, len(plan)), make([]lists.Voters, len(plan))
	for i, p := range plan {
		results[i] = p.readVote(answers[i], false, m.now())
		if call := (lists.VoteCall{Call: p.call}); call.ListsVoters() {
			voters[i] = call.ReadVoters(answers[i])
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, p := range plan {
		own := q.own[p.vote.asking]
		own.answer, own.otherwise = &answers[i], p.hold.wentOtherwise
		if voters[i].OK {
			m.voters.put(p.vote.voters, rememberedVoters{voters[i], own.event}, voters[i].Size(), m.now().Add(votersFresh), network)
		}
		if v := results[i].Vote; v.OK && (v.Voted || !voters[i].OK) { // a list of voters says no itself
			v.Text = "" // it may be long, and only says why there is no answer
			m.votes.put(p.vote.answer, rememberedVote{v, own.event}, 0, m.now().Add(freshFor(v, m.now())), network)
		}
	}
	return results
}

// freshFor returns how long a vote is remembered.
func freshFor(v lists.Vote, now time.Time) time.Duration {
	switch {
	case !v.Voted:
		return noFresh
	case v.Until.IsZero():
		return maxYes
	}
	return min(maxYes, v.Until.Sub(now))
}

// end has those who joined the request's calls go on.
func (q *inquiries) end() {
	if q == nil {
		return
	}
	q.of.mu.Lock()
	defer q.of.mu.Unlock()
	for key, i := range q.own {
		delete(q.of.asking, key)
		close(i.done)
	}
	q.own = nil
}

// wait returns what became of the calls that the request has joined. They end by
// themselves, for each has a deadline.
func (q *inquiries) wait() (results []VoteResult, skipped []Skipped) {
	if q == nil {
		return nil, nil
	}
	for _, j := range q.joined {
		<-j.done
		switch {
		case j.answer != nil:
			results = append(results, j.planned.readVote(*j.answer, j.otherwise, q.of.now()))
		case j.inquiry.held != nil:
			skipped = append(skipped, j.planned.skipped(j.inquiry.held)...)
		default: // the request that was to make it has broken down
			results = append(results, j.planned.readVote(lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultPanic, Reason: "Not asked"}, false, q.of.now()))
		}
	}
	return results, skipped
}
