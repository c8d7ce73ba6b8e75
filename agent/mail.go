package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"aggregator/internal/times"
	"aggregator/lists"
	"aggregator/store"
)

// notices is the operation of sending one. It is sent once: a person would read
// it twice.
var notices = lists.Op{Name: "notices", Timeout: 10 * time.Second, MaxAnswer: 64 << 10}

// DefaultDiscordAPI is the usual Outbound.DiscordAPI.
const DefaultDiscordAPI = "https://discord.com/api/v10"

const (
	// mailLease is how long a replica has a mailbox to itself: longer than one
	// message takes.
	mailLease = time.Minute
	// dropAfter is how long a message is tried to be sent.
	dropAfter = time.Hour
)

// mail is what the store keeps of a mailbox, which is where the notices of some
// bots go: a Discord webhook that any number of them share, or any other URL for
// one bot.
type mail struct {
	Bots   []string  `json:"bots,omitempty"`   // of which there may be news
	Failed int       `json:"failed,omitempty"` // tries in a row
	Since  time.Time `json:"since,omitzero"`   // when they began
	Until  time.Time `json:"until,omitzero"`   // when the next one may be made
}

func mailOf(item store.Item) (m mail) {
	if json.Unmarshal(item.Data, &m) != nil {
		return mail{}
	}
	return m
}

// into puts the mail into an item that is due at a time.
func (m mail) into(item *store.Item, due time.Time) {
	if len(m.Bots) == 0 {
		item.Data, item.Due = nil, time.Time{}
		return
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // texts, numbers and times cannot fail
	}
	item.Data, item.Due = data, due
}

// mailbox returns the id of the mailbox that a bot's notices go to; "" where
// nobody hears of it.
func (a *Agent) mailbox(b *Bot) string {
	switch {
	case b.Notify == nil:
		return ""
	case !b.Notify.webhook.IsZero():
		return a.fingerprint("webhook", b.Notify.webhook.Reveal())
	}
	return a.fingerprint("url", b.Notify.url.Reveal(), b.ID)
}

// mailJobs returns the jobs of all mailboxes.
func (a *Agent) mailJobs(bots *Bots) []job {
	seen := map[string]bool{"": true}
	var all []job
	for _, b := range bots.All() {
		if id := a.mailbox(b); !seen[id] {
			seen[id] = true
			all = append(all, job{jobMail, id})
		}
	}
	return all
}

// post puts what there is to say of a bot into its mailbox.
func (a *Agent) post(ctx context.Context, k *kept) error {
	due, id := k.News.dueAt(a.NoticePause), a.mailbox(k.bot)
	if due.IsZero() || id == "" {
		return nil
	}
	j := job{jobMail, id}
	item, err := store.Update(ctx, a.State, a.key(j), func(item *store.Item) bool {
		m := mailOf(*item)
		at := times.Later(due, m.Until)
		if slices.Contains(m.Bots, k.bot.ID) && !item.Due.IsZero() && !item.Due.After(at) {
			return false
		}
		if !slices.Contains(m.Bots, k.bot.ID) {
			m.Bots = append(m.Bots, k.bot.ID)
		}
		m.into(item, times.Earlier(item.Due, at))
		return true
	})
	if err == nil {
		a.agenda.hasten(j, item.Due)
	}
	return err
}

// runMail sends what there is to say of the bots of a mailbox, and returns when
// there may be more. Of all replicas one does so.
func (a *Agent) runMail(ctx context.Context, id string) (next time.Time, err error) {
	key := a.key(job{jobMail, id})
	claimed, err := a.State.Claim(ctx, a.holder, mailLease, key)
	if err != nil {
		return time.Time{}, err
	}
	item := claimed[0].Item
	if !claimed[0].OK {
		if item.Version > 0 && !item.Due.After(a.Now()) { // another replica is at it
			return a.Now().Add(mailLease / 10), nil
		}
		return item.Due, nil
	}
	m := mailOf(item)
	all, err := a.gather(ctx, id, m, a.Now())
	if err != nil {
		return time.Time{}, err
	}
	if len(all) > 0 {
		if err := a.deliver(ctx, &m, all); err != nil {
			return time.Time{}, err
		}
	}
	return a.closeMail(context.WithoutCancel(ctx), id, key, m)
}

// members returns the bots of a mailbox of which there may be news.
func (a *Agent) members(id string, m mail) []*Bot {
	var all []*Bot
	for _, botID := range m.Bots {
		if b := a.Bots.Current().Bot(botID); b != nil && a.mailbox(b) == id {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(x, y *Bot) int { return cmp.Compare(x.ID, y.ID) })
	return all
}

// gather takes what there is to say of the bots of a mailbox as said.
func (a *Agent) gather(ctx context.Context, id string, m mail, now time.Time) ([]said, error) {
	if m.Until.After(now) {
		return nil, nil
	}
	var all []said
	for _, b := range a.members(id, m) {
		k, err := a.load(ctx, b)
		if err != nil {
			return nil, err
		}
		for k.News.maySay(a.NoticePause, now) {
			s := k.News.say(b, now)
			ok, err := a.save(ctx, k)
			if err != nil {
				return nil, err
			}
			if ok {
				all = append(all, s)
				break
			}
			if k, err = a.load(ctx, b); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// deliver sends one message and notes in the mail what came of it. What was not
// said is taken back.
func (a *Agent) deliver(ctx context.Context, m *mail, all []said) error {
	answer := a.Exchange(context.WithoutCancel(ctx), notices, a.letter(all))
	now := a.Now()
	ctx = context.WithoutCancel(ctx)
	bots := make([]string, len(all))
	for i, s := range all {
		bots[i] = s.bot.ID
	}
	if answer.Status/100 == 2 {
		m.Failed, m.Since, m.Until = 0, time.Time{}, time.Time{}
		a.Log.Info("notice sent", "bots", bots)
		return nil
	}
	if m.Failed++; m.Failed == 1 {
		m.Since = now
	}
	why := answer.Reason
	if answer.Status != lists.NoAnswer {
		why = status(answer.Status)
	}
	switch {
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusNotFound, answer.Status == http.StatusGone,
		now.Sub(m.Since) >= dropAfter:
		m.Failed, m.Since, m.Until = 0, time.Time{}, time.Time{}
		a.Log.Warn("notice dropped", "bots", bots, "reason", why)
		return a.back(ctx, all, (*news).drop)
	case answer.Status == http.StatusTooManyRequests:
		until, said := answer.RetryAfter(now)
		if !said {
			until = now.Add(silentLimit)
		}
		m.Until = times.Earlier(until, now.Add(dropAfter))
	default:
		m.Until = now.Add(backoff(m.Failed, dropAfter))
	}
	a.Log.Warn("notice not sent; it is tried again", "bots", bots, "reason", why, "at", m.Until)
	return a.back(ctx, all, (*news).unsay)
}

// back undoes in the records of bots what was taken as said.
func (a *Agent) back(ctx context.Context, all []said, undo func(*news, said)) error {
	for _, s := range all {
		for {
			k, err := a.load(ctx, s.bot)
			if err != nil {
				return err
			}
			undo(&k.News, s)
			ok, err := a.save(ctx, k)
			if err != nil {
				return err
			}
			if ok {
				break
			}
		}
	}
	return nil
}

// letter returns the request that says something of bots with one mailbox.
func (a *Agent) letter(all []said) lists.Request {
	target := all[0].bot.Notify
	r := lists.Request{Method: http.MethodPost, URL: target.url.Reveal()}
	userAgent := a.Outbound.UserAgent
	if target.webhook.IsZero() {
		r.Body = noticeMessage(all[0], a.Now())
	} else {
		r.Body = discordMessage(all)
		userAgent = a.Outbound.DiscordUserAgent
		if a.Outbound.DiscordAPI != DefaultDiscordAPI {
			r.URL = strings.TrimSuffix(a.Outbound.DiscordAPI, "/") + target.webhook.Reveal()
		}
	}
	r.Header = []lists.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: userAgent}}
	return r
}

// closeMail gives a mailbox back, due again when there is more to say. It returns
// when that is.
func (a *Agent) closeMail(ctx context.Context, id string, key store.Key, m mail) (due time.Time, err error) {
	var failed error
	item, err := store.Update(ctx, a.State, key, func(item *store.Item) bool {
		m.Bots = mailOf(*item).Bots // others may have come
		var left []string
		due = time.Time{}
		for _, b := range a.members(id, m) {
			k, err := a.load(ctx, b)
			if err != nil {
				failed = err
				return false
			}
			if at := k.News.dueAt(a.NoticePause); !at.IsZero() {
				left = append(left, b.ID)
				due = times.Earlier(due, times.Later(at, m.Until))
			}
		}
		m.Bots = left
		m.into(item, due)
		return true
	})
	if err = errors.Join(err, failed); err != nil {
		return time.Time{}, err
	}
	return item.Due, a.State.Release(ctx, a.holder, key)
}
