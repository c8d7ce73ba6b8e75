package aggregate

import (
	"sync"

	"aggregator/lists"
)

// ProgressOf hears how a request goes on, from the goroutine that makes it and
// before it returns. T is what is heard of one list. A nil function hears nothing.
type ProgressOf[T any] struct {
	// Begin is called once, when the answer is bound to come: with the lists that
	// are to be asked, in catalog order, and those that will not be. Others may be
	// skipped yet.
	Begin func(asked []string, skipped []Skipped)
	// Hear is called once for each list that was asked, as it answers.
	Hear func(T)
}

// Progress hears how a reading goes on.
type Progress = ProgressOf[lists.Reading]

// CountProgress hears how a count goes on.
type CountProgress = ProgressOf[Result]

// listener hears how a run goes on: what is asked, and what comes. A run that has
// landed tells nothing, for its answer says all.
type listener struct {
	begin func(asked []string, skipped []Skipped)
	hear  func(arrival)
}

// arrival is an answer that has come in a run.
type arrival struct {
	call   lists.Call
	read   func(lists.Answer) lists.Reading // as in planned
	answer *lists.Answer
}

// reading returns what the answer says of the bot.
func (a arrival) reading() lists.Reading { return a.read(*a.answer).Plain() }

// result returns what the answer says to a count.
func (a arrival) result() Result {
	call := a.call
	if second, ok := call.Otherwise(); ok && a.answer.Otherwise {
		call = second
	}
	return resultOf(call, *a.answer, call.Judge(*a.answer))
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

// teller tells of each list once, whether it was heard of as it came or is found in
// the answer.
type teller[T any] struct {
	ProgressOf[T]
	list  func(T) string // the list that is told of
	begun bool
	told  map[string]bool
}

// newTeller returns a teller; nil where nobody hears it.
func newTeller[T any](to *ProgressOf[T], list func(T) string) *teller[T] {
	if to == nil {
		return nil
	}
	t := &teller[T]{ProgressOf: *to, list: list, told: map[string]bool{}}
	if t.Begin == nil {
		t.Begin = func([]string, []Skipped) {}
	}
	if t.Hear == nil {
		t.Hear = func(T) {}
	}
	return t
}

// listener returns what hears of a run; nil for a nil teller. said is what an
// arrival tells.
func (t *teller[T]) listener(said func(arrival) T) *listener {
	if t == nil {
		return nil
	}
	return &listener{begin: t.begin, hear: func(one arrival) { t.tell(said(one)) }}
}

func (t *teller[T]) begin(asked []string, skipped []Skipped) {
	t.begun = true
	t.Begin(asked, skipped)
}

func (t *teller[T]) tell(one T) {
	if list := t.list(one); !t.told[list] {
		t.told[list] = true
		t.Hear(one)
	}
}

// end tells what has not been told of an answer. A nil teller tells nothing.
func (t *teller[T]) end(all []T, skipped []Skipped) {
	if t == nil {
		return
	}
	if !t.begun {
		var asked []string
		for _, one := range all {
			asked = append(asked, t.list(one))
		}
		t.begin(asked, skipped)
	}
	for _, one := range all {
		t.tell(one)
	}
}
