package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/httpapi"
	"aggregator/ratelimit"
	"aggregator/store"
	"aggregator/store/redis"
	"aggregator/store/sqlite"
)

// shutdownTimeout is how long posts in flight have to end: a little more than
// lists have to answer.
const shutdownTimeout = 15 * time.Second

// userAgent names this service to lists whose callers name themselves not.
const userAgent = "botlist-aggregator/1 (self-hosted; posts on behalf of its callers)"

// serviceFlags are the flags of a running service.
type serviceFlags struct {
	catalogFlags
	listen         string
	countRate      rateFlag
	botsRate       rateFlag
	store          string
	trustedProxies prefixes
	clientIPHeader string
	listKeys       string
	logLevel       slog.Level
	metrics        string
}

func (f *serviceFlags) add(fs *flag.FlagSet) {
	f.catalogFlags.add(fs)
	f.countRate.Rate = ratelimit.Rate{Limit: 1, Period: 120 * time.Second}
	f.botsRate.Rate = ratelimit.Rate{Limit: 1, Period: 30 * time.Second}
	fs.StringVar(&f.listen, "listen", ":8080", "`ADDRESS` to serve on; port 0 picks one")
	fs.Var(&f.countRate, "limit-count", "`RATE` of POST /api/count for a bot and caller, or off")
	fs.Var(&f.botsRate, "limit-bots", "`RATE` of GET /api/bots/:id for a bot and caller, or off")
	fs.StringVar(&f.store, "store", "sqlite:aggregator.db", "`STORE` of windows: sqlite:FILE, memory:, or redis://HOST for several replicas")
	fs.TextVar(&f.logLevel, "log-level", slog.LevelInfo, "least `LEVEL` that is logged: debug, info, warn or error")
	fs.StringVar(&f.metrics, "metrics", "off", "where Prometheus scrapes /metrics: off, main (the service's own address), or an `ADDRESS` of its own")
	fs.StringVar(&f.listKeys, "list-keys", "", "`FILE` of list ids and keys, for lists that are read with a key")
	fs.Var(&f.trustedProxies, "trusted-proxies", "address `RANGES` of proxies whose client address header is believed, parted by commas")
	fs.StringVar(&f.clientIPHeader, "client-ip-header", "X-Forwarded-For", "`HEADER` in which trusted proxies say the caller's address")
}

// rateFlag is a flag of a rate.
type rateFlag struct{ ratelimit.Rate }

func (f *rateFlag) Set(value string) (err error) {
	f.Rate, err = ratelimit.ParseRate(value)
	return err
}

// serve runs the service until ctx ends.
func serve(ctx context.Context, env environment, args []string) error {
	fs := newFlags("serve", env.errOut)
	var f serviceFlags
	f.add(fs)
	if err := parse(fs, args, env.getenv); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(env.errOut, &slog.HandlerOptions{Level: f.logLevel}))
	st, err := openStore(ctx, f.store, log)
	if err != nil {
		return err
	}
	s, err := startService(f, env.getenv, st, env.transport, log)
	if err != nil {
		return errors.Join(err, st.Close())
	}
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	return errors.Join(s.run(ctx, hangUp), st.Close())
}

// openStore opens the store that a flag names.
func openStore(ctx context.Context, name string, log *slog.Logger) (store.Store, error) {
	switch scheme, path, _ := strings.Cut(name, ":"); {
	case scheme == "redis", scheme == "rediss":
		return redis.Open(ctx, name, log)
	case scheme == "sqlite" && path != "":
		return sqlite.Open(path, log)
	case name == "memory:":
		log.Warn("the store is in memory: windows and pacing do not survive a restart")
		return store.NewMemory(store.MemoryOptions{}), nil
	}
	// What was given may hold a password.
	return nil, errors.New("--store must be sqlite:FILE, memory:, or a URL that begins with redis:// or rediss://")
}

// service is a running service.
type service struct {
	aggregator *aggregate.Aggregator
	catalog    *catalog.Live
	api        *httpapi.Server
	server     *http.Server
	listener   net.Listener
	metrics    *http.Server // nil: none of its own
	log        *slog.Logger
}

// startService loads the catalog and listens; run serves.
func startService(f serviceFlags, getenv func(string) string, st store.Store, transport http.RoundTripper, log *slog.Logger) (*service, error) {
	live, warnings, err := catalog.NewLive(f.read)
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
	s := &service{catalog: live, log: log}
	bounds := newBounds()
	client := fanout.New(transport, log, fanout.WithBounds(bounds.calls, bounds.callsPerList))
	status := httpapi.Status{
		Breakers:      func() []httpapi.Breaker { return openBreakers(client.Breakers()) },
		StoreHealth:   st.Health,
		CallsInFlight: client.InFlight,
	}
	metrics := httpapi.NewMetrics(status)
	hash := store.NewHasher(st.Secret())
	s.aggregator = aggregate.New(aggregate.Config{
		Catalog:    live,
		Runner:     client,
		Admit:      client.TryAdmit,
		Observe:    metrics.Observe,
		CountLimit: ratelimit.New(st, f.countRate.Rate, hash),
		BotsLimit:  ratelimit.New(st, f.botsRate.Rate, hash),
		Holds:      aggregate.NewHolds(st, hash, time.Now, log),
		Keys:       keys,
		UserAgent:  userAgent,
	})
	api := httpapi.Config{
		Aggregator: s.aggregator, Catalog: live, Log: log, Status: status, Metrics: metrics,
		TrustedProxies: f.trustedProxies, ClientIPHeader: f.clientIPHeader, MaxRequests: bounds.requests,
	}
	switch f.metrics {
	case "", "off":
	case "main":
		api.MetricsPath = metrics.Handler()
	default:
		if err := s.serveMetrics(f.metrics, metrics.Handler()); err != nil {
			return nil, err
		}
	}
	s.api = httpapi.New(api)
	s.server = newServer(s.api, log)
	if s.listener, err = net.Listen("tcp", f.listen); err != nil {
		return nil, errors.Join(fmt.Errorf("--listen: %w", err), s.closeMetrics())
	}
	s.listener = netutil.LimitListener(s.listener, bounds.connections)
	log.Info("serving", "address", s.listener.Addr().String(), "catalog", live.Current().Counts().String())
	return s, nil
}

// newServer makes a server that no slow caller can hold on to.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serveMetrics serves /metrics on an address of its own, until closeMetrics.
func (s *service) serveMetrics(address string, h http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h)
	s.metrics = newServer(mux, s.log)
	go func() { _ = s.metrics.Serve(listener) }()
	s.log.Info("serving metrics", "metrics_address", listener.Addr().String())
	return nil
}

func (s *service) closeMetrics() error {
	if s.metrics == nil {
		return nil
	}
	return s.metrics.Close()
}

// openBreakers are the breakers worth telling of.
func openBreakers(all []fanout.BreakerState) []httpapi.Breaker {
	var open []httpapi.Breaker
	for _, b := range all {
		if b.State != "closed" {
			open = append(open, httpapi.Breaker{List: b.List, Direction: b.Direction, State: b.State, NextTry: b.NextTry})
		}
	}
	return open
}

// run serves until ctx ends, reloading the catalog at each hang-up signal;
// then it lets the requests in flight be answered.
func (s *service) run(ctx context.Context, hangUp <-chan os.Signal) error {
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(s.listener) }()
	for {
		select {
		case err := <-served:
			return err
		case <-hangUp:
			s.reload()
		case <-ctx.Done():
			return s.shutdown(served)
		}
	}
}

func (s *service) reload() {
	warnings, err := s.catalog.Reload()
	if err != nil {
		s.log.Error("catalog not reloaded; the old one keeps serving", "error", err)
		return
	}
	for _, w := range warnings {
		s.log.Warn("catalog", "warning", w)
	}
	s.log.Info("catalog reloaded", "catalog", s.catalog.Current().Counts().String())
}

func (s *service) shutdown(served <-chan error) error {
	s.log.Info("shutting down")
	s.api.StopServing()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	// Until the calls under way are done, whoever comes hears a clean 503.
	err := s.aggregator.Wait(ctx)
	err = errors.Join(err, s.server.Shutdown(ctx))
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return errors.Join(err, s.closeMetrics())
}
