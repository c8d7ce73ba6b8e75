package lists

import "strings"

// Values of webhook.secret and webhook.settings.secret.
const (
	secretToken   = "token" // the token that counts are posted with
	secretOfOwner = "owner" // one that the bot's owner makes
	secretOfList  = "list"  // one that the list makes
)

// Setup says in words how a person sets up a list's webhook.
type Setup struct {
	Where  string // where in the list's pages the address goes; "" where the entry does not say
	Page   string // URL of the page that says so; likewise
	Secret string // which secret proves a webhook, and where it comes from
	Proof  string // what of a webhook proves it
}

func (c *checker) settings(field string, e *WebhookEntry) {
	s := e.Settings
	if s == nil {
		return
	}
	if err := checkURL(s.Page); err != nil && s.Page != "" {
		c.add(field+".page", "%v", err)
	}
	if s.Secret != "" && e.Secret == secretToken {
		c.add(field+".secret", "is who makes a secret of the webhook's own, but webhook.secret is token")
	}
}

// Setup returns how a person sets the webhook up.
func (w *Webhook) Setup() Setup {
	var s Setup
	var madeBy string
	if e := w.entry.Settings; e != nil {
		s.Where, s.Page, madeBy = e.Where, e.Page, e.Secret
	}
	s.Secret = w.secretRule(madeBy)
	proofs := make([]string, len(w.proofs))
	for i := range w.proofs {
		proofs[i] = w.proofs[i].String()
	}
	s.Proof = strings.Join(proofs, "; or ")
	return s
}

// secretRule says in words which secret proves a webhook, and who makes it.
func (w *Webhook) secretRule(madeBy string) string {
	switch {
	case w.token:
		return "the token that counts are posted with"
	case w.SecretInAddress() != "":
		return "one of your own, in the address"
	case madeBy == secretOfOwner:
		return "one of your own, typed in there too"
	case madeBy == secretOfList:
		return "the list's, shown there"
	}
	return "the one that is shown or typed in there, which is not documented"
}
