package httpapi

import (
	"strconv"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/rawjson"
)

// ParseShards returns what the body of POST /api/shards reports: a JSON object as
// that of POST /api/count, in which "shards" is an object of shards and their
// counts, or "shard_id" and "server_count" stand for one of them. The error is an
// *aggregate.InvalidError.
func ParseShards(body []byte) (aggregate.ShardsRequest, error) {
	members, err := object(body)
	if err != nil {
		return aggregate.ShardsRequest{}, err
	}
	fields := countFields(members)
	var r aggregate.ShardsRequest
	if r.BotID, err = botID(fields["bot_id"]); err != nil {
		return aggregate.ShardsRequest{}, err
	}
	if r.Of, err = shardsInAll(fields[lists.ShardCount.String()]); err != nil {
		return aggregate.ShardsRequest{}, err
	}
	if r.Shards, err = shardCounts(fields, r.Of); err != nil {
		return aggregate.ShardsRequest{}, err
	}
	if r.UserCount, err = optional(fields, lists.UserCount.String()); err != nil {
		return aggregate.ShardsRequest{}, err
	}
	if r.VoiceConnections, err = optional(fields, lists.VoiceConnections.String()); err != nil {
		return aggregate.ShardsRequest{}, err
	}
	r.Tokens = tokens(members)
	return r, nil
}

// shardsInAll reads how many shards a bot has.
func shardsInAll(v rawjson.Value) (int, error) {
	if !isGiven(v) {
		return 0, invalid("'shard_count' is required")
	}
	const outOfRange = "'shard_count' is out of range"
	n, err := integer(v, "'shard_count' must be a number", outOfRange)
	if err == nil && (n < 1 || n > lists.MaxShards) {
		err = invalid(outOfRange)
	}
	return int(n), err
}

// shardCounts reads the counts of a report of a bot that has so many shards.
func shardCounts(fields map[string]rawjson.Value, of int) ([]aggregate.ShardCount, error) {
	counts, id, count := fields[lists.Shards.String()], fields[lists.ShardID.String()], fields[lists.ServerCount.String()]
	var reported []rawjson.Member
	switch {
	case isGiven(counts):
		if reported = counts.Members(); len(reported) == 0 {
			return nil, invalid("'shards' must be an object")
		}
	case isGiven(id) && isGiven(count):
		reported = []rawjson.Member{{Key: shardKey(id), Value: count}}
	default:
		return nil, invalid("'shards' is required")
	}
	all := make([]aggregate.ShardCount, len(reported))
	for i, m := range reported {
		shard, ok := shardOf(m.Key, of)
		if !ok {
			return nil, invalid("'shards' names a shard that does not exist")
		}
		all[i].Shard = shard
	}
	total := int64(0)
	for i, m := range reported {
		const wrong = "'shards' contains incorrect values"
		n, err := integer(m.Value, wrong, wrong)
		if total += n; err == nil && total > lists.MaxNumber {
			err = invalid(wrong)
		}
		if err != nil {
			return nil, err
		}
		all[i].Count = n
	}
	return all, nil
}

// shardKey returns the key that a shard's id has in an object; "" for what is no
// id.
func shardKey(id rawjson.Value) string {
	if text, ok := id.Text(); ok {
		return text
	}
	n, err := integer(id, "", "")
	if err != nil {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// shardOf reads the key of a shard: a decimal number below of, without sign or
// leading zero.
func shardOf(key string, of int) (shard int, ok bool) {
	n, err := strconv.Atoi(key)
	return n, err == nil && n >= 0 && n < of && strconv.Itoa(n) == key
}
