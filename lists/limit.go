package lists

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Limit is one of a list's own rate limits.
type Limit struct {
	Op       Op     // under which the entry names it
	Per      string // PerToken, PerBot or PerAddress
	Requests int64
	Interval time.Duration
}

// Whom a limit counts.
const (
	PerToken   = "token"
	PerBot     = "bot"
	PerAddress = "address" // the one this service calls from
)

func (c *checker) limits(op *Op, field string, entries []LimitEntry) []Limit {
	const maxSeconds = 24 * 60 * 60
	var all []Limit
	for i, e := range entries {
		at := field + "[" + strconv.Itoa(i) + "]"
		if e.Requests < 1 || e.Requests > 1_000_000 {
			c.add(at+".requests", "must be 1 to 1000000, is %d", e.Requests)
		}
		if e.Seconds < 1 || e.Seconds > maxSeconds {
			c.add(at+".seconds", "must be 1 to %d (a day), is %d", maxSeconds, e.Seconds)
		}
		all = append(all, Limit{Op: *op, Per: e.Per, Requests: e.Requests, Interval: time.Duration(e.Seconds) * time.Second})
	}
	return all
}

// checkPer checks that a request names what each limit counts. Without a key a
// limit can only count this service's address. A limit per bot needs the bot in
// the request: otherwise whoever has a token could hold another's bot back.
func (c *checker) checkPer(field string, e *endpoint) {
	for i, l := range e.limits {
		at := field + "[" + strconv.Itoa(i) + "].per"
		switch {
		case l.Per != PerAddress && !e.keyed:
			c.add(at, "is %s, but a %s needs no key; allowed: %s", l.Per, e.op.One, PerAddress)
		case l.Per == PerBot && !e.namesBot:
			c.add(at, "is %s, but the request does not name the bot (%s); allowed: %s, %s", PerBot, placeholderID, PerToken, PerAddress)
		}
	}
}

// countLimits finds the limits that each operation's calls count for: their own,
// and those of posts on our address, which count whatever it asks.
func (l *List) countLimits() {
	for _, op := range Ops() {
		e := l.endpoint(op)
		if e == nil {
			continue
		}
		for _, limit := range l.postLimits() {
			if op != Posts && limit.Per == PerAddress {
				e.counted = append(e.counted, limit)
			}
		}
		e.counted = append(e.counted, e.limits...)
	}
	if l.post != nil && l.post.otherwise != nil {
		l.post.otherwise.counted = l.post.counted
	}
	if l.votes != nil && l.votes.otherwise != nil {
		l.votes.otherwise.counted = l.votes.counted
	}
	if l.beat != nil {
		l.beat.counted = l.endpoint(l.beat.report.Op).counted
	}
}

func (l *List) postLimits() []Limit {
	if l.post == nil {
		return nil
	}
	return l.post.limits
}

// LimitsAddress reports whether the list limits how often it is posted to from
// the address this service calls from, whatever the bot.
func (l *List) LimitsAddress() bool {
	return slices.ContainsFunc(l.postLimits(), func(limit Limit) bool { return limit.Per == PerAddress })
}

// PostsAllowed returns how many posts of one bot the list takes at once.
func (l *List) PostsAllowed() int {
	allowed := int64(math.MaxInt32)
	for _, limit := range l.postLimits() {
		allowed = min(allowed, limit.Requests)
	}
	return int(allowed)
}

// limitRules says in sentences how often a list may be asked.
func limitRules(limits []Limit) (rules []string) {
	whom := map[string]string{PerToken: "with one token", PerBot: "for one bot", PerAddress: "from this service's address"}
	for _, l := range limits {
		noun := l.Op.One
		if l.Requests != 1 {
			noun += "s"
		}
		rules = append(rules, fmt.Sprintf("At most %d %s in %s %s.", l.Requests, noun, inWords(l.Interval), whom[l.Per]))
	}
	return rules
}
