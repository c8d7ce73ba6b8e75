package catalog

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aggregator/lists"
	"aggregator/rawjson"
)

// The part "reports" of the files under testdata/lists says what a list documents of
// each kind of report that it takes. Like the rest it is not derived from the
// catalog.

// howToDocumentReports is what a failure says of a list whose file lacks what it
// documents of a kind of report.
const howToDocumentReports = `add to catalog/testdata/lists/%s.json, written from what the list documents, not from its entry:

{
  "reports": {
    "%s": {
      "source": "https://list.example/docs (where this is documented, and when you looked)",
      "requests": [
        {
          "case": "plain",
          "values": {"message": "it broke"},
          "token": "s3cret+/=&",
          "want": {
            "method": "POST",
            "url": "https://list.example/api/bots/123456789012345678/errors",
            "headers": {"Authorization": "s3cret+/=&", "Content-Type": "application/json"},
            "body": {"message": "it broke"}
          }
        },
        {"case": "too many", "values": {"commands": "{201 commands}"}, "token": "s3cret+/=&", "skipped": "Too many: takes 200"}
      ],
      "answers": [
        {"status": 200, "body": {"ok": true}, "ok": true},
        {"status": 401, "body": {"error": "Unauthorized"}, "ok": false}
      ]
    }
  }
}

The key is that of the entry's part. Every kind has a request, an answer that is good and one that is not. "values" are those of the API's route; "{201
commands}" stands for so many commands, and "commands" may be "{sample}": one command with a required and an optional option, as Discord has it. In
place of "token" stands "bridge_key" where the list takes that; "list_bot_id" is the list's own number of the bot, "name" that of a developer. A header of null must
not be sent, and a body of null is none. An answer about votes has "totals": {"total": 7, "period_total": 3, "period": "month"}, without what is not told.
`

// reportRows are what a list documents of one kind of report.
type reportRows struct {
	Source   string
	Requests []reportRequestRow
	Answers  []reportAnswerRow
}

// reportRequestRow is a report, and the request that the list wants for it.
type reportRequestRow struct {
	Case      string
	Values    json.RawMessage
	Token     string
	BridgeKey string `json:"bridge_key"`
	ListBotID string `json:"list_bot_id"`
	Name      string
	Skipped   string // why nothing is sent; "": Want is
	Want      struct {
		Method, URL string
		Headers     map[string]*string // null: must not be sent
		Body        json.RawMessage    // JSON, or a form as a string, or null: none
	}
}

// reportAnswerRow is an answer to a report, and how it is judged.
type reportAnswerRow struct {
	Status  int
	Headers map[string]string
	Body    json.RawMessage // JSON, or a text as a string
	OK      bool
	Totals  *struct {
		Total       *int64
		PeriodTotal *int64 `json:"period_total"`
		Period      string
	}
}

const documentedCommand = `{"id":"323456789012345678","type":1,"name":"ban","description":"Bans a user","options":[{"type":6,"name":"user","description":"Whom","required":true},{"type":3,"name":"reason","description":"Why"}]}`

// token returns the credential of a row.
func (r reportRequestRow) token() lists.Token {
	if r.BridgeKey != "" {
		return lists.NewToken(r.Token, r.ListBotID).WithBridgeKey(r.BridgeKey)
	}
	return lists.NewToken(r.Token, r.ListBotID)
}

// plan plans a row's report.
func (r reportRequestRow) plan(t *testing.T, l *lists.List, kind *lists.Report) (lists.Call, *lists.Skip) {
	t.Helper()
	text := string(r.Values)
	var n int
	if i := strings.Index(text, `"{`); i >= 0 {
		switch _, err := fmt.Sscanf(text[i:], `"{%d commands}"`, &n); {
		case err == nil:
			text = strings.Replace(text, fmt.Sprintf(`"{%d commands}"`, n), "["+strings.Repeat(documentedCommand+",", n-1)+documentedCommand+"]", 1)
		default:
			text = strings.Replace(text, `"{sample}"`, "["+documentedCommand+"]", 1)
		}
	}
	given, _ := rawjson.Parse([]byte(text))
	values, err := kind.Parse(given.Get)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return l.PlanReport(kind, lists.ReportSubject{BotID: documentedBot, Name: r.Name}, values, r.token(), documentedAgent)
}

func TestDocumentedReportRequests(t *testing.T) {
	c := shipped(t)
	for _, e := range documented(t) {
		for _, kind := range lists.Reports() {
			for _, r := range e.Reports[kind.Part].Requests {
				t.Run(e.List+"/"+kind.Part+"/"+r.Case, func(t *testing.T) {
					call, skip := r.plan(t, livingList(t, c, e.List), kind)
					if skip != nil || r.Skipped != "" {
						if skip == nil || skip.String() != r.Skipped {
							t.Errorf("skipped: %v, want %q", skip, r.Skipped)
						}
						return
					}
					checkReport(t, call, r)
					if t.Failed() {
						t.Logf("documented in %s", e.Reports[kind.Part].Source)
					}
				})
			}
		}
	}
}

// checkReport compares a request with what a row wants, and looks for secrets where
// it is shown.
func checkReport(t *testing.T, call lists.Call, r reportRequestRow) {
	t.Helper()
	got := call.Wire()
	if got.Method != r.Want.Method {
		t.Errorf("method: got %s, want %s", got.Method, r.Want.Method)
	}
	if got.URL != r.Want.URL {
		t.Errorf("URL: got\n%s, want\n%s", got.URL, r.Want.URL)
	}
	want := json.RawMessage(strings.ReplaceAll(string(r.Want.Body), `"{sample}"`, documentedCommand))
	if problem := differs(got.Body, want); problem != "" {
		t.Error(problem)
	}
	secret := r.Token + r.BridgeKey
	if secret == "" {
		secret = "no secret at all"
	}
	checkHeaders(t, headersWant{token: secret, headers: r.Want.Headers}, got.Header)
	masked := call.Masked()
	if shown := fmt.Sprintf("%+v %#v %q %s %s %s", call, call, masked.Header, masked.URL, masked.Body, call.Sent()); strings.Contains(shown, secret) {
		t.Errorf("shows the secret:\n%s", shown)
	}
}

func TestDocumentedReportAnswers(t *testing.T) {
	c := shipped(t)
	for _, e := range documented(t) {
		for _, kind := range lists.Reports() {
			rows := e.Reports[kind.Part]
			for i, a := range rows.Answers {
				t.Run(fmt.Sprintf("%s/%s/%d", e.List, kind.Part, i), func(t *testing.T) {
					call, skip := rows.Requests[0].plan(t, livingList(t, c, e.List), kind)
					if skip != nil {
						t.Fatalf("is not asked: %s", skip)
					}
					body := []byte(a.Body)
					var text string
					if json.Unmarshal(a.Body, &text) == nil {
						body = []byte(text)
					}
					answer := lists.NewAnswer(a.Status, headerOf(a.Headers), body)
					if v := call.Judge(answer); v.OK != a.OK || v.OK && kind.Revokes() != v.Revoked {
						t.Errorf("judged %t, %s, revoked %t; want %t; documented in %s", v.OK, v.Why, v.Revoked, a.OK, rows.Source)
					}
					if a.Totals == nil {
						return
					}
					if got, want := call.Totals(answer), (lists.Totals{Total: a.Totals.Total, PeriodTotal: a.Totals.PeriodTotal, Period: a.Totals.Period}); !reflect.DeepEqual(got, want) {
						t.Errorf("totals: got %s, want %s", shownTotals(got), shownTotals(want))
					}
				})
			}
		}
	}
}

func shownTotals(t lists.Totals) string {
	text, err := json.Marshal(t)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// TestDocumentedReportsCoverage checks that each kind of report that a list takes is
// in the file of what it documents.
func TestDocumentedReportsCoverage(t *testing.T) {
	c, byID := shipped(t), map[string]expectations{}
	for _, e := range documented(t) {
		byID[e.List] = e
		for part := range e.Reports {
			if !slices.ContainsFunc(lists.Reports(), func(kind *lists.Report) bool { return kind.Part == part }) {
				t.Errorf("catalog/testdata/lists/%s.json: %q is no kind of report", e.List, part)
			}
		}
	}
	for _, l := range c.Lists() {
		for _, kind := range lists.Reports() {
			rows, ok := byID[l.ID].Reports[kind.Part]
			good := func(ok bool) func(reportAnswerRow) bool { return func(a reportAnswerRow) bool { return a.OK == ok } }
			switch {
			case !l.Supports(kind.Op) && ok:
				t.Errorf("catalog/testdata/lists/%s.json has %q, and the entry has no such part", l.ID, kind.Part)
			case !l.Supports(kind.Op):
			case rows.Source == "" || len(rows.Requests) == 0 || !slices.ContainsFunc(rows.Answers, good(true)) || !slices.ContainsFunc(rows.Answers, good(false)):
				t.Errorf("%s takes %s, and nothing, or too little, holds its entry to what it documents; "+howToDocumentReports, l.ID, kind.Op.Name, l.ID, kind.Part)
			}
		}
	}
}
