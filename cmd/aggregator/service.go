package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/httpapi"
	"aggregator/ratelimit"
	"aggregator/store"
)

// shutdownTimeout is how long posts in flight have to end: a little more than
// lists have to answer.
const shutdownTimeout = 15 * time.Second

// userAgent is sent to lists on behalf of callers that send no User-Agent.
const userAgent = "botlist-aggregator/1 (self-hosted; posts on behalf of its callers)"

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

// newService loads the catalog and listens; run serves.
func newService(f serviceFlags, getenv func(string) string, st store.Store, transport http.RoundTripper, log *slog.Logger) (*service, error) {
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
		StoreHealth:   func() httpapi.StoreHealth { return storeHealth(st) },
		CallsInFlight: client.InFlight,
	}
	metrics := httpapi.NewMetrics(status)
	hash := store.NewHasher(st.Secret())
	s.aggregator = aggregate.New(aggregate.Config{
		Catalog:    live,
		Runner:     client,
		Admit:      client.TryAdmit,
		Observe:    metrics.Observe,
		CountLimit: ratelimit.New(st.Windows(), f.countRate.Rate, hash),
		BotsLimit:  ratelimit.New(st.Windows(), f.botsRate.Rate, hash),
		Holds:      aggregate.NewHolds(st.Windows(), hash, time.Now, log),
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
		api.MetricsHandler = metrics.Handler()
	default:
		if err := s.serveMetrics(f.metrics, metrics.Handler()); err != nil {
			return nil, err
		}
	}
	s.api = httpapi.New(api)
	s.server = httpapi.NewHTTPServer(s.api, log)
	if s.listener, err = net.Listen("tcp", f.listen); err != nil {
		return nil, errors.Join(fmt.Errorf("--listen: %w", err), s.closeMetrics())
	}
	s.listener = httpapi.LimitConnections(s.server, s.listener, bounds.connections)
	log.Info("serving", "address", s.listener.Addr().String(), "catalog", live.Current().Counts().String())
	return s, nil
}

// serveMetrics serves /metrics on an address of its own, until closeMetrics.
func (s *service) serveMetrics(address string, h http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h)
	s.metrics = httpapi.NewHTTPServer(mux, s.log)
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

// storeHealth is how the store is, as shown to operators.
func storeHealth(st store.Store) httpapi.StoreHealth {
	h := st.Health()
	return httpapi.StoreHealth{OK: h.OK(), State: string(h.State), Since: h.Since.UTC(), Trouble: h.Text}
}

// openBreakers are the breakers worth telling of.
func openBreakers(all []fanout.BreakerState) []httpapi.Breaker {
	var open []httpapi.Breaker
	for _, b := range all {
		if b.State != "closed" {
			open = append(open, httpapi.Breaker{List: b.List, Direction: b.Op.Name, State: b.State, NextTry: b.NextTry})
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
	if s.server.Shutdown(ctx) != nil { // callers that neither send nor read on
		err = errors.Join(err, s.server.Close())
	}
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return errors.Join(err, s.closeMetrics())
}
