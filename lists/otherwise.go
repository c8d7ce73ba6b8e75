package lists

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// otherwise compiles the second way to post of an entry whose first is p; nil
// if there is none.
func (c *checker) otherwise(e *Entry, p *postDialect) *postDialect {
	if e.Post == nil || e.Post.Otherwise == nil {
		return nil
	}
	o := e.Post.Otherwise
	c.statuses("post.otherwise.on", o.On)
	if len(o.On) == 0 {
		c.add("post.otherwise.on", "must name a status")
	}
	if o.URL == "" {
		c.add("post.otherwise.url", "is required")
		return nil
	}
	second := *e
	second.APIPost, second.Post = "", &o.PostEntry
	within := &checker{defunct: c.defunct}
	way := within.post(&second)
	for _, problem := range within.problems {
		// Of the api_* fields everything is said already.
		if field, ok := strings.CutPrefix(problem.Field, "post"); ok {
			c.add("post.otherwise"+field, "%s", problem.Message)
		}
	}
	if way == nil {
		return nil
	}
	way.limits, way.wait, way.revoked, way.revokes = p.limits, p.wait, p.revoked, p.revokes
	c.checkPer("post.limits", &way.endpoint)
	p.otherwiseOn = o.On
	p.listBotID = p.listBotID || way.listBotID // a token is for either way
	return way
}

// statuses checks statuses of refusals.
func (c *checker) statuses(field string, all []int) {
	for i, s := range all {
		if s < 400 || s > 599 {
			c.add(field+"["+strconv.Itoa(i)+"]", "must be an HTTP status from 400 to 599, is %d", s)
		}
	}
}

// HasOtherwise reports whether the list has a second way to be asked what the
// call asks, and the call goes the first one.
func (c Call) HasOtherwise() bool { return c.endpoint != nil && c.endpoint.otherwiseOn != nil }

// Otherwise returns the same call in the list's second way. ok is false where
// the list has none, and where the call goes that way already.
func (c Call) Otherwise() (second Call, ok bool) {
	if !c.HasOtherwise() {
		return Call{}, false
	}
	c.endpoint, c.plan = c.plan.second()
	return c, true
}

// IsOtherwise reports whether an answer to the call says that the list's second
// way is to be tried.
func (c Call) IsOtherwise(a Answer) bool {
	return c.endpoint != nil && slices.Contains(c.endpoint.otherwiseOn, a.Status)
}

// Counts returns which of two answers counts: that in the first way,
// or that in the second, which is then marked. Where the second way refuses the
// token too, or never heard of it, the first answer says all there is to say.
func Counts(first, second Answer) Answer {
	if second.NotSent() || second.RefusesOtherwise() {
		return first
	}
	second.Otherwise = true
	return second
}

// RefusesOtherwise reports whether an answer to a call in the second way says
// that the token is not for it: any refusal that is not about the values or the
// moment.
func (a Answer) RefusesOtherwise() bool {
	switch a.Status {
	case http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusRequestTimeout:
		return false
	}
	return a.Status/100 == 4
}

// otherwiseRule says in a sentence when a second way is tried.
func otherwiseRule(on []int, method, rawURL string) string {
	return fmt.Sprintf("If the status is %s, the token may be of another kind: one more call follows, %s %s.", anyOf(on), method, rawURL)
}
