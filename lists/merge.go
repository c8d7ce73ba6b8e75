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
	Text   string          // what it answered that is not JSON, or why there is no answer
	Status int             // the list's HTTP status, or NoAnswer

	Found   bool  // the list knows the bot: it answered with something about it
	Page    bool  // it answered with an HTML page where it should not
	Counted bool  // it says on how many servers the bot is
	Count   int64 // that many
	Votes   int64 // how many votes the bot has there in all, where the list says that; 0 elsewhere

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

// Plain returns the reading as an answer that is merged holds it.
func (r Reading) Plain() Reading {
	r.facts = nil // the answer may be kept
	return r
}

// Merge makes one answer of what the lists said, in catalog order.
func Merge(botID string, readings []Reading) Bot {
	bot := Bot{ID: botID, Owners: []string{}, Lists: make([]Reading, len(readings))}
	said := make([]*facts, 0, len(readings))
	for i, r := range readings {
		if r.facts != nil {
			said = append(said, r.facts)
		}
		bot.Lists[i] = r.Plain()
	}
	for i := range fieldTable {
		mergeField(&bot, i, said)
	}
	return bot
}

// ballot counts how often each text was said.
type ballot struct {
	count map[string]int
	order []string // by first appearance
}

func (b *ballot) cast(text string) {
	if b.count == nil {
		b.count = map[string]int{}
	}
	if b.count[text] == 0 {
		b.order = append(b.order, text)
	}
	b.count[text]++
}

// winner returns the most common text; on a tie the one that appeared last.
func (b *ballot) winner(missing string) string {
	winner, highest := missing, 0
	for _, text := range b.order {
		if b.count[text] >= highest {
			winner, highest = text, b.count[text]
		}
	}
	return winner
}

// mergeField merges what all lists say of a field into a bot.
func mergeField(bot *Bot, field int, all []*facts) {
	f := &fieldTable[field]
	switch f.Kind {
	case FieldText, FieldDigits:
		var votes ballot
		for _, said := range all {
			for _, text := range said.texts[field] {
				votes.cast(text)
			}
		}
		*f.text(bot) = votes.winner(f.missing)
	case FieldIDs:
		seen := map[string]bool{} // an answer may hold very many
		for _, said := range all {
			for _, id := range said.texts[field] {
				if !seen[id] {
					seen[id] = true
					bot.Owners = append(bot.Owners, id)
				}
			}
		}
	case FieldCount:
		for _, said := range all {
			bot.ServerCount = max(bot.ServerCount, said.count)
		}
	}
}
