package lists

import (
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// votesDialect is how a list is asked whether a user has voted, compiled.
type votesDialect struct {
	endpoint
	finding
	notVoted  []int
	otherwise *votesDialect // the second way; nil: there is none
}

// votes compiles how a list is asked for votes; nil if it is not.
func (c *checker) votes(e *Entry) *votesDialect {
	if e.Votes == nil {
		return nil
	}
	d := c.votesWay("votes", e.Votes)
	if o := e.Votes.Otherwise; o != nil {
		d.otherwise = c.votesOtherwise(o, d)
	}
	return d
}

// votesWay compiles one way to ask.
func (c *checker) votesWay(part string, spec *VotesEntry) *votesDialect {
	entry := endpointEntry{
		part: part, url: spec.URL, auth: spec.Auth, bodiless: "a vote check sends none", headers: spec.Headers,
		limits: spec.Limits, wait: spec.Wait, placeholders: []string{placeholderID, placeholderListBotID, placeholderUser},
	}
	d := &votesDialect{endpoint: endpoint{op: &Votes, keyed: spec.Auth != nil}, notVoted: spec.NotVoted}
	d.judge = d.judgeVotes
	field, ok := c.urlOf(&d.endpoint, entry)
	if !ok {
		c.add(part+".url", "is required")
		return d
	}
	c.endpoint(&d.endpoint, entry)
	switch {
	case !d.keyed && !d.namesBot:
		c.add(field, "must hold %s, or the votes of every bot would be taken for one's", placeholderID)
	case d.listBotID && !d.keyed:
		c.add(field, "holds %s, which comes with a key; say under auth where the key goes", placeholderListBotID)
	}
	if !d.holds(placeholderUser) && spec.Voters == nil {
		c.add(field, "must hold %s, or voters must say where the answer lists those who voted", placeholderUser)
	}
	c.checkPer(part+".limits", &d.endpoint)
	c.statuses(part+".not_voted", d.notVoted)
	d.finding = c.finding(part, spec)
	return d
}

// votesOtherwise compiles the second way to ask of an entry whose first is d.
func (c *checker) votesOtherwise(o *VotesOtherwise, d *votesDialect) *votesDialect {
	const part = "votes.otherwise"
	c.statuses(part+".on", o.On)
	if len(o.On) == 0 {
		c.add(part+".on", "must name a status")
	}
	for _, status := range o.On {
		if slices.Contains(d.notVoted, status) {
			c.add(part+".on", "names %d, which means no by votes.not_voted", status)
		}
	}
	way := c.votesWay(part, &o.VotesEntry)
	for _, status := range way.notVoted {
		if (Answer{Status: status}).RefusesOtherwise() {
			c.add(part+".not_voted", "names %d, which cannot be told from a token that is not for this way", status)
		}
	}
	if !d.keyed || !way.keyed {
		c.add(part, "is for other tokens, but one of the ways needs no key; say under auth where it goes")
	}
	way.limits, way.wait = d.limits, d.wait
	c.checkPer("votes.limits", &way.endpoint)
	d.otherwiseOn = o.On
	d.listBotID = d.listBotID || way.listBotID // a token is for either way
	return way
}

// VoteCall is a call that asks whether a user has voted for a bot.
type VoteCall struct{ Call }

// Hiding returns the call with further secrets that its answer must not show;
// nil: none.
func (c VoteCall) Hiding(secrets *Masker) VoteCall {
	c.hides = secrets
	return c
}

// PlanVote plans how the list is asked whether a user has voted for a bot, with
// a key where it needs one; where it needs none, it gets none. Both ids must be
// snowflakes. It returns a Skip where the list cannot be asked, and nil
// otherwise.
func (l *List) PlanVote(botID, userID string, key Token, userAgent string) (VoteCall, *Skip) {
	d := l.votes
	key, skip := l.askedWith(key, Votes, SkipNoVotes)
	if skip != nil {
		return VoteCall{}, skip
	}
	plan := newVotesPlan(d, ids{botID: botID, listBotID: key.listBotID, userID: userID}, userAgent)
	return VoteCall{Call{List: l, endpoint: &d.endpoint, botID: botID, token: key, plan: plan}}, nil
}

// votesPlan is a vote check to be made.
type votesPlan struct {
	*votesDialect
	getPlan
}

func newVotesPlan(d *votesDialect, of ids, userAgent string) *votesPlan {
	return &votesPlan{d, getPlan{&d.endpoint, of, userAgent}}
}

func (p *votesPlan) second() (*endpoint, plan) {
	way := p.otherwise
	return &way.endpoint, newVotesPlan(way, p.ids, p.userAgent)
}

// ListsVoters reports whether the answer to the call lists those who voted: it
// serves every user of the bot and the credential.
func (c VoteCall) ListsVoters() bool {
	p := c.plan.(*votesPlan)
	return p.voters != nil && !p.holds(placeholderUser)
}

// Vote is what a list says of a user and a bot.
type Vote struct {
	Verdict           // not OK where the answer is not what the entry documents; then the rest says nothing
	Voted   bool      // the user has voted, and the vote counts now
	At      time.Time // when; zero where the list does not tell
	Until   time.Time // until when the vote counts; zero where that is not known
	Weight  int64     // how many votes it counts for; 0 where the list does not tell
}

// Read returns what the answer to the call, in whichever way it was made, says
// of a user at the time now. The user may be another one than was asked for
// where the call ListsVoters.
func (c VoteCall) Read(a Answer, userID string, now time.Time) Vote {
	d := c.way(a)
	verdict, told := d.read(c.Call, a, userID, now)
	return d.vote(verdict, told, now)
}

// way returns in which way the call was made that an answer is to.
func (c VoteCall) way(a Answer) *votesDialect {
	d := c.plan.(*votesPlan).votesDialect
	if a.Otherwise && d.otherwise != nil {
		return d.otherwise
	}
	return d
}

// vote returns what an answer that was judged says at the time now.
func (d *votesDialect) vote(verdict Verdict, told told, now time.Time) Vote {
	v := Vote{Verdict: verdict}
	if !v.OK {
		return v
	}
	if told.cut && !d.isComplete(told, now) {
		why := "the list shows its newest " + strconv.FormatInt(d.voters.newest, 10) + " voters only, and the oldest of them voted inside the window: the user may have voted before"
		v.OK, v.Text, v.Why = false, why, why
		return v
	}
	d.decide(&v, told, now)
	return v
}

// judgeVotes finds an answer good that is what the entry documents.
func (d *votesDialect) judgeVotes(c Call, a Answer) Verdict {
	v, _ := d.read(c, a, c.plan.(*votesPlan).ids.userID, time.Time{})
	return v
}

// maxVoteText bounds the text of an answer that a Vote holds: an answer may list
// thousands of voters.
const maxVoteText = 4 << 10

// maxWritten bounds how many bytes a token takes in an answer, with its characters
// escaped in any way. So much more than is shown is searched for tokens: one that
// begins in what is shown is hidden whole.
const maxWritten = 8 * maxSecret

// read judges an answer, and finds what it says of a user.
func (d *votesDialect) read(c Call, a Answer, userID string, now time.Time) (Verdict, told) {
	if a.Status == NoAnswer {
		return Verdict{Status: NoAnswer, Text: c.Hide(a.Reason), Why: noAnswer}, told{}
	}
	v := Verdict{Status: a.Status, TokenRefused: refusesToken(a.Status) && !slices.Contains(d.notVoted, a.Status)}
	var found told
	v.Text = cutText(c.Hide(Text(a.Body[:min(len(a.Body), maxVoteText+maxWritten)])))
	answer, isJSON := a.statement()
	switch {
	case isHTML(a.Body):
		v.Why, v.Page = isPage, a.Status/100 == 2
	case slices.Contains(d.notVoted, a.Status):
	case a.Status != http.StatusOK:
		v.Why = wrongStatus(a.Status, "200")
	case !isJSON:
		v.Why = "the answer is not JSON"
	default:
		if v.Why = c.saysFailure(a, d.readKeys...); v.Why == "" {
			var err error
			if found, err = d.find(a, answer, userID, now); err != nil {
				v.Why = hiding(err, c.Hide)
			}
		}
	}
	v.OK = v.Why == ""
	return v, found
}

// cutText returns the beginning of a text that may be very long.
func cutText(text string) string {
	if len(text) <= maxVoteText {
		return text
	}
	end := maxVoteText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// VoteRules says in sentences what the list's answer to a vote check means, and
// what holds the next one back; nil where it is not asked.
func (l *List) VoteRules() []string {
	d := l.votes
	if d == nil {
		return nil
	}
	rules := append(d.rules(), d.endpoint.rules()...)
	if way := d.otherwise; way != nil {
		rules = append(rules, otherwiseRule(d.otherwiseOn, http.MethodGet, way.rawURL))
		for _, rule := range way.rules() {
			rules = append(rules, "There, "+lowerFirst(rule))
		}
	}
	return rules
}

// rules says in sentences what an answer means.
func (d *votesDialect) rules() []string {
	rules := d.finding.rules()
	if len(d.notVoted) > 0 {
		rules = append(rules, "If the status is "+anyOf(d.notVoted)+", the user has not voted.")
	}
	return rules
}
