package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"time"

	"aggregator/store"
)

var errReply = errors.New("a script returns something else")

// Keys that all scripts are given, before their own.
const (
	prefix    = "aggregator:{w}:" // the braces keep all keys in one slot of a cluster
	secretKey = prefix + "secret"
	epochKey  = prefix + "epoch" // of the data: a random word, and when data were lost before, in Unix milliseconds, or 0
	clockKey  = prefix + "clock" // the last time seen, and what to add to Redis's own, both in milliseconds
)

// What a script may return first.
const (
	statusOK      = 1
	statusUnknown = -1 // the secret or the epoch is not the caller's
	statusClock   = -2 // the time is later than the caller takes for possible
)

// clockTolerance is how far the time in Redis may be ahead of what is expected:
// what a call may take, and what clocks may drift between two of them.
const clockTolerance = int64(callTimeout / time.Millisecond)

// clockLua reads the time into now and ceil, in Unix milliseconds rounded down
// and up. Time goes on where Redis's clock is set back. known holds the values
// of the secret, the epoch and the clock. ARGV[3] is a time to take in place of
// Redis's own, [4] the time at which the caller expects Redis to be, "" if it does
// not know.
var clockLua = `
local TOLERANCE = ` + strconv.FormatInt(clockTolerance, 10) + `
local known = redis.call('MGET', KEYS[1], KEYS[2], KEYS[3])
local now, ceil = string.match(ARGV[3], '^(%d+) (%d+)$')
if not now then
	local time = redis.call('TIME')
	now = time[1] * 1000 + math.floor(time[2] / 1000)
	ceil = time[1] * 1000 + math.ceil(time[2] / 1000)
end
local seen, shift = string.match(known[3] or '', '^(%d+) (%-?%d+)$')
seen, shift = tonumber(seen) or 0, tonumber(shift) or 0
now, ceil = now + shift, ceil + shift
local function keepClock()
	redis.call('SET', KEYS[3], string.format('%.0f %.0f', now, shift))
end
local function setBack(by)
	now, ceil, shift = now - by, ceil - by, shift - by
	keepClock()
end
local expected = tonumber(ARGV[4])
if now < seen then
	setBack(now - math.max(seen, expected or seen))
elseif now - seen >= 1000 and not expected then
	keepClock()
end
`

// prelude begins all scripts but those that know Redis anew. ARGV[1] and [2] are
// the caller's secret and epoch. A script's own keys are K, and arguments A.
var prelude = clockLua + `
if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] then
	return {-1, 0}
end
if expected then
	if now > math.max(expected, seen) + TOLERANCE then
		return {-2, now}
	end
	if now - seen >= 1000 then
		keepClock()
	end
end

local K, A = {}, {}
for i = 4, #KEYS do
	K[i - 3] = KEYS[i]
end
for i = 5, #ARGV do
	A[i - 4] = ARGV[i]
end
`

// preludeArgs is how many arguments of scripts stand before their own.
const preludeArgs = 4

var (
	// nothing changes nothing.
	nothing = newScript(prelude, `return {1, now}`)

	// meeting reports whether there is a secret.
	meeting = newScript(`
redis.call('TIME')
return redis.call('EXISTS', KEYS[1])`)

	// greeting makes a secret and an epoch where there are none, and returns
	// those there are, and the time. It fails where the other scripts would.
	// ARGV: the secret, the epoch that the caller knows ("" for none), a time
	// as in clockLua, "", and the word of a new epoch.
	greeting = newScript(clockLua, `
redis.call('SET', KEYS[1], ARGV[1], 'NX')
if not known[1] or not known[2] then
	known[1] = redis.call('GET', KEYS[1])
	known[2] = string.format('%s %.0f', ARGV[5], ARGV[2] == '' and 0 or now)
	redis.call('SET', KEYS[2], known[2])
end
return {known[1], known[2], now}`)

	// stepping takes back by how many milliseconds Redis's clock was set
	// forward. Keys may have expired of it, so that a new epoch begins.
	stepping = newScript(prelude, `
setBack(tonumber(A[1]))
redis.call('SET', KEYS[2], string.format('%s %.0f', A[2], now))
return {1, now}`)
)

// reply is what a script returns.
type reply struct {
	epoch  string // in which it ran
	now    int64  // the time in Redis, in Unix milliseconds
	values []any  // the rest: int64 and string
}

// numbers returns the rest of a reply that is numbers alone.
func (r reply) numbers() ([]int64, error) {
	all := make([]int64, len(r.values))
	for i, v := range r.values {
		n, ok := v.(int64)
		if !ok {
			return nil, errReply
		}
		all[i] = n
	}
	return all, nil
}

// greet makes sure that Redis can do what is needed and has our secret. Where
// we have none yet, it is from then on the one found there, or a new one. It
// returns when Redis lost its data, if it has, and notes if that is new to us.
func (l *link) greet(ctx context.Context) (lost time.Time, err error) {
	ours := l.secret
	if ours == nil {
		ours = store.NewSecret()
	}
	l.mu.Lock()
	epoch := l.epoch
	l.mu.Unlock()
	before := l.clock.Now()
	result, err := greeting.run(ctx, l.client, []string{secretKey, epochKey, clockKey}, ours, epoch, l.tell(), "", rand.Text())
	if err != nil {
		return time.Time{}, err
	}
	values, _ := result.([]any)
	if len(values) != 3 {
		return time.Time{}, errDamaged
	}
	found, _ := values[0].(string)
	data, _ := values[1].(string)
	now, _ := values[2].(int64)
	switch {
	case l.secret != nil && found != string(l.secret):
		return time.Time{}, errSecret
	case len(found) != len(ours):
		return time.Time{}, errDamaged
	}
	_, since, _ := strings.Cut(data, " ")
	at, err := strconv.ParseInt(since, 10, 64)
	if err != nil {
		return time.Time{}, errDamaged
	}
	if l.secret == nil {
		l.secret = []byte(found)
	}
	l.compareClocks(before, l.clock.Now(), now)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch != "" && l.epoch != data {
		l.forgotten = true
	}
	l.epoch = data
	return time.UnixMilli(at + l.ahead.Load()), nil
}

// tell returns the time that scripts are told, rounded down and up.
func (l *link) tell() string {
	if l.told == nil {
		return ""
	}
	now := l.told()
	return strconv.FormatInt(now.UnixMilli(), 10) + " " + strconv.FormatInt(ceilMilli(now), 10)
}

// run runs a script, whether Redis is thought to be there or not.
func (l *link) run(ctx context.Context, script *script, names []string, args []any) (reply, error) {
	l.mu.Lock()
	epoch := l.epoch
	l.mu.Unlock()
	return l.runIn(ctx, epoch, script, names, args)
}

// runIn is run in an epoch, without the mutex.
func (l *link) runIn(ctx context.Context, epoch string, script *script, names []string, args []any) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	before := l.clock.Now()
	all := append(append(make([]string, 0, 3+len(names)), secretKey, epochKey, clockKey), names...)
	values := append(make([]any, 0, preludeArgs+len(args)), l.secret, epoch, l.tell(), "")
	if l.compared.Load() {
		values[3] = ceilMilli(before) - l.ahead.Load()
	}
	found, err := slice(script.run(ctx, l.client, all, append(values, args...)...))
	switch {
	case err != nil:
		return reply{}, err
	case len(found) < 2:
		return reply{}, errReply
	}
	now, ok := found[1].(int64)
	if !ok {
		return reply{}, errReply
	}
	switch found[0] {
	case int64(statusOK):
	case int64(statusUnknown):
		return reply{}, errLost
	case int64(statusClock):
		return reply{}, l.step(ctx, epoch, l.clock.Now(), now)
	default:
		return reply{}, errReply
	}
	l.compareClocks(before, l.clock.Now(), now)
	return reply{epoch, now, found[2:]}, nil
}

// step finds out whether Redis's clock was set forward, or the call took long
// only, and has it taken back. It returns errLost then, else errClock.
func (l *link) step(ctx context.Context, epoch string, after time.Time, now int64) error {
	by := now - (ceilMilli(after) - l.ahead.Load())
	if by < clockTolerance/2 {
		return errClock
	}
	_, err := stepping.run(ctx, l.client, []string{secretKey, epochKey, clockKey}, l.secret, epoch, l.tell(), "", by, rand.Text())
	if err != nil {
		return err
	}
	return errLost
}

// compareClocks learns how far our clock is ahead of Redis's, which showed a
// time between two of ours. What may still be right is kept, so that the end of
// a window does not move with every answer.
func (l *link) compareClocks(before, after time.Time, redis int64) {
	least, most := before.UnixMilli()-redis-1, ceilMilli(after)-redis
	l.ahead.Store(min(max(l.ahead.Load(), least), most))
	l.compared.Store(true)
}

// toRedis returns a time of our clock on Redis's, in Unix milliseconds, rounded up.
func (l *link) toRedis(t time.Time) int64 { return ceilMilli(t) - l.ahead.Load() }

// fromRedis returns a time on Redis's clock, in Unix milliseconds, on ours.
func (l *link) fromRedis(ms int64) time.Time { return time.UnixMilli(ms + l.ahead.Load()) }

// due returns a time of the wall clock on Redis's, in Unix milliseconds, rounded
// up; 0 for the zero time.
func (l *link) due(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return l.toRedis(l.clock.FromWall(t))
}

// onWall is the reverse of due.
func (l *link) onWall(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return l.clock.ToWall(l.fromRedis(ms))
}

// ceilMilli returns the first whole Unix millisecond not before t.
func ceilMilli(t time.Time) int64 {
	return t.Add(time.Millisecond - 1).UnixMilli()
}
