package redis

import (
	"strconv"
	"time"

	"aggregator/store"
)

// outboxKeep is how long keys of an outbox stay that nobody touches: longer than
// any message does.
const outboxKeep = store.WaitTTL + store.DeadTTL + 24*time.Hour

// outboxFields are what is known of a message, in the order in which it is
// packed. What is packed otherwise is no message: a list that changes has to be
// told from the one before.
const outboxFields = `'bot', 'list', 'user', 'type', 'test', 'created', 'seq', 'state', 'attempts', 'last', 'status', 'reason', 'next', 'began', 'ended', 'size', 'mark'`

// outboxLua begins all scripts over an outbox. ARGV, before a script's own: the
// bounds, and the channel on which changes are told. A script does nothing but
// clear away, and returns 0, as long as there is much to clear away; else it
// returns 1 and what it has to say.
//
// The hashes outbox:meta and outbox:body have the messages, by ID. The others are
// sorted sets of "PLACE ID", so that the place decides where all else is the
// same: outbox:die has those that wait by when they are dead, outbox:over those
// that do not in the order in which they make room, by when they ended, the dead
// FAR behind the others. For each bot outbox:all:BOT and one of outbox:wait:BOT,
// outbox:done:BOT and outbox:dead:BOT have them by their place, outbox:new:BOT
// those that wait and were never attempted, outbox:due:BOT the others that wait by
// when they are due, outbox:over:BOT as outbox:over.
//
// outbox:bots has the bots for which something waits, outbox:once the keys that
// are known, by when they are over, outbox:sums the bytes of bodies, and a number
// that grows with each change. All of these stay for outboxKeep after the last
// message.
//
// A place is a time in microseconds, or one more than the last: that of a
// message is the greatest even in a Redis that has lost its data, and places tell
// how old messages are.
//
// What needs memory is written first: a Redis that has none left fails there,
// before anything is changed.
var outboxLua = prelude + `
local P = '` + prefix + `outbox:'
local WAIT_TTL, DELIVERED_TTL, DEAD_TTL = ` + milliseconds(store.WaitTTL) + `, ` + milliseconds(store.DeliveredTTL) + `, ` + milliseconds(store.DeadTTL) + `
local STREAM_TTL, KEEP = ` + milliseconds(store.StreamTTL) + `, ` + milliseconds(outboxKeep) + `
local PENDING, DELIVERED, DEAD, GONE = '` + string(store.Pending) + `', '` + string(store.Delivered) + `', '` + string(store.Dead) + `', ''
local SWEEP, SHRINK, FAR = ` + strconv.Itoa(page) + `, 1000, 2^50
local FIELDS = {` + outboxFields + `}
local FOR_ALL, FOR_BOT = {'meta', 'body', 'die', 'over', 'bots', 'sums', 'seq'}, {'all', 'wait', 'new', 'due', 'done', 'dead', 'over'}

local BOUND, CHANNEL = {}, table.remove(A, 2)
for n in string.gmatch(table.remove(A, 1), '%d+') do
	BOUND[#BOUND + 1] = tonumber(n)
end
local WAITING, WAITING_ALL, WAITING_BYTES, WAITING_BYTES_ALL = BOUND[1], BOUND[2], BOUND[3], BOUND[4]
local OVER, OVER_ALL, OVER_BYTES, OVER_BYTES_ALL, ONCE = BOUND[5], BOUND[6], BOUND[7], BOUND[8], BOUND[9]

local function num(text)
	return tonumber(text) or 0
end
local function int(n)
	return string.format('%.0f', n)
end

local function unpacked(id, text)
	local ok, values = pcall(cmsgpack.unpack, text)
	if not ok or type(values) ~= 'table' or #values ~= #FIELDS then
		return nil
	end
	local m = {id = id}
	for i, field in ipairs(FIELDS) do
		m[field] = values[i]
	end
	return m
end

local function load(id)
	local text = redis.call('HGET', P .. 'meta', id)
	return text and unpacked(id, text)
end

local function save(m)
	local values = {}
	for i, field in ipairs(FIELDS) do
		values[i] = m[field]
	end
	redis.call('HSET', P .. 'meta', m.id, cmsgpack.pack(values))
end

-- touch has the keys stay. What becomes of a message by itself ends before they do.
local function touch(bot)
	for _, name in ipairs(FOR_ALL) do
		redis.call('PEXPIRE', P .. name, KEEP)
	end
	for _, name in ipairs(FOR_BOT) do
		redis.call('PEXPIRE', P .. name .. ':' .. bot, KEEP)
	end
end

local function sum(name)
	return num(redis.call('HGET', P .. 'sums', name))
end

local function count(name)
	return redis.call('ZCARD', P .. name)
end

-- nameOf is the member of sorted sets.
local function nameOf(m)
	return string.format('%016.0f ', m.seq) .. m.id
end
local function idOf(name)
	return string.sub(name, 18)
end

-- range returns IDs of a sorted set: the first so many between two scores.
local function range(set, from, to, n)
	local ids = {}
	for i, name in ipairs(redis.call('ZRANGEBYSCORE', P .. set, from, to, 'LIMIT', 0, n)) do
		ids[i] = idOf(name)
	end
	return ids
end

-- first returns messages as range does IDs. It drops what is no message any more
-- because somebody removed it.
local function first(set, from, to, n)
	local messages = {}
	for _, name in ipairs(redis.call('ZRANGEBYSCORE', P .. set, from, to, 'LIMIT', 0, n)) do
		local m = load(idOf(name))
		if m then
			messages[#messages + 1] = m
		else
			redis.call('ZREM', P .. set, name)
		end
	end
	return messages
end

-- place puts a message into the sets that are its own, and takes it out of the
-- others.
local function place(m)
	local name, mine, where = nameOf(m), ':' .. m.bot, {}
	if m.state == PENDING then
		where['die'], where['wait' .. mine] = m.began + WAIT_TTL, m.seq
		if m.next == 0 then
			where['new' .. mine] = m.seq
		else
			where['due' .. mine] = m.next
		end
		redis.call('ZADD', P .. 'bots', 0, m.bot)
	elseif m.state == DELIVERED then
		where['over'], where['over' .. mine], where['done' .. mine] = m.ended, m.ended, m.seq
	elseif m.state == DEAD then
		where['over'], where['over' .. mine], where['dead' .. mine] = FAR + m.ended, FAR + m.ended, m.seq
	end
	where['all' .. mine] = m.state ~= GONE and m.seq or nil
	for set, score in pairs(where) do
		redis.call('ZADD', P .. set, int(score), name)
	end
	for _, set in ipairs({'die', 'over', 'all' .. mine, 'wait' .. mine, 'new' .. mine, 'due' .. mine, 'done' .. mine, 'dead' .. mine, 'over' .. mine}) do
		if not where[set] then
			redis.call('ZREM', P .. set, name)
		end
	end
	if count('wait' .. mine) == 0 then
		redis.call('ZREM', P .. 'bots', m.bot)
	end
end

-- weigh adds the size of a message, so many times, to the sums of its state.
local function weigh(m, times)
	local name = m.state == PENDING and 'wait' or 'over'
	redis.call('HINCRBY', P .. 'sums', name, int(times * m.size))
	if redis.call('HINCRBY', P .. 'sums', name .. ':' .. m.bot, int(times * m.size)) <= 0 then
		redis.call('HDEL', P .. 'sums', name .. ':' .. m.bot)
	end
end

local function forget(m)
	weigh(m, -1)
	m.state = GONE
	place(m)
	redis.call('HDEL', P .. 'meta', m.id)
	redis.call('HDEL', P .. 'body', m.id)
end

-- shrink forgets what is too much of what no longer waits.
local function shrink(bot)
	local left = SHRINK
	local function forgetFirst(set)
		for _, m in ipairs(first(set, '-inf', '+inf', 1)) do
			forget(m)
		end
		left = left - 1
	end
	while left > 0 and (count('over:' .. bot) > OVER or sum('over:' .. bot) > OVER_BYTES) do
		forgetFirst('over:' .. bot)
	end
	while left > 0 and (count('over') > OVER_ALL or sum('over') > OVER_BYTES_ALL) do
		forgetFirst('over')
	end
end

-- become has a message be in a state: one that waits, when it is due again, one
-- that does not, when it ended.
local function become(m, state, next, ended)
	if m.state ~= GONE then
		weigh(m, -1)
	end
	m.state, m.next, m.ended = state, next, ended
	save(m)
	weigh(m, 1)
	place(m)
	shrink(m.bot)
end

-- sweep clears away what is over, and reports whether that was all.
local function sweep()
	local left = SWEEP
	local function each(set, from, to, f)
		for _, m in ipairs(first(set, from, to, left)) do
			left = left - 1
			f(m)
		end
	end
	each('die', '-inf', int(now), function(m) become(m, DEAD, 0, m.began + WAIT_TTL) end)
	each('over', '-inf', int(now - DELIVERED_TTL), forget)
	each('over', int(FAR), int(FAR + now - DEAD_TTL), forget)
	return left > 0
end

local function changed(bot)
	local n = redis.call('HINCRBY', P .. 'sums', 'changes', 1)
	redis.pcall('PUBLISH', CHANNEL, int(n) .. ' ' .. bot)
end

local function room(bot, size)
	local mine = ':' .. bot
	return count('wait' .. mine) < WAITING and count('die') < WAITING_ALL and
		sum('wait' .. mine) + size <= WAITING_BYTES and sum('wait') + size <= WAITING_BYTES_ALL
end

local reply = {1, now, 1}
local function tell(...)
	for _, value in ipairs({...}) do
		reply[#reply + 1] = value
	end
end

-- all returns what hash has of some IDs: texts, or false.
local function all(hash, ids)
	local found = {}
	for from = 1, #ids, 1000 do
		for _, text in ipairs(redis.call('HMGET', P .. hash, unpack(ids, from, math.min(from + 999, #ids)))) do
			found[#found + 1] = text
		end
	end
	return found
end

-- tellAll tells of messages, with their bodies or without, how many there are
-- first. want says which; nil is for all.
local function tellAll(ids, bodies, want)
	local texts, at, told = all('meta', ids), #reply + 1, 0
	local body = bodies and all('body', ids)
	reply[at] = 0
	for i, text in ipairs(texts) do
		local m = text and unpacked(ids[i], text)
		if m and (not want or want(m)) then
			told = told + 1
			tell(m.id, m.bot, m.list, m.user, m.type, m.test, m.created, m.seq, m.state,
				m.attempts, m.last, m.status, m.reason, m.next, m.began, body and body[i] or '')
		end
	end
	reply[at] = told
end

if not sweep() then
	return {1, now, 0}
end
`

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
