package storetest

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"testing"

	"aggregator/internal/testkit"
	"aggregator/store"
)

// streamMessage is what a process that puts messages without end puts as number
// n, and what makes it the only one.
func streamMessage(n int) (store.Message, store.Once) {
	bot := []string{rob, sue}[n%2]
	m := store.Message{ID: fmt.Sprint("m", n), Bot: bot, Type: "vote.created", Body: fmt.Append(nil, "body of m", n), Created: testkit.NewClock().Now()}
	return m, store.Once{Key: store.Key{1: byte(n >> 16), 2: byte(n >> 8), 3: byte(n)}, TTL: store.DeliveredTTL}
}

// streamChild puts messages from a number on until it is killed.
func streamChild(from string, open func(clock *testkit.Clock) (store.Store, error)) {
	first, err := strconv.Atoi(from)
	if err != nil {
		fmt.Println(err)
		return
	}
	st, err := open(testkit.NewClock())
	if err != nil {
		fmt.Println(err)
		return
	}
	const workers = 4
	for worker := range workers {
		go func() {
			for n := first + worker; ; n += workers {
				m, once := streamMessage(n)
				got, err := st.Outbox().Put(context.Background(), m, n%3 > 0, once)
				if err != nil || got != store.PutKept {
					fmt.Println(got, err)
					return
				}
				fmt.Println(n)
			}
		}()
	}
	select {}
}

// killedInStream kills processes that put messages, several at once, and wants
// each message of which they said that it is kept to be there, and none twice.
func killedInStream(t *testing.T, p OutboxProcess) {
	const rounds, each = 6, 25
	said := make(map[int]bool)
	for round := range rounds {
		cmd := p.Command(t, 0)
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
		_, _ = fmt.Fprintln(in, "stream", round*10_000)
		lines := bufio.NewScanner(out)
		for got := 0; lines.Scan(); got++ {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Errorf("the process says %q", lines.Text())
			}
			said[n] = true
			if got == each*(round+1) {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
	}
	if len(said) < rounds*each {
		t.Fatalf("only %d were put", len(said))
	}
	st := p.Open(t, testkit.NewClock())
	there := make(map[string]store.Delivery)
	for _, bot := range []string{rob, sue} {
		for seq := int64(0); ; {
			all, err := st.Outbox().After(t.Context(), bot, seq, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range all {
				if _, twice := there[d.ID]; twice || d.Seq <= seq {
					t.Errorf("%s is there twice, or out of order", d.ID)
				}
				there[d.ID], seq = d, d.Seq
			}
			if len(all) == 0 {
				break
			}
		}
	}
	for n := range said {
		m, once := streamMessage(n)
		d, ok := there[m.ID]
		if !ok || string(d.Body) != string(m.Body) || (d.State == store.Pending) != (n%3 > 0) {
			t.Errorf("%s, which was kept: %+v", m.ID, d)
		}
		m.ID = "again"
		if got, err := st.Outbox().Put(t.Context(), m, true, once); err != nil || got != store.PutAgain {
			t.Errorf("%d once more: %v, %v", n, got, err)
		}
	}
	if extra := len(there) - len(said); extra < 0 || extra > rounds*each {
		t.Errorf("%d are there, %d were said to be", len(there), len(said))
	}
}
