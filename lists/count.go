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

// MaxNumber is the largest number a count may hold: beyond it, readers that
// know doubles alone lose digits.
const MaxNumber = 1<<53 - 1

// IsSnowflake tells whether s is a Discord id: 16 to 20 digits, no leading zero.
func IsSnowflake(s string) bool {
	return len(s) >= 16 && len(s) <= 20 && isDigits(s) && s[0] != '0'
}

// value names one thing that can be sent to a list.
type value int

const (
	serverCount value = iota
	shardID
	shardCount
	shards
	userCount
	voiceConnections
	botID
	listBotID
	values // how many there are
)

// valueSet holds what goes out to one list.
type valueSet struct {
	number [values]int64
	given  [values]bool
	shards []int64
	botID  string
	listID string
}

func (s *valueSet) set(v value, n *int64) {
	if n != nil {
		s.number[v], s.given[v] = *n, true
	}
}

// valuesFor picks the right numbers for a list. A list that takes the array
// gets the array; one that stores per shard gets the shard's own count beside
// its shard id; every other gets the total.
func (p *postDialect) valuesFor(c Count, listBot string) valueSet {
	s := valueSet{botID: c.BotID, listID: listBot, shards: c.Shards}
	s.given[botID], s.given[listBotID] = true, listBot != ""
	s.set(serverCount, &c.ServerCount)
	s.set(userCount, c.UserCount)
	s.set(voiceConnections, c.VoiceConnections)
	if c.ShardCount == nil || *c.ShardCount > 0 { // a count of 0 says that the bot is not sharded
		s.set(shardID, c.ShardID)
		s.set(shardCount, c.ShardCount)
	}
	if len(c.Shards) > 0 {
		switch {
		case p.takes[shards]:
			s.given[shards], s.given[serverCount] = true, false
		case p.takes[shardID] && s.given[shardID] && s.number[shardID] < int64(len(c.Shards)):
			s.number[serverCount] = c.Shards[s.number[shardID]]
		default:
			s.given[shardID] = false
		}
	}
	for v, n := range p.defaults {
		if !s.given[v] {
			s.set(v, &n)
		}
	}
	return s
}
