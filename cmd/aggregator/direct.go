package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"

	"aggregator/catalog"
	"aggregator/internal/engine"
	"aggregator/lists"
)

// directFlags are the flags of commands that ask lists themselves, without a
// service: they take the way of every request, but for the service's own limits.
type directFlags struct {
	catalogFlags
	store string
}

func (f *directFlags) add(fs *flag.FlagSet) {
	f.catalogFlags.add(fs)
	f.addStore(fs)
}

func (f *directFlags) addStore(fs *flag.FlagSet) {
	secretVar(fs, &f.store, "store", "", "`STORE` of what is held back from lists: sqlite:FILE, memory: or redis://HOST:PORT (a file in your state folder if not given)")
}

// direct asks lists, under no limit but those of the lists.
type direct struct{ *engine.Engine }

// open opens the store, for lists of a catalog. Whoever opens must close.
func (f *directFlags) open(ctx context.Context, env environment, c *catalog.Catalog, keys map[string]lists.Token) (direct, error) {
	log := (&logFlags{format: formatText, level: slog.LevelWarn}).logger(env.errOut)
	st, err := openStateStore(ctx, env, f.store, log)
	if err != nil {
		return direct{}, err
	}
	return direct{engine.New(engine.Options{
		Catalog: catalog.LiveOf(c), Store: st, Transport: env.transport, Log: log, UserAgent: userAgent, Keys: keys,
	})}, nil
}

// close waits for what is under way, and closes the store.
func (d direct) close() error { return errors.Join(d.Engine.Close(), d.Store.Close()) }
