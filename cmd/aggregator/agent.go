package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/health"
	"aggregator/httpapi"
	"aggregator/internal/engine"
	"aggregator/store"
)

// agentFlags are the flags of the agent without the HTTP side.
type agentFlags struct {
	catalogFlags
	logFlags
	botsFlags
	store        string
	once, asJSON bool
}

// runAgent posts the counts of one's own bots by itself, until ctx ends.
func runAgent(fs *flag.FlagSet) action {
	var f agentFlags
	f.botsFlags.add(fs)
	f.catalogFlags.add(fs)
	f.logFlags.add(fs)
	secretVar(fs, &f.store, "store", defaultStore, storeUsage)
	fs.BoolVar(&f.once, "once", false, "do what is due, print what came of it, and end")
	fs.BoolVar(&f.asJSON, "json", false, "with --once: print JSON")
	return func(ctx context.Context, env environment, _ []string) error { return f.run(ctx, env) }
}

func (f *agentFlags) run(ctx context.Context, env environment) (err error) {
	switch {
	case f.bots == "":
		return usagef("--bots is missing")
	case f.asJSON && !f.once:
		return usagef("--json needs --once")
	}
	if err := f.botsFlags.check(); err != nil {
		return err
	}
	if f.once && !env.given["log-level"] && env.getenv(variable("log-level")) == "" {
		f.level = slog.LevelWarn // the table says the rest
	}
	log := f.logger(env.errOut)
	live, bots, warnings, err := f.live(f.read, env.getenv)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		log.Warn("catalog", "warning", w)
	}
	st, err := openStore(ctx, f.store, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	a, recorder := f.agent(live, bots, st, env, log)
	defer record(recorder)()
	if f.once {
		return f.runOnce(ctx, env, a)
	}
	hangUps, stop := notifyHangUp()
	defer stop()
	announce(log, "running", slog.String("version", thisBuild().Version), slog.String("store", storeKind(f.store)),
		slog.String("catalog", live.Current().Counts().String()), slog.String("bots", describeBots(bots.Current())))
	done := make(chan struct{})
	go func() { a.Run(ctx); close(done) }() // ends with ctx, and posts whose deadline is near
	for {
		select {
		case <-hangUps:
			reload(log, live, bots)
		case <-done:
			log.Info("stopped")
			return nil
		}
	}
}

// agent returns the agent, on the same way to lists as the service's, and what
// records how lists are.
func (f *agentFlags) agent(live *catalog.Live, bots *agent.Live, st store.Store, env environment, log *slog.Logger) (*agent.Agent, *health.Recorder) {
	bounds, recorder := newBounds(), (*health.Recorder)(nil)
	e := engine.New(engine.Options{
		Catalog: live, Store: st, Transport: env.transport, Log: log, UserAgent: userAgent,
		Bounds: engine.Bounds{Calls: bounds.calls, CallsPerList: bounds.callsPerList},
		Observe: func(ctx context.Context, o aggregate.Outcome) {
			recorder.Observe(ctx, o)
			httpapi.LogCall(ctx, log, o)
		},
		Servers: func(botID string, servers int64, posted bool) { recorder.Count(botID, servers, posted) },
	})
	recorder = newRecorder(e)
	return f.newAgent(bots, e), recorder
}

// runOnce does what is due and prints what came of it. The error is errReported
// where something failed.
func (f *agentFlags) runOnce(ctx context.Context, env environment, a *agent.Agent) error {
	all, err := a.Once(ctx)
	if err != nil {
		return err
	}
	if f.asJSON {
		err = printRunsJSON(env.out, all)
	} else {
		printRuns(env.out, all)
	}
	for _, d := range all {
		if d.Failed() {
			return errors.Join(err, errReported)
		}
	}
	return err
}

func printRunsJSON(out io.Writer, all []agent.Done) error {
	var b, indented bytes.Buffer
	if err := errors.Join(httpapi.EncodeRuns(&b, all), json.Indent(&indented, b.Bytes(), "", "  ")); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, indented.String())
	return err
}

// printRuns prints what one run did for each bot, or else when it is due.
func printRuns(out io.Writer, all []agent.Done) {
	for _, d := range all {
		name := d.BotID
		if d.Name != "" {
			name = d.Name + " (" + d.BotID + ")"
		}
		switch {
		case d.Count.From == "":
			_, _ = fmt.Fprintf(out, "%s: not posted by itself\n", name)
		case !d.Due:
			_, _ = fmt.Fprintf(out, "%s: due at %s\n", name, d.NextAt.UTC().Format(time.RFC3339))
		case d.Count.Error != "":
			_, _ = fmt.Fprintf(out, "%s: no server count from %s: %s; next try at %s\n", name, d.Count.From, d.Count.Error, d.NextAt.UTC().Format(time.RFC3339))
		default:
			servers := int64(0)
			if d.Count.ServerCount != nil {
				servers = *d.Count.ServerCount
			}
			_, _ = fmt.Fprintf(out, "%s: %d servers, from %s; next at %s\n", name, servers, d.Count.From, d.NextAt.UTC().Format(time.RFC3339))
			printResults(out, d.Results, d.Skipped)
		}
	}
}
