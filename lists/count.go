package lists

import (
	"math"
	"strconv"

	"aggregator/rawjson"
)

// Count is what a bot reports.
type Count struct {
	BotID            string  // the bot's Discord snowflake
	ServerCount      int64   // servers of all shards together, unless the caller posts per shard
	ShardID          *int64  // nil: not given
	ShardCount       *int64  // nil: not given; 0: not sharded
	Shards           []int64 // server count of each shard; empty: not given
	UserCount        *int64  // nil: not given
	VoiceConnections *int64  // nil: not given
}

// believable reports whether the shards hold counts: programs were seen that
// send the shards' ids, whose sum is below the total.
func (c *Count) believable() bool {
	left := c.ServerCount
	for _, n := range c.Shards {
		if left -= n; left <= 0 { // the sum of all might be beyond 64 bits
			return true
		}
	}
	return left <= 0
}

// MaxShards is how many counts of shards a count may hold: no bot has nearly as
// many.
const MaxShards = 20_000

// Fault returns what is wrong with a count, in words for its caller; "" if nothing
// is.
func (c *Count) Fault() string {
	if !IsSnowflake(c.BotID) {
		return "'bot_id' must be a snowflake"
	}
	if !isNumber(c.ServerCount) {
		return "'server_count' is out of range"
	}
	for v := range NumValues {
		if at := v.Optional(c); at != nil && *at != nil && !isNumber(**at) {
			return "'" + v.String() + "' is out of range"
		}
	}
	if len(c.Shards) > MaxShards {
		return "'shards' holds more than " + strconv.Itoa(MaxShards) + " counts"
	}
	for _, n := range c.Shards {
		if !isNumber(n) {
			return "'shards' contains incorrect values"
		}
	}
	return c.Contradiction()
}

// isNumber reports whether a count may hold n.
func isNumber(n int64) bool { return n >= 0 && n <= MaxNumber }

// Contradiction returns how the shard fields contradict each other, in words for
// the caller; "" if they do not. A ShardCount of 0 says that the bot is not
// sharded, and what the others are is of no account.
func (c *Count) Contradiction() string {
	if c.ShardCount == nil || *c.ShardCount == 0 {
		return ""
	}
	if c.ShardID != nil && *c.ShardID >= *c.ShardCount {
		return "'shard_id' must be below 'shard_count'"
	}
	if n := int64(len(c.Shards)); n > 0 && n != *c.ShardCount {
		return "'shards' must hold one count for each of 'shard_count' shards"
	}
	return ""
}

// MaxNumber is the largest number a count may hold: beyond it, readers that
// know doubles alone lose digits.
const MaxNumber = 1<<53 - 1

// WholeNumber returns a JSON number, which is read as a double, as the API's other
// implementations do: 5.0 and 1e3 are whole. inRange reports whether it is from 0 to
// MaxNumber.
func WholeNumber(v rawjson.Value) (n int64, isWhole, inRange bool) {
	digits, isNumber := v.Number()
	f, err := strconv.ParseFloat(digits, 64)
	switch {
	case !isNumber || err != nil || f != math.Trunc(f):
		return 0, false, false
	case f < 0 || f > MaxNumber:
		return 0, true, false
	}
	return int64(f), true, true
}

// IsSnowflake reports whether s is a Discord id: 16 to 20 digits, no leading zero.
func IsSnowflake(s string) bool {
	return len(s) >= 16 && len(s) <= 20 && isDigits(s) && s[0] != '0'
}
