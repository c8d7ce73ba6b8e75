package votes

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"aggregator/agent"
	"aggregator/lists"
	"aggregator/store"
)

// Results of a webhook, as they are counted.
const (
	resultKept    = "kept"          // a vote, which goes out
	resultAgain   = "again"         // the same vote again
	resultIgnored = "ignored"       // no vote, or an old one
	resultUnknown = "bad_signature" // not proven to be the list's
	resultInvalid = "invalid"       // what is told cannot be understood
	resultAway    = "away"          // the store did not keep it
	resultFull    = "full"          // too much waits
)

var (
	// ErrNoHook is returned for a bot and a list of which nothing says how
	// webhooks would be proven.
	ErrNoHook = errors.New("votes: no webhook is expected")
	// ErrUnproven is returned for a webhook that is not proven to be the list's.
	ErrUnproven = errors.New("votes: bad signature")
	// ErrAway is returned while the store is away.
	ErrAway = store.ErrAway
	// ErrNotKept is returned for a vote that could not be kept. The list may send
	// it again.
	ErrNotKept = errors.New("votes: the vote could not be kept")
)

// InvalidError is returned for a webhook that tells of no vote that can be
// understood. Its text is for the list's people.
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

const (
	// sameFor is for how long a vote is known again.
	sameFor = 24 * time.Hour
	// sameBytesFor is for how long a vote is known again by its bytes alone.
	sameBytesFor = time.Hour
	// maxPuts is how many votes may be on their way into the store at once.
	maxPuts = 512
)

// IntakeConfig is what an Intake works with.
type IntakeConfig struct {
	Outbox store.Outbox
	Hash   func(parts ...string) store.Key
	Log    *slog.Logger
	Now    func() time.Time // the clock; time.Now when nil

	// Wake hears of each bot for which something has come to be sent.
	Wake func(bot string)
	// Observe hears what became of each webhook; nil: nobody listens.
	Observe func(list, result string)
	// Remember hears of each vote that is no test; nil: nobody listens.
	Remember func(l *lists.List, e lists.Event)
	// Refusals hears of votes that were not kept; nil: nobody listens.
	Refusals *Refusals
}

// Intake takes webhooks of lists in. It is safe for concurrent use.
type Intake struct {
	IntakeConfig
	puts chan struct{}
}

// NewIntake returns an Intake.
func NewIntake(c IntakeConfig) *Intake {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Observe == nil {
		c.Observe = func(string, string) {}
	}
	if c.Remember == nil {
		c.Remember = func(*lists.List, lists.Event) {}
	}
	return &Intake{IntakeConfig: c, puts: make(chan struct{}, maxPuts)}
}

// Expects reports whether webhooks of a list about a bot are taken in. Either may
// be nil.
func (in *Intake) Expects(b *agent.Bot, l *lists.List) bool { return len(secretsOf(b, l)) > 0 }

// secretsOf returns what proves a list's webhooks about a bot; nil where nothing
// does.
func secretsOf(b *agent.Bot, l *lists.List) []lists.Token {
	if b == nil || b.Votes == nil || l == nil || l.Webhook() == nil {
		return nil
	}
	secrets := b.Votes.Secrets[l.ID]
	if l.Webhook().SecretIsToken() {
		for _, t := range b.Tokens {
			if t.ID == l.ID && !t.Token.IsZero() {
				secrets = append(slices.Clip(secrets), t.Token)
			}
		}
	}
	return secrets
}

// noSecret tells the operator of a webhook for one of the own bots that nothing
// can prove: most often its secret was forgotten.
func (in *Intake) noSecret(b *agent.Bot, l *lists.List) {
	switch {
	case b == nil || l == nil: // anybody's address
	case l.Webhook() == nil:
		in.Log.Warn("webhook that is not taken", "list", l.ID, "bot", b.ID, "reason", "the list is not known to send any")
	default:
		in.Log.Warn("webhook that is not taken", "list", l.ID, "bot", b.ID, "reason", "the bot has no secret of the list, under votes.secrets of its file")
	}
}

// knownTo returns the secrets of a bot that a list knows, and may send back.
func knownTo(b *agent.Bot, l *lists.List) []lists.Token {
	all := slices.Clone(b.Votes.Secrets[l.ID])
	for _, t := range b.Tokens {
		if t.ID == l.ID {
			for _, secret := range t.Token.Secrets() {
				all = append(all, lists.NewToken(secret, ""))
			}
		}
	}
	return all
}

// Take takes a webhook in: what proves it comes first, then what it tells, then
// whether that is new, and then it is kept. ignored says in a word why it is no
// vote that goes out; "" for one that does, or did before. The error is ErrNoHook,
// ErrUnproven, an *InvalidError, or ErrNotKept; it comes when ctx ends, at the
// latest.
func (in *Intake) Take(ctx context.Context, b *agent.Bot, l *lists.List, d lists.Delivery) (ignored string, err error) {
	secrets := secretsOf(b, l)
	if len(secrets) == 0 {
		in.noSecret(b, l)
		return "", ErrNoHook
	}
	now := in.Now()
	proven, fault := l.Webhook().Verify(d, secrets, now)
	if fault != nil {
		in.Observe(l.ID, resultUnknown)
		in.Log.Warn("webhook with a bad signature", "list", l.ID, "bot", b.ID, "proof", fault.Kind, "reason", fault.Reason)
		return "", ErrUnproven
	}
	d.Hides = lists.NewMasker(knownTo(b, l)...)
	e, err := l.Webhook().Read(d, proven, b.ID, now)
	if err != nil {
		in.Observe(l.ID, resultInvalid)
		in.Log.Warn("webhook cannot be understood", "list", l.ID, "bot", b.ID, "proof", proven.Kind, "reason", err)
		return "", &InvalidError{err.Error()}
	}
	if e.Ignored != "" {
		in.Observe(l.ID, resultIgnored)
		in.Log.Debug("webhook ignored", "list", l.ID, "bot", b.ID, "ignored", e.Ignored)
		return e.Ignored, nil
	}
	m := newMessage(b.ID, l.ID, e, now, d.Hides)
	switch kept, err := in.put(ctx, m, b.Votes.SendTo != nil, in.once(b.ID, l.ID, e, d.Body)); {
	case err != nil:
		return "", in.refuse(b, l, resultAway, err)
	case kept == store.PutFull:
		return "", in.refuse(b, l, resultFull, nil)
	case kept == store.PutAgain:
		in.Observe(l.ID, resultAgain)
	default:
		in.Observe(l.ID, resultKept)
		if !e.Test {
			e.BotID = b.ID
			in.Remember(l, e)
		}
		in.Wake(b.ID)
	}
	in.Refusals.kept(b.ID, l.ID, now)
	return "", nil
}

// once returns what makes a vote the only one: the list's id of it where the
// proof covers that, else user and time, else its bytes. When a request was signed
// is no time of a vote: a list that sends one again signs it anew. An id outside the proof
// only adds to these. A test is one each time.
func (in *Intake) once(bot, list string, e lists.Event, body []byte) []store.Once {
	if e.Test {
		return nil
	}
	kind := typeCreated
	if e.Removed {
		kind = typeRemoved
	}
	key := func(parts ...string) store.Key {
		return in.Hash(append([]string{"vote", bot, list, kind}, parts...)...)
	}
	var all []store.Once
	switch {
	case e.ID != "":
		all = append(all, store.Once{Key: key("id", e.ID), TTL: sameFor})
	case !e.At.IsZero() && !e.AtOfRequest:
		all = append(all, store.Once{Key: key("time", e.UserID, e.At.UTC().Format(time.RFC3339Nano)), TTL: sameFor})
	default:
		sum := sha256.Sum256(body)
		all = append(all, store.Once{Key: key("bytes", string(sum[:])), TTL: sameBytesFor})
	}
	if e.OtherID != "" {
		all = append(all, store.Once{Key: key("other", e.OtherID), TTL: sameFor})
	}
	return all
}

// put puts a message into the outbox, and waits for that as long as ctx does. The
// list that sent it may hang up meanwhile: it is kept all the same.
func (in *Intake) put(ctx context.Context, m store.Message, waits bool, once []store.Once) (store.PutResult, error) {
	select {
	case in.puts <- struct{}{}:
	default:
		return 0, fmt.Errorf("%d votes are being written already", maxPuts)
	}
	type result struct {
		kept store.PutResult
		err  error
	}
	done := make(chan result, 1)
	within, cancel := withDeadlineOf(ctx)
	go func() {
		defer cancel()
		defer func() { <-in.puts }()
		kept, err := in.Outbox.Put(within, m, waits, once...)
		done <- result{kept, err}
	}()
	select {
	case r := <-done:
		return r.kept, r.err
	case <-within.Done():
	}
	select {
	case r := <-done: // both happened at once
		return r.kept, r.err
	default:
		return 0, within.Err()
	}
}

// withDeadlineOf returns a context that ends when ctx is to end at the latest, and
// no sooner.
func withDeadlineOf(ctx context.Context) (context.Context, context.CancelFunc) {
	at, ok := ctx.Deadline()
	ctx = context.WithoutCancel(ctx)
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, at)
}

// refuse notes that a vote was not kept, and returns the error that says so.
func (in *Intake) refuse(b *agent.Bot, l *lists.List, result string, err error) error {
	in.Observe(l.ID, result)
	in.Log.Warn("vote not kept", "list", l.ID, "bot", b.ID, "reason", result, "error", err)
	in.Refusals.refused(b.ID, l.ID, result, in.Now())
	return ErrNotKept
}
