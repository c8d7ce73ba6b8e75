package redis

import (
	"fmt"
	"strings"
	"time"

	"aggregator/store"
)

// outcomeLua begins all scripts over outcomes. What is kept of a list and an
// operation, "LIST OP", is a hash, outcomes:of:NAME: a row is the field "LENGTH
// FROM" with a tally in it, both in seconds; call, success and failure are what
// last became of calls. Names stand by their last use in outcomes:used.
//
// KEPT has the length of each period, in seconds, and for how long it is kept.
var outcomeLua = prelude + `
local P = '` + prefix + `outcomes:'
local KEPT = {` + periodsLua() + `}
local reply = {1, now}

local function int(n)
	return string.format('%.0f', n)
end

-- sweep removes rows that are too old.
local function sweep(key, second)
	for _, field in ipairs(redis.call('HKEYS', key)) do
		local length, from = string.match(field, '^(%d+) (%d+)$')
		if length and KEPT[tonumber(length)] and tonumber(from) <= second - KEPT[tonumber(length)] then
			redis.call('HDEL', key, field)
		end
	end
end
`

func periodsLua() string {
	var kept []string
	for _, p := range store.Periods() {
		kept = append(kept, fmt.Sprintf("[%d] = %d", seconds(time.Duration(p)), seconds(p.Kept())))
	}
	return strings.Join(kept, ", ")
}

var (
	// ARGV: the name of the batch, how many milliseconds it is known, how many
	// names there may be, how many milliseconds they are kept, and from which figure on the larger of two counts, instead of both; for
	// each entry its name, its slot in seconds, its tally, call, success and
	// failure ("" for none), each beginning with a time in milliseconds.
	addOutcomesScript = newScript(outcomeLua, fmt.Sprintf(`
local SWEPT, SHORTEST = 2, %d
if not redis.call('SET', P .. 'batch:' .. A[1], '', 'NX', 'PX', A[2]) then
	return reply
end
local larger, swept = tonumber(A[5]), 0

local function add(key, field, tally, length)
	local sums = {}
	for _, text in ipairs({redis.call('HGET', key, field) or '', tally}) do
		for i, n in string.gmatch(text, '(%%d+):(%%d+)') do
			i, n = tonumber(i), tonumber(n)
			if i < larger then
				sums[i] = (sums[i] or 0) + n
			elseif length == SHORTEST then
				sums[i] = math.max(sums[i] or 0, n)
			end
		end
	end
	local numbers, pairsOf = {}, {}
	for i in pairs(sums) do
		numbers[#numbers + 1] = i
	end
	table.sort(numbers)
	for _, i in ipairs(numbers) do
		pairsOf[#pairsOf + 1] = int(i) .. ':' .. int(sums[i])
	end
	redis.call('HSET', key, field, table.concat(pairsOf, ' '))
end

local function latest(key, field, value)
	local function at(text)
		return tonumber(string.match(text or '', '^%%d+')) or 0
	end
	if at(value) > at(redis.call('HGET', key, field) or '') then
		redis.call('HSET', key, field, value)
	end
end

for i = 6, #A, 6 do
	local name, slot = A[i], tonumber(A[i + 1])
	local key = P .. 'of:' .. name
	for length in pairs(KEPT) do
		add(key, int(length) .. ' ' .. int(slot - slot %% length), A[i + 2], length)
	end
	latest(key, 'call', A[i + 3])
	latest(key, 'success', A[i + 4])
	latest(key, 'failure', A[i + 5])
	-- A few at a time: all begin a new hour together.
	local hour = int(slot - slot %% 3600)
	if swept < SWEPT and redis.call('HGET', key, 'swept') ~= hour then
		redis.call('HSET', key, 'swept', hour)
		sweep(key, slot)
		swept = swept + 1
	end
	redis.call('PEXPIRE', key, A[4])
	redis.call('ZADD', P .. 'used', int(now) , name)
end
redis.call('PEXPIRE', P .. 'used', A[4])
local over = redis.call('ZCARD', P .. 'used') - tonumber(A[3])
if over > 0 then
	for _, name in ipairs(redis.call('ZRANGE', P .. 'used', 0, over - 1)) do
		redis.call('DEL', P .. 'of:' .. name)
		redis.call('ZREM', P .. 'used', name)
	end
end
return reply`, seconds(time.Duration(store.Slots))))

	// Names that are gone are left out.
	outcomeNamesScript = newScript(outcomeLua, `
for _, name in ipairs(redis.call('ZRANGE', P .. 'used', 0, -1)) do
	reply[#reply + 1] = name
end
return reply`)

	// ARGV: how many names, these, and fields. It returns for each name the
	// values of call, success, failure and of the fields.
	loadOutcomesScript = newScript(outcomeLua, `
local names = tonumber(A[1])
local fields = {'call', 'success', 'failure'}
for i = 2 + names, #A do
	fields[#fields + 1] = A[i]
end
for i = 2, 1 + names do
	for _, value in ipairs(redis.call('HMGET', P .. 'of:' .. A[i], unpack(fields))) do
		reply[#reply + 1] = value or ''
	end
end
return reply`)
)

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
