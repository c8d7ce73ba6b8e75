package lists

import (
	"fmt"
	"slices"
	"time"

	"aggregator/rawjson"
)

// finding is where an answer says whether a user has voted, compiled. One of
// voted, found and voters is there.
type finding struct {
	voted, found  []step
	voters        *voters
	while, weight []step
	at, until     timesAt
	window        validity
	readKeys      []string // the keys at the answer's top that are read
	entry         *VotesEntry
}

// told is what an answer says of a user.
type told struct {
	yes       bool
	at, until time.Time
	weight    int64

	cut    bool      // the answer holds as many voters as the list ever shows, and not the user
	oldest time.Time // then: when the first of them voted; zero where that is not known
}

func (c *checker) finding(part string, spec *VotesEntry) finding {
	f := finding{entry: spec, window: c.window(part+".window", spec.Window)}
	for _, p := range []struct {
		key, path string
		to        *[]step
	}{
		{"voted", spec.Voted, &f.voted}, {"found", spec.Found, &f.found}, {"while", spec.While, &f.while}, {"weight", spec.Weight, &f.weight},
	} {
		if p.path != "" {
			*p.to = c.steps(part+"."+p.key, p.path)
			f.reads(*p.to)
		}
	}
	f.at, f.until = c.times(part+".voted_at", spec.VotedAt), c.times(part+".until", spec.Until)
	for _, t := range slices.Concat(f.at, f.until) {
		f.reads(t.steps)
	}
	if f.voters = c.voters(part+".voters", spec.Voters); f.voters != nil {
		f.reads(f.voters.in)
	}
	c.oneWay(part, spec)
	return f
}

// oneWay checks that an entry says in one way what a yes is.
func (c *checker) oneWay(part string, spec *VotesEntry) {
	alone := len(spec.VotedAt) == 0 && len(spec.Until) == 0 && spec.Weight == "" && spec.While == ""
	switch {
	case !exactlyOne(spec.Voted != "", spec.Found != "", spec.Voters != nil):
		c.add(part, "needs one of voted, found and voters, which says what a yes is")
	case spec.Found != "" && len(spec.NotVoted) == 0:
		c.add(part+".found", "is there for who has voted, but not_voted names no status for who has not")
	case spec.Voters != nil && !alone:
		c.add(part+".voters", "have their own time; leave voted_at, until, weight and while out")
	}
}

// reads notes that a path is read.
func (f *finding) reads(path []step) {
	if len(path) > 0 && path[0].kind == stepKey {
		f.readKeys = append(f.readKeys, path[0].key)
	}
}

// find finds what an answer, which is this JSON, says of a user. The error says
// what in it is not as documented.
func (f *finding) find(a Answer, answer rawjson.Value, userID string, now time.Time) (t told, err error) {
	top := &node{value: answer}
	switch {
	case f.voters != nil:
		r, err := a.rollOf(f.voters, answer)
		return r.find(f.voters, userID), err
	case f.found != nil:
		if t.yes = isThere(top, f.found); !t.yes {
			return t, fmt.Errorf("%s is missing", f.entry.Found)
		}
	case f.voted != nil:
		if t.yes, err = f.flag(top); err != nil {
			return t, err
		}
	}
	if f.while != nil && !isThere(top, f.while) {
		t.yes = false
	}
	if t.at, err = f.at.latest(top, now); err != nil {
		return t, err
	}
	if t.until, err = f.until.latest(top, now); err != nil {
		return t, err
	}
	t.weight, err = f.weightOf(top)
	return t, err
}

// isThere reports whether a path leads to something, null aside.
func isThere(n *node, path []step) bool {
	for _, v := range n.walk(path) {
		if v.Kind() != rawjson.Null {
			return true
		}
	}
	return false
}

// flag reads the flag that says whether the user has voted.
func (f *finding) flag(n *node) (is bool, err error) {
	found := n.walk(f.voted)
	if len(found) == 0 {
		return false, fmt.Errorf("%s is missing", f.entry.Voted)
	}
	if is, ok := flagOf(found[0]); ok {
		return is, nil
	}
	return false, &oddValueError{f.entry.Voted, found[0], "true or false"}
}

// flagOf returns what a flag says: true, 1, false or 0. ok is false for anything
// else.
func flagOf(v rawjson.Value) (is, ok bool) {
	if is, ok := v.Bool(); ok {
		return is, true
	}
	digits, _ := v.Number()
	return digits == "1", digits == "1" || digits == "0"
}

// weightOf reads how many votes a vote counts for; 0 where nothing says so.
func (f *finding) weightOf(n *node) (int64, error) {
	if f.weight == nil {
		return 0, nil
	}
	for _, v := range n.walk(f.weight) {
		if v.Kind() == rawjson.Null {
			continue
		}
		weight, ok := countOf(v)
		if !ok {
			return 0, &oddValueError{f.entry.Weight, v, "a whole number"}
		}
		return weight, nil
	}
	return 0, nil
}

// decide fills in what the answer says at the time now. A vote whose time is
// over is no yes, whatever the list says.
func (f *finding) decide(v *Vote, t told, now time.Time) {
	v.Voted, v.At, v.Until = t.yes, t.at, t.until
	if v.Until.IsZero() {
		v.Until = f.window.end(t.at)
	}
	if v.Until.IsZero() && t.yes {
		v.Until = f.window.current(now)
	}
	if v.Voted && !v.Until.IsZero() && !v.Until.After(now) {
		v.Voted = false
	}
	if v.Voted {
		v.Weight = t.weight
	} else if v.Until.After(now) {
		v.Until = time.Time{} // what a no counts until is nothing
	}
}

// isComplete reports whether a full page of voters without the user shows all
// whose votes count at the time now.
func (f *finding) isComplete(t told, now time.Time) bool {
	end := f.window.end(t.oldest)
	return !end.IsZero() && !end.After(now)
}

// rules says in sentences what a yes is, and what else the answer says.
func (f *finding) rules() (rules []string) {
	switch {
	case f.voters != nil:
		rules = append(rules, f.voters.rules(f.entry.Voters)...)
	case f.found != nil:
		rules = append(rules, "The user has voted if the status is 200 and the answer has "+f.entry.Found+" in it.")
	case f.voted != nil:
		rules = append(rules, "The user has voted if "+f.entry.Voted+" is true or 1, and has not if it is false or 0.")
	}
	if f.while != nil {
		rules = append(rules, "The vote counts only as long as the answer has "+f.entry.While+" in it.")
	}
	rules = append(rules, f.at.sentence("when the user voted")...)
	rules = append(rules, f.until.sentence("until when the vote counts")...)
	if f.weight != nil {
		rules = append(rules, "How many votes it counts for stands in "+f.entry.Weight+".")
	}
	if !f.window.isZero() {
		rules = append(rules, "A vote counts "+f.window.words()+".")
	}
	return rules
}
