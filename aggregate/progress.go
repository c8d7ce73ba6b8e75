package aggregate

import (
	"sync"

	"aggregator/lists"
)

// Progress hears how a reading goes on, from the goroutine that asks for it and
// before it returns. A nil function hears nothing.
type Progress struct {
	// Begin is called once, when the answer is bound to come: with the lists that
	// are to be asked, in catalog order, and those that will not be. Others may be
	// skipped yet.
	Begin func(asked []string, skipped []Skipped)
	// Hear is called once for each list that was asked, as it answers.
	Hear func(lists.Reading)
}

// listener hears how a shared run goes on: what is asked, and what comes. A run
// that has landed tells nothing, for its answer says all.
type listener struct {
	begin func(asked []string, skipped []Skipped)
	hear  func(arrival)
}

// arrival is an answer that has come in a run.
type arrival struct {
	read   func(lists.Answer) lists.Reading // as in planned
	answer *lists.Answer
}

// arrivals are the answers that have come in a run so far, for any number of
// listeners.
type arrivals struct {
	mu   sync.Mutex
	all  []arrival
	more chan struct{} // closed with the next one; nil: nobody waits
}

func (a *arrivals) add(one arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, one)
	if a.more != nil {
		close(a.more)
		a.more = nil
	}
}

// since returns the answers that have come after the first n, and a channel that
// is closed when there are more.
func (a *arrivals) since(n int) (come []arrival, more <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.more == nil {
		a.more = make(chan struct{})
	}
	if n < len(a.all) {
		come = a.all[n:len(a.all):len(a.all)]
	}
	return come, a.more
}

// end forgets the answers: whoever has not heard of all finds them in the answer
// of the run.
func (a *arrivals) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = nil
}

// teller tells a Progress of each list once, whether it was heard of as it came or
// is found in the answer.
type teller struct {
	Progress
	begun bool
	told  map[string]bool
}

func newTeller(p Progress) *teller {
	if p.Begin == nil {
		p.Begin = func([]string, []Skipped) {}
	}
	if p.Hear == nil {
		p.Hear = func(lists.Reading) {}
	}
	return &teller{Progress: p, told: map[string]bool{}}
}

func (t *teller) listener() *listener {
	return &listener{begin: t.begin, hear: func(one arrival) { t.tell(one.read(*one.answer)) }}
}

func (t *teller) begin(asked []string, skipped []Skipped) {
	t.begun = true
	t.Begin(asked, skipped)
}

func (t *teller) tell(r lists.Reading) {
	if !t.told[r.List] {
		t.told[r.List] = true
		t.Hear(r.Plain())
	}
}

// end tells what has not been told of an answer.
func (t *teller) end(a BotAnswer) {
	if !t.begun {
		var asked []string
		for _, r := range a.Lists {
			asked = append(asked, r.List)
		}
		t.begin(asked, a.Skipped)
	}
	for _, r := range a.Lists {
		t.tell(r)
	}
}
