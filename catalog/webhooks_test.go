package catalog

import (
	"strings"
	"testing"

	"aggregator/lists"
)

// TestWebhooksSayWhere checks that the entry of every list that tells of votes
// says where its webhook is set up.
func TestWebhooksSayWhere(t *testing.T) {
	for _, l := range shipped(t).Lists() {
		if w := l.Webhook(); w != nil && (w.Setup().Where == "" || w.Setup().Page == "") {
			t.Errorf("%s: webhook.settings does not say where the address goes; add where and page", l.ID)
		}
	}
}

// TestWebhookTableCells checks that no text of an entry breaks the table.
func TestWebhookTableCells(t *testing.T) {
	c := mustLoad(t, "{}", `lists:
  list.example:
    name: List
    url: https://list.example/
    webhook:
      settings: {where: "Settings | Votes", page: "https://list.example/docs", secret: list}
      proof: {kind: header}
      user: user
  quiet.example:
    name: Quiet
    url: https://quiet.example/
`)
	rows := strings.Split(strings.TrimSpace(string(c.WebhookTable())), "\n")
	const want = `| list.example | [Settings \| Votes](https://list.example/docs) | the list's, shown there | the secret in header Authorization |`
	if len(rows) != 3 || rows[2] != want {
		t.Errorf("got the rows\n%s\nwant the last one\n%s", strings.Join(rows, "\n"), want)
	}
}

// TestSampleVotes checks of every list that tells of votes that what is made to
// play it, for trying out, is taken for its own, in each form of its webhooks.
func TestSampleVotes(t *testing.T) {
	secret := lists.NewToken("s3cret-of-the-webhook", "")
	for _, l := range shipped(t).Lists() {
		w := l.Webhook()
		if w == nil {
			continue
		}
		forms := []*lists.WebhookForm{&l.Entry.Webhook.WebhookForm}
		if second := l.Entry.Webhook.Otherwise; second != nil {
			forms = append(forms, second)
		}
		for i, form := range forms {
			saysTest := len(form.Test) > 0 || form.Kind != nil && len(form.Kind.Tests) > 0
			for _, test := range []bool{false, true} {
				sample := lists.SampleVote{BotID: documentedVoted, UserID: documentedUser, Test: test, Second: i > 0}
				d := w.Sign(sample, secret, documentedNow)
				proven, fault := w.Verify(d, []lists.Token{secret}, documentedNow)
				if fault != nil {
					t.Errorf("%s, form %d: is not proven: %s", l.ID, i+1, fault)
					continue
				}
				e, err := w.Read(d, proven, documentedVoted, documentedNow)
				if err != nil || e.Ignored != "" || e.UserID != documentedUser || e.Removed || e.Test != (test && saysTest) {
					t.Errorf("%s, form %d: got %+v, %v of %s; want a vote of %s, a test: %t", l.ID, i+1, e, err, d.Body, documentedUser, test && saysTest)
				}
			}
		}
	}
}
