package lists

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"aggregator/rawjson"
)

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

// roll is the voters that an answer lists. It is small, for there may be
// hundreds of thousands of them.
type roll struct {
	votes    []rollVote // by user; of one user the latest first
	items    int64
	voters   int64     // items that hold an id
	oldest   time.Time // when the first of them voted
	timeless bool      // one of them does not say when
}

// rollVote is one vote.
type rollVote struct {
	user uint64
	at   int64 // in Unix milliseconds; 0: not known
}

// read reads the voters in an answer. The error says what in it is not as
// documented.
func (v *voters) read(answer rawjson.Value) (*roll, error) {
	array := answer
	if v.in != nil {
		array = firstAt(answer, v.in)
	}
	if array.Kind() != rawjson.Array {
		return nil, fmt.Errorf("%s is not an array", v.path)
	}
	r := &roll{}
	for item := range array.Items() {
		id, at, err := v.item(item)
		if err != nil {
			return nil, err
		}
		r.add(id, at)
	}
	if r.items > 0 && r.voters == 0 {
		return nil, errors.New("no item of " + v.path + " holds the id of a user")
	}
	slices.SortFunc(r.votes, func(x, y rollVote) int { return cmp.Or(cmp.Compare(x.user, y.user), cmp.Compare(y.at, x.at)) })
	r.votes = slices.Clip(r.votes)
	return r, nil
}

// item returns whose vote an item is, "" where it does not say so, and when it
// was.
func (v *voters) item(item rawjson.Value) (id string, at time.Time, err error) {
	if v.user == nil {
		return scalar(item), time.Time{}, nil
	}
	id = scalar(firstAt(item, v.user))
	if len(v.time) == 1 && keysAlone(v.time[0].steps) { // as nearly all are, and cheaper
		at, err = v.time[0].read(firstAt(item, v.time[0].steps), time.Time{})
		return id, at, err
	}
	at, err = v.time.latest(&node{value: item}, time.Time{})
	return id, at, err
}

func (r *roll) add(id string, at time.Time) {
	if r.items++; id != "" {
		r.voters++
	}
	r.timeless = r.timeless || at.IsZero()
	if r.items == 1 || at.Before(r.oldest) {
		r.oldest = at
	}
	user, err := strconv.ParseUint(id, 10, 64)
	if err != nil || !IsSnowflake(id) { // nobody is asked about with it
		return
	}
	vote := rollVote{user: user}
	if !at.IsZero() {
		vote.at = at.UnixMilli()
	}
	r.votes = append(r.votes, vote)
}

// find finds a user among the voters; of several votes the latest counts. A nil
// roll has no voters.
func (r *roll) find(v *voters, userID string) (t told) {
	if r == nil {
		return t
	}
	user, err := strconv.ParseUint(userID, 10, 64)
	i, found := slices.BinarySearchFunc(r.votes, user, func(vote rollVote, user uint64) int { return cmp.Compare(vote.user, user) })
	if t.yes = found && err == nil; t.yes {
		if at := r.votes[i].at; at != 0 {
			t.at = time.UnixMilli(at).UTC()
		}
		return t
	}
	if t.cut = v.newest > 0 && r.items >= v.newest; t.cut && !r.timeless {
		t.oldest = r.oldest
	}
	return t
}

// rules says in sentences who has voted, by an answer that lists who has.
func (v *voters) rules(e *VotersEntry) []string {
	of := "an item"
	if e.User != "" {
		of = e.User
	}
	rules := []string{"The user has voted if " + of + " in " + v.path + " is the user's id."}
	if v.newest > 0 {
		rules = append(rules, "The list shows its newest "+strconv.FormatInt(v.newest, 10)+" voters only.")
	}
	return append(rules, v.time.sentence("when the user voted")...)
}

// Voters is what an answer to a call that ListsVoters says, of whichever user is
// asked about. It keeps nothing of the answer.
type Voters struct {
	Verdict
	dialect *votesDialect
	roll    *roll
}

// ReadVoters returns what the answer to the call, which ListsVoters, says.
func (c VoteCall) ReadVoters(a Answer) Voters {
	d := c.way(a)
	verdict, _ := d.read(c.Call, a, "", time.Time{})
	v := Voters{Verdict: verdict, dialect: d}
	if v.OK {
		v.Text = "" // nobody is shown what is as documented, and it is long
		if answer, ok := a.statement(); ok && a.Status == http.StatusOK {
			v.roll, _ = a.rollOf(d.voters, answer) // read has read it
		}
	}
	return v
}

// Vote returns what the answer says of a user at the time now.
func (v Voters) Vote(userID string, now time.Time) Vote {
	if !v.OK {
		return Vote{Verdict: v.Verdict}
	}
	return v.dialect.vote(v.Verdict, v.roll.find(v.dialect.voters, userID), now)
}

// Size returns about how many bytes the voters take.
func (v Voters) Size() int {
	if v.roll == nil {
		return 0
	}
	return 16 * len(v.roll.votes)
}
