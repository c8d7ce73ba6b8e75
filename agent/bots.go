// Package agent knows the operator's own bots, as bots.yaml describes them: it
// finds their counts, posts them at each list's pace and says when a person
// must act.
package agent

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
)

// Bots are the operator's own bots, loaded from bots.yaml and checked against a
// catalog. Nothing in them changes. A nil *Bots has no bot.
type Bots struct {
	all  []*Bot // in the order of the file
	byID map[string]*Bot
}

// All returns the bots in the order of the file.
func (b *Bots) All() []*Bot {
	if b == nil {
		return nil
	}
	return b.all
}

// Bot returns the bot with an id; nil if there is none.
func (b *Bots) Bot(id string) *Bot {
	if b == nil {
		return nil
	}
	return b.byID[id]
}

// Bot is one of the operator's own bots.
type Bot struct {
	ID       string
	Name     string                 // for people; "" if it has none
	Tokens   []aggregate.NamedToken // in the order of the file, each list at most once and by its current id
	Posts    *Posts                 // nil: the service does not post by itself
	Commands bool                   // the bot's commands are uploaded when they change; Posts has a Discord token then
	Votes    *Votes                 // nil: nothing is known of votes
	Notify   *Target                // nil: nobody hears of trouble

	hasKey bool
	key    *[sha256.Size]byte // hash of what the bot shows; nil where it is not known
}

// HasKey reports whether the bot has a key to show. A nil Bot has none.
func (b *Bot) HasKey() bool { return b != nil && b.hasKey }

// KeyMatches reports whether a key that was shown is the bot's. How long that
// takes says nothing of the bot's key. It is false for a bot without a key.
func (b *Bot) KeyMatches(shown string) bool {
	if !b.HasKey() || b.key == nil {
		return false
	}
	sum := sha256.Sum256([]byte(shown))
	return subtle.ConstantTimeCompare(sum[:], b.key[:]) == 1
}

// IsPushed reports whether the count that is posted for the bot is what it posts
// itself with its key.
func (b *Bot) IsPushed() bool { return b.Posts != nil && b.Posts.Source.Name() == sourcePush }

// String returns what messages call the bot.
func (b *Bot) String() string {
	if b.Name == "" {
		return b.ID
	}
	return b.Name + " (" + b.ID + ")"
}

// defaultEvery is the time between two counts of a bot that names none.
const defaultEvery = 30 * time.Minute

// Posts says how the service posts a bot's count by itself.
type Posts struct {
	Every   time.Duration
	Source  Source
	Discord lists.Token // the bot's own; zero: the file has none
}

// DiscordToken returns the token with which Discord is asked about the bot; the zero
// Token where the file has none, and for a nil Bot.
func (b *Bot) DiscordToken() lists.Token {
	if b == nil || b.Posts == nil {
		return lists.Token{}
	}
	return b.Posts.Discord
}

// Votes is what a bot needs to take votes in and to pass them on.
type Votes struct {
	Secrets map[string][]lists.Token // by list id: what proves the list's webhooks
	SendTo  *SendTo                  // nil: votes are not sent anywhere
}

// SendTo is an endpoint of the bot's own that takes votes.
type SendTo struct {
	URL     lists.Token
	Secrets []lists.Token // each signs
}
