package store

import (
	"container/list"
	"context"
	"slices"
	"time"
)

// MemoryShards is Shards in memory. Stores that keep counts elsewhere too decide
// on one of these.
type MemoryShards struct {
	clock  *Clock
	bounds ShardBounds
	rows   ShardRows

	guard
	sets     map[ShardSetID]*shardSet
	byKey    map[Key][]*shardSet
	networks map[Key]*shardShare
	all      shardShare // of bots without a key
	keyed    list.List  // of bots with a key, the least recently used first
}

var _ Shards = (*MemoryShards)(nil)

// ShardRows hears, under the lock, of each row that changes. A nil function is
// for nobody.
type ShardRows struct {
	Set   func(ShardSetID, ShardSetRow)
	Count func(ShardSetID, ShardRow)
	Gone  func(ShardSetID)         // a set, with all its counts
	Cut   func(ShardSetID, uint16) // one count
}

// shardShare is what is used of a bound: sets, the least recently used first,
// and their counts.
type shardShare struct {
	sets   list.List
	counts int
}

// NewMemoryShards returns MemoryShards without a set, on a clock.
func NewMemoryShards(clock *Clock, bounds ShardBounds, rows ShardRows) *MemoryShards {
	if rows.Set == nil {
		rows = ShardRows{func(ShardSetID, ShardSetRow) {}, func(ShardSetID, ShardRow) {}, func(ShardSetID) {}, func(ShardSetID, uint16) {}}
	}
	return &MemoryShards{
		clock: clock, bounds: bounds, rows: rows,
		sets: make(map[ShardSetID]*shardSet), byKey: make(map[Key][]*shardSet), networks: make(map[Key]*shardShare),
	}
}

// Report implements [Shards].
func (m *MemoryShards) Report(ctx context.Context, r ShardReport) (ShardSet, error) {
	if err := r.Check(); err != nil {
		return ShardSet{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return ShardSet{}, err
	}
	now := m.clock.Now().UnixMilli()
	m.expireSets(now)
	id := ShardSetID{r.Set, r.Of}
	s := m.sets[id]
	if s == nil {
		s = &shardSet{ShardSetID: id, ShardSetRow: ShardSetRow{Network: r.Network, Began: now}}
	}
	m.expireCounts(s, now, r.TTL.Milliseconds())
	if s.totalWith(r.Counts) > MaxCount {
		return ShardSet{}, ErrTotal
	}
	if r.DryRun {
		return s.with(r.Counts).show(true), nil
	}
	m.use(s, now, r.TTL.Milliseconds())
	for _, c := range r.Counts {
		m.count(s, ShardRow{Count: c.Count, At: ceilSeconds(now), Shard: uint16(c.Shard), Round: s.Round})
	}
	m.makeRoom(s)
	set := s.show(r.Whole)
	if set.Complete() {
		m.completed(s, &set, r, now)
	}
	m.rows.Set(id, s.ShardSetRow)
	return set, nil
}

// completed forgets other sets of the key when this one is complete for the
// first time, and claims the round if that is finished.
func (m *MemoryShards) completed(s *shardSet, set *ShardSet, r ShardReport, now int64) {
	if !s.Complete {
		s.Complete = true
		for _, other := range slices.Clone(m.byKey[s.Set]) {
			if other != s {
				m.forget(other)
			}
		}
	}
	next := max(now, s.Until)
	if s.Posted != 0 {
		next = max(next, s.Posted+r.Pace.Milliseconds())
	}
	finished := s.Finished || s.fresh == s.Of || now-s.Ended >= r.Round.Milliseconds()
	if next > now || !finished || r.NoClaim {
		set.NextPost = m.clock.ToWall(time.UnixMilli(next))
		return
	}
	s.Claim, s.Claimed, s.Until = NewHolder(), now, now+max(r.Pace, ClaimTTL).Milliseconds()
	s.Finished, s.fresh = true, 0
	s.Round++
	set.Claim = ShardClaim{s.Set, s.Of, s.Claim}
	set.Counts = s.all()
}

// Settle implements [Shards].
func (m *MemoryShards) Settle(ctx context.Context, claim ShardClaim, outcome ShardOutcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	s := m.sets[ShardSetID{claim.Set, claim.Of}]
	if s == nil || claim.ID == (Key{}) || s.Claim != claim.ID {
		return nil
	}
	s.Claim, s.Until = Key{}, 0
	if outcome != ShardsReleased {
		begin := s.Ended
		if begin == 0 {
			begin = s.Began
		}
		s.Finished, s.Took, s.Ended = false, s.Claimed-begin, s.Claimed
	}
	if outcome == ShardsPosted {
		s.Posted = s.Claimed
	}
	m.rows.Set(s.ShardSetID, s.ShardSetRow)
	return nil
}

// Silence implements [Shards].
func (m *MemoryShards) Silence(ctx context.Context, set Key, rounds int, least time.Duration) (ShardSilence, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return ShardSilence{}, false, err
	}
	now := m.clock.Now().UnixMilli()
	for _, s := range m.byKey[set] {
		if !s.Complete {
			continue
		}
		m.expireCounts(s, now, s.TTL)
		quiet := max(int64(rounds)*s.Took, least.Milliseconds())
		return ShardSilence{
			Of: s.Of, Known: len(s.counts), Round: time.Duration(s.Took) * time.Millisecond,
			Silent: s.without(func(c ShardRow) bool { return int64(c.At)*1000+quiet > now }),
		}, true, nil
	}
	return ShardSilence{}, false, nil
}

// Put puts a set back as it was kept, with its counts in the order of their
// shards.
func (m *MemoryShards) Put(id ShardSetID, row ShardSetRow, counts []ShardRow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &shardSet{ShardSetID: id, ShardSetRow: row}
	m.use(s, row.Used, row.TTL)
	for _, c := range counts {
		m.count(s, c)
	}
}

// Each calls f with every set and its counts, under the lock.
func (m *MemoryShards) Each(f func(ShardSetID, ShardSetRow, []ShardRow)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.sets {
		f(id, s.ShardSetRow, s.counts)
	}
}

// use notes that a set, which may be new, is used.
func (m *MemoryShards) use(s *shardSet, now, ttl int64) {
	s.Used, s.TTL = now, ttl
	if s.inAll == nil {
		m.sets[s.ShardSetID] = s
		m.byKey[s.Set] = append(m.byKey[s.Set], s)
	}
	if s.Network == (Key{}) {
		s.inAll = touch(&m.keyed, s.inAll, s)
		return
	}
	s.inAll = touch(&m.all.sets, s.inAll, s)
	s.inNet = touch(&m.network(s).sets, s.inNet, s)
}

// touch puts a set at the end of a list.
func touch(l *list.List, e *list.Element, s *shardSet) *list.Element {
	if e == nil {
		return l.PushBack(s)
	}
	l.MoveToBack(e)
	return e
}

func (m *MemoryShards) network(s *shardSet) *shardShare {
	share := m.networks[s.Network]
	if share == nil {
		share = new(shardShare)
		m.networks[s.Network] = share
	}
	return share
}

// count keeps the count of a shard.
func (m *MemoryShards) count(s *shardSet, c ShardRow) {
	i, known := s.find(c.Shard)
	if known {
		s.total -= s.counts[i].Count
		if s.counts[i].Round == s.Round {
			s.fresh--
		}
		s.counts[i] = c
	} else {
		s.counts = slices.Insert(s.counts, i, c)
		m.counted(s, 1)
	}
	s.total += c.Count
	if c.Round == s.Round {
		s.fresh++
	}
	if len(s.counts) == 1 || c.At < s.oldest {
		s.oldest = c.At
	}
	m.rows.Count(s.ShardSetID, c)
}

// counted notes that a set has n more counts.
func (m *MemoryShards) counted(s *shardSet, n int) {
	if s.Network != (Key{}) && s.inAll != nil {
		m.all.counts += n
		m.network(s).counts += n
	}
}

// makeRoom forgets sets, but for this one, until all bounds hold.
func (m *MemoryShards) makeRoom(s *shardSet) {
	if s.Network == (Key{}) {
		return
	}
	share := m.network(s)
	m.shrink(share, m.bounds.NetworkSets, m.bounds.NetworkCounts, s)
	m.shrink(&m.all, m.bounds.Sets, m.bounds.Counts, s)
}

func (m *MemoryShards) shrink(share *shardShare, sets, counts int, but *shardSet) {
	for share.sets.Len() > sets || share.counts > counts {
		e := share.sets.Front()
		if e.Value == but {
			if e = e.Next(); e == nil {
				return
			}
		}
		m.forget(e.Value.(*shardSet))
	}
}

// forget removes a set.
func (m *MemoryShards) forget(s *shardSet) {
	m.counted(s, -len(s.counts))
	if s.Network == (Key{}) {
		m.keyed.Remove(s.inAll)
	} else {
		m.all.sets.Remove(s.inAll)
		share := m.network(s)
		if share.sets.Remove(s.inNet); share.sets.Len() == 0 {
			delete(m.networks, s.Network)
		}
	}
	delete(m.sets, s.ShardSetID)
	others := slices.DeleteFunc(m.byKey[s.Set], func(o *shardSet) bool { return o == s })
	if m.byKey[s.Set] = others; len(others) == 0 {
		delete(m.byKey, s.Set)
	}
	m.rows.Gone(s.ShardSetID)
}

// expireSets forgets a few sets that nobody has used for so long that all their
// counts are over.
func (m *MemoryShards) expireSets(now int64) {
	for _, l := range []*list.List{&m.all.sets, &m.keyed} {
		for range 2 { // more than are added
			e := l.Front()
			if e == nil || e.Value.(*shardSet).Used+e.Value.(*shardSet).TTL > now {
				break
			}
			m.forget(e.Value.(*shardSet))
		}
	}
}

// expireCounts removes the counts of a set that are over.
func (m *MemoryShards) expireCounts(s *shardSet, now, ttl int64) {
	over := func(at uint32) bool { return int64(at)*1000+ttl <= now }
	if len(s.counts) == 0 || !over(s.oldest) {
		return
	}
	before := len(s.counts)
	s.total, s.fresh, s.oldest = 0, 0, ceilSeconds(now)
	s.counts = slices.DeleteFunc(s.counts, func(c ShardRow) bool {
		if over(c.At) {
			m.rows.Cut(s.ShardSetID, c.Shard)
			return true
		}
		s.total += c.Count
		if c.Round == s.Round {
			s.fresh++
		}
		s.oldest = min(s.oldest, c.At)
		return false
	})
	m.counted(s, len(s.counts)-before)
}
