package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

const (
	// lookEvery is how often descriptors are counted.
	lookEvery = 5 * time.Second
	// warnEvery is how often an operator is told that they are running low.
	warnEvery = time.Minute
)

// descriptors tells the operator when descriptors, or what is bounded for their
// sake, are running low.
type descriptors struct {
	log    *slog.Logger
	now    func() time.Time
	bounds bounds
	open   func() (n int, ok bool) // by the process
	calls  func() int              // under way
	warned atomic.Int64            // when, in ns; 0: never
}

// low logs that something is running low, once in a while.
func (d *descriptors) low(reason string) {
	now, last := d.now().UnixNano(), d.warned.Load()
	if (last == 0 || now-last >= int64(warnEvery)) && d.warned.CompareAndSwap(last, now) {
		d.log.Warn("descriptors are running low", "reason", reason, "limit", d.bounds.descriptors)
	}
}

// look finds what is nine tenths used up.
func (d *descriptors) look() {
	if n, ok := d.open(); ok && n >= d.bounds.descriptors*9/10 {
		d.low(fmt.Sprintf("%d of %d descriptors are open", n, d.bounds.descriptors))
	}
	if n := d.calls(); n >= d.bounds.calls*9/10 {
		d.low(fmt.Sprintf("%d of %d calls to lists are under way", n, d.bounds.calls))
	}
}

// watch looks until ctx ends.
func (d *descriptors) watch(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			d.look()
		}
	}
}

// openDescriptors returns how many descriptors the process has open. ok is
// false where the system does not tell.
func openDescriptors() (n int, ok bool) {
	for _, name := range []string{"/proc/self/fd", "/dev/fd"} {
		dir, err := os.Open(name)
		if err != nil {
			continue
		}
		names, err := dir.Readdirnames(-1)
		_ = dir.Close()
		if err == nil {
			return len(names) - 1, true // without dir's own
		}
	}
	return 0, false
}
