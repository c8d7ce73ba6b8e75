package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"strings"
	"time"

	"aggregator/internal/engine"
	"aggregator/ratelimit"
	"aggregator/store"
	"aggregator/store/redis"
	"aggregator/store/sqlite"
)

// serviceFlags are the flags of a running service.
type serviceFlags struct {
	catalogFlags
	logFlags
	botsFlags
	probeFlags
	listen         string
	countRate      rateFlag
	botsRate       rateFlag
	votesRate      rateFlag
	networkRate    rateFlag
	reports        onOff
	memory         byteSize
	store          string
	trustedProxies prefixes
	clientIPHeader string
	listKeys       string
	metrics        string
	drain          time.Duration
	shardTTL       ttlFlag
	admin          string
	tlsCert        string
	tlsKey         string
	pagesFlags

	now func() time.Time // the clock of pacing and of the agent; nil is the wall clock
}

func (f *serviceFlags) add(fs *flag.FlagSet) {
	f.catalogFlags.add(fs)
	f.logFlags.add(fs)
	f.botsFlags.add(fs)
	f.probeFlags.add(fs)
	f.pagesFlags.add(fs)
	f.addListen(fs)
	f.countRate.Rate, f.botsRate.Rate, f.votesRate.Rate, f.networkRate.Rate = countRate, botsRate, votesRate, networkRate
	f.memory, f.shardTTL, f.reports = defaultMemory, defaultShardTTL, true
	fs.Var(&f.countRate, "limit-count", "`RATE` at which one caller may post for one bot, such as 1/120s, or off")
	fs.Var(&f.botsRate, "limit-bots", "`RATE` at which one caller may read one bot, such as 1/30s, or off")
	fs.Var(&f.votesRate, "limit-votes", "`RATE` at which one caller may ask lists whether one user has voted for one bot, such as 1/5s, or off")
	fs.Var(&f.reports, "limit-reports", "`SWITCH` of the rates at which one caller may send reports (commands, heartbeats, errors and the like) for one bot: on, or off")
	fs.Var(&f.networkRate, "limit-network", "`RATE` at which one network (an IPv4 address, an IPv6 /64) may post and read at all, such as 600/60s, or off")
	fs.Var(&f.shardTTL, "shard-ttl", "`TIME` for which the count of a shard is kept that says nothing more, 5m to 168h")
	fs.Var(&f.memory, "memory", "`SIZE` of memory that requests and answers may take, such as 192MiB")
	secretVar(fs, &f.store, "store", defaultStore, storeUsage)
	fs.StringVar(&f.metrics, "metrics", "off", "where /metrics is served to Prometheus: off, main (beside the API), or an `ADDRESS` of its own")
	secretPathVar(fs, &f.listKeys, "list-keys", "`FILE` of list ids and your keys for them, for lists that must be read with a key")
	fs.DurationVar(&f.drain, "drain", 0, "`TIME` after SIGTERM in which health says 503 and all else goes on, such as 5s, so that balancers look elsewhere first")
	fs.StringVar(&f.admin, "admin", "", "`ADDRESS` for backup and holds: unix:PATH, which only your user can open, or 127.0.0.1:PORT; none if not given")
	secretPathVar(fs, &f.tlsCert, "tls-cert", "`FILE` of the certificate to serve TLS with (PEM, those that vouch for it after it); it is read again at SIGHUP, and within a minute of a change")
	secretPathVar(fs, &f.tlsKey, "tls-key", "`FILE` of the certificate's key (PEM)")
	fs.Var(&f.trustedProxies, "trusted-proxies", "address `RANGES` of your proxies, comma-separated; what others say of the caller's address is not believed")
	fs.StringVar(&f.clientIPHeader, "client-ip-header", "X-Forwarded-For", "`HEADER` in which trusted proxies send the caller's address")
}

// defaultListen is the default of --listen.
const defaultListen = ":8080"

func (f *serviceFlags) addListen(fs *flag.FlagSet) {
	fs.StringVar(&f.listen, "listen", defaultListen, "`ADDRESS` to serve on: HOST:PORT, port 0 picks one, or unix:PATH for a socket that your user and group can open")
}

// The flag --store.
const (
	defaultStore = "sqlite:aggregator.db"
	memoryStore  = "memory:"
	storeUsage   = "`STORE` of what must survive a restart: sqlite:FILE, memory:, or redis://HOST:PORT for several replicas"
)

// The default rates.
var (
	countRate = ratelimit.Rate{Limit: 1, Period: 120 * time.Second}
	botsRate  = ratelimit.Rate{Limit: 1, Period: 30 * time.Second}
	votesRate = ratelimit.Rate{Limit: 1, Period: 5 * time.Second}

	networkRate = ratelimit.Rate{Limit: 600, Period: 60 * time.Second}
)

// rateFlag is a flag of a rate.
type rateFlag struct{ ratelimit.Rate }

func (f *rateFlag) Set(value string) (err error) {
	f.Rate, err = ratelimit.ParseRate(value)
	return err
}

// How long the counts of shards are kept.
const (
	defaultShardTTL ttlFlag = ttlFlag(engine.DefaultShardTTL)
	minShardTTL             = 5 * time.Minute
	maxShardTTL             = 168 * time.Hour
)

// ttlFlag is a flag of how long the counts of shards are kept.
type ttlFlag time.Duration

func (f *ttlFlag) String() string { return time.Duration(*f).String() }

// Set implements flag.Value.
func (f *ttlFlag) Set(value string) error {
	ttl, err := time.ParseDuration(value)
	if err != nil || ttl < minShardTTL || ttl > maxShardTTL {
		return errors.New("want a time from 5m to 168h")
	}
	*f = ttlFlag(ttl)
	return nil
}

// serve runs the service until ctx ends.
func serve(fs *flag.FlagSet) action {
	var f serviceFlags
	f.add(fs)
	return func(ctx context.Context, env environment, _ []string) error { return f.serve(ctx, env) }
}

func (f *serviceFlags) serve(ctx context.Context, env environment) error {
	if err := f.pagesFlags.check(); err != nil {
		return err
	}
	if err := f.probeFlags.check(); err != nil {
		return err
	}
	if err := f.checkAddresses(); err != nil {
		return err
	}
	if env.tune != nil {
		env.tune(f.memory, env.getenv)
	}
	if err := f.botsFlags.check(); err != nil {
		return err
	}
	log := f.logger(env.errOut)
	in, err := f.load(env.getenv, log) // before there is a file of the store
	if err != nil {
		return err
	}
	st, err := openStore(ctx, f.store, log)
	if err != nil {
		return err
	}
	s, err := newService(*f, in, st, env.transport, log)
	if err != nil {
		return errors.Join(err, st.Close())
	}
	for _, w := range unknownVariables(env.environ, keyVariables(s.Catalog.Current())) {
		log.Warn("unknown environment variable", "warning", w)
	}
	hangUps, stop := notifyHangUp()
	defer stop()
	s.announce(f) // whoever reads it may send signals
	return errors.Join(s.run(ctx, hangUps), st.Close())
}

// checkAddresses returns a usageError for flags of where the service is reached
// that say what they must not.
func (f *serviceFlags) checkAddresses() error {
	if (f.tlsCert == "") != (f.tlsKey == "") {
		return usagef("--tls-cert and --tls-key go together: one of them is missing")
	}
	if _, _, err := splitAddress("listen", f.listen); err != nil || f.admin == "" {
		return err
	}
	_, _, err := adminNetwork(f.admin)
	return err
}

// storeKind returns what of a store's name may be logged: a Redis URL may hold a
// password.
func storeKind(name string) string {
	if scheme, _, _ := strings.Cut(name, ":"); scheme == "redis" || scheme == "rediss" {
		return scheme
	}
	return name
}

// openStore opens the store that a flag names.
func openStore(ctx context.Context, name string, log *slog.Logger) (store.Store, error) {
	switch scheme, path, _ := strings.Cut(name, ":"); {
	case scheme == "redis", scheme == "rediss":
		return redis.Open(ctx, name, log)
	case scheme == "sqlite" && path != "":
		return sqlite.Open(path, log)
	case name == memoryStore:
		log.Warn("the store is in memory: windows and pacing do not survive a restart")
		return store.NewMemory(store.MemoryOptions{Log: log}), nil
	}
	// What was given may hold a password.
	return nil, usagef("--store must be sqlite:FILE, memory:, or a URL that begins with redis:// or rediss://")
}
