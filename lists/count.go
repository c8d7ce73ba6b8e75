package lists

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

// MaxNumber is the largest number a count may hold: beyond it, readers that
// know doubles alone lose digits.
const MaxNumber = 1<<53 - 1

// IsSnowflake reports whether s is a Discord id: 16 to 20 digits, no leading zero.
func IsSnowflake(s string) bool {
	return len(s) >= 16 && len(s) <= 20 && isDigits(s) && s[0] != '0'
}
