package redis

import (
	"strconv"
	"strings"

	"aggregator/store"
)

// windowLua begins all scripts over windows.
//
// A window is a string: how much of it is used, until when, in Unix
// milliseconds, and a note, which may be missing. When it is over says the window; that its key expires is only
// for cleaning up, so that one which lost its expiry blocks nobody, and gets
// another at its next use. What cannot be read counts as free.
var windowLua = prelude + `
local HELD, KEEP = ` + strconv.FormatInt(store.Held, 10) + `, 10000
local RELEASE, HOLD, SET, OCCUPY = ` + kinds(store.KindRelease, store.KindHold, store.KindSet, store.KindOccupy) + `

local function get(key)
	local value = redis.pcall('GET', key)
	if type(value) == 'string' then
		local used, till, note = string.match(value, '^(%d+) (%d+) ?(.*)$')
		used, till = tonumber(used), tonumber(till)
		if used and till > now then
			return {used = used, till = till, note = note}
		end
	end
	return {used = 0, till = 0, note = ''}
end

local function put(key, w)
	if w.used > 0 and w.till > now then
		local value = string.format('%.0f %.0f', w.used, w.till)
		if w.note ~= '' then
			value = value .. ' ' .. w.note
		end
		redis.call('SET', key, value, 'PX', string.format('%.0f', w.till - now + KEEP))
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
	// ARGV of each key: slots, limit, period (0 for only a look), the number of
	// its group, and a note.
	takeScript = newScript(windowLua, `
local known = {}
local function see(name)
	return known[name] or get(name)
end
local from = 1
while from <= #K do
	local group, mine, ok, to = A[5 * from - 1], {}, true, from
	local room, at = {}, {}
	while to <= #K and A[5 * to - 1] == group do
		local limit, period, w = tonumber(A[5 * to - 3]), tonumber(A[5 * to - 2])
		at[to], w = first(K[to], tonumber(A[5 * to - 4]), limit, function(name) return mine[name] or see(name) end)
		room[to] = w.used < limit
		ok = ok and room[to]
		if ok and period > 0 then
			local till, note = w.till, w.note
			if w.used == 0 then
				till, note = ceil + period, A[5 * to]
			end
			mine[slot(K[to], at[to])] = {used = w.used + 1, till = till, note = note}
		end
		to = to + 1
	end
	if ok then
		for name, w in pairs(mine) do
			known[name] = w
		end
	end
	for i = from, to - 1 do
		tell(room[i], at[i], see(slot(K[i], at[i])))
	end
	from = to
end
for name, w in pairs(known) do
	put(name, w)
end
return reply`)

	// ARGV of each key: slots.
	peekScript = newScript(windowLua, `
for i = 1, #K do
	local at, w = first(K[i], tonumber(A[i]), 1, get)
	tell(w.used < 1, at, w)
end
return reply`)

	// ARGV of each key: what to do, slots, uses, until when, and a note.
	changeScript = newScript(windowLua, `
for i = 1, #K do
	local kind, used, till, note = tonumber(A[5 * i - 4]), tonumber(A[5 * i - 2]), tonumber(A[5 * i - 1]), A[5 * i]
	local at, w = 0, get(K[i])
	if kind == OCCUPY then
		at, w = first(K[i], tonumber(A[5 * i - 3]), 1, get)
	end
	if kind == RELEASE and w.used > 0 and w.used < HELD then
		w.used = w.used - 1
	elseif kind == HOLD then
		w = {used = HELD, till = math.max(w.till, till), note = note ~= '' and note or w.note}
	elseif kind == SET or kind == OCCUPY and w.used == 0 then
		w = {used = used, till = till, note = note}
	end
	if w.used == 0 or w.till <= now then
		w = {used = 0, till = 0, note = ''}
	end
	put(slot(K[i], at), w)
	tell(true, at, w)
end
return reply`)

	// ARGV of each key: what to add, and how the window is in memory.
	carryScript = newScript(windowLua, `
for i = 1, #K do
	local w = get(K[i])
	if w.used < HELD then
		w.used = math.min(math.max(w.used + tonumber(A[3 * i - 2]), tonumber(A[3 * i - 1])), HELD)
	end
	w.till = math.max(w.till, tonumber(A[3 * i]))
	put(K[i], w)
end
return reply`)
)

// kinds are numbers for a script.
func kinds(all ...store.ChangeKind) string {
	texts := make([]string, len(all))
	for i, k := range all {
		texts[i] = strconv.Itoa(int(k))
	}
	return strings.Join(texts, ", ")
}
