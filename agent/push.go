package agent

import (
	"time"

	"aggregator/lists"
)

// push takes the count that the bot itself posted last with its key.
type push struct{}

func (push) Name() string { return sourcePush }

func (push) identity() []string { return []string{sourcePush} }

func (push) request(Outbound) (lists.Request, bool) { return lists.Request{}, false }

func (push) read(string, lists.Answer, time.Time) reading { return failed(nothingPushed) }

const nothingPushed = "Nothing was pushed with the bot's key yet"

// Pushed is what a bot posted last with its key, as a total.
type Pushed struct {
	ServerCount      int64     `json:"server_count"`
	ShardCount       *int64    `json:"shard_count,omitempty"`
	Shards           []int64   `json:"shards,omitempty"`
	UserCount        *int64    `json:"user_count,omitempty"`
	VoiceConnections *int64    `json:"voice_connections,omitempty"`
	At               time.Time `json:"at"`
}

// NewPushed returns what is kept of a count that came at a time: never a shard
// id, for it is posted as a total.
func NewPushed(c lists.Count, at time.Time) Pushed {
	return Pushed{c.ServerCount, c.ShardCount, c.Shards, c.UserCount, c.VoiceConnections, at}
}

// readPushed returns what was pushed, unless it is too old: twice the time
// between two counts. p is nil where nothing was.
func readPushed(bot string, p *Pushed, every time.Duration, now time.Time) reading {
	if p == nil {
		return failed(nothingPushed)
	}
	if now.Sub(p.At) > 2*every {
		return failed("Nothing was pushed with the bot's key since " + p.At.UTC().Format(time.RFC3339))
	}
	return reading{count: lists.Count{
		BotID: bot, ServerCount: p.ServerCount, ShardCount: p.ShardCount, Shards: p.Shards,
		UserCount: p.UserCount, VoiceConnections: p.VoiceConnections,
	}}
}
