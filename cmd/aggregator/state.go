package main

import (
	"os"
	"path/filepath"
	"runtime"
)

// stateStore returns the --store of commands that run now and then: a file in
// the user's state folder, which is made where it is missing.
func stateStore(env environment) (string, error) {
	folder := env.getenv("XDG_STATE_HOME")
	home := env.getenv("HOME")
	switch {
	case filepath.IsAbs(folder):
	case runtime.GOOS == "windows" && env.getenv("LocalAppData") != "":
		folder = env.getenv("LocalAppData")
	case home != "":
		folder = filepath.Join(home, ".local", "state")
	default:
		return "", usagef("--store is missing, and there is no HOME to keep a file in")
	}
	folder = filepath.Join(folder, "aggregator")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	return "sqlite:" + filepath.Join(folder, "state.db"), nil
}
