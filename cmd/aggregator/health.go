package main

import (
	"context"
	"flag"
	"time"

	"aggregator/aggregate"
	"aggregator/fanout"
	"aggregator/health"
	"aggregator/internal/engine"
	"aggregator/lists"
)

// How often lists may be probed.
const (
	minProbe = time.Minute
	maxProbe = 24 * time.Hour
)

// probeFlags say whether lists are probed, and how.
type probeFlags struct {
	every time.Duration // 0: they are not
	bot   string
}

func (f *probeFlags) add(fs *flag.FlagSet) {
	fs.DurationVar(&f.every, "probe", 0, "`TIME` after which each list that can be read is asked about the bot of --probe-bot, 1m to 24h, such as 10m; not at all if not given")
	fs.StringVar(&f.bot, "probe-bot", "", "`ID` of the bot that --probe asks about: best one that is on many lists")
}

// check returns a usage error for flags that do not go together.
func (f *probeFlags) check() error {
	switch {
	case f.every == 0 && f.bot == "":
		return nil
	case f.every == 0:
		return usagef("--probe-bot needs --probe")
	case f.bot == "":
		return usagef("--probe needs --probe-bot")
	case f.every < minProbe || f.every > maxProbe:
		return usagef("--probe %q: want a time from 1m to 24h", f.every)
	case !lists.IsSnowflake(f.bot):
		return usagef("--probe-bot %q: want the id of a bot", f.bot)
	}
	return nil
}

// newProber returns what probes lists; nil if nothing is to.
func (f *probeFlags) newProber(e *engine.Engine) *health.Prober {
	if f.every == 0 {
		return nil
	}
	return &health.Prober{
		Ask: func(ctx context.Context) error {
			_, err := e.Aggregator.Bot(ctx, aggregate.BotRequest{BotID: f.bot}, aggregate.Caller{Probe: true})
			return err
		},
		Every: f.every, State: e.Store.State(), Key: e.Hash("probe", f.bot), Now: e.Now, Log: e.Log,
	}
}

// newRecorder returns what records outcomes.
func newRecorder(e *engine.Engine) *health.Recorder {
	return health.New(health.Config{
		Store: e.Store.Outcomes(), History: e.Store.History(), Hash: e.Hash, Now: e.Now, Log: e.Log,
		Circuits: func() []health.Circuit { return healthCircuits(e.Client.OpenBreakers()) },
	})
}

// healthCircuits returns open breakers as health takes them.
func healthCircuits(open []fanout.BreakerState) []health.Circuit {
	all := make([]health.Circuit, len(open))
	for i, b := range open {
		all[i] = health.Circuit{List: b.List, Open: b.State == health.CircuitOpen}
	}
	return all
}

// record lets what is recorded be written until end is called, which returns when
// the last of it has been.
func record(r *health.Recorder) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	return func() { cancel(); <-done }
}
