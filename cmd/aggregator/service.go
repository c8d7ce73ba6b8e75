package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/health"
	"aggregator/httpapi"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/shares"
	"aggregator/store"
)

// maxWait is how long a request may wait for room before it hears that the
// service is busy.
const maxWait = 5 * time.Second

// maxNetworks bounds the networks whose requests are counted at a time.
const maxNetworks = 100_000

// shutdownTimeout is how long posts in flight have to end: a little more than
// lists have to answer.
const shutdownTimeout = 15 * time.Second

// service is a running service.
type service struct {
	aggregator  *aggregate.Aggregator
	catalog     *catalog.Live
	bots        *agent.Live  // nil: there is no file of them
	agent       *agent.Agent // nil: the same
	health      *health.Recorder
	votes       *voteRelay     // nil: the same
	prober      *health.Prober // nil: lists are not probed
	api         *httpapi.Server
	front       *httpapi.Front
	keyPair     *httpapi.KeyPair // nil: it serves without TLS
	listener    net.Listener
	beside      []*http.Server // on addresses of their own: metrics, admin
	log         *slog.Logger
	descriptors *descriptors
	bounds      bounds
	drain       time.Duration
}

// newService loads the catalog and listens; run serves.
func newService(f serviceFlags, getenv func(string) string, st store.Store, transport http.RoundTripper, log *slog.Logger) (*service, error) {
	f.forgets = f.store == memoryStore
	live, bots, warnings, err := f.live(f.read, getenv)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		log.Warn("catalog", "warning", w)
	}
	keys, err := readKeys(live.Current(), f.listKeys, getenv)
	if err != nil {
		return nil, err
	}
	now := f.now
	if now == nil {
		now = time.Now
	}
	bounds := newBounds()
	if bounds.descriptors < minDescriptors {
		log.Warn("too few descriptors: callers and lists may be refused", "descriptors", bounds.descriptors, "enough", minDescriptors)
	}
	s := &service{catalog: live, bots: bots, log: log, bounds: bounds, drain: f.drain}
	memory := shares.New(shares.Options{Capacity: int64(f.memory), MaxWaiting: bounds.waiting, MaxWait: maxWait})
	client := fanout.New(transport, log, fanout.WithBounds(bounds.calls, bounds.callsPerList), fanout.WithMemory(memory),
		fanout.WithOthers(func(id, host string) bool { return live.Current().IsOfAnother(id, host) }))
	s.descriptors = &descriptors{log: log, now: time.Now, bounds: bounds, open: openDescriptors, calls: client.InFlight}
	status := httpapi.Status{
		Breakers:      func() []httpapi.Breaker { return openBreakers(client.Breakers()) },
		StoreHealth:   func() httpapi.StoreHealth { return storeHealth(st) },
		CallsInFlight: client.InFlight,
		Uptimes:       func() map[string]float64 { return httpapi.Uptimes(live.Current(), s.health) },
		Requests:      shares.New(shares.Options{Capacity: bounds.requests, MaxWaiting: bounds.waiting, MaxWait: maxWait}),
		Memory:        memory,
	}
	status.Backlog = s.backlog
	metrics := httpapi.NewMetrics(status, thisBuild())
	hash := store.NewHasher(st.Secret())
	s.health = newRecorder(st, client, hash, now, log)
	config := aggregate.Config{
		Catalog: live,
		Runner:  client,
		Admit:   admitTo(client),
		Observe: func(ctx context.Context, o aggregate.Outcome) {
			metrics.Observe(ctx, o)
			s.health.Observe(ctx, o)
			httpapi.LogCall(ctx, log, o)
			if o.Fault == lists.FaultBusy {
				s.descriptors.low("there was no room, or no descriptor, for a call to " + o.List)
			}
		},
		Servers:    s.health.Count,
		CountLimit: ratelimit.New(st.Windows(), f.countRate.Rate, hash),
		BotsLimit:  ratelimit.New(st.Windows(), f.botsRate.Rate, hash),
		BadgeLimit: ratelimit.New(st.Windows(), aggregate.BadgeRate, hash),
		VotesLimit: ratelimit.New(st.Windows(), f.votesRate.Rate, hash),
		ShardLimit: ratelimit.New(st.Windows(), aggregate.ShardRate, hash),
		Shards:     st.Shards(),
		ShardTTL:   time.Duration(f.shardTTL),
		Hash:       hash,
		Holds:      aggregate.NewHolds(st.Windows(), hash, now, log),
		Keys:       keys,
		UserAgent:  userAgent,
		Now:        now,
	}
	s.aggregator = aggregate.New(config)
	s.prober = f.newProber(s.aggregator, st, hash, now, log)
	s.agent = f.newAgent(bots, config, client, st, hash, now, log)
	s.votes = newVoteRelay(s, st, client, hash, metrics, now)
	openAPI, err := describeAPI()
	if err != nil {
		return nil, errors.Join(err, s.closeBeside())
	}
	api := httpapi.Config{
		Aggregator: s.aggregator, Catalog: live, Log: log, Build: thisBuild(), Status: status, Metrics: metrics,
		Health: s.health, Agent: s.agent, KeyLimit: ratelimit.New(st.Windows(), httpapi.WrongKeys, hash),
		Pages: f.pages(live, s.health, s.aggregator, s.agent != nil, client, openAPI, log), BasePath: f.basePath,
		OpenAPI:        openAPI,
		TrustedProxies: f.trustedProxies, ClientIPHeader: f.clientIPHeader,
		Requests: status.Requests, Memory: status.Memory,
		BadgeLimit:   ratelimit.New(st.Windows(), httpapi.NewBadges, hash),
		Votes:        s.votes.routes(),
		NetworkLimit: ratelimit.New(store.NewMemory(store.MemoryOptions{MaxKeys: maxNetworks}).Windows(), f.networkRate.Rate, hash),
	}
	switch f.metrics {
	case "", "off":
	case "main":
		api.MetricsHandler = metrics.Handler()
	default:
		if err := s.serveMetrics(f.metrics, metrics.Handler()); err != nil {
			return nil, err
		}
	}
	if f.admin != "" {
		server, err := serveAdmin(f.admin, s.adminOf(st, client), log)
		if err != nil {
			return nil, errors.Join(err, s.closeBeside())
		}
		s.beside = append(s.beside, server)
	}
	s.api = httpapi.New(api)
	s.front = httpapi.NewFront(s.api, bounds.connections, s.descriptors.low)
	if s.keyPair, err = f.loadKeyPair(log); err != nil {
		return nil, errors.Join(err, s.closeBeside())
	}
	if s.listener, err = listenAt("listen", f.listen, listenMode); err != nil {
		return nil, errors.Join(err, s.closeBeside())
	}
	return s, nil
}

// admitTo makes room for calls at a client.
func admitTo(client *fanout.Client) func(context.Context, netip.Prefix, []lists.Call) (aggregate.Room, error) {
	return func(ctx context.Context, from netip.Prefix, calls []lists.Call) (aggregate.Room, error) {
		return client.Admit(ctx, from, calls)
	}
}

// announce logs that the service is up, whatever the level, and with what.
func (s *service) announce(f *serviceFlags) {
	b := s.bounds
	announce(s.log, "serving", slog.String("address", addressOf(s.listener)), slog.String("tls", describeTLS(s.keyPair)), slog.String("version", thisBuild().Version),
		slog.String("store", storeKind(f.store)), slog.String("limit_count", f.countRate.String()), slog.String("limit_bots", f.botsRate.String()), slog.String("limit_votes", f.votesRate.String()), slog.String("limit_network", f.networkRate.String()),
		slog.String("trusted_proxies", f.trustedProxies.String()), slog.String("catalog", s.catalog.Current().Counts().String()), slog.String("bots", describeBots(s.bots.Current())),
		slog.Group("bounds", slog.Int("descriptors", b.descriptors), slog.Int("connections", b.connections),
			slog.Int64("requests", b.requests), slog.Int("calls", b.calls), slog.Int("calls_per_list", b.callsPerList), slog.Int("waiting", b.waiting), slog.String("memory", f.memory.String())))
}

// serveMetrics serves /metrics on an address of its own, until closeBeside.
func (s *service) serveMetrics(address string, h http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h)
	server := httpapi.NewHTTPServer(mux, s.log)
	s.beside = append(s.beside, server)
	go func() { _ = server.Serve(listener) }()
	s.log.Info("serving metrics", "metrics_address", listener.Addr().String())
	return nil
}

func (s *service) closeBeside() (err error) {
	for _, server := range s.beside {
		err = errors.Join(err, server.Close())
	}
	return err
}

// adminOf is what the operator's own programs may ask the service.
func (s *service) adminOf(st store.Store, client *fanout.Client) httpapi.Admin {
	return httpapi.Admin{
		Backup: st.Backup,
		FindList: func(id string) (string, error) {
			l, err := findList(s.catalog.Current(), id)
			if err != nil {
				return "", err
			}
			return l.ID, nil
		},
		Circuits: func() []httpapi.Circuit { return openCircuits(client.Breakers()) },
		Holds: func(ctx context.Context) ([]httpapi.Hold, error) {
			all, err := s.aggregator.Holds.List(ctx)
			holds := make([]httpapi.Hold, len(all))
			for i, h := range all {
				holds[i] = httpapi.Hold(h)
			}
			return holds, err
		},
		Lift: func(ctx context.Context, id string) (httpapi.Hold, bool, error) {
			h, ok, err := s.aggregator.Holds.Lift(ctx, id)
			return httpapi.Hold(h), ok, err
		},
	}
}

// storeHealth is how the store is, as shown to operators.
func storeHealth(st store.Store) httpapi.StoreHealth {
	h := st.Health()
	return httpapi.StoreHealth{OK: h.OK(), State: string(h.Condition), Since: h.Since.UTC(), Trouble: h.Text}
}

// openCircuits returns the breakers that are not closed.
func openCircuits(all []fanout.BreakerState) []httpapi.Circuit {
	var open []httpapi.Circuit
	for _, b := range all {
		if b.State != "closed" {
			open = append(open, httpapi.Circuit{
				Breaker: httpapi.Breaker{List: b.List, Direction: b.Op.Name, State: b.State}, Since: b.Since, NextTry: b.NextTry,
			})
		}
	}
	return open
}

// openBreakers returns the breakers that are not closed, as everyone may know
// them.
func openBreakers(all []fanout.BreakerState) []httpapi.Breaker {
	var open []httpapi.Breaker
	for _, c := range openCircuits(all) {
		open = append(open, c.Breaker)
	}
	return open
}

// run serves until ctx ends, reloading the catalog at each hang-up signal. Then
// it goes on for as long as it is to drain, and lets the requests in flight be
// answered.
func (s *service) run(ctx context.Context, hangUps <-chan os.Signal) error {
	watching, unwatch := context.WithCancel(context.Background())
	defer unwatch()
	served := make(chan error, 1)
	go func() { served <- s.serve(watching) }()
	go s.descriptors.watch(watching)
	defer record(s.health)()
	ended := s.runOwn(ctx)
	var drained <-chan time.Time
	stopping := ctx.Done()
	for {
		select {
		case err := <-served:
			return err
		case <-hangUps:
			reload(s.log, s.catalog, s.bots)
			if s.keyPair != nil {
				s.keyPair.Reload()
			}
		case <-stopping:
			s.log.Info("shutting down", "drain", s.drain.String())
			s.api.FailHealth()
			stopping, drained = nil, time.After(s.drain)
		case <-drained:
			return s.shutdown(served, ended)
		}
	}
}

// runOwn lets the service do what nobody asks it for, until ctx ends: post for the
// operator's bots, pass votes on, and probe lists. ended is closed when none of it
// is under way.
func (s *service) runOwn(ctx context.Context) (ended <-chan struct{}) {
	var all sync.WaitGroup
	if s.agent != nil {
		all.Go(func() { s.agent.Run(ctx) })
	}
	if s.votes != nil {
		all.Go(func() { s.votes.run(ctx) })
	}
	if s.prober != nil {
		all.Go(func() { s.prober.Run(ctx) })
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	return done
}

// reload takes the files of lists and bots into use as they are now, or none of
// them. bots may be nil.
func reload(log *slog.Logger, live *catalog.Live, bots *agent.Live) {
	before := live.Current()
	warnings, err := live.Reload()
	if err != nil {
		log.Error("not reloaded; the old catalog and bots keep serving", "error", err)
		return
	}
	for _, w := range warnings {
		log.Warn("catalog", "warning", w)
	}
	changes := before.ChangesTo(live.Current())
	log.Info("reloaded", "catalog", live.Current().Counts().String(), "added", named(changes.Added), "removed", named(changes.Removed),
		"changed", named(changes.Changed), "legacy_ids_changed", changes.LegacyIDs, "features_changed", changes.Features, "bots", describeBots(bots.Current()))
}

// named returns ids, never nil: the log shows [] then.
func named(ids []string) []string { return append([]string{}, ids...) }

// shutdown ends the service once the requests in flight are answered.
func (s *service) shutdown(served <-chan error, ended <-chan struct{}) error {
	start := time.Now()
	s.api.StopServing()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	// Until the calls under way are done, whoever comes hears a clean 503.
	err := s.aggregator.Wait(ctx)
	select {
	case <-ended:
	case <-ctx.Done():
		err = errors.Join(err, errors.New("what the service does by itself is still under way"))
	}
	err = errors.Join(err, s.front.Stop(ctx))
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	err = errors.Join(err, s.closeBeside())
	how := "all requests were answered"
	if err != nil {
		how = err.Error()
	}
	s.log.Info("stopped", "how", how, "took_ms", time.Since(start).Milliseconds())
	return err
}
