package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
)

// OutboxProcess is an outbox in a store that a process has open, which is killed.
type OutboxProcess struct {
	// Command returns a process that calls OutboxChild on the store. Where
	// change is not 0, it kills itself before it makes that change of the store,
	// the first being 1; it may lack the means.
	Command func(t *testing.T, change int) *exec.Cmd
	// Open opens the store that killed processes had open.
	Open func(t *testing.T, clock *testkit.Clock) store.Store
}

// outboxStep is a call that changes an outbox. It returns what came of it.
type outboxStep func(ctx context.Context, o store.Outbox, now time.Time) string

// outboxSteps are what processes do that are killed.
var outboxSteps = []outboxStep{
	stepPut(rob, "a", true, once(1, time.Hour), once(2, 24*time.Hour)),
	stepPut(rob, "b", true, once(3, time.Hour), once(2, time.Hour)), // known
	stepPut(sue, "c", true),
	stepPut(rob, "d", false, once(3, time.Hour)),
	stepPut(rob, "e", true, once(4, time.Hour)),
	stepSettle("a", true, store.Pending),
	stepSettle("e", true, store.Delivered),
	stepSettle("a", false, store.Pending),
	stepPut(rob, "f", true, once(5, time.Hour)),
	stepSettle("f", true, store.Dead),
	stepRetry(rob, "", "a", "f", "c"),
	stepSettle("a", true, store.Delivered),
	stepSettle("f", true, store.Dead),
	stepSettle("c", true, store.Dead),
	stepRetry(rob, store.Dead),
	stepPut(rob, "e", true), // known
	stepPut(rob, "g", true),
	stepSettle("g", true, store.Pending),
	stepRetry(rob, store.Pending),
}

func stepPut(bot, id string, waits bool, once ...store.Once) outboxStep {
	return func(ctx context.Context, o store.Outbox, now time.Time) string {
		m := store.Message{ID: id, Bot: bot, List: "list.example", Type: "vote.created", Body: []byte("body of " + id), Created: now}
		got, err := o.Put(ctx, m, waits, once...)
		return fmt.Sprint("put ", id, got, err)
	}
}

func stepSettle(id string, counts bool, state store.DeliveryState) outboxStep {
	return func(ctx context.Context, o store.Outbox, now time.Time) string {
		err := o.Settle(ctx, store.Settled{
			ID: id, Attempt: store.Attempt{At: now, Status: 500, Reason: "why"}, Counts: counts, State: state, Next: now.Add(time.Hour),
		})
		return fmt.Sprint("settle ", id, err)
	}
}

func stepRetry(bot string, state store.DeliveryState, ids ...string) outboxStep {
	return func(ctx context.Context, o store.Outbox, _ time.Time) string {
		got, err := o.Retry(ctx, bot, ids, state)
		return fmt.Sprint("retry ", got, err)
	}
}

// OutboxChild makes one step on the outbox of a store that it opens, as it is
// told on its input, says what came of it, and waits to be killed; or it puts
// messages, several at once, says which were kept, and goes on until it is killed.
func OutboxChild(open func(clock *testkit.Clock) (store.Store, error)) {
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	if from, ok := strings.CutPrefix(in.Text(), "stream "); ok {
		streamChild(from, open)
		return
	}
	n, err := strconv.Atoi(in.Text())
	if err != nil || n >= len(outboxSteps) {
		fmt.Println("no step", in.Text())
		return
	}
	clock := stepClock(n)
	st, err := open(clock)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("open")
	in.Scan() // to begin
	fmt.Println(outboxSteps[n](context.Background(), st.Outbox(), clock.Now()))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// stepClock returns the clock of a step.
func stepClock(n int) *testkit.Clock {
	clock := testkit.NewClock()
	clock.Advance(time.Duration(n) * time.Minute)
	return clock
}

// dump returns all that callers see of an outbox.
func dump(t *testing.T, o store.Outbox) string {
	t.Helper()
	var text strings.Builder
	for _, bot := range []string{rob, sue} {
		all, err := o.Deliveries(t.Context(), bot, store.DeliveryQuery{Max: 100})
		r, err2 := o.Ready(t.Context(), bot, 100, 100)
		came, err3 := o.After(t.Context(), bot, 0, 100)
		if err != nil || err2 != nil || err3 != nil {
			t.Fatal(err, err2, err3)
		}
		text.WriteString(showAll(all, nil) + showAll(r.First, nil) + showAll(r.Again, nil) + fmt.Sprintln("next", r.Next.UTC()) + showAll(came, nil))
	}
	text.WriteString(showBacklogs(o.Backlogs(t.Context())))
	return text.String()
}

// outboxState is how an outbox is before and after a step, and what that returns.
type outboxState struct{ before, said, after string }

// outboxStates returns how the outbox is at each step, by one in memory.
func outboxStates(t *testing.T) []outboxState {
	clock := testkit.NewClock()
	model := store.NewMemory(store.MemoryOptions{Now: clock.Now, Elapsed: clock.Elapsed}).Outbox()
	states := make([]outboxState, len(outboxSteps))
	for n, step := range outboxSteps {
		states[n].before = dump(t, model)
		states[n].said = step(t.Context(), model, clock.Now())
		states[n].after = dump(t, model)
		clock.Advance(time.Minute)
	}
	return states
}

// OutboxKilled kills processes between every two steps, and wants the outbox to
// be as the last step left it: nothing that was put is lost or there twice, what
// is known stays known, and each step is made as a whole or not at all. fresh
// returns one whose store is empty.
func OutboxKilled(t *testing.T, fresh func(t *testing.T) OutboxProcess) {
	states := outboxStates(t)
	t.Run("between steps", func(t *testing.T) {
		p := fresh(t)
		for n := range states {
			p.step(t, n, 0, states[n], nil)
			p.is(t, n, "after it", states[n].after)
		}
	})
	t.Run("within steps", func(t *testing.T) {
		if testing.Short() {
			t.Skip("a process for each change of each step")
		}
		p := fresh(t)
		for n := range states {
			if !slices.Contains([]int{0, 3, 5, 6, 10}, n) { // one of each kind is enough
				p.make(t, n)
				continue
			}
			change := 1
			for ; !p.step(t, n, change, states[n], nil); change++ {
				p.is(t, n, fmt.Sprintf("killed at its change %d", change), states[n].before)
			}
			p.is(t, n, "after it", states[n].after)
		}
	})
	t.Run("at any time", func(t *testing.T) {
		p := fresh(t)
		random := rand.New(rand.NewPCG(1, 2))
		for n := range states {
			pause := time.Duration(random.IntN(2_000)) * time.Microsecond
			if p.step(t, n, 0, states[n], func() { time.Sleep(pause) }) || p.dump(t, n) == states[n].after {
				p.is(t, n, "after it", states[n].after)
				continue
			}
			p.is(t, n, fmt.Sprintf("killed after %s", pause), states[n].before)
			p.step(t, n, 0, states[n], nil)
		}
	})
	t.Run("in a stream", func(t *testing.T) { killedInStream(t, fresh(t)) })
}

// step has a process make a step, kills it, and reports whether the process said
// that the step was made. pause lets it run before it is killed; nil is until it
// has said so.
func (p OutboxProcess) step(t *testing.T, n, change int, want outboxState, pause func()) bool {
	t.Helper()
	cmd := p.Command(t, change)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill() // it may have done so itself
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	_, _ = fmt.Fprintln(in, n)
	if lines.Scan(); lines.Text() != "open" {
		t.Fatalf("step %d: the process says %q", n, lines.Text())
	}
	_, _ = fmt.Fprintln(in, "begin")
	if pause != nil {
		pause()
		_ = cmd.Process.Kill()
	}
	if !lines.Scan() {
		return false
	}
	if lines.Text() != want.said {
		t.Fatalf("step %d: the process says %q, want %q", n, lines.Text(), want.said)
	}
	return true
}

// make makes a step in this process.
func (p OutboxProcess) make(t *testing.T, n int) {
	t.Helper()
	clock := stepClock(n)
	st := p.Open(t, clock)
	outboxSteps[n](t.Context(), st.Outbox(), clock.Now())
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

func (p OutboxProcess) dump(t *testing.T, n int) string {
	t.Helper()
	st := p.Open(t, stepClock(n))
	text := dump(t, st.Outbox())
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return text
}

func (p OutboxProcess) is(t *testing.T, n int, when, want string) {
	t.Helper()
	if got := p.dump(t, n); got != want {
		t.Fatalf("step %d, %s, the outbox is\n%s\nwant\n%s", n, when, got, want)
	}
}
