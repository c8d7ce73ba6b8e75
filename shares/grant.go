package shares

// Grant is what was acquired, until its holder releases it. It is safe for
// concurrent use. A nil Grant holds nothing, as one of a nil Semaphore does.
type Grant struct {
	lot      *lot
	released bool
}

// lot is what one or several grants hold together. Its semaphore's lock guards
// it, and their released.
type lot struct {
	semaphore *Semaphore
	account   *account
	n         int64
	holders   int
}

// Release gives back what the grant holds. Calls after the first do nothing.
func (g *Grant) Release() {
	if g == nil {
		return
	}
	l := g.lot
	l.semaphore.mu.Lock()
	defer l.semaphore.mu.Unlock()
	if g.released {
		return
	}
	g.released = true
	if l.holders--; l.holders == 0 {
		l.semaphore.giveBack(l.account, l.n)
		l.account.lots--
		l.semaphore.forget(l.account)
	}
}

// Return gives back n of what the grant holds, or all of it where that is less.
func (g *Grant) Return(n int64) {
	if g == nil {
		return
	}
	l := g.lot
	l.semaphore.mu.Lock()
	defer l.semaphore.mu.Unlock()
	if g.released {
		return
	}
	n = min(n, l.n)
	l.n -= n
	l.semaphore.giveBack(l.account, n)
}

// Grow takes n more, before all who wait, and reports whether there was so much
// within the network's share. It does not wait.
func (g *Grant) Grow(n int64) bool {
	if g == nil {
		return true
	}
	l := g.lot
	s, a := l.semaphore, l.account
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.released || s.held+n > s.Capacity || a.network.IsValid() && a.held+n > s.share() {
		return false
	}
	s.held += n
	a.held += n
	l.n += n
	s.line(a)
	return true
}

// Share returns another grant of what g holds, which is given back once all that
// share it are released. It returns nil if that has been given back already.
func (g *Grant) Share() *Grant {
	if g == nil {
		return nil
	}
	l := g.lot
	l.semaphore.mu.Lock()
	defer l.semaphore.mu.Unlock()
	if l.holders == 0 {
		return nil
	}
	l.holders++
	return &Grant{lot: l}
}
