package redis

import (
	"context"
	"encoding/hex"
	"slices"

	"aggregator/store"
)

// history is the [store.History] of a Store: packed in a string for each bot,
// history:of:BOT. Bots stand by the hour of their last point in history:last.
// What Redis loses of it is not told again.
type history struct{ *link }

// historyLua begins all scripts over histories.
var historyLua = prelude + `
local P = '` + prefix + `history:'
local reply = {1, now}
`

var (
	// ARGV: bots.
	loadHistoryScript = newScript(historyLua, `
for i = 1, #A do
	reply[#reply + 1] = redis.call('GET', P .. 'of:' .. A[i]) or ''
end
return reply`)

	// ARGV: how many bots there may be, for how many milliseconds a history is kept; for each bot
	// its name, its history as it was loaded and as it is to be, and the hour of its last point. It
	// returns for each whether it was changed by others meanwhile.
	saveHistoryScript = newScript(historyLua, `
for i = 3, #A, 4 do
	local key = P .. 'of:' .. A[i]
	if (redis.call('GET', key) or '') == A[i + 1] then
		redis.call('SET', key, A[i + 2], 'PX', A[2])
		redis.call('ZADD', P .. 'last', A[i + 3], A[i])
		reply[#reply + 1] = 0
	else
		reply[#reply + 1] = 1
	end
end
redis.call('ZREMRANGEBYSCORE', P .. 'last', '-inf', math.floor(now / 3600000 - A[2] / 3600000))
redis.call('PEXPIRE', P .. 'last', A[2])
local over = redis.call('ZCARD', P .. 'last') - tonumber(A[1])
if over > 0 then
	for _, bot in ipairs(redis.call('ZRANGE', P .. 'last', 0, math.min(over, 1000) - 1)) do
		redis.call('DEL', P .. 'of:' .. bot)
		redis.call('ZREM', P .. 'last', bot)
	end
end
return reply`)
)

// Put implements [store.History]. Where others change what it has loaded, it
// begins anew with that.
func (s *history) Put(ctx context.Context, counts ...store.BotCount) error {
	if err := store.CheckAll(counts); err != nil {
		return err
	}
	points := map[store.Key][]store.CountPoint{}
	var bots []store.Key
	for _, c := range counts {
		if points[c.Bot] == nil {
			bots = append(bots, c.Bot)
		}
		points[c.Bot] = append(points[c.Bot], c.CountPoint)
	}
	for len(bots) > 0 {
		part := bots[:min(len(bots), atOnce)]
		again, err := s.put(ctx, part, points)
		if err != nil {
			return err
		}
		bots = slices.Concat(again, bots[len(part):])
	}
	return ctx.Err()
}

// put adds points to histories, and returns the bots whose histories others have
// changed meanwhile.
func (s *history) put(ctx context.Context, bots []store.Key, points map[store.Key][]store.CountPoint) (again []store.Key, err error) {
	known, err := s.load(ctx, bots...)
	if err != nil {
		return nil, err
	}
	args := make([]any, 0, 2+4*len(bots))
	args = append(args, s.histories, store.HistoryTTL.Milliseconds())
	for i, bot := range bots {
		packed := store.MergeHistory([]byte(known[i]), points[bot]...)
		args = append(args, hex.EncodeToString(bot[:]), known[i], packed, store.LastHour(packed))
	}
	r, err := s.ask(ctx, saveHistoryScript, nil, args)
	if err != nil {
		return nil, err
	}
	changed, err := r.numbers()
	if err != nil || len(changed) != len(bots) {
		return nil, errReply
	}
	for i, bot := range bots {
		if changed[i] == 1 {
			again = append(again, bot)
		}
	}
	return again, nil
}

// load returns the packed histories of bots.
func (s *history) load(ctx context.Context, bots ...store.Key) ([]string, error) {
	args := make([]any, len(bots))
	for i, bot := range bots {
		args[i] = hex.EncodeToString(bot[:])
	}
	r, err := s.ask(ctx, loadHistoryScript, nil, args)
	if err != nil {
		return nil, err
	}
	if len(r.values) != len(bots) {
		return nil, errReply
	}
	packed := make([]string, len(bots))
	for i, v := range r.values {
		packed[i], _ = v.(string)
	}
	return packed, nil
}

// Counts implements [store.History].
func (s *history) Counts(ctx context.Context, bot store.Key) ([]store.CountPoint, error) {
	packed, err := s.load(ctx, bot)
	if err != nil {
		return nil, err
	}
	return store.UnpackHistory([]byte(packed[0])), nil
}
