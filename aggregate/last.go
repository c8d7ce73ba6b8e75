package aggregate

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"aggregator/lists"
	"aggregator/store"
)

const (
	// lastFresh is how long the last answer about a bot is kept.
	lastFresh = 24 * time.Hour
	// maxLastBytes bounds all of them together.
	maxLastBytes = 16 << 20
	// What is kept of an answer: so many owners, and so many bytes of each text.
	maxLastOwners = 50
	maxLastText   = 1 << 10
)

// lastAnswers keeps the last answer about each of many bots, without what the
// lists sent. It is safe for concurrent use.
type lastAnswers struct {
	hash func(parts ...string) store.Key
	now  func() time.Time

	mu    sync.Mutex
	cache *cache[lastAnswer]
}

type lastAnswer struct {
	BotAnswer
	at time.Time
}

func newLastAnswers(hash func(parts ...string) store.Key, now func() time.Time) *lastAnswers {
	return &lastAnswers{hash: hash, now: now, cache: newCache[lastAnswer](maxLastBytes, now)}
}

// put keeps an answer that was given to a network.
func (l *lastAnswers) put(a BotAnswer, from netip.Prefix) {
	a = a.digest()
	size := a.digestSize()
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.cache.put(l.key(a.ID), lastAnswer{a, now}, size, now.Add(lastFresh), from)
}

func (l *lastAnswers) key(botID string) store.Key { return l.hash("last", botID) }

// Last returns the last answer about a bot that is kept, without what the lists
// sent, and with its Age; it asks no list. What was read with keys of a caller is
// not kept. ok is false where there is none.
func (a *Aggregator) Last(botID string) (answer BotAnswer, ok bool) {
	a.last.mu.Lock()
	defer a.last.mu.Unlock()
	kept, ok := a.last.cache.get(a.last.key(botID))
	if !ok {
		return BotAnswer{}, false
	}
	kept.Age = max(0, a.last.now().Sub(kept.at))
	return kept.BotAnswer, true
}

// digest returns an answer without what the lists sent. It holds on to nothing of
// what was read from them.
func (a BotAnswer) digest() BotAnswer {
	for _, text := range a.texts() {
		if len(*text) > maxLastText {
			*text = ""
		}
		*text = strings.Clone(*text)
	}
	a.Owners = slices.Clone(a.Owners[:min(len(a.Owners), maxLastOwners)])
	for i, owner := range a.Owners {
		a.Owners[i] = strings.Clone(owner)
	}
	a.Lists = slices.Clone(a.Lists)
	for i := range a.Lists {
		r := &a.Lists[i]
		r.JSON = nil
		if r.Status != lists.NoAnswer || len(r.Text) > maxLastText {
			r.Text = ""
		}
	}
	a.Skipped, a.Window = slices.Clone(a.Skipped), nil
	return a
}

// texts returns the texts of an answer that lists have made.
func (a *BotAnswer) texts() []*string {
	return []*string{&a.ID, &a.Username, &a.Discriminator, &a.Invite, &a.Prefix, &a.Website, &a.Github, &a.Support, &a.Library}
}

// digestSize returns about how many bytes a digest holds.
func (a BotAnswer) digestSize() int {
	n := 1<<10 + 24*len(a.Owners)
	for _, r := range a.Lists {
		n += 128 + len(r.Text)
	}
	for _, text := range a.texts() {
		n += len(*text)
	}
	return n + 128*len(a.Skipped)
}
