package redis

import (
	"strconv"

	"aggregator/store"
)

// The results of a put, for scripts.
var (
	kept  = strconv.Itoa(int(store.PutKept))
	again = strconv.Itoa(int(store.PutAgain))
	full  = strconv.Itoa(int(store.PutFull))
)

var (
	// ARGV: the ID, bot, list, user, type, test, body, when it was created,
	// whether it waits, a mark of the call, then key and TTL of each once. Returns
	// a [store.PutResult].
	putScript = newScript(outboxLua, `
local waits, ONCES = A[9] == '1', 11
local known = load(A[1])
if known then
	tell(known.mark == A[10] and `+kept+` or `+again+`)
	return reply
end
for i = ONCES, #A, 2 do
	if num(redis.call('ZSCORE', P .. 'once', A[i])) > now then
		tell(`+again+`)
		return reply
	end
end
if waits and not room(A[2], #A[7]) then
	tell(`+full+`)
	return reply
end

local m = {
	id = A[1], bot = A[2], list = A[3], user = A[4], type = A[5], test = tonumber(A[6]), created = tonumber(A[8]),
	seq = math.max(num(redis.call('GET', P .. 'seq')) + 1, now * 1000), began = now, size = #A[7], mark = A[10],
	state = GONE, attempts = 0, last = 0, status = 0, reason = '',
}
redis.call('SET', P .. 'seq', int(m.seq))
redis.call('HSET', P .. 'body', m.id, A[7])
become(m, waits and PENDING or DELIVERED, 0, waits and 0 or now)
local over = redis.call('ZRANGEBYSCORE', P .. 'once', '-inf', int(now), 'LIMIT', 0, SWEEP)
if #over > 0 then
	redis.call('ZREM', P .. 'once', unpack(over))
end
for i = ONCES, #A, 2 do
	if count('once') >= ONCE then
		redis.call('ZREMRANGEBYRANK', P .. 'once', 0, count('once') - ONCE)
	end
	redis.call('ZADD', P .. 'once', int(now + tonumber(A[i + 1])), A[i])
	if redis.call('PTTL', P .. 'once') < tonumber(A[i + 1]) then
		redis.call('PEXPIRE', P .. 'once', A[i + 1])
	end
end
touch(m.bot)
changed(m.bot)
tell(`+kept+`)
return reply`)

	// ARGV: the bot, how many of those never attempted, and of the others.
	// Returns when one of the others is due that is not returned, or 0, then
	// both kinds, and the oldest.
	readyScript = newScript(outboxLua, `
local mine, due = ':' .. A[1], range('due:' .. A[1], '-inf', int(now), A[3])
tell(num(redis.call('ZRANGE', P .. 'due' .. mine, #due, #due, 'WITHSCORES')[2]))
tellAll(range('new' .. mine, '-inf', '+inf', A[2]), true)
tellAll(due, true)
tellAll(range('wait' .. mine, '-inf', '+inf', 1), true)
return reply`)

	// ARGV: the ID; of the attempt when it ended, status, reason, whether it
	// counts, and a mark of its own; the state from now on, and when it is due
	// again or 0.
	settleDeliveryScript = newScript(outboxLua, `
local m, state = load(A[1]), A[7]
if not m or m.mark == A[6] or m.state ~= PENDING and not (m.state == DEAD and state == DELIVERED) then
	return reply
end
m.last, m.status, m.reason, m.mark = tonumber(A[2]), tonumber(A[3]), A[4], A[6]
m.attempts = m.attempts + tonumber(A[5])
become(m, state, state == PENDING and tonumber(A[8]) or 0, now)
touch(m.bot)
return reply`)

	// ARGV: the bot, a state or "", the ID after which to go on, how many.
	deliveriesScript = newScript(outboxLua, `
local key = ({[''] = 'all', [PENDING] = 'wait', [DELIVERED] = 'done', [DEAD] = 'dead'})[A[2]]
local from = '+inf'
if A[3] ~= '' then
	local m = load(A[3])
	from = m and m.bot == A[1] and '(' .. int(m.seq)
end
local ids = {}
if from and key then
	for i, name in ipairs(redis.call('ZREVRANGEBYSCORE', P .. key .. ':' .. A[1], from, '-inf', 'LIMIT', 0, A[4])) do
		ids[i] = idOf(name)
	end
end
tellAll(ids, false)
return reply`)

	// ARGV: the bot, a state, and the places between which to look, of which the
	// second may be ""; or the bot, "", "", "", and IDs. Returns how many were made
	// due, the place up to which was looked, 0 if there are no more, and the
	// newest place.
	retryScript = newScript(outboxLua, `
local bot, state, from, to = A[1], A[2], A[3], A[4]
local messages, retried, last = {}, 0, 0
if to == '' then
	to = int(num(redis.call('GET', P .. 'seq')))
end
if state ~= '' then
	messages = first((state == PENDING and 'wait:' or 'dead:') .. bot, '(' .. from, to, SWEEP)
	last = #messages == SWEEP and messages[SWEEP].seq or 0
end
for i = 5, #A do
	local m = load(A[i])
	if m and m.bot == bot then
		messages[#messages + 1] = m
	end
end
table.sort(messages, function(a, b) return a.seq < b.seq end)
for _, m in ipairs(messages) do
	if m.state == PENDING then
		retried = retried + 1
		if m.next ~= 0 then
			become(m, PENDING, now, 0)
		end
	elseif m.state == DEAD and room(bot, m.size) then
		retried = retried + 1
		m.began, m.attempts, m.last, m.status, m.reason = now, 0, 0, 0, ''
		become(m, PENDING, 0, 0)
	end
end
if retried > 0 then
	touch(bot)
	changed(bot)
end
tell(retried, last, num(to))
return reply`)

	// ARGV: the bot, the place, and how many. Returns how many were looked at,
	// the place of the last of them, and those that are not too old.
	afterScript = newScript(outboxLua, `
local from = math.max(tonumber(A[2]), (now - STREAM_TTL) * 1000 - 1)
local found = redis.call('ZRANGEBYSCORE', P .. 'all:' .. A[1], '(' .. int(from), '+inf', 'WITHSCORES', 'LIMIT', 0, A[3])
local ids = {}
for i = 1, #found, 2 do
	ids[#ids + 1] = idOf(found[i])
end
tell(#ids, num(found[#found]))
tellAll(ids, true, function(m) return m.created + STREAM_TTL > now end)
return reply`)

	// ARGV: the bot and an ID, or "". Returns whether it is there, and its place.
	seqScript = newScript(outboxLua, `
if A[2] == '' then
	tell(1, num(redis.call('GET', P .. 'seq')))
	return reply
end
local m = load(A[2])
if m and m.bot == A[1] then
	tell(1, m.seq)
else
	tell(0, 0)
end
return reply`)

	// ARGV: the bot after which to go on, or "". Returns of each bot its name,
	// how many wait and when the oldest was created.
	backlogsScript = newScript(outboxLua, `
local from = A[1] == '' and '-' or '(' .. A[1]
for _, bot in ipairs(redis.call('ZRANGEBYLEX', P .. 'bots', from, '+', 'LIMIT', 0, SWEEP)) do
	local oldest = first('wait:' .. bot, '-inf', '+inf', 1)[1]
	tell(bot, count('wait:' .. bot), oldest and oldest.created or 0)
end
return reply`)
)
