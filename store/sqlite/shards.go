package sqlite

import (
	"context"
	"database/sql"
	"time"

	"aggregator/store"
)

// shards is the [store.Shards] of a Store.
type shards struct{ *Store }

// Report implements [store.Shards].
func (s shards) Report(ctx context.Context, r store.ShardReport) (store.ShardSet, error) {
	s.mu.Lock()
	set, err := s.Store.shards.Report(ctx, r)
	s.unlockAndWait(ctx, err == nil && !r.DryRun)
	return set, err
}

// Settle implements [store.Shards].
func (s shards) Settle(ctx context.Context, claim store.ShardClaim, outcome store.ShardOutcome) error {
	s.mu.Lock()
	err := s.Store.shards.Settle(ctx, claim, outcome)
	s.unlockAndWait(ctx, err == nil)
	return err
}

// Silence implements [store.Shards].
func (s shards) Silence(ctx context.Context, set store.Key, rounds int, least time.Duration) (store.ShardSilence, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock() // what it finds over waits for the next change
	return s.Store.shards.Silence(ctx, set, rounds, least)
}

// shardChanges are the rows of one set that wait to be written.
type shardChanges struct {
	gone   bool               // what the file has of the set goes first
	row    *store.ShardSetRow // nil if it has not changed
	counts map[uint16]shardCount
}

// shardCount is the count of a shard, or none.
type shardCount struct {
	store.ShardRow
	cut bool
}

// shardRows note what changes. Callers hold the mutex.
func (s *Store) shardRows() store.ShardRows {
	return store.ShardRows{
		Set:   func(id store.ShardSetID, row store.ShardSetRow) { s.rows.set(id).row = &row },
		Count: func(id store.ShardSetID, c store.ShardRow) { s.rows.count(id, shardCount{ShardRow: c}, s.maxKeys) },
		Cut: func(id store.ShardSetID, shard uint16) {
			s.rows.count(id, shardCount{ShardRow: store.ShardRow{Shard: shard}, cut: true}, s.maxKeys)
		},
		Gone: func(id store.ShardSetID) {
			if old := s.rows.sets[id]; old != nil {
				*s.rows.waiting -= len(old.counts)
			}
			delete(s.rows.sets, id)
			put(s.rows.sets, id, &shardChanges{gone: true, counts: make(map[uint16]shardCount)}, s.maxKeys)
		},
	}
}

func (c changes) set(id store.ShardSetID) *shardChanges {
	set := c.sets[id]
	if set == nil {
		set = &shardChanges{counts: make(map[uint16]shardCount)}
		c.sets[id] = set
	}
	return set
}

func (c changes) count(id store.ShardSetID, count shardCount, most int) {
	set := c.set(id)
	if _, known := set.counts[count.Shard]; !known {
		if *c.waiting >= most {
			return
		}
		*c.waiting++
	}
	set.counts[count.Shard] = count
}

// keepSets is keep of sets.
func (c changes) keepSets(old map[store.ShardSetID]*shardChanges, most int) {
	for id, set := range old {
		now := c.sets[id]
		if now != nil && now.gone {
			continue
		}
		now = c.set(id)
		now.gone = set.gone
		if now.row == nil {
			now.row = set.row
		}
		for shard, count := range set.counts {
			if _, newer := now.counts[shard]; !newer {
				c.count(id, count, most)
			}
		}
	}
}

func (d *database) saveShards(sets map[store.ShardSetID]*shardChanges) error {
	for id, set := range sets {
		if set.gone {
			for _, stmt := range []*sql.Stmt{d.cutSet, d.cutCounts} {
				if _, err := stmt.Exec(id.Set[:], id.Of); err != nil {
					return err
				}
			}
		}
		if r := set.row; r != nil {
			if _, err := d.putSet.Exec(id.Set[:], id.Of, r.Network[:], r.Used, r.TTL, r.Began, r.Round, r.Complete, r.Finished,
				r.Ended, r.Took, r.Posted, r.Claim[:], r.Claimed, r.Until); err != nil {
				return err
			}
		}
		if err := d.saveCounts(id, set.counts); err != nil {
			return err
		}
	}
	return nil
}

func (d *database) saveCounts(id store.ShardSetID, counts map[uint16]shardCount) (err error) {
	for shard, c := range counts {
		if c.cut {
			_, err = d.cutCount.Exec(id.Set[:], id.Of, shard)
		} else {
			_, err = d.putCount.Exec(id.Set[:], id.Of, shard, c.Count, c.At, c.Round)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shards calls put with each set in the file that was used since its counts were
// over, the least recently used first.
func (d *database) shards(now time.Time, put func(store.ShardSetID, store.ShardSetRow, []store.ShardRow)) error {
	for _, query := range []string{
		`DELETE FROM shard_sets WHERE used_ms + ttl_ms <= ?`,
		`DELETE FROM shard_counts WHERE ? AND NOT EXISTS (SELECT 1 FROM shard_sets s WHERE s.key = shard_counts.key AND s.of = shard_counts.of)`,
	} {
		if _, err := d.db.Exec(query, now.UnixMilli()); err != nil {
			return err
		}
	}
	counts, err := d.counts()
	if err != nil {
		return err
	}
	rows, err := d.db.Query(`SELECT key, of, network, used_ms, ttl_ms, began_ms, round, complete, finished, ended_ms, took_ms, posted_ms,
		claim, claimed_ms, until_ms FROM shard_sets ORDER BY used_ms`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, network, claim sql.RawBytes
		var id store.ShardSetID
		var r store.ShardSetRow
		if err := rows.Scan(&key, &id.Of, &network, &r.Used, &r.TTL, &r.Began, &r.Round, &r.Complete, &r.Finished, &r.Ended, &r.Took, &r.Posted,
			&claim, &r.Claimed, &r.Until); err != nil {
			return err
		}
		if len(key) != len(store.Key{}) || len(network) != len(key) || len(claim) != len(key) {
			return damaged
		}
		id.Set, r.Network, r.Claim = store.Key(key), store.Key(network), store.Key(claim)
		put(id, r, counts[id])
		delete(counts, id)
	}
	return rows.Err()
}

// counts returns all counts in the file, those of a set by shard.
func (d *database) counts() (map[store.ShardSetID][]store.ShardRow, error) {
	rows, err := d.db.Query(`SELECT key, of, shard, count, at_s, round FROM shard_counts`) // in the order of its primary key
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := make(map[store.ShardSetID][]store.ShardRow)
	for rows.Next() {
		var key sql.RawBytes
		var id store.ShardSetID
		var c store.ShardRow
		if err := rows.Scan(&key, &id.Of, &c.Shard, &c.Count, &c.At, &c.Round); err != nil {
			return nil, err
		}
		if len(key) != len(store.Key{}) {
			return nil, damaged
		}
		id.Set = store.Key(key)
		counts[id] = append(counts[id], c)
	}
	return counts, rows.Err()
}
