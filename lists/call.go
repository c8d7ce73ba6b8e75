package lists

// Call is one request to one list, planned. It prints without its token.
type Call struct {
	List *List

	endpoint *endpoint
	botID    string
	token    Token
	plan     plan
	hides    *Masker // of further secrets that an answer must not show
}

// plan makes what a call sends.
type plan interface {
	size() int                    // about how many bytes that is; 0 for few
	request(token string) Request // token: "" for none, a mask to show it
	sent(mask string) string      // with the mask in the token's place
	second() (*endpoint, plan)    // the same in the list's second way, where its endpoint has one
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

// Wire returns the request with the token in it: for the list alone.
func (c Call) Wire() Request { return c.plan.request(c.token.Reveal()) }

// Masked returns the request with *** in the token's place; a scheme before it
// stays.
func (c Call) Masked() Request {
	if c.token.IsZero() {
		return c.plan.request("")
	}
	return c.plan.request(c.token.masked())
}

// Sent returns what was sent to the list, as answers show it: the body, or the
// values in the query where these carry them, with any token masked.
func (c Call) Sent() string { return c.plan.sent(c.token.masked()) }

// Size returns about how many bytes the call sends, where they are many; 0 for
// a few KiB, and for the zero Call.
func (c Call) Size() int {
	if c.plan == nil {
		return 0
	}
	return c.plan.size()
}

// Op returns the operation that the call is of.
func (c Call) Op() Op { return *c.endpoint.op }

// SeenAs returns the operation that the call is to the list: what the list asks to
// wait with, it asks of all calls that it sees as one.
func (c Call) SeenAs() Op {
	if c.endpoint.seenAs != nil {
		return *c.endpoint.seenAs
	}
	return c.Op()
}

// Operation returns a pointer to what Op returns, which must not be changed: it is
// for where the stack must stay small.
func (c *Call) Operation() *Op { return c.endpoint.op }

// Keyed reports whether the request carries a secret.
func (c Call) Keyed() bool { return c.endpoint.keyed }

// Limits returns the list's own rate limits that the call counts for. A reading
// counts for those of posts only where the list limits addresses.
func (c Call) Limits() []Limit { return c.endpoint.counted }

// MayRepeat reports whether the call may be sent again where the list may have
// seen it. A list with limits counts both.
func (c Call) MayRepeat() bool { return c.endpoint.op.MayRepeat && len(c.endpoint.counted) == 0 }

// MayBeRevoked reports whether an answer can say that the token is revoked.
func (c Call) MayBeRevoked() bool { return c.endpoint.revokes }

// CanBeRevoked reports whether the token can be revoked at all: by the list, or by
// a report that asks the list to do so.
func (c Call) CanBeRevoked() bool { return c.endpoint.revokes || c.endpoint.revocable }

// BotID returns the Discord snowflake of the bot that the call is for.
func (c Call) BotID() string { return c.botID }

// ListBotID returns the number that the list itself gave the bot; "" where the call
// does not hold it.
func (c Call) ListBotID() string {
	if !c.endpoint.listBotID {
		return ""
	}
	return c.token.listBotID
}

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
