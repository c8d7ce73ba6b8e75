package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"aggregator/store"
)

// asMemoryDoes makes random calls on the store and on one in memory, and wants
// the same of both.
func asMemoryDoes(s outboxSuite) {
	model := store.NewMemory(store.MemoryOptions{Outbox: OutboxBounds, Now: s.Now, Elapsed: s.Elapsed})
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 7))
		for step := range 300 {
			call := s.randomCall(r, fmt.Sprintf("%d-%d", seed, step))
			got, want := call.do(s.Context(), s.Outbox), call.do(s.Context(), model.Outbox())
			if got != want {
				s.Fatalf("seed %d, step %d, %s\n%s\nwant\n%s", seed, step, call.name, got, want)
			}
		}
		s.Advance(store.WaitTTL + store.DeadTTL)
	}
}

// outboxCall is a call of an outbox, whose results it returns as a text.
type outboxCall struct {
	name string
	do   func(ctx context.Context, o store.Outbox) string
}

// randomCall returns a call, and lets time pass now and then.
func (s outboxSuite) randomCall(r *rand.Rand, id string) outboxCall {
	seed, step, _ := strings.Cut(id, "-")
	bot := []string{rob, sue, "110000000000000003"}[r.IntN(3)]
	one := func() string { // the id of a message of late
		var n int
		_, _ = fmt.Sscan(step, &n)
		return fmt.Sprintf("%s-%d", seed, max(0, n-r.IntN(60)))
	}
	state := []store.DeliveryState{store.Pending, store.Delivered, store.Dead}[r.IntN(3)]
	n, at, chance := r.IntN(8), s.Now(), r.IntN(100)
	switch {
	case chance < 40:
		m := s.message(bot, id)
		m.Test = n == 0
		waits := r.IntN(4) > 0
		known := []store.Once{once(byte(r.IntN(100)), time.Duration(1+r.IntN(48))*time.Hour)}[:r.IntN(2)]
		return outboxCall{fmt.Sprintf("Put(%s, %t, %v)", id, waits, known), func(ctx context.Context, o store.Outbox) string {
			got, err := o.Put(ctx, m, waits, known...)
			return fmt.Sprint(got, err)
		}}
	case chance < 65:
		done := store.Settled{
			ID: one(), Attempt: store.Attempt{At: at, Status: 100 * n, Reason: "why"}, Counts: r.IntN(2) > 0, State: state,
			Next: s.in(time.Duration(1+r.IntN(200)) * time.Minute),
		}
		return outboxCall{fmt.Sprintf("Settle(%+v)", done), func(ctx context.Context, o store.Outbox) string { return fmt.Sprint(o.Settle(ctx, done)) }}
	case chance < 75:
		s.Advance(time.Duration(r.IntN(300)) * time.Minute)
		return outboxCall{"Ready", func(ctx context.Context, o store.Outbox) string {
			got, err := o.Ready(ctx, bot, n, n/2)
			text := fmt.Sprintf("next %v, %v\n", got.Next.UTC(), err)
			if got.Oldest != nil {
				text += show(*got.Oldest) + "\n"
			}
			return text + showAll(got.First, nil) + showAll(got.Again, nil)
		}}
	case chance < 82:
		q := store.DeliveryQuery{State: state, Max: 1 + n}
		if r.IntN(2) > 0 {
			q.After = one()
		}
		if r.IntN(2) > 0 {
			q.State = ""
		}
		return outboxCall{fmt.Sprintf("Deliveries(%+v)", q), func(ctx context.Context, o store.Outbox) string { return showAll(o.Deliveries(ctx, bot, q)) }}
	case chance < 87:
		var chosen []string
		for range n {
			chosen = append(chosen, one())
		}
		if state == store.Delivered {
			state = store.Dead
		}
		return outboxCall{fmt.Sprintf("Retry(%s, %v, %s)", bot, chosen, state), func(ctx context.Context, o store.Outbox) string {
			got, err := o.Retry(ctx, bot, chosen, state)
			return fmt.Sprint(got, err)
		}}
	case chance < 94:
		from := one()
		return outboxCall{"After " + from, func(ctx context.Context, o store.Outbox) string {
			seq, ok, err := o.Seq(ctx, bot, from)
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(ok) + showAll(o.After(ctx, bot, seq, 2*n))
		}}
	}
	return outboxCall{"Backlogs", func(ctx context.Context, o store.Outbox) string { return showBacklogs(o.Backlogs(ctx)) }}
}

func showAll(all []store.Delivery, err error) string {
	var text strings.Builder
	fmt.Fprintln(&text, len(all), err)
	for _, d := range all {
		fmt.Fprintln(&text, show(d))
	}
	return text.String()
}

func showBacklogs(all []store.Backlog, err error) string {
	var text strings.Builder
	fmt.Fprintln(&text, len(all), err)
	for _, b := range all {
		fmt.Fprintln(&text, b.Bot, b.Waiting, b.Oldest.UTC())
	}
	return text.String()
}

// BenchmarkOutbox measures an outbox in which 10,000 messages of a bot wait, and
// as many no longer do.
func BenchmarkOutbox(b *testing.B, outbox store.Outbox) {
	n := 0
	put := func(b *testing.B, waits bool) string {
		n++
		m := store.Message{
			ID: fmt.Sprint("m", n), Bot: rob, List: "list.example", User: "220000000000000001", Type: "vote.created",
			Body: []byte(strings.Repeat("x", 1000)), Created: time.Now(),
		}
		if got, err := outbox.Put(b.Context(), m, waits, store.Once{Key: store.Key{0: byte(n), 1: byte(n >> 8), 2: byte(n >> 16)}, TTL: time.Hour}); err != nil || got != store.PutKept {
			b.Fatal(got, err)
		}
		return m.ID
	}
	for range store.MaxWaiting - 10 {
		put(b, false)
		put(b, true)
	}
	settle := func(b *testing.B, id string, state store.DeliveryState) {
		if err := outbox.Settle(b.Context(), store.Settled{ID: id, Attempt: store.Attempt{At: time.Now()}, State: state, Next: time.Now().Add(time.Hour)}); err != nil {
			b.Fatal(err)
		}
	}
	for name, call := range map[string]func(b *testing.B){
		"put":            func(b *testing.B) { put(b, false) },
		"put and settle": func(b *testing.B) { settle(b, put(b, true), store.Delivered) },
		"again":          func(b *testing.B) { settle(b, "m2", store.Pending) },
		"ready": func(b *testing.B) {
			if r, err := outbox.Ready(b.Context(), rob, 1, 1); err != nil || len(r.First) != 1 {
				b.Fatal(r, err)
			}
		},
		"deliveries": func(b *testing.B) {
			if all, err := outbox.Deliveries(b.Context(), rob, store.DeliveryQuery{State: store.Pending, Max: 100}); err != nil || len(all) != 100 {
				b.Fatal(len(all), err)
			}
		},
		"after": func(b *testing.B) {
			if all, err := outbox.After(b.Context(), rob, 10_000, 100); err != nil || len(all) != 100 {
				b.Fatal(len(all), err)
			}
		},
		"backlogs": func(b *testing.B) {
			if all, err := outbox.Backlogs(b.Context()); err != nil || len(all) != 1 {
				b.Fatal(all, err)
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call(b)
			}
		})
	}
}
