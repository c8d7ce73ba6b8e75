package httpapi

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"aggregator/aggregate"
	"aggregator/lists"
)

// tokensKey is the key of an object that holds tokens.
const tokensKey = "tokens"

// ParseCount returns the count that the body of POST /api/count asks for: a
// JSON object with the contract's fields, in which every other key is a list's
// id and its value that list's token. The error is an *aggregate.InvalidError.
func ParseCount(body []byte) (aggregate.CountRequest, error) {
	keys, ok := object(body)
	if !ok {
		return aggregate.CountRequest{}, errNoObject
	}
	fields := map[string]json.RawMessage{}
	for _, k := range keys {
		fields[k.Key] = k.Value
	}
	var r aggregate.CountRequest
	var err error
	if r.BotID, err = botID(fields["bot_id"]); err != nil {
		return aggregate.CountRequest{}, err
	}
	if fields["server_count"] == nil {
		return aggregate.CountRequest{}, invalid("'server_count' is required")
	}
	n, err := integer(fields["server_count"], "'server_count' must be a number", "'server_count' is out of range")
	if err != nil {
		return aggregate.CountRequest{}, err
	}
	r.ServerCount = n
	for _, f := range []struct {
		name string
		to   **int64
	}{{"shard_id", &r.ShardID}, {"shard_count", &r.ShardCount}} {
		if *f.to, err = optional(fields, f.name); err != nil {
			return aggregate.CountRequest{}, err
		}
	}
	if r.Shards, err = shards(fields["shards"]); err != nil {
		return aggregate.CountRequest{}, err
	}
	for _, f := range []struct {
		name string
		to   **int64
	}{{"user_count", &r.UserCount}, {"voice_connections", &r.VoiceConnections}} {
		if *f.to, err = optional(fields, f.name); err != nil {
			return aggregate.CountRequest{}, err
		}
	}
	r.Tokens = tokens(keys)
	return r, nil
}

// ParseTokens returns the tokens of a body that holds tokens alone, as that of
// a lookup does. The error is an *aggregate.InvalidError.
func ParseTokens(body []byte) ([]aggregate.NamedToken, error) {
	keys, ok := object(body)
	if !ok {
		return nil, errNoObject
	}
	return tokens(keys), nil
}

// isField reports whether a key of a body is a field, and not a list's id.
func isField(key string) bool {
	switch key {
	case "bot_id", "server_count", "shard_id", "shard_count", "shards", "user_count", "voice_connections":
		return true
	}
	return false
}

func tokens(keys []lists.Pair) []aggregate.NamedToken {
	all := make([]aggregate.NamedToken, 0, len(keys))
	for _, k := range keys {
		if isField(k.Key) {
			continue
		}
		if k.Key == tokensKey {
			if string(k.Value) == "null" {
				continue
			}
			if nested, ok := object(k.Value); ok {
				for _, n := range nested {
					all = append(all, namedToken(n, true))
				}
				continue
			}
		}
		all = append(all, namedToken(k, false))
	}
	return all
}

func namedToken(k lists.Pair, nested bool) aggregate.NamedToken {
	t, bad := lists.ParseToken(k.Value)
	return aggregate.NamedToken{ID: k.Key, Token: t, Bad: bad, Nested: nested}
}

// object returns the members of a JSON object in UTF-8.
func object(body []byte) ([]lists.Pair, bool) {
	if !utf8.Valid(body) {
		return nil, false
	}
	return lists.Pairs(body)
}

func botID(raw json.RawMessage) (string, error) {
	var id string
	switch {
	case raw == nil:
		return "", invalid("'bot_id' is required")
	case raw[0] != '"' || json.Unmarshal(raw, &id) != nil:
		return "", invalid("'bot_id' must be a string")
	case !lists.IsSnowflake(id):
		return "", invalid("'bot_id' must be a snowflake")
	}
	return id, nil
}

func optional(fields map[string]json.RawMessage, name string) (*int64, error) {
	raw := fields[name]
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	n, err := integer(raw, "'"+name+"' must be a number or null", "'"+name+"' is out of range")
	return &n, err
}

func shards(raw json.RawMessage) ([]int64, error) {
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	var values []json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return nil, invalid("'shards' must be an array or null")
	}
	const wrong = "'shards' contains incorrect values"
	counts := make([]int64, len(values))
	for i, v := range values {
		n, err := integer(v, wrong, wrong)
		if err != nil {
			return nil, err
		}
		counts[i] = n
	}
	return counts, nil
}

// integer reads a JSON number as a double, as the API's other implementations
// do: 5.0 and 1e3 are integers.
func integer(raw json.RawMessage, wrong, outOfRange string) (int64, error) {
	if c := raw[0]; c != '-' && (c < '0' || c > '9') {
		return 0, invalid(wrong)
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n != math.Trunc(n) {
		return 0, invalid(wrong)
	}
	if n < 0 || n > lists.MaxNumber {
		return 0, invalid(outOfRange)
	}
	return int64(n), nil
}

func invalid(message string) error { return &aggregate.InvalidError{Message: message} }
