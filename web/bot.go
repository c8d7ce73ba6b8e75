package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/lists"
)

// botsBody is the body of the page on which a bot is looked up.
type botsBody struct {
	ID    string // as it was typed
	Error string // what is wrong with it
	Lists int    // that can be read
}

// bots answers with the form that looks a bot up, or leads to the bot that it was
// filled in with.
func (s *Site) bots(w http.ResponseWriter, r *http.Request) error {
	typed := r.URL.Query().Get("id")
	id, ok := botIDIn(typed)
	switch {
	case ok:
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", s.path("/bots/"+id))
		w.WriteHeader(http.StatusSeeOther)
		return nil
	case strings.TrimSpace(typed) == "":
		return s.botForm(w, r, http.StatusOK, "", "")
	}
	return s.botForm(w, r, http.StatusBadRequest, typed[:min(len(typed), maxSearch)], badBotID)
}

const badBotID = "The id of a bot is a number of 16 to 20 digits, such as 123456789012345678. In Discord, turn on developer mode, right-click the bot and choose “Copy User ID”."

func (s *Site) botForm(w http.ResponseWriter, r *http.Request, status int, typed, problem string) error {
	title := "Look up a bot"
	if problem != "" {
		title = "Error: " + title
	}
	return s.render(w, r, status, "bots", view{
		Title: title, Description: "Ask every Discord bot list what it says about a bot.", Nav: "bots",
		NoIndex: r.URL.RawQuery != "" || status != http.StatusOK,
		Body:    botsBody{typed, problem, len(readableLists(s.Catalog.Current()))},
	})
}

// readableLists returns the lists that are asked about bots, by name.
func readableLists(c *catalog.Catalog) []*lists.List {
	var all []*lists.List
	for _, l := range c.Lists() {
		if l.Readable() {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, byName)
	return all
}

// bot answers with what the lists say of a bot. The lists are asked as for the
// API, and the page shows each of them as it answers; whoever may not ask just now,
// or only looks, is shown what is kept.
func (s *Site) bot(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if !lists.IsSnowflake(id) {
		return s.botForm(w, r, http.StatusBadRequest, id[:min(len(id), maxSearch)], badBotID)
	}
	w.Header().Set("Cache-Control", "no-store")
	l := s.newLookup(w, r, id)
	if s.Aggregator == nil || looksOnly(r) {
		return l.kept(http.StatusOK, notice{})
	}
	var begun error
	answer, err := s.Aggregator.Bot(r.Context(), aggregate.BotRequest{BotID: id, Progress: &aggregate.Progress{
		Begin: func(asked []string, skipped []aggregate.Skipped) {
			begun = l.begin(http.StatusOK, notice{}, asked, skipped)
		},
		Hear: func(reading lists.Reading) { l.hear(reading); l.page.flush() },
	}}, s.Caller(r))
	switch limited := (*aggregate.LimitedError)(nil); {
	case begun != nil:
		return begun
	case l.page != nil:
		return l.end(answer, err)
	case errors.As(err, &limited):
		wait := limited.Decision.RetryAfter(s.Now())
		w.Header().Set("Retry-After", strconv.FormatInt(wait, 10))
		return l.kept(http.StatusTooManyRequests, notice{Limited: true, Next: s.Now().Add(time.Duration(wait) * time.Second)})
	case errors.Is(err, aggregate.ErrBusy), errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "5")
		return l.kept(http.StatusServiceUnavailable, notice{Busy: true})
	}
	return err
}

// notice says why a lookup shows what is kept.
type notice struct {
	Limited bool      // the lists were asked a moment ago
	Next    time.Time // when they may be asked again
	Busy    bool      // the service is busy
	Kept    bool      // something is kept, as of:
	At      time.Time
	Looked  bool // and nobody asked for more
}

// botBody is the body of a bot's page, but for what lists say.
type botBody struct {
	ID     string
	Name   string // "" if that is not known yet
	Notice notice
	Rows   []card // of all lists that may be asked
	Asked  []int  // one for each list that is asked, from 1
	Chart  *chart
	Badge  string // in Markdown
}

// row is what a list says of a bot, as the page shows it.
type row struct {
	card
	finding
	Place string // where it is shown
	URL   string // of the bot's page there; "" if that is not known
}

// lookup is a bot's page that is being made. It is sent in pieces: what is there
// before lists answer, each list as it does, and the rest. Where the pieces belong
// is told by slots, which browsers fill without a script.
type lookup struct {
	*Site
	w    http.ResponseWriter
	r    *http.Request
	id   string
	last aggregate.BotAnswer // that is kept; the zero one: none
	has  bool                // one is kept

	rows  map[string]*lists.List // that the page has a place for
	found []finding
	asked int
	page  *stream // nil: the page has not begun
	tail  []byte  // of the page, after what lists say
}

func (s *Site) newLookup(w http.ResponseWriter, r *http.Request, id string) *lookup {
	l := &lookup{Site: s, w: w, r: r, id: id, rows: map[string]*lists.List{}}
	if s.Aggregator != nil {
		l.last, l.has = s.Aggregator.Last(id)
	}
	return l
}

// kept shows what is kept of the bot.
func (l *lookup) kept(status int, n notice) error {
	n.Kept, n.At = l.has, l.Now().Add(-l.last.Age)
	n.Looked = !n.Limited && !n.Busy
	var asked []string
	for _, r := range l.last.Lists {
		asked = append(asked, r.List)
	}
	if err := l.begin(status, n, asked, l.last.Skipped); err != nil {
		return err
	}
	if !l.has {
		_, _ = l.page.Write(l.tail)
		return l.page.Close()
	}
	for _, r := range l.last.Lists {
		l.hear(r)
	}
	return l.end(l.last, nil)
}

// seam is where a page is cut: what lists say goes there.
var seam = []byte(`<i hidden id="seam"></i>`)

// begin sends what is there before lists answer.
func (l *lookup) begin(status int, n notice, asked []string, skipped []aggregate.Skipped) error {
	body := botBody{ID: l.id, Notice: n, Badge: "[![Servers](" + l.origin(l.r) + "/api/bots/" + l.id + "/badge.svg)](" + l.origin(l.r) + "/bots/" + l.id + ")"}
	for _, one := range readableLists(l.Catalog.Current()) {
		l.rows[one.ID] = one
		body.Rows = append(body.Rows, cardOf(one))
	}
	for i := range asked {
		body.Asked = append(body.Asked, i+1)
	}
	if !n.Kept && (n.Limited || n.Busy || n.Looked) {
		body.Rows = nil
	}
	l.asked = len(asked)
	v := view{Title: "Bot " + l.id, Description: "What Discord bot lists say about the bot " + l.id + ".", Nav: "bots", Twin: "/api/bots/" + l.id, NoIndex: true}
	if l.has {
		all := findingsOf(l.last, l.Now())
		if body.Name = knownName(l.last); body.Name != "" {
			v.Title = body.Name + " (" + l.id + ")"
		}
		v.Description = summary(body.Name, l.last.ServerCount, tallyOf(all, l.last.ServerCount))
	}
	if n.Kept {
		v.AsOf = n.At
	}
	body.Chart = l.chart(l.r.Context(), l.id)
	v.Body = body
	whole, err := l.execute(l.r, "bot", v)
	if err != nil {
		return err
	}
	head, tail, _ := bytes.Cut(whole, seam)
	l.tail = tail
	l.page = newStream(l.w, l.r, status)
	_, _ = l.page.Write(head)
	for _, one := range skipped {
		if f, ok := skippedFinding(one, l.Now()); ok {
			l.show(f)
		}
	}
	l.page.flush()
	return nil
}

// knownName returns the name of a bot, "" if no list says one.
func knownName(a aggregate.BotAnswer) string {
	if a.Username == unknownName {
		return ""
	}
	return a.Username
}

// unknownName is what the merged answer says where no list names the bot.
const unknownName = "Unknown"

// findingsOf judges an answer.
func findingsOf(a aggregate.BotAnswer, now time.Time) []finding {
	var all []finding
	for _, r := range a.Lists {
		all = append(all, findingOf(r))
	}
	for _, one := range a.Skipped {
		if f, ok := skippedFinding(one, now); ok {
			all = append(all, f)
		}
	}
	return all
}

// hear shows what a list has answered.
func (l *lookup) hear(r lists.Reading) {
	f := findingOf(r)
	l.show(f)
	come := 0
	for _, f := range l.found {
		if f.State == stateFound || f.State == stateMissing || f.State == stateSilent {
			come++
		}
	}
	l.piece("step", map[string]any{"Number": come, "Of": l.asked, "State": f.State})
}

// show fills the row of a list.
func (l *lookup) show(f finding) {
	list, ok := l.rows[f.ID]
	if !ok || slices.ContainsFunc(l.found, func(old finding) bool { return old.ID == f.ID }) {
		return
	}
	l.found = append(l.found, f)
	view := row{card: cardOf(list), finding: f, Place: "row-" + f.ID}
	if f.State == stateFound {
		view.URL = link(strings.ReplaceAll(list.ViewBot, ":id", l.id))
	}
	l.piece("reading", view)
}

// piece sends a part of the page.
func (l *lookup) piece(name string, value any) {
	piece, err := l.fill(name, value)
	if err != nil {
		l.Log.Error("a piece of a page failed", "piece", name, "error", err)
		return
	}
	_, _ = l.page.Write(piece)
}

// botCard is the merged bot as the page shows it.
type botCard struct {
	aggregate.BotAnswer
	Name   string
	Titled bool // the page's own heading is that name
	Links  []fact
	Known  bool // a list knows the bot
	Counts int  // how many lists say a count
}

// end sends the rest of the page: what the lists say together, or that the lookup
// broke off.
func (l *lookup) end(answer aggregate.BotAnswer, err error) error {
	if left := l.r.Context().Err(); left != nil {
		return left // nobody reads it
	}
	if err != nil {
		l.Log.Error("a lookup broke off", "bot", l.id, "error", err)
		l.piece("broken", nil)
		_, _ = l.page.Write(l.tail)
		return l.page.Close()
	}
	for _, one := range answer.Skipped {
		if f, ok := skippedFinding(one, l.Now()); ok {
			l.show(f)
		}
	}
	bot := botCard{BotAnswer: answer, Name: knownName(answer)}
	bot.Titled = bot.Name != "" && l.has && bot.Name == knownName(l.last)
	for _, f := range l.found {
		bot.Known = bot.Known || f.State == stateFound
		if f.Counted {
			bot.Counts++
		}
		if isStale(f, answer.ServerCount) {
			l.piece("stale", map[string]any{"Place": "mark-" + f.ID, "Words": staleWords(f.Count, answer.ServerCount)})
		}
	}
	for _, one := range []fact{{"Invite", "", answer.Invite}, {"Website", "", answer.Website}, {"Source", "", answer.Github}, {"Support", "", answer.Support}} {
		if one.URL = link(one.URL); one.URL != "" {
			bot.Links = append(bot.Links, one)
		}
	}
	l.piece("merged", bot)
	l.piece("tally", tallyOf(l.found, answer.ServerCount))
	_, _ = l.page.Write(l.tail)
	return l.page.Close()
}

// robots answers what search engines may not ask for.
func (s *Site) robots(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=86400")
	writePacked(w, r, http.StatusOK, []byte("User-agent: *\nDisallow: "+s.path("/bots/")+"\nDisallow: "+s.path("/api/")+"\n"), nil)
	return nil
}
