package catalog

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/lists"
)

// The parts "votes" and "webhook" of the files under testdata/lists say what a
// list documents of its votes: how it is asked and what its answers mean, and
// what it sends and how that is proven. Like the rest they are not derived from
// the catalog. Ids, names and secrets in them are invented, signatures are
// computed from these.

const (
	documentedUser  = "900000000000000202"
	documentedVoted = "900000000000000101" // the bot that webhooks are about
	documentedOther = "900000000000000111" // another one
)

// documentedNow is the time of rows that name none.
var documentedNow = time.Date(2026, 11, 25, 9, 46, 40, 0, time.UTC)

// howToDocumentVotes is what a failure says of a list whose file lacks what it
// documents of votes.
const howToDocumentVotes = `add to catalog/testdata/lists/%s.json, written from what the list documents, not from its entry:

{
  "votes": {
    "source": "https://list.example/docs (where this is documented, and when you looked; a row may name its own)",
    "requests": [
      {
        "case": "plain",
        "token": "s3cret+/=&",
        "want": {
          "method": "GET",
          "url": "https://list.example/api/bots/123456789012345678/votes/900000000000000202",
          "headers": {"Authorization": "s3cret+/=&"}
        }
      }
    ],
    "answers": [
      {
        "case": "voted",
        "status": 200,
        "headers": {"Content-Type": "application/json"},
        "body": {"voted": true, "votedAt": "2026-11-25T08:00:00Z"},
        "want": {"voted": true, "voted_at": "2026-11-25T08:00:00Z", "until": "2026-11-25T20:00:00Z"}
      },
      {"case": "not voted", "status": 200, "body": {"voted": false}, "want": {"voted": false}},
      {"case": "no key", "status": 401, "body": {"error": "Unauthorized"}, "failure": true}
    ]
  },
  "webhook": {
    "source": "https://list.example/docs",
    "secret": "sample-shared-secret",
    "deliveries": [
      {
        "case": "vote",
        "headers": {"Authorization": "sample-shared-secret", "Content-Type": "application/json"},
        "body": "{\"bot\":\"900000000000000101\",\"user\":\"900000000000000202\",\"type\":\"vote\"}",
        "event": {"bot_id": "900000000000000101", "user_id": "900000000000000202"}
      },
      {
        "case": "review",
        "headers": {"Authorization": "sample-shared-secret"},
        "body": "{\"type\":\"review\"}",
        "ignored": "review"
      },
      {"case": "a wrong secret", "headers": {"Authorization": "sample-shared-secreT"}, "body": "{}", "refused": "wrong"},
      {"case": "no secret", "headers": {}, "body": "{}", "refused": "missing"}
    ]
  }
}

Every list that is asked has a request, a yes, a no and a failure; every list with a webhook a vote, a wrong proof and a missing one (but for a
list whose proof cannot be missing, such as a body that is a JWT), and a test where it documents one. The bot is 123456789012345678 in requests and answers and
900000000000000101 in deliveries, the user is 900000000000000202, and the time is 2026-11-25T09:46:40Z where no "now" says otherwise.

In a request, "list_bot_id" is the list's own number of the bot, and a header of null must not be sent; "otherwise": true in a
request or an answer is of the second way to ask. The body of an answer is JSON, or a string for a text; "{fill}" in it stands for an array, of so many
times the item under "fill". Under "want", what is not told is left out.

A webhook names its "secret", or the posting "token" where that proves it; a delivery may name another one. The body is a string: it is signed byte for byte. A
delivery has a "query" where one is sent, and one of "event" (weight 1 unless told; "bot_id", "test", "removed", "weekend", "voted_at", "until", "id" and
"other_id" where the list tells them), "ignored" (the word for it), "refused" (missing, wrong or clock) and "bad" (a word of what the list is told).
`

// votesRows are what a list documents of asking it for votes.
type votesRows struct {
	Source   string
	Requests []voteRequestRow
	Answers  []voteAnswerRow
}

// voteRequestRow is the request that a list wants to be asked with.
type voteRequestRow struct {
	Source, Case string
	Otherwise    bool
	Token        string
	ListBotID    string `json:"list_bot_id"`
	Want         struct {
		Method, URL string
		Headers     map[string]*string // null: must not be sent
	}
}

// voteAnswerRow is an answer, and what it says.
type voteAnswerRow struct {
	Source, Case string
	Otherwise    bool
	Status       int
	Headers      map[string]string
	Body         json.RawMessage // JSON, or a text as a string
	Fill         struct {
		Times int
		Item  json.RawMessage
	}
	Now     time.Time
	Want    *voteWant
	Failure bool
}

// voteWant is what an answer says of the user.
type voteWant struct {
	Voted   bool
	VotedAt time.Time `json:"voted_at"`
	Until   time.Time
	Weight  int64
}

// body returns the answer's body.
func (r voteAnswerRow) body() []byte {
	var text string
	if json.Unmarshal(r.Body, &text) == nil {
		return []byte(text)
	}
	items := make([]string, r.Fill.Times)
	for i := range items {
		items[i] = string(r.Fill.Item)
	}
	return []byte(strings.ReplaceAll(string(r.Body), `"{fill}"`, "["+strings.Join(items, ",")+"]"))
}

// webhookRows are what a list documents of its webhooks.
type webhookRows struct {
	Source     string
	Secret     string // of the webhook
	Token      string // that counts are posted with, where it proves a webhook
	Deliveries []deliveryRow
}

// deliveryRow is what a list sends, and what becomes of it.
type deliveryRow struct {
	Source, Case string
	Secret       string // "": that of the webhook
	Headers      map[string]string
	Query        string
	Body         string
	Now          time.Time

	Event   *eventWant
	Ignored string
	Refused string
	Bad     string
}

// eventWant is what a delivery tells.
type eventWant struct {
	BotID   string `json:"bot_id"` // "": the list does not name it
	UserID  string `json:"user_id"`
	Test    bool
	Removed bool
	Weight  int64
	Weekend *bool
	VotedAt time.Time `json:"voted_at"`
	Until   time.Time
	ID      string
	OtherID string `json:"other_id"`
}

// inheritVotes gives each row its source and its time.
func (e *expectations) inheritVotes() {
	if v := e.Votes; v != nil {
		for i := range v.Requests {
			inherit(&v.Requests[i].Source, v.Source)
		}
		for i := range v.Answers {
			inherit(&v.Answers[i].Source, v.Source)
			inheritTime(&v.Answers[i].Now)
		}
	}
	if w := e.Webhook; w != nil {
		for i := range w.Deliveries {
			inherit(&w.Deliveries[i].Source, w.Source)
			inheritTime(&w.Deliveries[i].Now)
			if w.Deliveries[i].Secret == "" {
				w.Deliveries[i].Secret = w.Secret + w.Token
			}
		}
	}
}

func inheritTime(now *time.Time) {
	if now.IsZero() {
		*now = documentedNow
	}
}

// planVote plans a vote check in the way that a row is of.
func planVote(t *testing.T, l *lists.List, token lists.Token, otherwise bool) lists.VoteCall {
	t.Helper()
	call, skipped := l.PlanVote(documentedBot, documentedUser, token, documentedAgent)
	if skipped != nil {
		t.Fatalf("is not asked: %s", skipped)
	}
	call.Call = way(t, call.Call, otherwise)
	return call
}

func TestDocumentedVoteRequests(t *testing.T) {
	c := shipped(t)
	for _, e := range documented(t) {
		if e.Votes == nil {
			continue
		}
		for _, r := range e.Votes.Requests {
			t.Run(e.List+"/"+r.Case, func(t *testing.T) {
				call := planVote(t, livingList(t, c, e.List), lists.NewToken(r.Token, r.ListBotID), r.Otherwise)
				got := call.Wire()
				if got.Method != r.Want.Method {
					t.Errorf("method: got %s, want %s", got.Method, r.Want.Method)
				}
				if got.URL != r.Want.URL {
					t.Errorf("URL: got\n%s, want\n%s", got.URL, r.Want.URL)
				}
				if len(got.Body) > 0 {
					t.Errorf("body: got %s, want none", got.Body)
				}
				checkHeaders(t, headersWant{token: r.Token, headers: r.Want.Headers}, got.Header)
				if shown := fmt.Sprintf("%+v %q %s", call, call.Masked().Header, call.Masked().URL); strings.Contains(shown, r.Token) {
					t.Errorf("shows the token:\n%s", shown)
				}
				if t.Failed() {
					t.Logf("documented in %s", r.Source)
				}
			})
		}
	}
}

func TestDocumentedVoteAnswers(t *testing.T) {
	c := shipped(t)
	for _, e := range documented(t) {
		if e.Votes == nil {
			continue
		}
		for _, r := range e.Votes.Answers {
			t.Run(e.List+"/"+r.Case, func(t *testing.T) {
				call := planVote(t, livingList(t, c, e.List), lists.NewToken("s3cret-token", "42"), false)
				a := lists.Answer{Status: r.Status, Header: headerOf(r.Headers), Body: r.body(), Otherwise: r.Otherwise}
				got := call.Read(a, documentedUser, r.Now)
				if problem := r.differs(got); problem != "" {
					t.Errorf("%s (%+v); documented in %s", problem, got, r.Source)
				}
				if again := way(t, call.Call, r.Otherwise).Judge(a); r.Want != nil && !again.OK {
					t.Errorf("is judged a failure (%+v), though it is read; documented in %s", again, r.Source)
				}
			})
		}
	}
}

func headerOf(rows map[string]string) http.Header {
	h := http.Header{}
	for name, value := range rows {
		h.Set(name, value)
	}
	return h
}

// differs says how what is read in an answer differs from what a row wants.
func (r voteAnswerRow) differs(got lists.Vote) string {
	switch {
	case r.Failure && got.OK:
		return "is no failure"
	case r.Failure:
		return ""
	case !got.OK:
		return "is a failure"
	}
	want := *r.Want
	if got.Voted != want.Voted {
		return fmt.Sprintf("voted: got %t, want %t", got.Voted, want.Voted)
	}
	if !want.Voted {
		return "" // what else is told of who has not voted is nothing
	}
	return firstOf(
		differsAt("voted_at", got.At, want.VotedAt), differsAt("until", got.Until, want.Until),
		differsIn("weight", got.Weight, want.Weight),
	)
}

// differsAt compares times to the second, as answers show them.
func differsAt(field string, got, want time.Time) string {
	return differsIn(field, got.Truncate(time.Second).UTC(), want.UTC())
}

func differsIn[T comparable](field string, got, want T) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("%s: got %v, want %v", field, got, want)
}

// firstOf returns the first text that is not empty.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func TestDocumentedWebhooks(t *testing.T) {
	c := shipped(t)
	for _, e := range documented(t) {
		if e.Webhook == nil {
			continue
		}
		for _, r := range e.Webhook.Deliveries {
			t.Run(e.List+"/"+r.Case, func(t *testing.T) {
				w := livingList(t, c, e.List).Webhook()
				if w == nil {
					t.Fatal("has no webhook")
				}
				if w.SecretIsToken() != (e.Webhook.Token != "") {
					t.Errorf("proven by the posting token: got %t, want %t", w.SecretIsToken(), e.Webhook.Token != "")
				}
				if problem := r.deliver(t, w); problem != "" {
					t.Errorf("%s; documented in %s", problem, r.Source)
				}
			})
		}
	}
}

// refusals are the words of rows for why a proof is none. What a list documents
// does not say whether a wrong one can be read.
var refusals = map[string]string{
	lists.ReasonNoHeader: "missing", lists.ReasonMalformed: "wrong", lists.ReasonWrongSecret: "wrong", lists.ReasonClock: "clock",
}

// deliver delivers a row, and says how what becomes of it differs from what is
// wanted. A secret that was changed, and the old one, prove it alike.
func (r deliveryRow) deliver(t *testing.T, w *lists.Webhook) string {
	t.Helper()
	query, err := url.ParseQuery(r.Query)
	if err != nil {
		t.Fatal(err)
	}
	d := lists.Delivery{Header: headerOf(r.Headers), Query: query, Body: []byte(r.Body)}
	secrets := []lists.Token{lists.NewToken("another-secret-of-the-owner", ""), lists.NewToken(r.Secret, "")}
	proof, fault := w.Verify(d, secrets, r.Now)
	refused := ""
	if fault != nil {
		refused = refusals[fault.Reason]
		if strings.Contains(fmt.Sprintf("%v %+v", fault, *fault), r.Secret) {
			t.Errorf("the fault shows the secret: %v", fault)
		}
	}
	if problem := differsIn("refused", refused, r.Refused); problem != "" || fault != nil {
		return problem
	}
	event, err := w.Read(d, proof, documentedVoted, r.Now)
	switch {
	case err != nil && r.Bad == "":
		return fmt.Sprintf("is bad: %v", err)
	case err != nil:
		if !strings.Contains(err.Error(), r.Bad) {
			return fmt.Sprintf("the error is %q, want one about the %s", err, r.Bad)
		}
		return ""
	case r.Bad != "":
		return "is not bad"
	case r.Event == nil:
		return differsIn("ignored", event.Ignored, r.Ignored)
	}
	return firstOf(r.Event.differs(event), r.misdeliver(w, d, proof))
}

// misdeliver delivers a row to the address of another bot, which is wrong where
// the list names the bot.
func (r deliveryRow) misdeliver(w *lists.Webhook, d lists.Delivery, proof lists.Proven) string {
	names := r.Event.BotID != ""
	if event, err := w.Read(d, proof, documentedOther, r.Now); (err != nil) != names {
		return fmt.Sprintf("at the address of another bot: got %v, %q; want an error: %t", err, event.BotID, names)
	}
	return ""
}

func (want eventWant) differs(got lists.Event) string {
	want.BotID = documentedVoted // whether the list names it or not
	if want.Weight == 0 {
		want.Weight = 1
	}
	weekend := func(is *bool) string {
		if is == nil {
			return "not told"
		}
		return fmt.Sprint(*is)
	}
	return firstOf(
		differsIn("ignored", got.Ignored, ""), differsIn("bot_id", got.BotID, want.BotID), differsIn("user_id", got.UserID, want.UserID),
		differsIn("test", got.Test, want.Test), differsIn("removed", got.Removed, want.Removed), differsIn("weight", max(got.Weight, 1), want.Weight),
		differsIn("weekend", weekend(got.Weekend), weekend(want.Weekend)),
		differsAt("voted_at", got.At, want.VotedAt), differsAt("until", got.Until, want.Until),
		differsIn("id", got.ID, want.ID), differsIn("other_id", got.OtherID, want.OtherID),
	)
}

// TestDocumentedVotesCoverage checks that every list with votes or webhooks has
// in its file what it documents of them, and that this is whole.
func TestDocumentedVotesCoverage(t *testing.T) {
	c, byID := shipped(t), map[string]expectations{}
	for _, e := range documented(t) {
		byID[e.List] = e
		if problem := e.votesIncomplete(); problem != "" {
			t.Errorf("catalog/testdata/lists/%s.json %s", e.List, problem)
		}
	}
	for _, l := range c.Lists() {
		e, ok := byID[l.ID], !l.Defunct
		for _, part := range []struct {
			name                 string
			inEntry, inDocuments bool
		}{
			{"votes", ok && l.Votes != nil, e.Votes != nil}, {"webhook", ok && l.Entry.Webhook != nil, e.Webhook != nil},
		} {
			switch {
			case part.inEntry && !part.inDocuments:
				t.Errorf("%s has %s:, and nothing holds it to what the list documents; "+howToDocumentVotes, l.ID, part.name, l.ID)
			case !part.inEntry && part.inDocuments:
				t.Errorf("catalog/testdata/lists/%s.json has %q, and the entry has no such part", l.ID, part.name)
			}
		}
		if ok && l.Votes != nil && l.Votes.Otherwise != nil && e.Votes != nil &&
			!slices.ContainsFunc(e.Votes.Requests, func(r voteRequestRow) bool { return r.Otherwise }) {
			t.Errorf("%s has a second way to ask for votes, and catalog/testdata/lists/%s.json has no such request with \"otherwise\": true", l.ID, l.ID)
		}
	}
}

// votesIncomplete returns what is wrong with a file's part about votes, "" if
// nothing.
func (e expectations) votesIncomplete() string {
	problem := ""
	if e.Votes != nil {
		problem = e.Votes.incomplete()
	}
	if e.Webhook != nil {
		problem = firstOf(problem, e.Webhook.incomplete())
	}
	return problem
}

func (v *votesRows) incomplete() string {
	var cases []string
	for _, r := range v.Requests {
		if r.Source == "" || r.Token == "" || r.Case == "" {
			return fmt.Sprintf("names no source, token or case in the vote request %q", r.Case)
		}
		cases = append(cases, "request "+r.Case)
	}
	yes, no, failure := false, false, false
	for _, r := range v.Answers {
		if r.Source == "" || r.Case == "" || (r.Want == nil) != r.Failure {
			return fmt.Sprintf("names no source or case in the vote answer %q, or not one of want and failure", r.Case)
		}
		cases = append(cases, "answer "+r.Case)
		yes = yes || r.Want != nil && r.Want.Voted
		no = no || r.Want != nil && !r.Want.Voted
		failure = failure || r.Failure
	}
	if twice := repeated(cases); twice != "" {
		return "has twice the vote " + twice
	}
	if len(v.Requests) == 0 || !yes || !no || !failure {
		return "lacks of votes a request, a yes, a no or a failure"
	}
	return ""
}

func (w *webhookRows) incomplete() string {
	if (w.Secret == "") == (w.Token == "") {
		return "names not one of secret and token in its webhook"
	}
	var cases []string
	got := map[string]bool{}
	for _, r := range w.Deliveries {
		ends := 0
		for word, is := range map[string]bool{"vote": r.Event != nil, "ignored": r.Ignored != "", r.Refused: r.Refused != "", "bad": r.Bad != ""} {
			if is {
				got[word] = true
				ends++
			}
		}
		if r.Event != nil && r.Event.BotID != "" && r.Event.BotID != documentedVoted {
			return fmt.Sprintf("has another bot than %s in the event %q", documentedVoted, r.Case)
		}
		if r.Source == "" || r.Case == "" || ends != 1 {
			return fmt.Sprintf("names no source or case in the delivery %q, or not one of event, ignored, refused and bad", r.Case)
		}
		cases = append(cases, r.Case)
	}
	if twice := repeated(cases); twice != "" {
		return "has twice the delivery " + twice
	}
	if !got["vote"] || !got["wrong"] {
		return "lacks of its webhook a vote or a wrong proof"
	}
	return ""
}

// repeated returns a text that is there twice, "" for none.
func repeated(texts []string) string {
	slices.Sort(texts)
	for i := 1; i < len(texts); i++ {
		if texts[i] == texts[i-1] {
			return texts[i]
		}
	}
	return ""
}

// TestHowToDocumentVotes checks that what a failure tells people to write is read.
func TestHowToDocumentVotes(t *testing.T) {
	example := howToDocumentVotes[strings.Index(howToDocumentVotes, "\n{"):]
	e, err := readExpectations([]byte(example[:strings.Index(example, "\n}\n")+2]))
	if err != nil {
		t.Fatal(err)
	}
	if problem := e.votesIncomplete(); problem != "" {
		t.Errorf("the example %s", problem)
	}
}
