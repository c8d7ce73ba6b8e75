package agent

import (
	"encoding/json"
	"fmt"
	"time"

	"aggregator/lists"
)

// record is what the store keeps of a bot. It holds no secret: of tokens only
// keyed hashes.
type record struct {
	AskedAt time.Time              `json:"asked_at,omitzero"` // when its source was last asked; zero: never
	TickAt  time.Time              `json:"tick_at,omitzero"`  // when its next count is due
	Source  sourceRecord           `json:"source,omitzero"`
	Count   *countRecord           `json:"count,omitempty"` // the newest count; nil: there was none
	Pushed  *Pushed                `json:"pushed,omitempty"`
	Lists   map[string]*listRecord `json:"lists,omitempty"` // by id
	News    news                   `json:"news,omitzero"`
}

// countRecord is a count and where it came from.
type countRecord struct {
	Pushed        // its numbers, and when it was told
	From   string `json:"from"`
}

// count returns the count as lists are posted it.
func (c *countRecord) count(bot string) lists.Count {
	return lists.Count{
		BotID: bot, ServerCount: c.ServerCount, ShardCount: c.ShardCount, Shards: c.Shards,
		UserCount: c.UserCount, VoiceConnections: c.VoiceConnections,
	}
}

// list returns what is kept of a list; an empty record where nothing was.
func (r *record) list(id string) *listRecord {
	if r.Lists == nil {
		r.Lists = map[string]*listRecord{}
	}
	l := r.Lists[id]
	if l == nil {
		l = &listRecord{}
		r.Lists[id] = l
	}
	return l
}

// decodeRecord reads what encode wrote. Nothing is an empty record.
func decodeRecord(data []byte) (*record, error) {
	r := &record{}
	if len(data) == 0 {
		return r, nil
	}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("agent: what the store keeps of a bot cannot be read: %w", err)
	}
	return r, nil
}

func (r *record) encode() []byte {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, numbers and times after the year 0 cannot fail
	}
	return data
}
