package redis

import (
	"strconv"

	"aggregator/store"
)

// shardLua begins all scripts over shards. Keys beside the secret and its like
// are made here, all in the same slot.
//
// A set of name "KEY:OF" is a hash, shards:set:NAME, and one of its counts,
// shards:counts:NAME, where a shard is "count at round". Sets of bots without a
// key stand by their last use in shards:used and in shards:net:NETWORK;
// shards:known has for each how many counts it has, and of which network it is,
// and shards:sums adds these up. shards:of:KEY has all numbers of shards of a key.
var shardLua = prelude + `
local P = '` + prefix + `shards:'
local MAX, MISSING = ` + strconv.FormatInt(store.MaxCount, 10) + `, ` + strconv.Itoa(store.MaxMissing) + `
local MARGIN = 60000

local function num(text)
	return tonumber(text) or 0
end
local function int(n)
	return string.format('%.0f', n)
end

local FIELDS = {'network', 'ttl', 'began', 'round', 'complete', 'finished', 'ended', 'took', 'posted', 'claim', 'claimed', 'till', 'known', 'total', 'fresh', 'oldest'}
local TEXTS = {network = true, claim = true}

local function load(name)
	local values = redis.call('HMGET', P .. 'set:' .. name, unpack(FIELDS))
	if not values[1] then
		return nil
	end
	local set = {name = name}
	for i, field in ipairs(FIELDS) do
		set[field] = TEXTS[field] and (values[i] or '') or num(values[i])
	end
	return set
end

local function save(set)
	local key, values = P .. 'set:' .. set.name, {}
	for _, field in ipairs(FIELDS) do
		values[#values + 1] = field
		values[#values + 1] = TEXTS[field] and set[field] or int(set[field])
	end
	redis.call('HSET', key, unpack(values))
	redis.call('PEXPIRE', key, int(set.ttl + MARGIN))
	redis.call('PEXPIRE', P .. 'counts:' .. set.name, int(set.ttl + MARGIN))
end

local function keyOf(name)
	return string.match(name, '^(%x+):')
end

-- counted notes that a set of a bot without a key has so many counts.
local function counted(set)
	if set.network == '' then
		return
	end
	local old = string.match(redis.call('HGET', P .. 'known', set.name) or '', '^(%d+)')
	local more = set.known - num(old)
	redis.call('HSET', P .. 'known', set.name, int(set.known) .. ' ' .. set.network)
	if more ~= 0 then
		redis.call('HINCRBY', P .. 'sums', 'all', int(more))
		redis.call('HINCRBY', P .. 'sums', set.network, int(more))
	end
end

local function forget(name)
	local known, network = string.match(redis.call('HGET', P .. 'known', name) or '', '^(%d+) (%x+)$')
	if known then
		redis.call('HINCRBY', P .. 'sums', 'all', '-' .. known)
		if redis.call('HINCRBY', P .. 'sums', network, '-' .. known) <= 0 then
			redis.call('HDEL', P .. 'sums', network)
		end
		redis.call('ZREM', P .. 'net:' .. network, name)
	end
	redis.call('ZREM', P .. 'used', name)
	redis.call('HDEL', P .. 'known', name)
	redis.call('DEL', P .. 'set:' .. name, P .. 'counts:' .. name)
	redis.call('SREM', P .. 'of:' .. keyOf(name), string.match(name, ':(%d+)$'))
end

local function shrink(sorted, sum, sets, counts, but)
	while redis.call('ZCARD', sorted) > sets or num(redis.call('HGET', P .. 'sums', sum)) > counts do
		local first = redis.call('ZRANGE', sorted, 0, 1)
		local name = first[1] ~= but and first[1] or first[2]
		if not name then
			return
		end
		forget(name)
	end
end

-- each calls f with every count of a set.
local function each(name, f)
	local all = redis.call('HGETALL', P .. 'counts:' .. name)
	for i = 1, #all, 2 do
		local count, at, round = string.match(all[i + 1], '^(%d+) (%d+) (%d+)$')
		f(tonumber(all[i]), num(count), num(at), num(round))
	end
end

-- expire removes the counts of a set that are over.
local function expire(set, ttl)
	if set.known == 0 or set.oldest + ttl > now then
		return
	end
	set.known, set.total, set.fresh, set.oldest = 0, 0, 0, now
	each(set.name, function(shard, count, at, round)
		if at + ttl <= now then
			redis.call('HDEL', P .. 'counts:' .. set.name, shard)
			return
		end
		set.known, set.total = set.known + 1, set.total + count
		set.oldest = math.min(set.oldest, at)
		if round == set.round then
			set.fresh = set.fresh + 1
		end
	end)
end

-- get returns the counts of some shards: texts, or false.
local function get(name, shards)
	local got = {}
	for from = 1, #shards, 1000 do
		local part = redis.call('HMGET', P .. 'counts:' .. name, unpack(shards, from, math.min(from + 999, #shards)))
		for _, text in ipairs(part) do
			got[#got + 1] = text
		end
	end
	return got
end

-- without returns the first shards below of for which has does not hold.
local function without(name, of, has)
	local found = {}
	for from = 0, of - 1, 200 do
		local shards = {}
		for shard = from, math.min(from + 199, of - 1) do
			shards[#shards + 1] = shard
		end
		for i, text in ipairs(get(name, shards)) do
			if not has(shards[i], text) then
				found[#found + 1] = shards[i]
				if #found == MISSING then
					return found
				end
			end
		end
	end
	return found
end
`

var (
	// ARGV: the name of the set, of, network ("" for a bot with a key), TTL,
	// pace, round and ClaimTTL in milliseconds, whether it is a dry run, the ID
	// of a claim, the four bounds, whether the claim is left to another, whether
	// the counts are wanted whoever posts, then shard and count of each.
	//
	// Returns 0 for a total that is too large; else 1, how many are known, the
	// total, when the next post may be or 0, whether the claim is taken, how
	// many are missing and which, and the counts of all where they are wanted.
	reportScript = newScript(shardLua, `
local name, of, network = A[1], tonumber(A[2]), A[3]
local ttl, pace, roundMax, claimTTL = tonumber(A[4]), tonumber(A[5]), tonumber(A[6]), tonumber(A[7])
local dry, claim = A[8] == '1', A[9]
local leave = A[14] == '1'
local whole = A[15] == '1'
local BODY = 16

for _, old in ipairs(redis.call('ZRANGEBYSCORE', P .. 'used', '-inf', int(now - ttl), 'LIMIT', 0, 2)) do
	forget(old)
end

local set = load(name)
if not set then
	set = {name = name}
	for _, field in ipairs(FIELDS) do
		set[field] = TEXTS[field] and '' or 0
	end
	set.network, set.began = network, now
end
expire(set, ttl)

local shards, counts, given = {}, {}, {}
for i = BODY, #A, 2 do
	shards[#shards + 1] = A[i]
	counts[#counts + 1] = tonumber(A[i + 1])
	given[tonumber(A[i])] = tonumber(A[i + 1])
end
local old = get(name, shards)
local known, total, fresh = set.known, set.total, set.fresh
for i = 1, #shards do
	if old[i] then
		local count, _, round = string.match(old[i], '^(%d+) (%d+) (%d+)$')
		total = total - num(count)
		if num(round) == set.round then
			fresh = fresh - 1
		end
	else
		known = known + 1
	end
end
for i = 1, #shards do
	total = total + counts[i]
	if total > MAX then
		return {1, now, 0}
	end
end

local complete, claimed, next = known == of, 0, 0
if not dry then
	for i = 1, #shards do
		redis.call('HSET', P .. 'counts:' .. name, shards[i], int(counts[i]) .. ' ' .. int(now) .. ' ' .. int(set.round))
	end
	if set.known == 0 then
		set.oldest = now
	end
	set.known, set.total, set.fresh, set.ttl = known, total, fresh + #shards, ttl
	local siblings = P .. 'of:' .. keyOf(name)
	redis.call('SADD', siblings, of)
	redis.call('PEXPIRE', siblings, int(ttl + MARGIN))
	if set.network ~= '' then
		redis.call('ZADD', P .. 'used', int(now), name)
		redis.call('ZADD', P .. 'net:' .. set.network, int(now), name)
		redis.call('PEXPIRE', P .. 'net:' .. set.network, int(ttl + MARGIN))
		counted(set)
		shrink(P .. 'net:' .. set.network, set.network, tonumber(A[10]), tonumber(A[11]), name)
		shrink(P .. 'used', 'all', tonumber(A[12]), tonumber(A[13]), name)
	end
	if complete and set.complete == 0 then
		set.complete = 1
		for _, other in ipairs(redis.call('SMEMBERS', siblings)) do
			if tonumber(other) ~= of then
				forget(keyOf(name) .. ':' .. other)
			end
		end
	end
	if complete then
		next = math.max(now, set.till)
		if set.posted ~= 0 then
			next = math.max(next, set.posted + pace)
		end
		if next <= now and not leave and (set.finished == 1 or set.fresh == of or now - set.ended >= roundMax) then
			claimed, next = 1, 0
			set.claim, set.claimed, set.till = claim, now, now + math.max(pace, claimTTL)
			set.finished, set.fresh = 1, 0
			set.round = (set.round + 1) % 65536
		end
	end
	save(set)
end

local reply = {1, now, 1, known, total, next, claimed}
local missing = {}
if not complete then
	missing = without(name, of, function(shard, text) return text or given[shard] end)
end
reply[#reply + 1] = #missing
for _, shard in ipairs(missing) do
	reply[#reply + 1] = shard
end
if complete and (dry or whole or claimed == 1) then
	local all = {}
	each(name, function(shard, count) all[shard] = count end)
	for shard, count in pairs(given) do
		all[shard] = count
	end
	for shard = 0, of - 1 do
		reply[#reply + 1] = all[shard] or 0
	end
end
return reply`)

	// ARGV: the name of the set, the ID of the claim, whether the round is
	// over, whether it was posted.
	settleScript = newScript(shardLua, `
local set = load(A[1])
if not set or set.claim ~= A[2] then
	return {1, now}
end
set.claim, set.till = '', 0
if A[3] == '1' then
	set.took = set.claimed - (set.ended ~= 0 and set.ended or set.began)
	set.ended, set.finished = set.claimed, 0
end
if A[4] == '1' then
	set.posted = set.claimed
end
save(set)
return {1, now}`)

	// ARGV: the key of the sets, for how many rounds and milliseconds.
	//
	// Returns 0 where no set was complete; else 1, of, how many are known, how
	// long the last round took, and which are silent.
	silenceScript = newScript(shardLua, `
for _, of in ipairs(redis.call('SMEMBERS', P .. 'of:' .. A[1])) do
	local name = A[1] .. ':' .. of
	local set = load(name)
	if set and set.complete == 1 then
		expire(set, set.ttl)
		counted(set)
		local quiet = math.max(tonumber(A[2]) * set.took, tonumber(A[3]))
		local reply = {1, now, 1, tonumber(of), set.known, set.took}
		for _, shard in ipairs(without(name, tonumber(of), function(_, text)
			return text and num(string.match(text, ' (%d+) ')) + quiet > now
		end)) do
			reply[#reply + 1] = shard
		end
		redis.call('HSET', P .. 'set:' .. name, 'known', int(set.known), 'total', int(set.total), 'fresh', int(set.fresh), 'oldest', int(set.oldest))
		return reply
	end
end
return {1, now, 0}`)
)
