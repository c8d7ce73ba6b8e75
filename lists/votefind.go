package lists

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	ways := 0
	for _, is := range []bool{spec.Voted != "", spec.Found != "", spec.Voters != nil} {
		if is {
			ways++
		}
	}
	alone := len(spec.VotedAt) == 0 && len(spec.Until) == 0 && spec.Weight == "" && spec.While == ""
	switch {
	case ways != 1:
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

// find finds what an answer says of a user. The error says what in it is not as
// documented.
func (f *finding) find(answer rawjson.Value, userID string, now time.Time) (t told, err error) {
	top := &node{value: answer}
	switch {
	case f.voters != nil:
		return f.voters.find(top, userID, now)
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
	return false, fmt.Errorf("%s is %s, want true or false", f.entry.Voted, shorten(string(found[0].Raw())))
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
			return 0, fmt.Errorf("%s is %s, want a whole number", f.entry.Weight, shorten(string(v.Raw())))
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

func (f *finding) rules() (rules []string) {
	switch {
	case f.voters != nil:
		rules = append(rules, f.voters.rules(f.entry.Voters)...)
	case f.found != nil:
		rules = append(rules, "yes: status 200 with "+f.entry.Found+" in the answer")
	case f.voted != nil:
		rules = append(rules, "yes: "+f.entry.Voted+" is true or 1; no: false or 0")
	}
	if f.while != nil {
		rules = append(rules, "a yes counts only with "+f.entry.While+" in the answer")
	}
	rules = append(rules, f.at.rule("voted at")...)
	rules = append(rules, f.until.rule("until")...)
	if f.weight != nil {
		rules = append(rules, "weight: "+f.entry.Weight)
	}
	if !f.window.isZero() {
		rules = append(rules, "window: "+f.window.String())
	}
	return rules
}

// voters is how an answer lists those who voted, compiled.
type voters struct {
	in, user []step
	path     string // of the array, for people
	time     timesAt
	newest   int64 // how many the list shows at most; 0: all
}

func (c *checker) voters(field string, e *VotersEntry) *voters {
	if e == nil {
		return nil
	}
	v := &voters{path: "the answer", newest: e.Newest}
	if e.In != "" {
		v.in, v.path = c.steps(field+".in", e.In), e.In
	}
	if e.User != "" {
		v.user = c.steps(field+".user", e.User)
	}
	if e.Time != nil {
		v.time = timesAt{c.timeAt(field+".time", *e.Time)}
		if e.User == "" {
			c.add(field+".time", "is a path in an item, but without user an item is an id")
		}
		if e.Time.Unit == timeLeft {
			c.add(field+".time.unit", "is left, which is no time of a vote")
		}
	}
	if e.Newest < 0 {
		c.add(field+".newest", "must be 1 or more, is %d", e.Newest)
	}
	return v
}

// find finds a user among the voters; of several votes the latest counts.
func (v *voters) find(n *node, userID string, now time.Time) (t told, err error) {
	array := n.value
	if v.in != nil {
		array = rawjson.Value{}
		if found := n.walk(v.in); len(found) > 0 {
			array = found[0]
		}
	}
	if array.Kind() != rawjson.Array {
		return t, fmt.Errorf("%s is not an array", v.path)
	}
	page := page{}
	for value := range array.Items() {
		item := &node{value: value}
		id, at, err := v.item(item, now)
		if err != nil {
			return t, err
		}
		page.add(id, at)
		if id == userID {
			t.yes = true
			if at.After(t.at) {
				t.at = at
			}
		}
	}
	if page.items > 0 && page.voters == 0 {
		return t, errors.New("no item of " + v.path + " holds the id of a user")
	}
	if t.cut = !t.yes && v.newest > 0 && page.items >= v.newest; t.cut && !page.timeless {
		t.oldest = page.oldest
	}
	return t, nil
}

// page is what a list of voters holds beside the one that is looked for.
type page struct {
	items, voters int64
	oldest        time.Time
	timeless      bool // one of the voters has no time
}

func (p *page) add(id string, at time.Time) {
	if p.items++; id != "" {
		p.voters++
	}
	p.timeless = p.timeless || at.IsZero()
	if p.items == 1 || at.Before(p.oldest) {
		p.oldest = at
	}
}

// item returns whose vote an item is, "" where it does not say so, and when it
// was.
func (v *voters) item(n *node, now time.Time) (id string, at time.Time, err error) {
	id = scalar(n.value)
	if v.user != nil {
		id = ""
		if found := n.walk(v.user); len(found) > 0 {
			id = scalar(found[0])
		}
	}
	at, err = v.time.latest(n, now)
	return id, at, err
}

func (v *voters) rules(e *VotersEntry) []string {
	of := "an item"
	if e.User != "" {
		of = e.User
	}
	rule := "yes: " + of + " in " + v.path + " is the user"
	if v.newest > 0 {
		rule += "; the list shows its newest " + strconv.FormatInt(v.newest, 10) + " voters only"
	}
	return append([]string{rule}, v.time.rule("voted at, in the item")...)
}
