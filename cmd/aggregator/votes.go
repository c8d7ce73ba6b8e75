package main

import (
	"context"
	"sync"

	"aggregator/httpapi"
	"aggregator/votes"
)

// voteRelay takes votes in and passes them on. A nil voteRelay does neither.
type voteRelay struct {
	intake   *votes.Intake
	relay    *votes.Relay
	refusals *votes.Refusals
}

// newVoteRelay returns what takes votes in for the service's own bots; nil where
// it has none.
func newVoteRelay(s *service) *voteRelay {
	if s.agent == nil {
		return nil
	}
	v := &voteRelay{refusals: &votes.Refusals{Bots: s.bots, Notices: s.agent, Log: s.Log, Now: s.Now}}
	v.relay = votes.NewRelay(votes.RelayConfig{
		Bots: s.bots, Outbox: s.Store.Outbox(), State: s.Store.State(), Hash: s.Hash, Exchange: s.Client.Exchange, Notices: s.agent,
		UserAgent: userAgent, Log: s.Log, Now: s.Now, Observe: s.metrics.Delivery,
	})
	v.intake = votes.NewIntake(votes.IntakeConfig{
		Outbox: s.Store.Outbox(), Hash: s.Hash, Log: s.Log, Now: s.Now, Wake: v.relay.Wake, Observe: s.metrics.Webhook,
		Remember: s.Aggregator.HearVote, Refusals: v.refusals,
	})
	return v
}

// routes returns what the HTTP side asks; nil for a nil voteRelay.
func (v *voteRelay) routes() *httpapi.Votes {
	if v == nil {
		return nil
	}
	return &httpapi.Votes{Intake: v.intake, Relay: v.relay}
}

// run passes votes on until ctx ends, and then waits for the attempts under way.
func (v *voteRelay) run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { v.relay.Run(ctx) })
	all.Go(func() { v.refusals.Run(ctx) })
	all.Wait()
}

// backlog returns how many votes wait.
func (s *service) backlog() httpapi.Backlog {
	if s.votes == nil {
		return httpapi.Backlog{}
	}
	return httpapi.Backlog(s.votes.relay.Backlog())
}
