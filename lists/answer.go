package lists

import (
	"sync"
	"time"

	"aggregator/rawjson"
)

// Answer is what became of a call: the list's answer, or why there is none.
type Answer struct {
	Status int                 // HTTP status, or NoAnswer
	Header map[string][]string // in canonical form
	Body   []byte
	Reason string // without an answer: why, in plain words
	Fault  Fault  // without an answer: its kind
	Took   time.Duration

	Otherwise bool // the call was made in its second way, see Call.Otherwise

	parsed *parsed // nil: the body is parsed whenever it is read
}

// parsed is what a body is as JSON. Several read it, and it may be large.
type parsed struct {
	once  sync.Once
	value rawjson.Value
	ok    bool

	rollOnce sync.Once
	voters   *voters // that the roll was read by
	roll     *roll
	rollErr  error
}

// NewAnswer returns the answer that a list gave. However often and by whomever
// it is read, it is parsed once.
func NewAnswer(status int, header map[string][]string, body []byte) Answer {
	return Answer{Status: status, Header: header, Body: body, parsed: &parsed{}}
}

// value returns the body as JSON; ok is false where it is none.
func (a Answer) value() (v rawjson.Value, ok bool) {
	if a.parsed == nil {
		return rawjson.Parse(a.Body)
	}
	a.parsed.once.Do(func() { a.parsed.value, a.parsed.ok = rawjson.Parse(a.Body) })
	return a.parsed.value, a.parsed.ok
}

// rollOf returns the list of voters in an answer, which is this JSON. It is read
// once, too.
func (a Answer) rollOf(v *voters, answer rawjson.Value) (*roll, error) {
	p := a.parsed
	if p == nil {
		return v.read(answer)
	}
	p.rollOnce.Do(func() {
		p.voters = v
		p.roll, p.rollErr = v.read(answer)
	})
	if p.voters != v {
		return v.read(answer)
	}
	return p.roll, p.rollErr
}

// NoAnswer is the status of a call that the list did not answer.
const NoAnswer = -1

// header returns the first value of a header, "" if there is none.
func (a Answer) header(canonical string) string {
	if v := a.Header[canonical]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// NotSent reports whether the list cannot have seen the call.
func (a Answer) NotSent() bool {
	switch a.Fault {
	case FaultRefused, FaultDNS, FaultTLS, FaultCircuit, FaultBusy:
		return true
	}
	return false
}

// Fault is the closed set of reasons why there is no answer.
type Fault string

// Faults of a list, of the way to it, or of the caller.
const (
	FaultNone     Fault = ""
	FaultTimeout  Fault = "timeout"   // the deadline passed
	FaultRefused  Fault = "refused"   // nothing listens there
	FaultReset    Fault = "reset"     // the connection broke before the answer's end
	FaultCutShort Fault = "cut_short" // the answer ended before its announced end
	FaultDNS      Fault = "dns"       // no such host
	FaultTLS      Fault = "tls"       // no secure connection
	FaultTooLarge Fault = "too_large" // the answer is over the cap
	FaultRedirect Fault = "redirect"  // too many, or to another origin with a key
	FaultProtocol Fault = "protocol"  // the answer is not HTTP
	FaultCanceled Fault = "canceled"  // the caller hung up
	FaultCircuit  Fault = "circuit"   // not asked: the breaker is open
	FaultBusy     Fault = "busy"      // not asked: no room for the call
	FaultMemory   Fault = "memory"    // there was no memory left for the answer
	FaultOther    Fault = "other"     // anything else
	FaultPanic    Fault = "panic"     // ours
)
