package redis

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"

	"aggregator/store"
)

const (
	prefix    = "aggregator:{w}:" // the braces keep all keys in one slot of a cluster
	secretKey = prefix + "secret"
)

// greeting makes the secret unless there is one, and answers it. Together with
// TIME it fails where the other scripts would.
var greeting = driver.NewScript(`
redis.call('TIME')
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])`)

// A window is a string: how much of it is used, and until when, in Unix
// milliseconds. When it is over says the window; that its key expires is only
// for cleaning up, so that one which lost its expiry blocks nobody, and gets
// another at its next use. What cannot be read counts as free.
//
// The first key is the secret's: one that is gone is put back, so that no
// replica can start with another while this one runs.
var prelude = `
local HELD, KEEP = ` + strconv.FormatInt(store.Held, 10) + `, 10000
local RELEASE, HOLD, SET, OCCUPY = ` + kinds(store.KindRelease, store.KindHold, store.KindSet, store.KindOccupy) + `

local secret = redis.call('GET', KEYS[1])
if not secret then
	redis.call('SET', KEYS[1], ARGV[1])
elseif secret ~= ARGV[1] then
	return {-1, 0}
end

local now, ceil = tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
	local time = redis.call('TIME')
	now = time[1] * 1000 + math.floor(time[2] / 1000)
	ceil = time[1] * 1000 + math.ceil(time[2] / 1000)
end

local function get(key)
	local value = redis.pcall('GET', key)
	if type(value) == 'string' then
		local used, till = string.match(value, '^(%d+) (%d+)$')
		used, till = tonumber(used), tonumber(till)
		if used and till > now then
			return {used = used, till = till}
		end
	end
	return {used = 0, till = 0}
end

local function put(key, w)
	if w.used > 0 and w.till > now then
		redis.call('SET', key, string.format('%.0f %.0f', w.used, w.till), 'PX', string.format('%.0f', w.till - now + KEEP))
	else
		redis.call('DEL', key)
	end
end

-- slot is the key of one of the windows side by side, as Key.Slot has it.
local function slot(key, i)
	if i == 0 then
		return key
	end
	return string.sub(key, 1, -3) .. string.format('%02x', bit.bxor(tonumber(string.sub(key, -2), 16), i))
end

-- first finds the slot of the first window with room for another use, or else
-- that of the one that closes first. see says how a window is.
local function first(key, slots, limit, see)
	local at, best
	for i = 0, math.max(slots, 1) - 1 do
		local w = see(slot(key, i))
		if w.used < limit then
			return i, w
		end
		if i == 0 or w.till < best.till then
			at, best = i, w
		end
	end
	return at, best
end

local reply = {1, now}
local function tell(room, at, w)
	reply[#reply + 1] = room and 1 or 0
	reply[#reply + 1] = at
	reply[#reply + 1] = w.used
	reply[#reply + 1] = w.till
end
`

var (
	// ARGV of each key: slots, limit, period (0 for only a look), and the number
	// of its group.
	takeScript = driver.NewScript(prelude + `
local known = {}
local function see(name)
	return known[name] or get(name)
end
local from = 2
while from <= #KEYS do
	local group, mine, ok, to = ARGV[4 * from - 1], {}, true, from
	local room, at = {}, {}
	while to <= #KEYS and ARGV[4 * to - 1] == group do
		local limit, period, w = tonumber(ARGV[4 * to - 3]), tonumber(ARGV[4 * to - 2])
		at[to], w = first(KEYS[to], tonumber(ARGV[4 * to - 4]), limit, function(name) return mine[name] or see(name) end)
		room[to] = w.used < limit
		ok = ok and room[to]
		if ok and period > 0 then
			local till = w.till
			if w.used == 0 then
				till = ceil + period
			end
			mine[slot(KEYS[to], at[to])] = {used = w.used + 1, till = till}
		end
		to = to + 1
	end
	if ok then
		for name, w in pairs(mine) do
			known[name] = w
		end
	end
	for i = from, to - 1 do
		tell(room[i], at[i], see(slot(KEYS[i], at[i])))
	end
	from = to
end
for name, w in pairs(known) do
	put(name, w)
end
return reply`)

	// ARGV of each key: slots.
	peekScript = driver.NewScript(prelude + `
for i = 2, #KEYS do
	local at, w = first(KEYS[i], tonumber(ARGV[i + 2]), 1, get)
	tell(w.used < 1, at, w)
end
return reply`)

	// ARGV of each key: what to do, slots, uses, and until when.
	changeScript = driver.NewScript(prelude + `
for i = 2, #KEYS do
	local kind, used, till = tonumber(ARGV[4 * i - 4]), tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
	local at, w = 0, get(KEYS[i])
	if kind == OCCUPY then
		at, w = first(KEYS[i], tonumber(ARGV[4 * i - 3]), 1, get)
	end
	if kind == RELEASE and w.used > 0 and w.used < HELD then
		w.used = w.used - 1
	elseif kind == HOLD then
		w = {used = HELD, till = math.max(w.till, till)}
	elseif kind == SET or kind == OCCUPY and w.used == 0 then
		w = {used = used, till = till}
	end
	if w.used == 0 or w.till <= now then
		w = {used = 0, till = 0}
	end
	put(slot(KEYS[i], at), w)
	tell(true, at, w)
end
return reply`)

	// ARGV of each key: what to add, and how the window is in memory.
	carryScript = driver.NewScript(prelude + `
for i = 2, #KEYS do
	local w = get(KEYS[i])
	if w.used < HELD then
		w.used = math.min(math.max(w.used + tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])), HELD)
	end
	w.till = math.max(w.till, tonumber(ARGV[3 * i]))
	put(KEYS[i], w)
end
return reply`)
)

// placed is what a script says of one key.
type placed struct {
	key    store.Key // of the slot
	room   bool      // for another use
	window store.Window
}

// kinds are numbers for a script.
func kinds(all ...store.ChangeKind) string {
	texts := make([]string, len(all))
	for i, k := range all {
		texts[i] = strconv.Itoa(int(k))
	}
	return strings.Join(texts, ", ")
}

// greet makes sure that Redis can do what is needed and has our secret. Where
// we have none yet, it is from then on the one found there, or a new one.
func (s *Store) greet(ctx context.Context) error {
	ours := s.secret
	if ours == nil {
		ours = store.NewSecret()
	}
	found, err := greeting.Run(ctx, s.client, []string{secretKey}, ours).Text()
	switch {
	case err != nil:
		return err
	case s.secret != nil && found != string(s.secret):
		return errSecret
	case len(found) != len(ours):
		return errDamaged
	}
	if s.secret == nil {
		s.secret = []byte(found)
	}
	return nil
}

// run runs a script, whether Redis is thought to be there or not, and returns
// what it says of each key, unless it says nothing.
func (s *Store) run(ctx context.Context, script *driver.Script, keys []store.Key, args []any) ([]placed, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	names := make([]string, 1, 1+len(keys))
	names[0] = secretKey
	for _, key := range keys {
		names = append(names, prefix+hex.EncodeToString(key[:]))
	}
	before := s.clock.Now()
	values := append(make([]any, 0, 3+len(args)), s.secret, "", "")
	if s.told {
		values[1], values[2] = before.UnixMilli(), ceilMilli(before)
	}
	numbers, err := script.Run(ctx, s.client, names, append(values, args...)...).Int64Slice()
	switch {
	case err != nil:
		return nil, err
	case len(numbers) < 2 || len(numbers) != 2 && len(numbers) != 2+4*len(keys):
		return nil, fmt.Errorf("a script answers %d numbers of %d keys", len(numbers), len(keys))
	case numbers[0] < 0:
		return nil, errSecret
	}
	s.compareClocks(before, s.clock.Now(), numbers[1])
	all := make([]placed, 0, len(keys))
	for said := numbers[2:]; len(said) > 0; said = said[4:] {
		p := placed{key: keys[len(all)].Slot(int(said[1])), room: said[0] == 1, window: store.Window{Used: said[2]}}
		if p.window.Used > 0 {
			p.window.Until = time.UnixMilli(said[3] + s.ahead.Load())
		}
		all = append(all, p)
	}
	return all, nil
}

// compareClocks learns how far our clock is ahead of Redis's, which showed a
// time between two of ours. What may still be right is kept, so that the end of
// a window does not move with every answer.
func (s *Store) compareClocks(before, after time.Time, redis int64) {
	least, most := before.UnixMilli()-redis-1, ceilMilli(after)-redis
	s.ahead.Store(min(max(s.ahead.Load(), least), most))
}

// toRedis is a time of ours on Redis's clock, in Unix milliseconds.
func (s *Store) toRedis(t time.Time) int64 { return ceilMilli(t) - s.ahead.Load() }

// ceilMilli is the first whole Unix millisecond not before t.
func ceilMilli(t time.Time) int64 {
	return t.Add(time.Millisecond - 1).UnixMilli()
}

// outOfMemory reports whether Redis has no room. Older ones wrap what they say.
func outOfMemory(err error) bool {
	return driver.IsOOMError(err) || says(err, "OOM command not allowed")
}

// says reports whether Redis answered with an error that has these words.
func says(err error, words string) bool {
	_, ok := errors.AsType[driver.Error](err)
	return ok && strings.Contains(err.Error(), words)
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
