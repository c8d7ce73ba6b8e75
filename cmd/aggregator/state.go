package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"aggregator/store"
	"aggregator/store/sqlite"
)

// stateStore returns the --store of commands that run now and then: a file in
// the user's state folder, which is made where it is missing.
func stateStore(env environment) (string, error) {
	folder, err := stateFolder(env.getenv, runtime.GOOS)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	return "sqlite:" + filepath.Join(folder, "state.db"), nil
}

// stateFolder returns the program's own folder in that in which a system keeps what
// programs note for a user.
func stateFolder(getenv func(string) string, system string) (string, error) {
	folder, home := getenv("XDG_STATE_HOME"), getenv("HOME")
	switch {
	case filepath.IsAbs(folder): // one that is not counts as not given, says its standard
	case system == "windows":
		folder = getenv("LOCALAPPDATA")
	case home == "":
		folder = ""
	case system == "darwin":
		folder = filepath.Join(home, "Library", "Application Support")
	default:
		folder = filepath.Join(home, ".local", "state")
	}
	if folder == "" {
		return "", usagef("--store is missing, and there is no HOME to keep a file in")
	}
	return filepath.Join(folder, "aggregator"), nil
}

const (
	// storePatience is how long a command waits for a store that another process has
	// open. That process is most likely the same command, of a cron job that came
	// just before: it ends when the lists have answered, within that time.
	storePatience = 25 * time.Second
	// storeRetry is how often it looks.
	storeRetry = 100 * time.Millisecond
)

// openStateStore opens the store of a command that runs now and then, "" for the one
// of stateStore. A file has one owner at a time: it waits until that has ended.
func openStateStore(ctx context.Context, env environment, name string, log *slog.Logger) (store.Store, error) {
	if name == "" {
		var err error
		if name, err = stateStore(env); err != nil {
			return nil, err
		}
	}
	patience := cmp.Or(env.patience, storePatience)
	for end := time.Now().Add(patience); ; {
		st, err := openStore(ctx, name, log)
		switch {
		case !errors.Is(err, sqlite.ErrInUse):
			return st, err
		case !time.Now().Before(end):
			return nil, fmt.Errorf("%w, and was for %s: end that one, or give each a --store of its own", err, patience)
		}
		select {
		case <-time.After(storeRetry):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
