package agent

import (
	"fmt"
	"net/http"
	"time"

	"aggregator/lists"
	"aggregator/rawjson"
)

// urlSource reads the count from a URL of the operator's own.
type urlSource struct {
	url   lists.Token // a URL may hold a secret too
	token lists.Token // zero: none is sent

	serverCount, shardCount, shards, userCount lists.Path
}

func (urlSource) Name() string { return sourceURL }

func (s urlSource) identity() []string {
	return []string{sourceURL, s.url.Reveal(), s.token.Reveal()}
}

func (s urlSource) request(out Outbound) (lists.Request, bool) {
	r := lists.Request{
		Method: http.MethodGet,
		URL:    s.url.Reveal(),
		Header: []lists.Header{{Name: "Accept", Value: "application/json"}, {Name: "User-Agent", Value: out.UserAgent}},
	}
	if !s.token.IsZero() {
		r.Header = append(r.Header, lists.Header{Name: "Authorization", Value: "Bearer " + s.token.Reveal()})
	}
	return r, true
}

func (s urlSource) read(bot string, a lists.Answer, _ time.Time) reading {
	const who = "The count's URL"
	if r, is := isFailed(who, a); is {
		return r
	}
	v, ok := rawjson.Parse(a.Body)
	if !ok {
		return failed(who + " answered what is no JSON")
	}
	c := lists.Count{BotID: bot}
	shards, fault := shardsAt(s.shards, v)
	if fault != "" {
		return failed(fault)
	}
	servers, fault := numberAt("server_count", s.serverCount, v)
	if fault != "" {
		return failed(fault)
	}
	c.Shards = shards
	switch {
	case servers != nil:
		c.ServerCount = *servers
	case shards == nil:
		return failed(who + " answered no server count where it should be")
	default:
		if c.ServerCount, ok = sum(shards); !ok {
			return failed("The counts of the shards add up to more than a count can be")
		}
	}
	if c.ShardCount, fault = numberAt("shard_count", s.shardCount, v); fault != "" {
		return failed(fault)
	}
	if n := int64(len(shards)); n > 0 {
		if c.ShardCount != nil && *c.ShardCount != n {
			return failed(fmt.Sprintf("The counts of %d shards stand beside a shard_count of %d", n, *c.ShardCount))
		}
		c.ShardCount = &n
	}
	if c.UserCount, fault = numberAt("user_count", s.userCount, v); fault != "" {
		return failed(fault)
	}
	return reading{count: c}
}

// numberAt returns the number at a path. It is nil if the path is empty, or leads
// to nothing or to null. fault says what is wrong with anything else.
func numberAt(name string, p lists.Path, v rawjson.Value) (n *int64, fault string) {
	values := p.Values(v)
	if len(values) > 1 {
		return nil, fmt.Sprintf("The path of %s leads to %d values; it must lead to one", name, len(values))
	}
	if len(values) == 0 || values[0].Kind() == rawjson.Null {
		return nil, ""
	}
	found, ok := numberOf(values[0])
	if !ok {
		return nil, "What stands at the path of " + name + " is no whole number from 0 to 9007199254740991"
	}
	return &found, ""
}

// maxShards is how many shards a bot can have.
const maxShards = 20_000

// shardsAt returns the counts that a path leads to, one for each shard: several
// numbers, or one array of them.
func shardsAt(p lists.Path, v rawjson.Value) (all []int64, fault string) {
	values := p.Values(v)
	if len(values) == 1 && values[0].Kind() == rawjson.Array {
		array := values[0]
		values = nil
		for item := range array.Items() {
			values = append(values, item)
		}
	}
	if len(values) == 1 && values[0].Kind() == rawjson.Null {
		return nil, ""
	}
	if len(values) > maxShards {
		return nil, fmt.Sprintf("The path of shards leads to %d counts; at most %d are allowed", len(values), maxShards)
	}
	for i, value := range values {
		n, ok := numberOf(value)
		if !ok {
			return nil, fmt.Sprintf("The count of shard %d is no whole number from 0 to 9007199254740991", i)
		}
		all = append(all, n)
	}
	return all, ""
}

// sum returns the sum of counts; ok is false where it is more than a count can be.
func sum(counts []int64) (total int64, ok bool) {
	for _, n := range counts {
		if total += n; total > lists.MaxNumber {
			return 0, false
		}
	}
	return total, true
}
