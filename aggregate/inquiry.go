package aggregate

import (
	"net/netip"
	"time"

	"aggregator/lists"
	"aggregator/store"
)

// inquiry is one call to a list that is being made, for all requests that would
// make the same.
type inquiry struct {
	event     uint64
	done      chan struct{} // closed when it is known what became of it
	answer    *lists.Answer // nil: it was not made
	otherwise bool          // the answer is to the list's second way
	held      *lists.Skip   // why the call was not made, where that is known
	joined    int           // requests that wait for it
}

// inquiries are the calls of one request: its own, and those of others that it
// has joined. Nil inquiries are those of an operation that shares no calls.
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
		} else if i := m.inquiries[p.vote.inquiry]; i != nil {
			i.joined++
			q.joined = append(q.joined, joinedInquiry{i, p})
		} else {
			i = &inquiry{event: m.events, done: make(chan struct{})}
			m.inquiries[p.vote.inquiry], q.own[p.vote.inquiry] = i, i
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
		q.own[p.vote.inquiry].held = why[i]
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
		own := q.own[p.vote.inquiry]
		own.answer, own.otherwise = &answers[i], p.hold.wentOtherwise
		m.keep(p.vote, results[i].Vote, voters[i], own.event, network)
	}
	return results
}

// end has those who joined the request's calls go on.
func (q *inquiries) end() {
	if q == nil {
		return
	}
	q.of.mu.Lock()
	defer q.of.mu.Unlock()
	for key, i := range q.own {
		delete(q.of.inquiries, key)
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

// readVote returns what an answer to the call says of the user.
func (p planned) readVote(a lists.Answer, otherwise bool, now time.Time) VoteResult {
	call := p.call
	if second, ok := call.Otherwise(); ok && otherwise {
		call = second
	}
	return VoteResult{List: p.vote.list.ID, Vote: lists.VoteCall{Call: call}.Read(a, p.vote.request.UserID, now)}
}
