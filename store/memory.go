package store

import (
	"crypto/rand"
	"slices"
	"time"
)

// DefaultMaxKeys is how many windows are kept at once, unless told.
const DefaultMaxKeys = 1_000_000

// MemoryOptions are the options of a Memory; the zero value is ready to use.
type MemoryOptions struct {
	MaxKeys int              // windows open at once; DefaultMaxKeys when 0
	Now     func() time.Time // the clock; time.Now when nil
}

// Memory is a Store that forgets everything when the process ends.
type Memory struct {
	windows *MemoryWindows
	secret  []byte
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory(opts MemoryOptions) *Memory {
	return &Memory{windows: NewMemoryWindows(opts), secret: NewSecret()}
}

// NewSecret returns the 32 random bytes of a new store.
func NewSecret() []byte {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return secret
}

// Windows implements [Store].
func (m *Memory) Windows() Windows { return m.windows }

// Health implements [Store]. It is always nil.
func (m *Memory) Health() error { return nil }

// Secret implements [Store].
func (m *Memory) Secret() []byte { return slices.Clone(m.secret) }

// Close implements [Store].
func (m *Memory) Close() error {
	m.windows.Close()
	return nil
}
