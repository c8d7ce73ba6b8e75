package lists

import (
	"encoding/json"

	"aggregator/rawjson"
)

// Bot is what the lists say of a bot, merged.
type Bot struct {
	ID            string    `json:"id"`
	Username      string    `json:"username"`
	Discriminator string    `json:"discriminator"`
	Owners        []string  `json:"owners"`
	ServerCount   int64     `json:"server_count"`
	Invite        string    `json:"invite"`
	Prefix        string    `json:"prefix"`
	Website       string    `json:"website"`
	Github        string    `json:"github"`
	Support       string    `json:"support"`
	Library       string    `json:"library"`
	Lists         []Reading `json:"-"` // one for each list asked, in catalog order
}

// Reading is what one list answered, as the merged answer shows it.
type Reading struct {
	List   string
	JSON   json.RawMessage // what the list answered, as it sent it; nil: no JSON
	Text   string          // what it answered that is no JSON, or why there is no answer
	Status int             // the list's HTTP status, or NoAnswer

	facts *facts // nil: none
}

// Data returns what the list answered as JSON, a text as a string. That may be
// six times as long as the text.
func (r Reading) Data() json.RawMessage {
	if r.JSON != nil {
		return r.JSON
	}
	return rawjson.AppendString(nil, r.Text)
}

// Merge makes one answer of what the lists said, in catalog order.
func Merge(botID string, readings []Reading) Bot {
	bot := Bot{ID: botID, Owners: []string{}, Lists: make([]Reading, len(readings))}
	said := make([]*facts, 0, len(readings))
	for i, r := range readings {
		if r.facts != nil {
			said = append(said, r.facts)
		}
		r.facts = nil // the answer may be kept
		bot.Lists[i] = r
	}
	for i := range fieldTable {
		mergeField(&bot, i, said)
	}
	return bot
}
