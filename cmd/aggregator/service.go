package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/health"
	"aggregator/httpapi"
	"aggregator/internal/engine"
	"aggregator/lists"
	"aggregator/shares"
	"aggregator/store"
)

// shutdownTimeout is how long posts in flight have to end: a little more than
// lists have to answer.
const shutdownTimeout = 15 * time.Second

// service is a running service.
type service struct {
	*engine.Engine
	bots        *agent.Live  // nil: there is no file of them
	agent       *agent.Agent // nil: the same
	health      *health.Recorder
	metrics     *httpapi.Metrics
	votes       *voteRelay     // nil: the same
	prober      *health.Prober // nil: lists are not probed
	api         *httpapi.Server
	front       *httpapi.Front
	keyPair     *httpapi.KeyPair // nil: it serves without TLS
	listener    net.Listener
	beside      []*http.Server // on addresses of their own: metrics, admin
	descriptors *descriptors
	bounds      bounds
	drain       time.Duration
}

// loaded is what a service reads of files before it opens its store.
type loaded struct {
	catalog *catalog.Live
	bots    *agent.Live            // nil: there is no file of them
	keys    map[string]lists.Token // for lists that are read with a key
}

// load reads the files that the flags name, and logs what is odd in them.
func (f *serviceFlags) load(getenv func(string) string, log *slog.Logger) (in loaded, err error) {
	f.forgets = f.store == memoryStore
	var warnings []string
	if in.catalog, in.bots, warnings, err = f.live(f.read, getenv); err != nil {
		return in, err
	}
	for _, w := range warnings {
		log.Warn("catalog", "warning", w)
	}
	in.keys, err = readKeys(in.catalog.Current(), f.listKeys, getenv)
	return in, err
}

// newService makes the service and listens; run serves.
func newService(f serviceFlags, in loaded, st store.Store, transport http.RoundTripper, log *slog.Logger) (*service, error) {
	now := f.now
	if now == nil {
		now = time.Now
	}
	bounds := newBounds()
	if bounds.descriptors < minDescriptors {
		log.Warn("too few descriptors: callers and lists may be refused", "descriptors", bounds.descriptors, "enough", minDescriptors)
	}
	s := &service{bots: in.bots, bounds: bounds, drain: f.drain}
	s.Engine = engine.New(engine.Options{
		Catalog: in.catalog, Store: st, Transport: transport, Log: log, UserAgent: userAgent, Keys: in.keys, Now: now,
		Limits: f.limits(), ShardTTL: time.Duration(f.shardTTL),
		Bounds:  engine.Bounds{Calls: bounds.calls, CallsPerList: bounds.callsPerList, Memory: int64(f.memory), Waiting: bounds.waiting},
		Observe: s.observe,
		Servers: func(botID string, servers int64, posted bool) { s.health.Count(botID, servers, posted) },
	})
	s.descriptors = &descriptors{log: log, now: time.Now, bounds: bounds, open: openDescriptors, calls: s.Client.InFlight}
	status := httpapi.StatusOf(s.Engine)
	status.Uptimes = func() map[string]float64 { return httpapi.Uptimes(in.catalog.Current(), s.health) }
	status.Requests = shares.New(shares.Options{Capacity: bounds.requests, MaxWaiting: bounds.waiting, MaxWait: engine.MaxWait})
	status.Backlog = s.backlog
	s.metrics = httpapi.NewMetrics(status, thisBuild())
	s.health = newRecorder(s.Engine)
	s.prober = f.newProber(s.Engine)
	s.agent = f.newAgent(in.bots, s.Engine)
	s.votes = newVoteRelay(s)
	openAPI, err := httpapi.DescribeAPI()
	if err != nil {
		return nil, err
	}
	api := httpapi.Config{
		Aggregator: s.Aggregator, Catalog: in.catalog, Log: log, Build: thisBuild(), Status: status, Metrics: s.metrics,
		Health: s.health, Agent: s.agent, KeyLimit: s.Limiter(httpapi.WrongKeys),
		Pages: f.pages(s, openAPI), OpenAPI: openAPI, Votes: s.votes.routes(),
		TrustedProxies: f.trustedProxies, ClientIPHeader: f.clientIPHeader, BasePath: f.basePath,
		Requests: status.Requests, Memory: status.Memory,
		BadgeLimit: s.Limiter(httpapi.NewBadges), NetworkLimit: s.LocalLimiter(f.networkRate.Rate),
	}
	if err := s.open(&f, api); err != nil {
		return nil, errors.Join(err, s.closeBeside())
	}
	return s, nil
}

// open serves what has an address of its own, and listens for callers. After an error
// the caller closes what is open by then.
func (s *service) open(f *serviceFlags, api httpapi.Config) (err error) {
	switch f.metrics {
	case "", "off":
	case "main":
		api.MetricsHandler = s.metrics.Handler()
	default:
		if err := s.serveMetrics(f.metrics, s.metrics.Handler()); err != nil {
			return err
		}
	}
	if f.admin != "" {
		server, err := serveAdmin(f.admin, s.adminOf(), s.Log)
		if err != nil {
			return err
		}
		s.beside = append(s.beside, server)
	}
	s.api = httpapi.New(api)
	s.front = httpapi.NewFront(s.api, s.bounds.connections, s.descriptors.low)
	if s.keyPair, err = f.loadKeyPair(s.Log); err != nil {
		return err
	}
	s.listener, err = listenAt("listen", f.listen, listenMode)
	return err
}

// limits returns the limits that the flags set, beside those that are fixed.
func (f *serviceFlags) limits() engine.Limits {
	return engine.Limits{Count: f.countRate.Rate, Bots: f.botsRate.Rate, Badges: aggregate.BadgeRate, Votes: f.votesRate.Rate, Shards: aggregate.ShardRate, Reports: bool(f.reports)}
}

// observe tells of each call those who want to know what became of it.
func (s *service) observe(ctx context.Context, o aggregate.Outcome) {
	s.metrics.Observe(ctx, o)
	s.health.Observe(ctx, o)
	httpapi.LogCall(ctx, s.Log, o)
	if o.Fault == lists.FaultBusy {
		s.descriptors.low("there was no room, or no descriptor, for a call to " + o.List)
	}
}

// announce logs that the service is up, whatever the level, and with what.
func (s *service) announce(f *serviceFlags) {
	b := s.bounds
	announce(s.Log, "serving", slog.String("address", addressOf(s.listener)), slog.String("tls", describeTLS(s.keyPair)), slog.String("version", thisBuild().Version),
		slog.String("store", storeKind(f.store)), slog.String("limit_count", f.countRate.String()), slog.String("limit_bots", f.botsRate.String()), slog.String("limit_votes", f.votesRate.String()), slog.String("limit_network", f.networkRate.String()),
		slog.String("trusted_proxies", f.trustedProxies.String()), slog.String("catalog", s.Catalog.Current().Counts().String()), slog.String("bots", describeBots(s.bots.Current())),
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
	server := httpapi.NewHTTPServer(mux, s.Log)
	s.beside = append(s.beside, server)
	go func() { _ = server.Serve(listener) }()
	s.Log.Info("serving metrics", "metrics_address", listener.Addr().String())
	return nil
}

// closeBeside closes what is served on addresses of its own.
func (s *service) closeBeside() (err error) {
	for _, server := range s.beside {
		err = errors.Join(err, server.Close())
	}
	return err
}

// adminOf is what the operator's own programs may ask the service.
func (s *service) adminOf() httpapi.Admin {
	return httpapi.Admin{
		Backup: s.Store.Backup,
		FindList: func(id string) (string, error) {
			l, err := findList(s.Catalog.Current(), id)
			if err != nil {
				return "", err
			}
			return l.ID, nil
		},
		Circuits: func() []httpapi.Circuit { return httpapi.CircuitsOf(s.Engine) },
		Holds: func(ctx context.Context) ([]httpapi.Hold, error) {
			all, err := s.Aggregator.Holds.List(ctx)
			holds := make([]httpapi.Hold, len(all))
			for i, h := range all {
				holds[i] = httpapi.Hold(h)
			}
			return holds, err
		},
		Lift: func(ctx context.Context, id string) (httpapi.Hold, bool, error) {
			h, ok, err := s.Aggregator.Holds.Lift(ctx, id)
			return httpapi.Hold(h), ok, err
		},
	}
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
			reload(s.Log, s.Catalog, s.bots)
			if s.keyPair != nil {
				s.keyPair.Reload()
			}
		case <-stopping:
			s.Log.Info("shutting down", "drain", s.drain.String())
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
	err := s.Aggregator.Wait(ctx)
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
	s.Log.Info("stopped", "how", how, "took_ms", time.Since(start).Milliseconds())
	return err
}
