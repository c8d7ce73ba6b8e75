package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"aggregator/lists"
)

// What pages show in examples.
const (
	exampleBot     = "123456789012345678"
	exampleNumber  = "42" // that a list itself gave the bot
	exampleUser    = "223456789012345678"
	exampleServers = 1234
	exampleAgent   = "MyBot/1.0"

	exampleDeveloper = "someone"
)

// exampleTime is when the webhook of an example is sent: pages are the same each
// time.
var exampleTime = time.Unix(1_795_600_000, 0)

// postTo returns the command that posts a count to this service, with a token for
// a list; for none where l is nil.
func postTo(l *lists.List, origin string) string {
	body := `"bot_id": "` + exampleBot + `", "server_count": ` + strconv.Itoa(exampleServers)
	if l != nil {
		number := ""
		if l.NeedsListBotID() {
			number = exampleNumber + ":"
		}
		body += ", " + strconv.Quote(l.ID) + `: "` + number + `your-token-there"`
	}
	return "curl " + origin + "/api/count -d " + quoted("{"+body+"}")
}

// request is a request to a list, or of one, as an example shows it.
type request struct {
	Title  string
	Curl   string
	Second string // in the second way, for other tokens; "" if there is none
	Rules  []string
}

// planned is a call of one operation that may be planned.
type planned struct {
	title string
	lacks string // what a list does not do that is not asked it
	call  lists.Call
	why   *lists.Skip
	rules []string
}

// requestsOf returns what the list is sent, as examples, and what it is not
// asked. Of reports only those are named that it takes.
func requestsOf(l *lists.List) (all []request, lacks []string) {
	token := lists.NewToken("token", exampleNumber)
	post, noPost := l.PlanPost(lists.Count{BotID: exampleBot, ServerCount: exampleServers}, token, exampleAgent)
	read, noRead := l.PlanRead(exampleBot, token, exampleAgent)
	vote, noVote := l.PlanVote(exampleBot, exampleUser, token, exampleAgent)
	calls := []planned{
		{"To post a count", "It takes no counts", post, noPost, l.PostRules()},
		{"To read a bot", "It cannot be asked about a bot", read.Call, noRead, l.ReadLimits()},
		{"To ask whether a user has voted", "It cannot be asked whether a user has voted", vote.Call, noVote, l.VoteRules()},
	}
	for _, kind := range lists.Reports() {
		if l.Supports(kind.Op) {
			call, why := l.PlanReport(kind, lists.ReportSubject{BotID: exampleBot, Name: exampleDeveloper}, kind.Samples(), token, exampleAgent)
			calls = append(calls, planned{"To " + kind.Does, "It cannot be used to " + kind.Does, call, why, l.ReportRules(kind)})
		}
	}
	for _, p := range calls {
		if p.why != nil {
			if p.why.Detail != "" {
				p.lacks += ": " + p.why.Detail
			}
			lacks = append(lacks, p.lacks+".")
			continue
		}
		one := request{Title: p.title, Curl: curl(p.call.Masked()), Rules: p.rules}
		if second, ok := p.call.Otherwise(); ok {
			one.Second = curl(second.Masked())
		}
		all = append(all, one)
	}
	if !l.TakesReports() {
		lacks = append(lacks, "It takes no commands, heartbeats or other reports.")
	}
	return all, lacks
}

// webhook is how a list tells of votes, as its page shows it.
type webhook struct {
	lists.Setup
	Address string // what goes into the list's settings
	Samples []string
}

// webhookOf returns how a list tells of votes; nil where it does not.
func webhookOf(l *lists.List, origin string) *webhook {
	w := l.Webhook()
	if w == nil {
		return nil
	}
	address := origin + "/hooks/" + exampleBot + "/" + l.ID
	shown := &webhook{Setup: w.Setup(), Address: address}
	if name := w.SecretInAddress(); name != "" {
		shown.Address += "?" + name + "=your-secret"
	}
	sample := lists.SampleVote{BotID: exampleBot, UserID: exampleUser, ID: "1"}
	for i := range w.Forms() {
		sample.Second = i > 0
		shown.Samples = append(shown.Samples, delivered(address, w.Sign(sample, lists.NewToken(lists.Mask, ""), exampleTime)))
	}
	return shown
}

// delivered returns a request to a webhook as a command for a shell.
func delivered(address string, d lists.Delivery) string {
	r := lists.Request{Method: http.MethodPost, URL: address, Body: d.Body}
	if len(d.Query) > 0 {
		r.URL += "?" + strings.ReplaceAll(d.Query.Encode(), url.QueryEscape(lists.Mask), lists.Mask)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Header)) {
		r.Header = append(r.Header, lists.Header{Name: name, Value: d.Header.Get(name)})
	}
	return curl(r)
}

// curl returns a request as a command for a shell.
func curl(r lists.Request) string {
	var b strings.Builder
	b.WriteString("curl")
	if r.Method != http.MethodGet {
		b.WriteString(" -X " + r.Method)
	}
	b.WriteString(" " + quoted(r.URL))
	for _, h := range r.Header {
		b.WriteString(" \\\n  -H " + quoted(h.Name+": "+h.Value))
	}
	if len(r.Body) > 0 {
		b.WriteString(" \\\n  -d " + quoted(string(r.Body)))
	}
	return b.String()
}

// quoted returns a word that a shell takes as it is.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
