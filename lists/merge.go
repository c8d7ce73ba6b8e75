package lists

import (
	"encoding/json"
	"net/http"
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
	Data   json.RawMessage // the list's JSON as it sent it, or its text as a JSON string
	Status int             // the list's HTTP status, or NoAnswer

	facts *facts // nil: none
}

// Merge makes one answer of what the lists said, in catalog order.
func Merge(botID string, readings []Reading) Bot {
	bot := Bot{ID: botID, Owners: []string{}, Lists: make([]Reading, len(readings))}
	var votes [textFields]vote
	owned := map[string]bool{}
	for i, r := range readings {
		said := r.facts
		r.facts = nil // the answer may be kept
		bot.Lists[i] = r
		if said == nil {
			continue
		}
		for field, texts := range said.text {
			for _, text := range texts {
				votes[field].cast(text)
			}
		}
		for _, id := range said.owners {
			if !owned[id] {
				owned[id] = true
				bot.Owners = append(bot.Owners, id)
			}
		}
		bot.ServerCount = max(bot.ServerCount, said.count)
	}
	bot.Username = votes[username].winner("Unknown")
	bot.Discriminator = votes[discriminator].winner("0000")
	bot.Invite = votes[invite].winner("")
	bot.Prefix = votes[prefix].winner("")
	bot.Website = votes[website].winner("")
	bot.Github = votes[github].winner("")
	bot.Support = votes[support].winner("")
	bot.Library = votes[library].winner("")
	return bot
}

// Read returns what the list answered, and keeps the facts in it for Merge.
func (c ReadCall) Read(a Answer) Reading {
	r := Reading{List: c.List.ID, Status: a.Status}
	if a.Status == NoAnswer {
		r.Data = AppendString(nil, c.Hide(a.Reason))
		return r
	}
	body := a.Body
	if hidden := c.Hide(string(body)); hidden != string(body) {
		body = []byte(hidden)
	}
	if !passable(body) {
		r.Data = AppendString(nil, Text(body))
		return r
	}
	r.Data = body
	if a.Status == http.StatusOK {
		r.facts = c.dialect.read(body)
	}
	return r
}

// vote counts how often each text was said.
type vote struct {
	count map[string]int
	order []string // by first appearance
}

func (v *vote) cast(text string) {
	if v.count == nil {
		v.count = map[string]int{}
	}
	if v.count[text] == 0 {
		v.order = append(v.order, text)
	}
	v.count[text]++
}

// winner is the most common text; on a tie the one that appeared last.
func (v *vote) winner(otherwise string) string {
	best, most := otherwise, 0
	for _, text := range v.order {
		if v.count[text] >= most {
			best, most = text, v.count[text]
		}
	}
	return best
}
