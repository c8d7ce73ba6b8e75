package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"aggregator/ratelimit"
	"aggregator/store"
	"aggregator/store/redis"
	"aggregator/store/sqlite"
)

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
	f.addListen(fs)
	f.countRate.Rate, f.botsRate.Rate = countRate, botsRate
	fs.Var(&f.countRate, "limit-count", "`RATE` of POST /api/count for a bot and caller, or off")
	fs.Var(&f.botsRate, "limit-bots", "`RATE` of GET /api/bots/:id for a bot and caller, or off")
	fs.StringVar(&f.store, "store", "sqlite:aggregator.db", "`STORE` of windows: sqlite:FILE, memory:, or redis://HOST for several replicas")
	fs.TextVar(&f.logLevel, "log-level", slog.LevelInfo, "least `LEVEL` that is logged: debug, info, warn or error")
	fs.StringVar(&f.metrics, "metrics", "off", "where Prometheus scrapes /metrics: off, main (the service's own address), or an `ADDRESS` of its own")
	fs.StringVar(&f.listKeys, "list-keys", "", "`FILE` of list ids and keys, for lists that are read with a key")
	fs.Var(&f.trustedProxies, "trusted-proxies", "address `RANGES` of proxies whose client address header is believed, comma-separated")
	fs.StringVar(&f.clientIPHeader, "client-ip-header", "X-Forwarded-For", "`HEADER` in which trusted proxies say the caller's address")
}

func (f *serviceFlags) addListen(fs *flag.FlagSet) {
	fs.StringVar(&f.listen, "listen", ":8080", "`ADDRESS` to serve on; port 0 picks one")
}

// The contract's rates.
var (
	countRate = ratelimit.Rate{Limit: 1, Period: 120 * time.Second}
	botsRate  = ratelimit.Rate{Limit: 1, Period: 30 * time.Second}
)

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
	s, err := newService(f, env.getenv, st, env.transport, log)
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
