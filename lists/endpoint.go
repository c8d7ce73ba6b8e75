package lists

// endpoint is what a list's calls of one operation share, compiled.
type endpoint struct {
	op          *Op
	url         template
	auth        auth
	keyed       bool // its calls carry a secret
	numbersBots bool // needs the list's own number of the bot
	headers     []headerTemplate
	revoked     []int   // statuses that say that the token is revoked
	limits      []Limit // the entry's own
	counted     []Limit // all that its calls count for
	wait        []wait
	judge       func(Call, Answer) Verdict
}

// named reports whether a request says which bot it is for.
func (e *endpoint) named() bool {
	if e.url.holds(placeholderID) {
		return true
	}
	for _, h := range e.headers {
		if h.value.holds(placeholderID) {
			return true
		}
	}
	return false
}

// number reports whether a request holds the list's own number of the bot.
func (e *endpoint) number() bool {
	if e.url.holds(placeholderListBotID) {
		return true
	}
	for _, h := range e.headers {
		if h.value.holds(placeholderListBotID) {
			return true
		}
	}
	return false
}
