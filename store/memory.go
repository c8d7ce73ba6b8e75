package store

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// DefaultMaxKeys is how many windows are kept at once, unless told.
const DefaultMaxKeys = 1_000_000

// MemoryOptions are the options of a Memory; the zero value is ready to use.
type MemoryOptions struct {
	MaxKeys int           // windows open at once; DefaultMaxKeys when 0
	Shards  ShardBounds   // DefaultShardBounds when zero
	Outbox  OutboxBounds  // DefaultOutboxBounds when zero
	History HistoryBounds // DefaultHistoryBounds when zero
	Log     *slog.Logger  // nil is silent

	Now     func() time.Time     // the wall clock; time.Now when nil
	Elapsed func() time.Duration // as for [NewClock]
}

// Memory is a Store that forgets everything when the process ends.
type Memory struct {
	windows  *MemoryWindows
	state    *MemoryState
	shards   *MemoryShards
	outcomes *MemoryOutcomes
	history  *memoryHistory
	outbox   *memoryOutbox
	clock    *Clock
	monitor  *Monitor
	secret   []byte
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory(opts MemoryOptions) *Memory {
	if opts.MaxKeys <= 0 {
		opts.MaxKeys = DefaultMaxKeys
	}
	if opts.Shards == (ShardBounds{}) {
		opts.Shards = DefaultShardBounds
	}
	if opts.Outbox == (OutboxBounds{}) {
		opts.Outbox = DefaultOutboxBounds
	}
	if opts.History == (HistoryBounds{}) {
		opts.History = DefaultHistoryBounds
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	m := &Memory{
		clock:   NewClock(opts.Now, opts.Elapsed, Reading{}),
		monitor: NewMonitor(opts.Log, opts.Now),
		secret:  NewSecret(),
	}
	m.windows = NewMemoryWindows(opts.MaxKeys, m.clock.Now, func(Key, Window) { m.monitor.BeginFull(opts.MaxKeys) })
	m.state = NewMemoryState(m.clock, nil)
	m.shards = NewMemoryShards(m.clock, opts.Shards, ShardRows{})
	m.outcomes = NewMemoryOutcomes(OutcomeRows{})
	m.history = newMemoryHistory(opts.History)
	m.outbox = newMemoryOutbox(m.clock, opts.Outbox)
	return m
}

// guard is the lock of what is kept in memory, and notes when that is closed.
type guard struct {
	mu     sync.Mutex
	closed bool
}

// Close closes it: each call from now on returns ErrClosed.
func (g *guard) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// usable returns ErrClosed once it is closed, and else the error of ctx. Callers
// hold the lock.
func (g *guard) usable(ctx context.Context) error {
	if g.closed {
		return ErrClosed
	}
	return ctx.Err()
}

// NewSecret returns the 32 random bytes of a new store.
func NewSecret() []byte {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return secret
}

// Windows implements [Store].
func (m *Memory) Windows() Windows { return m.clock.OnWall(m.windows) }

// State implements [Store].
func (m *Memory) State() State { return m.state }

// Shards implements [Store].
func (m *Memory) Shards() Shards { return m.shards }

// History implements [Store].
func (m *Memory) History() History { return m.history }

// Outcomes implements [Store].
func (m *Memory) Outcomes() Outcomes { return m.outcomes }

// Outbox implements [Store].
func (m *Memory) Outbox() Outbox { return m.outbox }

// Health implements [Store].
func (m *Memory) Health() Health {
	if !m.windows.Full() {
		m.monitor.EndFull()
	}
	return m.monitor.Health()
}

// Backup implements [Store].
func (m *Memory) Backup(context.Context, io.Writer) error {
	return errors.New("the store is in memory: there is nothing to restore it from")
}

// Secret implements [Store].
func (m *Memory) Secret() []byte { return slices.Clone(m.secret) }

// Close implements [Store].
func (m *Memory) Close() error {
	m.windows.Close()
	m.state.Close()
	m.shards.Close()
	m.outcomes.Close()
	m.history.Close()
	m.outbox.Close()
	return nil
}
