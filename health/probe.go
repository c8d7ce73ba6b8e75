package health

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"aggregator/store"
)

const (
	// probeTimeout is how long one probe may take, the wait for room included.
	probeTimeout = 30 * time.Second
	// probeLease is for how long a replica that probes has the turn.
	probeLease = time.Minute
	// maxSleep bounds how long a Prober sleeps: clocks may be set meanwhile.
	maxSleep = time.Minute
	// minSleep is how long it sleeps where another replica has the turn, or the
	// store is away.
	minSleep = 5 * time.Second
)

// Prober has lists asked about one bot every so often. Of any number of replicas
// that share a store one has each turn, and turns go on where they were after a
// restart.
type Prober struct {
	Ask   func(context.Context) error // asks every list that can be read about the bot
	Every time.Duration
	State store.State
	Key   store.Key        // of the item that says when the next turn is
	Now   func() time.Time // time.Now when nil
	Log   *slog.Logger     // nil is silent
}

// Run probes until ctx ends.
func (p *Prober) Run(ctx context.Context) {
	for {
		timer := time.NewTimer(p.Step(ctx))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// Step probes if it is time to, and returns how long there is nothing to do.
func (p *Prober) Step(ctx context.Context) time.Duration {
	wait, err := p.step(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrAway) && p.Log != nil {
		p.Log.Debug("probe failed", "error", err)
	}
	return min(max(wait, minSleep), maxSleep)
}

func (p *Prober) step(ctx context.Context) (wait time.Duration, err error) {
	holder := store.NewHolder()
	claimed, err := p.State.Claim(ctx, holder, probeLease, p.Key)
	if err != nil {
		return 0, err
	}
	item, now := claimed[0].Item, p.now()
	switch {
	case claimed[0].OK:
		err := p.probe(ctx)
		item.Due = p.now().Add(p.Every)
		_, saveErr := p.State.Save(context.WithoutCancel(ctx), holder, item)
		return p.Every, errors.Join(err, saveErr)
	case item.Version == 0: // it was never probed
		item.Due = now
	case item.Due.Sub(now) > p.Every: // it was probed less often, or the clock was set
		item.Due = now.Add(p.Every)
	default:
		return item.Due.Sub(now), nil
	}
	_, err = p.State.Save(ctx, store.Key{}, item) // unless another was faster
	if err != nil || item.Version > 0 {
		return p.Every, err
	}
	return p.step(ctx)
}

func (p *Prober) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return p.Ask(ctx)
}

func (p *Prober) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}
