// Package sandbox is the API of every list of a catalog on one handler, for
// demonstrations, tests and benchmarks. It works from the entries alone, as a
// second reading of them: it shows that the service says what the entries say,
// never that the entries say what the lists want.
//
// The token "bad", and any that begins with "bad-", is refused by every list;
// any other single word passes. Where a list has a second way to be asked, that
// way alone knows the token "second", and any that begins with "second-".
package sandbox

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"aggregator/lists"
)

// Bounds on what a sandbox takes and remembers.
const (
	maxBody   = 2 << 20
	maxToken  = 1 << 10
	maxBots   = 10_000 // of each list; its tokens and windows likewise
	maxShards = 1024   // of each bot
	maxPosts  = 100    // recorded for each list
)

// Sandbox answers for all lists of a catalog. It is safe for concurrent use.
type Sandbox struct {
	Now func() time.Time // the clock of the lists' rate limits; not to be set while serving

	lists     map[string]*list
	endpoints map[string][]*endpoint // by host
}

// Post is a post that reached a list.
type Post struct {
	Method string
	URL    string // as the list knows it, not as the sandbox was reached
	Header http.Header
	Body   []byte
	Status int // what the list answered
}

// list is one list, and what it remembers.
type list struct {
	knownBy  string // what it knows bots by: ":id", ":list_bot_id", or "" for the token alone
	nameless bool   // a second way to post does not say which bot it is of
	limits   []lists.LimitEntry
	wait     lists.WaitEntry
	revoked  int            // status that a revoked token gets; 0: no token is ever revoked
	webhook  *lists.Webhook // nil: it tells of no votes

	mu         sync.Mutex
	refusesAll bool // every token
	bots       bounded[string, *bot]
	last       *bot // the one that posted last
	windows    bounded[windowKey, window]
	early      bounded[string, int]  // posts before their time, by token
	gone       bounded[string, bool] // tokens that were made invalid
	posts      []Post
	votes      []vote // the newest last
}

// New makes a sandbox of lists, each of which lists.New found no problem with.
// A defunct list answers nothing.
func New(all []*lists.List) *Sandbox {
	s := &Sandbox{Now: time.Now, lists: map[string]*list{}, endpoints: map[string][]*endpoint{}}
	for _, l := range all {
		if l.Defunct {
			continue
		}
		state := newList(l)
		s.lists[l.ID] = state
		post, get := newPost(l.Entry, state), newGet(l, state)
		if post != nil {
			state.knownBy = post.names()
			state.nameless = post.second != nil && post.second.names() != state.knownBy
			s.add(post.second)
		}
		s.add(post)
		s.add(get)
		if votes := newVotes(l.Votes, state); votes != nil {
			s.add(votes)
			s.add(votes.second)
		}
		for _, kind := range lists.Reports() {
			s.add(newReport(l, kind, state))
		}
	}
	return s
}

// add makes an endpoint known; nil for none.
func (s *Sandbox) add(e *endpoint) {
	if e != nil {
		s.endpoints[e.host] = append(s.endpoints[e.host], e)
	}
}

func newList(l *lists.List) *list {
	state := &list{
		bots:    newBounded[string, *bot](maxBots),
		windows: newBounded[windowKey, window](maxBots),
		early:   newBounded[string, int](maxBots),
		gone:    newBounded[string, bool](maxBots),
		wait:    lists.WaitEntry{Header: "Retry-After"},
		webhook: l.Webhook(),
	}
	if p := l.Post; p != nil {
		state.limits = p.Limits
		if len(p.Wait) > 0 {
			state.wait = p.Wait[0]
		}
		if len(p.Revoked) > 0 {
			state.revoked = p.Revoked[0]
		}
	}
	return state
}

// ServeHTTP answers as the list whose URL is asked, which the host of the
// request and its path tell.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		answerTo(refuse(http.StatusRequestEntityTooLarge, "Body must be at most %d bytes", maxBody)).write(w)
		return
	}
	if err != nil {
		answerTo(refuse(http.StatusBadRequest, "Body is cut short")).write(w)
		return
	}
	s.answer(r, body).write(w)
}

func (s *Sandbox) answer(r *http.Request, body []byte) answer {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return answerTo(refuse(http.StatusBadRequest, "Query cannot be read"))
	}
	var allowed []string
	for _, e := range s.endpoints[strings.ToLower(r.Host)] {
		ids, rest, ok := e.match(r.URL.Path, query)
		switch {
		case !ok:
		case e.method != r.Method:
			allowed = append(allowed, e.method)
		case e.fields != nil:
			return e.list.servePost(e, r, body, ids, rest, s.Now())
		case e.votes != nil:
			return e.list.serveVotes(e, r, ids, rest, s.Now())
		case e.report != nil:
			return e.list.serveReport(e, r, body, ids, rest, s.Now())
		default:
			return e.list.serveGet(e, r, ids, rest, s.Now())
		}
	}
	if len(allowed) > 0 {
		a := answerTo(refuse(http.StatusMethodNotAllowed, "Method %s is not allowed", r.Method))
		slices.Sort(allowed)
		a.header.Set("Allow", strings.Join(slices.Compact(allowed), ", "))
		return a
	}
	return answerTo(refuse(http.StatusNotFound, "Nothing is here"))
}

// Posts are the latest posts to a list, refused ones too, the newest last.
func (s *Sandbox) Posts(listID string) []Post {
	l := s.lists[listID]
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.posts)
}

// Count is the server count that a list shows for a bot, which is named by its
// snowflake or by the number the list gave it. As when reading, a list that
// was not told this id when it was posted to shows the latest count it got.
func (s *Sandbox) Count(listID, botID string) (int64, bool) {
	l := s.lists[listID]
	if l == nil {
		return 0, false
	}
	var of ids
	if !snowflake.match(botID, &of) {
		listBotID.match(botID, &of)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.find(of, "")
	if b == nil {
		return 0, false
	}
	return b.count(), true
}
