//go:build unix

package main

import (
	"io/fs"
	"os"
	"os/signal"
	"syscall"
)

// descriptorLimit returns how many descriptors the process may have open.
func descriptorLimit() int {
	limit := syscall.Rlimit{Cur: usualDescriptors}
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) // without an answer the usual limit stands
	return int(min(uint64(limit.Cur), maxDescriptors))
}

// notifyHangUp returns a channel of hang-up signals, after which files are read
// anew. Callers call stop when they no longer heed them.
func notifyHangUp() (hangUps <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// restrict sets who may connect to the socket at path.
func restrict(path string, mode fs.FileMode) error { return os.Chmod(path, mode) }
