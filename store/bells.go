package store

import "sync"

// Bells wake those who wait for something to come for a bot. The zero value is
// ready to use. It is safe for concurrent use.
type Bells struct {
	mu     sync.Mutex
	waited map[string]chan struct{} // by bot
	closed bool
}

// Changed returns a channel that is closed when the bell of a bot rings next, or
// when the bells are closed.
func (b *Bells) Changed(bot string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.waited[bot]
	if c == nil {
		c = make(chan struct{})
		if b.closed {
			close(c)
			return c
		}
		if b.waited == nil {
			b.waited = make(map[string]chan struct{})
		}
		b.waited[bot] = c
	}
	return c
}

// Ring wakes those who wait for something to come for a bot.
func (b *Bells) Ring(bot string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.waited[bot]; c != nil {
		close(c)
		delete(b.waited, bot)
	}
}

// RingAll wakes all who wait.
func (b *Bells) RingAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.waited {
		close(c)
	}
	clear(b.waited)
}

// Close wakes all who wait, and leaves nobody waiting from now on.
func (b *Bells) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.RingAll()
}
