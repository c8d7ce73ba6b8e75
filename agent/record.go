package agent

import (
	"encoding/json"
	"fmt"
	"time"

	"aggregator/lists"
	"aggregator/store"
)

// record is what the store keeps of a bot. It holds no secret: of tokens only
// keyed hashes.
type record struct {
	AskedAt  time.Time              `json:"asked_at,omitzero"` // when its source was last asked; zero: never
	TickAt   time.Time              `json:"tick_at,omitzero"`  // when its next count is due
	Source   sourceRecord           `json:"source,omitzero"`
	Count    *countRecord           `json:"count,omitempty"` // the newest count; nil: there was none
	Pushed   *Pushed                `json:"pushed,omitempty"`
	Lists    map[string]*listRecord `json:"lists,omitempty"` // by id
	Commands commandsRecord         `json:"commands,omitzero"`
	News     news                   `json:"news,omitzero"`
	Silence  time.Duration          `json:"silence,omitempty"` // how long shards had not reported when that was noted; 0: they do
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

// encode writes a record as an item of the store can hold it: of very many
// shards the total is kept alone, and of very many lists not what they said.
func (r *record) encode() []byte {
	data := r.marshal()
	if len(data) > store.MaxData {
		short := *r
		short.Pushed = withoutShards(r.Pushed)
		if r.Count != nil {
			count := *r.Count
			count.Shards = nil
			short.Count = &count
		}
		data = short.marshal()
		if len(data) > store.MaxData {
			data = short.withoutTexts().marshal()
		}
	}
	return data
}

func (r *record) marshal() []byte {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, numbers and times after the year 0 cannot fail
	}
	return data
}

func withoutShards(p *Pushed) *Pushed {
	if p == nil {
		return nil
	}
	short := *p
	short.Shards = nil
	return &short
}

// withoutTexts returns a copy of the record without what lists said.
func (r *record) withoutTexts() *record {
	short := *r
	short.Lists = make(map[string]*listRecord, len(r.Lists))
	for id, l := range r.Lists {
		list := *l
		if l.Last != nil {
			list.Last = &lastPost{At: l.Last.At, Status: l.Last.Status}
		}
		short.Lists[id] = &list
	}
	return &short
}

// newest returns the count that lists get which are due; nil where there is none
// that is new enough.
func (r *record) newest(b *Bot, now time.Time) *lists.Count {
	switch {
	case b.Posts == nil:
		return nil
	case b.Posts.Source.Name() == sourcePush:
		if said := readPushed(b.ID, r.Pushed, b.Posts.Every, now); said.fault == faultNone {
			return &said.count
		}
		return nil
	case r.Count == nil:
		return nil
	}
	count := r.Count.count(b.ID)
	return &count
}

// clone returns a copy that shares nothing with the record.
func (r *record) clone() *record {
	copied, err := decodeRecord(r.marshal())
	if err != nil {
		panic(err) // it was just written
	}
	return copied
}
