package redis

import (
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"

	"aggregator/store"
)

const (
	// atOnce is how many items go over in one script.
	atOnce = 200
	// maxMirrored bounds the bytes of the items that a replica remembers for a
	// Redis that loses its data.
	maxMirrored = 32 << 20
)

// state is the [store.State] of a Store. An item is a hash: its version, when it
// is due in Unix milliseconds, what it holds, who has it claimed and until when.
type state struct {
	*link

	// Under the mutex of the link.
	known map[store.Key]store.Item // as last seen
	bytes int                      // of known
	owed  []store.Key              // of known, which Redis has to be told
}

func newState(l *link) *state {
	s := &state{link: l, known: make(map[store.Key]store.Item)}
	l.carries = append(l.carries, s.carryOver)
	return s
}

// learn remembers how items are, and forgets those that are not there.
func (s *state) learn(items ...store.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, item := range items {
		old, known := s.known[item.Key]
		switch {
		case known && old.Version > item.Version && item.Version != 0: // it was overtaken
			continue
		case known:
			s.bytes -= size(old)
			delete(s.known, item.Key)
		}
		if item.Version != 0 && s.bytes+size(item) <= maxMirrored {
			s.known[item.Key] = item
			s.bytes += size(item)
		}
	}
}

// size returns about how many bytes it takes to remember an item.
func size(item store.Item) int { return 200 + len(item.Data) }

// carryOver tells a Redis that has forgotten all what items there were, and
// reports whether nothing is left. Of two versions the later wins.
func (s *state) carryOver(ctx context.Context, forgotten bool) (all bool, err error) {
	if forgotten {
		s.owed = slices.Collect(maps.Keys(s.known))
	}
	n := min(len(s.owed), atOnce)
	if n == 0 {
		return true, nil
	}
	var names []string
	var args []any
	for _, key := range s.owed[:n] {
		if item, ok := s.known[key]; ok {
			names = append(names, itemName(key))
			args = append(args, item.Version, item.Data, s.due(item.Due))
		}
	}
	if _, err := s.runIn(ctx, s.epoch, restoreScript, names, args); err != nil {
		return false, err
	}
	s.owed = s.owed[n:]
	return len(s.owed) == 0, nil
}

func itemName(key store.Key) string { return prefix + "item:" + hex.EncodeToString(key[:]) }

// stateLua begins all scripts over items.
var stateLua = prelude + `
local TTL = ` + strconv.FormatInt(store.ItemTTL.Milliseconds(), 10) + `
local reply = {1, now}
local function tell(value)
	reply[#reply + 1] = value
end

local function get(key)
	local got = redis.call('HMGET', key, 'version', 'due', 'holder', 'until')
	local item = {version = tonumber(got[1]) or 0, due = tonumber(got[2]), holder = got[3]}
	if (tonumber(got[4]) or 0) <= now then
		item.holder = nil
	end
	return item
end

local function put(key, version, data, due)
	redis.call('HSET', key, 'version', string.format('%.0f', version), 'data', data)
	if due == 0 then
		redis.call('HDEL', key, 'due')
	else
		redis.call('HSET', key, 'due', string.format('%.0f', due))
	end
	redis.call('PEXPIRE', key, TTL)
end

local function tellItem(key, item)
	tell(item.version)
	tell(item.due or 0)
	tell(redis.call('HGET', key, 'data') or '')
end
`

var (
	loadScript = newScript(stateLua, `
for i = 1, #K do
	tellItem(K[i], get(K[i]))
end
return reply`)

	// ARGV: the holder, "" for none; for each key version, data and due, 0
	// for never.
	saveScript = newScript(stateLua, `
local holder = A[1]
for i = 1, #K do
	local version, data, due, item = tonumber(A[3 * i - 1]), A[3 * i], tonumber(A[3 * i + 1]), get(K[i])
	if item.version ~= version or holder ~= '' and item.holder ~= holder then
		tell(0)
	else
		tell(1)
		if data == '' and due == 0 then
			redis.call('DEL', K[i])
		else
			put(K[i], version + 1, data, due)
			if holder ~= '' then
				redis.call('HDEL', K[i], 'holder', 'until')
			end
		end
	end
end
return reply`)

	// ARGV: the holder, and for how many milliseconds.
	claimScript = newScript(stateLua, `
for i = 1, #K do
	local item = get(K[i])
	if item.holder == A[1] or not item.holder and item.due and item.due <= now then
		redis.call('HSET', K[i], 'holder', A[1], 'until', string.format('%.0f', now + tonumber(A[2])))
		tell(1)
	else
		tell(0)
	end
	tellItem(K[i], item)
end
return reply`)

	// ARGV of each key: version, data and due.
	restoreScript = newScript(stateLua, `
for i = 1, #K do
	if get(K[i]).version < tonumber(A[3 * i - 2]) then
		put(K[i], tonumber(A[3 * i - 2]), A[3 * i - 1], tonumber(A[3 * i]))
	end
end
return reply`)

	// ARGV: the holder.
	releaseScript = newScript(stateLua, `
for i = 1, #K do
	if get(K[i]).holder == A[1] then
		redis.call('HDEL', K[i], 'holder', 'until')
	end
end
return reply`)
)

// Load implements [store.State].
func (s *state) Load(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	items := make([]store.Item, 0, len(keys))
	err := s.each(ctx, loadScript, keys, 3, nil, func(int) []any { return nil }, func(i int, v []any) error {
		item, err := s.item(keys[i], v)
		items = append(items, item)
		return err
	})
	if err == nil {
		s.learn(items...)
	}
	return items, err
}

// Save implements [store.State].
func (s *state) Save(ctx context.Context, holder store.Key, items ...store.Item) ([]bool, error) {
	if err := store.CheckAll(items); err != nil {
		return nil, err
	}
	keys := make([]store.Key, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	by := ""
	if holder != (store.Key{}) {
		by = string(holder[:])
	}
	saved := make([]bool, 0, len(items))
	err := s.each(ctx, saveScript, keys, 1, []any{by}, func(i int) []any {
		return []any{items[i].Version, items[i].Data, s.due(items[i].Due)}
	}, func(i int, v []any) error {
		saved = append(saved, v[0] == int64(1))
		if saved[i] {
			s.learn(items[i].Next())
		}
		return nil
	})
	return saved, err
}

// Claim implements [store.State].
func (s *state) Claim(ctx context.Context, holder store.Key, lease time.Duration, keys ...store.Key) ([]store.Claimed, error) {
	if err := store.CheckClaim(holder, lease); err != nil {
		return nil, err
	}
	claimed, items := make([]store.Claimed, 0, len(keys)), make([]store.Item, 0, len(keys))
	err := s.each(ctx, claimScript, keys, 4, []any{holder[:], lease.Milliseconds()}, func(int) []any { return nil }, func(i int, v []any) error {
		item, err := s.item(keys[i], v[1:])
		claimed, items = append(claimed, store.Claimed{Item: item, OK: v[0] == int64(1)}), append(items, item)
		return err
	})
	if err == nil {
		s.learn(items...)
	}
	return claimed, err
}

// Release implements [store.State].
func (s *state) Release(ctx context.Context, holder store.Key, keys ...store.Key) error {
	return s.each(ctx, releaseScript, keys, 0, []any{holder[:]}, func(int) []any { return nil }, func(int, []any) error { return nil })
}

// each runs a script over keys, so many at once, each with arguments of its own
// after those of all, and reads so many values of each.
func (s *state) each(ctx context.Context, script *script, keys []store.Key, values int, all []any, args func(i int) []any, read func(i int, values []any) error) error {
	for from := 0; from == 0 || from < len(keys); from += atOnce {
		to := min(from+atOnce, len(keys))
		names := make([]string, 0, to-from)
		own := append([]any{}, all...)
		for i := from; i < to; i++ {
			names = append(names, itemName(keys[i]))
			own = append(own, args(i)...)
		}
		r, err := s.ask(ctx, script, names, own)
		if err != nil {
			return err
		}
		if len(r.values) != values*len(names) {
			return errReply
		}
		for i := range names {
			if err := read(from+i, r.values[i*values:(i+1)*values]); err != nil {
				return err
			}
		}
	}
	return nil
}

// item reads what a script says of one.
func (s *state) item(key store.Key, v []any) (store.Item, error) {
	version, ok1 := v[0].(int64)
	due, ok2 := v[1].(int64)
	data, ok3 := v[2].(string)
	if !ok1 || !ok2 || !ok3 {
		return store.Item{}, errReply
	}
	item := store.Item{Key: key, Version: version, Due: s.onWall(due)}
	if data != "" {
		item.Data = []byte(data)
	}
	return item, nil
}
