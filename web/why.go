package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"aggregator/catalog"
	"aggregator/lists"
)

// explanation is what is to be said of one list's result, or of an error of the
// service.
type explanation struct {
	ID    string // of the list; "" for none that is known
	Known bool   // the catalog has it
	Said  string // what is explained, in short
	Means string
	Do    string   // what to do about it
	Rules []string // how the list judges posts
	Sent  string   // what the list was sent
}

// failedEntry is a list's result in an answer: status, text, and what was sent.
type failedEntry struct {
	status     int
	text, sent string
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *failedEntry) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) < 2 {
		return fmt.Errorf("want a status and a text, got %d parts", len(parts))
	}
	for i, to := range []any{&f.status, &f.text, &f.sent} {
		if i < len(parts) {
			if err := json.Unmarshal(parts[i], to); err != nil {
				return err
			}
		}
	}
	return nil
}

// pastedAnswer is what people paste: an answer of the service, or a part of one.
type pastedAnswer struct {
	Success, Failure map[string]failedEntry
	Skipped, Why     map[string]string
	Status           int
	Message          string
}

// readPasted reads an answer, the failures of one, or one failure alone. List is
// the id of the list, where the text does not say it. ok is false for a text that
// is none of these.
func readPasted(text, list string) (p pastedAnswer, ok bool) {
	text = strings.Trim(strings.TrimSpace(text), ",")
	var one failedEntry
	if json.Unmarshal([]byte(text), &one) == nil {
		return pastedAnswer{Failure: map[string]failedEntry{list: one}}, true
	}
	if strings.HasPrefix(text, `"`) {
		text = "{" + text + "}"
	}
	var whole pastedAnswer
	if json.Unmarshal([]byte(text), &whole) == nil && (whole.Success != nil || whole.Failure != nil || whole.Skipped != nil || whole.Message != "") {
		return whole, true
	}
	var failures map[string]failedEntry
	if json.Unmarshal([]byte(text), &failures) == nil && len(failures) > 0 {
		return pastedAnswer{Failure: failures}, true
	}
	var skipped map[string]string
	if json.Unmarshal([]byte(text), &skipped) == nil && len(skipped) > 0 {
		return pastedAnswer{Skipped: skipped}, true
	}
	return p, false
}

// explain says of each failure, and of each list that was not asked, what it
// means and what to do, in the order of ids.
func explain(c *catalog.Catalog, p pastedAnswer) (all []explanation) {
	if p.Message != "" {
		all = append(all, explainError(p.Status, p.Message))
	}
	for _, id := range slices.Sorted(maps.Keys(p.Failure)) {
		all = append(all, explainFailure(c, id, p.Failure[id], p.Why[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(p.Skipped)) {
		all = append(all, explainSkip(c, id, p.Skipped[id]))
	}
	return all
}

// explainFailure explains a list's result from what its entry says of its
// answers, and from what statuses mean. Why is what the service said of it, if
// anything.
func explainFailure(c *catalog.Catalog, id string, f failedEntry, why string) explanation {
	e := explanation{ID: id, Said: fmt.Sprintf("%d %s", f.status, http.StatusText(f.status)), Sent: f.sent}
	if f.status == lists.NoAnswer {
		e.Said = f.text
	}
	var verdict lists.Verdict
	if l, ok := c.List(id); ok {
		e.ID, e.Known, e.Rules = l.ID, true, l.PostRules()
		call, skip := l.PlanPost(lists.Count{BotID: exampleBot, ServerCount: exampleServers}, lists.NewToken("token", "42"), exampleAgent)
		if skip == nil && f.status != lists.NoAnswer {
			verdict = call.Judge(lists.NewAnswer(f.status, nil, []byte(f.text)))
		}
	}
	e.Means, e.Do = meaning(f, verdict)
	if why == "" && f.status/100 == 2 {
		why = verdict.Why
	}
	if why != "" && f.status/100 == 2 {
		e.Means += " Here: " + why + "."
	}
	return e
}

// meaning returns what a result means, and what to do about it.
func meaning(f failedEntry, v lists.Verdict) (means, do string) {
	const theirs = "Nothing is wrong with what you sent. The next post goes out as usual; the page of the list shows whether others meet this too."
	switch {
	case f.status == lists.NoAnswer:
		return meaningOfSilence(f.text), theirs
	case v.Revoked:
		return "The list has revoked the token for good.", "Make a new token on the list's page and send that. Nothing more is posted there with the old one."
	case f.status == http.StatusUnauthorized, f.status == http.StatusForbidden:
		return "The list did not take the token. It may be mistyped, of another bot, of another list, or replaced by a newer one.",
			"Copy the token from the list's page once more, without quotes and blanks. A scheme such as Bearer need not stand before it. After three refusals in a row the token rests for 10 minutes, then longer."
	case f.status == http.StatusNotFound:
		return "The list does not know the bot, or not at this address.", "See whether the bot is listed and approved there, under the id that you sent."
	case f.status == http.StatusTooManyRequests:
		return "The list had enough posts for now, of this token, this bot or this service's address.", "Wait. Posts to it are held back until the list takes them again, and then the next one goes out."
	case f.status == http.StatusBadRequest, f.status == http.StatusUnprocessableEntity:
		return "The list did not take the values.", "See what it answered, and what it was sent. A count of 0, or a shard that does not exist, is refused by some lists."
	case f.status == http.StatusGone, f.status == http.StatusMethodNotAllowed:
		return "The list's API is no longer where the catalog says that it is.", "Tell whoever runs this instance: the list's entry needs a change."
	case f.status/100 == 3:
		return "The list wants the post at another address. Posts do not follow redirects, for that would hand your token to another host.", "Tell whoever runs this instance: the list's entry needs a change."
	case f.status/100 == 5:
		return "The list had a fault of its own, or its front server found it away.", theirs
	case f.status/100 == 2:
		return "The status says that it went well, and the answer does not.", "Read what the list answered. A page instead of an answer often means that the list is gone, or that a challenge stands before it."
	}
	return "The list refused the post with a status that it does not document.", "Read what the list answered."
}

// meaningOfSilence returns what it means that a list gave no answer, by the
// beginning of the reason.
func meaningOfSilence(reason string) string {
	for _, row := range []struct{ begins, means string }{
		{"Timeout", "The list took the connection, or not even that, and said nothing in time. It may have counted the post all the same."},
		{"Circuit", "The list has been silent for several bots in a row. It is left alone for a while, and tried again by itself."},
		{"Connection refused", "Nothing listens where the list's API should be."},
		{"TLS", "The list's certificate is not valid, or it speaks no TLS that is safe. Your token was not sent."},
		{"DNS", "The list's name leads nowhere. It may be gone."},
		{"Answer larger", "The list answered with more than 512 KiB, which was not read."},
		{"Too many calls", "This service had too much to do, and did not send the post."},
		{"Canceled", "The connection to this service was closed before the list had answered."},
	} {
		if strings.HasPrefix(reason, row.begins) {
			return row.means
		}
	}
	return "There was no answer from the list."
}

// explainSkip explains why a list was not asked, by the beginnings that answers
// document.
func explainSkip(c *catalog.Catalog, id, why string) explanation {
	e := explanation{ID: id, Said: why, Means: "The list was not asked."}
	if l, ok := c.List(id); ok {
		e.ID, e.Known = l.ID, true
	}
	for _, row := range []struct{ begins, means, do string }{
		{"Unknown list", "This instance has no list with this id.", "See the ids on the page of all lists."},
		{"Defunct", "The list is gone.", "Leave its token out."},
		{"No post API", "The list takes no counts.", "Leave its token out."},
		{"No token", "The token is null, blank, or the text undefined or null: often a variable that is not set.", "See where your program gets the token from."},
		{"Bad token", "The token cannot be sent as it is.", "The reason says what to send."},
		{"Revoked", "The list has revoked this token.", "Make a new one on the list's page."},
		{"Refused", "The list has refused this token three times in a row.", "Send the right one at once: only the refused one rests."},
		{"Paced", "The list would refuse a post, or punish it, before that time.", "Nothing: the first post after that time goes out."},
	} {
		if strings.HasPrefix(why, row.begins) {
			e.Means, e.Do = row.means, row.do
		}
	}
	return e
}

// explainError explains an error of the service.
func explainError(status int, message string) explanation {
	e := explanation{Said: fmt.Sprintf("%d %s", status, message), Means: "No list was asked.", Do: "The message says what to change."}
	switch status {
	case http.StatusUnauthorized:
		e.Do = "The Authorization header is for a bot's key on this instance. Tokens of lists stand in the body."
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		e.Do = "See the API reference for the address and its method."
	case http.StatusTooManyRequests:
		e.Means = "This address has just asked the same for this bot, or asked very often for many."
		e.Do = "Come again after the seconds in retry_after."
	case http.StatusInternalServerError:
		e.Means, e.Do = "A fault of this service.", "Tell whoever runs this instance, with the X-Request-Id of the answer."
	case http.StatusServiceUnavailable:
		e.Means, e.Do = "This service is busy, or about to restart. No window was used.", "Come again after the seconds in Retry-After."
	}
	return e
}

// maxPasted bounds what may be pasted, in bytes.
const maxPasted = 64 << 10

// whyBody is the body of the page that explains failures.
type whyBody struct {
	docBody
	Text, List string
	Lists      []card
	Unread     bool // what was pasted is no answer
	Fine       bool // nothing in it failed
	All        []explanation
}

// why answers with the page that explains failures. What is pasted comes by POST,
// for it could hold a token: it is kept nowhere, and is in no address and no log.
func (s *Site) why(w http.ResponseWriter, r *http.Request) error {
	b := whyBody{docBody: docBody{Tabs: docTabs("/docs/why")}}
	c := s.Catalog.Current()
	for _, l := range livingLists(c) {
		if l.TakesCounts() {
			b.Lists = append(b.Lists, cardOf(l))
		}
	}
	if r.Method == http.MethodPost {
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxPasted)
		if !isForm(r) {
			s.message(w, r, http.StatusRequestEntityTooLarge, "That is too much", "At most 64 KiB can be explained at once.")
			return nil
		}
		b.Text, b.List = r.PostForm.Get("text"), r.PostForm.Get("list")
		pasted, ok := readPasted(b.Text, b.List)
		b.Unread = !ok
		b.All = explain(c, pasted)
		b.Fine = ok && len(b.All) == 0
	}
	return s.render(w, r, http.StatusOK, "why", view{Title: "Why did my post fail?", Description: "What a list's refusal means, and what to do about it.", Nav: "docs", Body: b})
}

// isForm reports whether the body of a request can be read as that of a form.
func isForm(r *http.Request) bool { return r.ParseForm() == nil }
