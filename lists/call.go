package lists

import "time"

// Call is one request to one list, planned. It prints without its token.
type Call struct {
	List *List

	endpoint *endpoint
	botID    string
	token    Token
	build    func(token string) Request // "" for none, a mask to show it
	sent     func() string
	hides    *Masker // of further secrets that an answer must not show
}

// Request is a request as it goes over the wire.
type Request struct {
	Method string
	URL    string
	Header []Header
	Body   []byte // nil: none
}

// Header is one header line of a request.
type Header struct{ Name, Value string }

// Wire is the request with the token in it: for the list alone.
func (c Call) Wire() Request { return c.build(c.token.Reveal()) }

// Masked is the request with *** in the token's place; a scheme before it stays.
func (c Call) Masked() Request {
	if c.token.IsZero() {
		return c.build("")
	}
	return c.build(c.token.masked())
}

// Sent is what was sent to the list, as answers show it: the body, or the
// values in the query where these carry them, with any token masked.
func (c Call) Sent() string { return c.sent() }

// Op returns the operation that the call is of.
func (c Call) Op() Op { return *c.endpoint.op }

// Keyed reports whether the request carries a secret.
func (c Call) Keyed() bool { return c.endpoint.keyed }

// Limits returns the list's own rate limits that the call counts for. A reading
// counts for those of posts only where the list limits addresses.
func (c Call) Limits() []Limit { return c.endpoint.counted }

// MayRepeat reports whether the call may be sent again where the list may have
// seen it. A list with limits counts both.
func (c Call) MayRepeat() bool { return c.endpoint.op.MayRepeat && len(c.endpoint.counted) == 0 }

// MayBeRevoked reports whether an answer can say that the token is revoked.
func (c Call) MayBeRevoked() bool { return len(c.endpoint.revoked) > 0 }

// BotID returns the Discord snowflake of the bot that the call is for.
func (c Call) BotID() string { return c.botID }

// Credential returns the token's secret without the prefix that the list puts before
// it, for hashing: two ways to write one credential are one.
func (c Call) Credential() string { return c.endpoint.auth.bare(c.token.Reveal()) }

// Token returns the caller's token, or the key a list is read with.
func (c Call) Token() Token { return c.token }

// Hide returns a text that a list sent, or one that may hold what it sent, with
// a mask in the place of each secret that the call knows.
func (c Call) Hide(text string) string {
	return hide(text, merged(c.token.find(text), c.hides.find(text)))
}

// Answer is what became of a call: the list's answer, or why there is none.
type Answer struct {
	Status int                 // HTTP status, or NoAnswer
	Header map[string][]string // in canonical form
	Body   []byte
	Reason string // without an answer: why, in plain words
	Fault  Fault  // without an answer: its kind
	Took   time.Duration
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

// NotSent tells whether the list cannot have seen the call.
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
	FaultOther    Fault = "other"     // anything else
	FaultPanic    Fault = "panic"     // ours
)
