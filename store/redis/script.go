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

local function answer(ok)
	local reply = {ok, now}
	for i = 2, #KEYS do
		local w = get(KEYS[i])
		reply[#reply + 1] = w.used
		reply[#reply + 1] = w.till
	end
	return reply
end
`

var (
	// ARGV: limit and period of each key.
	takeScript = driver.NewScript(prelude + `
local windows = {}
for i = 2, #KEYS do
	local w = windows[KEYS[i]] or get(KEYS[i])
	if w.used >= tonumber(ARGV[2 * i]) then
		return answer(0)
	end
	if w.used == 0 then
		w.till = ceil + tonumber(ARGV[2 * i + 1])
	end
	w.used = w.used + 1
	windows[KEYS[i]] = w
end
for key, w in pairs(windows) do
	put(key, w)
end
return answer(1)`)

	peekScript = driver.NewScript(prelude + `return answer(1)`)

	// ARGV: until when.
	holdScript = driver.NewScript(prelude + `
local w = get(KEYS[2])
w.till = math.max(w.till, tonumber(ARGV[4]))
if w.till > now then
	w.used = HELD
	put(KEYS[2], w)
end
return {1, now}`)

	releaseScript = driver.NewScript(prelude + `
for i = 2, #KEYS do
	local w = get(KEYS[i])
	if w.used > 0 and w.used < HELD then
		w.used = w.used - 1
		put(KEYS[i], w)
	end
end
return {1, now}`)

	// ARGV for each key: what to add, and how the window is in memory.
	carryScript = driver.NewScript(prelude + `
for i = 2, #KEYS do
	local w = get(KEYS[i])
	if w.used < HELD then
		w.used = math.min(math.max(w.used + tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])), HELD)
	end
	w.till = math.max(w.till, tonumber(ARGV[3 * i]))
	put(KEYS[i], w)
end
return {1, now}`)
)

// reply is what a script answers.
type reply struct {
	ok      bool
	windows []store.Window // of Take and Peek
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

// run runs a script, whether Redis is thought to be there or not.
func (s *Store) run(ctx context.Context, script *driver.Script, keys []store.Key, args []any) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	names := make([]string, 1, 1+len(keys))
	names[0] = secretKey
	for _, key := range keys {
		names = append(names, prefix+hex.EncodeToString(key[:]))
	}
	before := s.now()
	values := append(make([]any, 0, 3+len(args)), s.secret, "", "")
	if s.told {
		values[1], values[2] = before.UnixMilli(), ceilMilli(before)
	}
	numbers, err := script.Run(ctx, s.client, names, append(values, args...)...).Int64Slice()
	switch {
	case err != nil:
		return nil, err
	case len(numbers) < 2 || len(numbers)%2 != 0:
		return nil, fmt.Errorf("a script answers %d numbers", len(numbers))
	case numbers[0] < 0:
		return nil, errSecret
	}
	s.compareClocks(before, s.now(), numbers[1])
	r := &reply{ok: numbers[0] == 1, windows: make([]store.Window, 0, len(keys))}
	for pair := numbers[2:]; len(pair) > 0; pair = pair[2:] {
		w := store.Window{Used: pair[0]}
		if w.Used > 0 {
			w.Until = time.UnixMilli(pair[1] + s.ahead.Load())
		}
		r.windows = append(r.windows, w)
	}
	return r, nil
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

// outOfMemory tells whether Redis has no room. Older ones wrap what they say.
func outOfMemory(err error) bool {
	return driver.IsOOMError(err) || strings.Contains(err.Error(), "OOM command not allowed")
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
