package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// MaxWaiting is how many messages may wait for one bot.
	MaxWaiting = 10_000
	// MaxBody is how many bytes the body of a message may have.
	MaxBody = 128 << 10
	// WaitTTL is how long a message waits to be taken, before it is dead.
	WaitTTL = 48 * time.Hour
	// DeliveredTTL is how long a message is kept after it was taken.
	DeliveredTTL = 24 * time.Hour
	// DeadTTL is how long a message is kept after it was given up.
	DeadTTL = 7 * 24 * time.Hour
	// StreamTTL is how far back After goes.
	StreamTTL = 24 * time.Hour
	// MaxReason bounds the reason of an attempt, in bytes. Of a longer one the
	// beginning is kept.
	MaxReason = 300
	// MaxDeliveries is how many deliveries one call may ask for.
	MaxDeliveries = 1000
)

// OutboxBounds bound what an Outbox keeps. A message that waits is refused where
// it would be too much. Of those that were taken or given up the oldest make room,
// those that were taken first; of once what ends soonest does. Bytes bound those
// stores alone that keep bodies in memory.
type OutboxBounds struct {
	Waiting, WaitingInAll           int   // messages that wait, for one bot and for all together
	WaitingBytes, WaitingBytesInAll int64 // of their bodies
	Over, OverInAll                 int   // messages that were taken or given up
	OverBytes, OverBytesInAll       int64 // of their bodies
	Once                            int   // of which a message is known to be the only one
}

// DefaultOutboxBounds are those of every store, unless told.
var DefaultOutboxBounds = OutboxBounds{
	Waiting: MaxWaiting, WaitingInAll: 100_000, WaitingBytes: 64 << 20, WaitingBytesInAll: 256 << 20,
	Over: 100_000, OverInAll: 500_000, OverBytes: 128 << 20, OverBytesInAll: 512 << 20,
	Once: 2_000_000,
}

// Message is something that a bot is to be told. It must hold no secret.
type Message struct {
	ID      string // of whoever makes it, who uses none twice
	Bot     string // snowflake of the bot
	List    string // id of the list that told it
	User    string // snowflake of the user that it is about; "" if there is none
	Type    string // "vote.created"
	Test    bool
	Body    []byte    // what the bot is sent; nobody may change it in place
	Created time.Time // when it arrived
}

// maxWord bounds what names a message, or what it is about, in bytes.
const maxWord = 100

// isWord reports whether a name is one word of printable ASCII that is not too
// long.
func isWord(name string) bool {
	return name != "" && len(name) <= maxWord && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Check returns an error for a message that no store takes.
func (m Message) Check() error {
	switch {
	case m.ID == "" || m.Bot == "" || m.Type == "":
		return fmt.Errorf("store: message %q of type %q for bot %q", m.ID, m.Type, m.Bot)
	case m.Created.IsZero():
		return fmt.Errorf("store: message %s without the time when it arrived", m.ID)
	case len(m.Body) == 0 || len(m.Body) > MaxBody:
		return fmt.Errorf("store: message of %d bytes, want 1 to %d", len(m.Body), MaxBody)
	}
	for _, name := range []string{m.ID, m.Bot, m.List, m.User, m.Type} {
		if name != "" && !isWord(name) {
			return fmt.Errorf("store: message with %q", name)
		}
	}
	return nil
}

// Once is something that only one message may be for a while: what tells that
// two of them are the same.
type Once struct {
	Key Key
	TTL time.Duration // whole milliseconds, at least one
}

// Check returns an error for what no store takes.
func (o Once) Check() error {
	if o.TTL < time.Millisecond {
		return fmt.Errorf("store: known for %s, want at least a millisecond", o.TTL)
	}
	return nil
}

// PutResult is what became of a message that was put.
type PutResult int

// The results of a put.
const (
	// PutKept: it is kept.
	PutKept PutResult = iota
	// PutAgain: one that is the same, or has the same ID, was kept before.
	PutAgain
	// PutFull: too many wait, or too many bytes, for the bot or in all.
	PutFull
)

// DeliveryState is how far a message is.
type DeliveryState string

// The states of a delivery.
const (
	Pending   DeliveryState = "pending"
	Delivered DeliveryState = "delivered"
	Dead      DeliveryState = "dead"
)

// IsValid reports whether s is one of the states.
func (s DeliveryState) IsValid() bool { return s == Pending || s == Delivered || s == Dead }

// Attempt is one try to tell a bot.
type Attempt struct {
	At     time.Time // when it ended
	Status int       // of the answer; 0 if there was none
	Reason string    // why it was not taken, in words; "" if it was
}

// Delivery is a message on its way.
type Delivery struct {
	Message
	Seq      int64 // its place in the order of arrival; greater than that of all before it, of any bot
	State    DeliveryState
	Attempts int       // of the schedule, so far
	Last     Attempt   // the zero Attempt before the first
	Next     time.Time // when it is due again; zero before the first attempt, and once it no longer waits
	Began    time.Time // when its schedule began: when it was put, or was last brought back from the dead
}

// Settled is what an attempt made of a delivery.
type Settled struct {
	ID      string
	Attempt Attempt
	Counts  bool          // the attempt is one of the schedule
	State   DeliveryState // from now on
	Next    time.Time     // when it is due again, of one that is Pending
}

// Check returns an error for what no store takes.
func (s Settled) Check() error {
	switch {
	case s.ID == "" || s.Attempt.At.IsZero():
		return fmt.Errorf("store: attempt of message %q without its time", s.ID)
	case !s.State.IsValid():
		return fmt.Errorf("store: message %s is %q after an attempt", s.ID, s.State)
	case s.State == Pending && s.Next.IsZero():
		return fmt.Errorf("store: message %s is pending, but never due", s.ID)
	}
	return nil
}

// ClipReason returns a reason as stores keep it.
func ClipReason(reason string) string {
	return strings.ToValidUTF8(reason[:min(len(reason), MaxReason)], "")
}

// Ready is what waits for a bot. All of it has its body.
type Ready struct {
	First  []Delivery // never attempted, in the order of arrival
	Again  []Delivery // attempted before and due now, those due for longest first
	Oldest *Delivery  // the one that arrived first of all that wait; nil if none does
	Next   time.Time  // when the first of the others that were attempted before is due; zero if there is none
}

// DeliveryQuery asks for deliveries of a bot.
type DeliveryQuery struct {
	State DeliveryState // "" for all
	After string        // only those that arrived before the one with this id; "" for the newest
	Max   int           // from 1 to MaxDeliveries
}

// Check returns an error for a query that no store takes.
func (q DeliveryQuery) Check() error {
	switch {
	case q.State != "" && !q.State.IsValid():
		return fmt.Errorf("store: deliveries that are %q", q.State)
	case q.Max < 1 || q.Max > MaxDeliveries:
		return fmt.Errorf("store: %d deliveries, want 1 to %d", q.Max, MaxDeliveries)
	}
	return nil
}

// CheckRetry returns an error for arguments that no Retry takes.
func CheckRetry(ids []string, state DeliveryState) error {
	switch {
	case len(ids) > MaxDeliveries:
		return fmt.Errorf("store: retry of %d messages, want at most %d", len(ids), MaxDeliveries)
	case len(ids) == 0 && state != Pending && state != Dead:
		return fmt.Errorf("store: retry of those that are %q", state)
	}
	return nil
}

// Backlog is how much waits for a bot.
type Backlog struct {
	Bot     string
	Waiting int
	Oldest  time.Time // when the oldest of it arrived
}

// SortBacklogs returns backlogs as Backlogs does.
func SortBacklogs(all []Backlog) []Backlog {
	slices.SortFunc(all, func(a, b Backlog) int { return strings.Compare(a.Bot, b.Bot) })
	return all
}

// Outbox keeps messages until bots have taken them. Any number of replicas may
// share one: who may attempt what is told apart by a claim in the [State], see
// package votes. It is safe for concurrent use. Times are exact to the
// millisecond. A context that has ended before the call is its error, and nothing
// changes. While the store is away, every call returns ErrAway. An argument that
// fails its Check is an error, and nothing changes.
//
// A message that waits for longer than WaitTTL since its schedule began is dead
// from then on, without anybody's doing. What is Delivered or Dead is forgotten
// after DeliveredTTL or DeadTTL, counted from when it became so, or earlier where
// there is more of it than [OutboxBounds] allow.
type Outbox interface {
	// Put keeps a message, unless one of once is known, in one step; what
	// makes it the only one is known from then on for its TTL. It is written
	// when Put returns: no end of the process loses it. One that has nowhere to
	// go but the stream does not wait: it is Delivered at once, and is never
	// PutFull because of those that do.
	Put(ctx context.Context, m Message, waits bool, once ...Once) (PutResult, error)

	// Ready returns what waits for a bot, at most so many of First and of Again.
	Ready(ctx context.Context, bot string, first, again int) (Ready, error)

	// Settle notes an attempt. A delivery that no longer waits, or is gone, is
	// let be; but one that was taken is Delivered even if it had died meanwhile.
	Settle(ctx context.Context, s Settled) error

	// Deliveries returns deliveries of a bot without their bodies, the newest
	// first. One that is gone, or of another bot, is after none.
	Deliveries(ctx context.Context, bot string, q DeliveryQuery) ([]Delivery, error)

	// Retry makes deliveries of a bot due now, and returns how many: those of
	// ids, or, where there are none, all in a state, Pending or Dead. One that
	// was dead waits again, as if it had just arrived, without attempts and in its
	// old place; where too many wait, it stays dead, the newest first. What stays
	// dead, is gone, taken, or another bot's is not counted.
	Retry(ctx context.Context, bot string, ids []string, state DeliveryState) (int, error)

	// After returns messages of a bot that arrived after a place, in the order
	// of arrival, at most limit of them, and none older than StreamTTL.
	After(ctx context.Context, bot string, seq int64, limit int) ([]Delivery, error)

	// Seq returns the place of a message of a bot, or, for the id "", that of
	// the last that came for any bot, 0 if there was none. ok is false for a
	// message that is gone or another bot's.
	Seq(ctx context.Context, bot, id string) (seq int64, ok bool, err error)

	// Changed returns a channel that is closed when something has come, or has
	// been made due, for a bot, at any replica; now and then for nothing. What
	// has come before the call may not be told. It is closed too when the store is.
	Changed(bot string) <-chan struct{}

	// Backlogs returns how much waits, for each bot for which something does, by
	// the names of these.
	Backlogs(ctx context.Context) ([]Backlog, error)
}
