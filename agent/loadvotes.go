package agent

import (
	"unicode/utf8"

	"aggregator/lists"
	"aggregator/strictyaml"
)

// Bounds on the secrets of webhooks, in characters.
const (
	minSecret   = 8
	shortSecret = 16
)

func (l *loader) votes(n *strictyaml.Node, bot botEntry) *Votes {
	v := &Votes{Secrets: map[string][]lists.Token{}}
	secrets := n.Find("secrets")
	if bot.Votes.Secrets != nil {
		named := l.listNames()
		for _, f := range secrets.Fields() {
			list := named.resolve(f)
			all := l.secrets(f.Value, bot.Votes.Secrets[f.Key])
			for _, s := range all {
				switch have := utf8.RuneCountInString(s.Reveal()); {
				case have < minSecret:
					l.Add(f.Value.Place(), "must have %d characters or more, has %d", minSecret, have)
				case have < shortSecret:
					l.warn(f.Value.Place(), "has %d characters; %d or more are hard to guess", have, shortSecret)
				}
			}
			if list != nil {
				v.Secrets[list.ID] = all
			}
		}
	}
	switch to := bot.Votes.SendTo; {
	case to != nil:
		v.SendTo = &SendTo{Secrets: l.secrets(n.Find("send_to.secret"), to.Secret)}
		if r := l.resolvePlain(n.Find("send_to.url"), to.URL); r.known {
			v.SendTo.URL = lists.NewToken(r.text, "")
			if !isURL(r.text) {
				l.Add(n.Find("send_to.url").Place(), badURL)
			}
		}
	case bot.Key == "":
		l.Add(n.Place(), "votes have no way out; give send_to, or a key with which the bot can fetch them")
	}
	return v
}

// secrets returns those secrets that are known.
func (l *loader) secrets(n *strictyaml.Node, values texts) []lists.Token {
	var all []lists.Token
	for i, value := range values {
		at := n
		if items := n.Items(); i < len(items) {
			at = items[i]
		}
		if r := l.resolve(at, value); r.known {
			all = append(all, lists.NewToken(r.text, ""))
		}
	}
	if values != nil && len(values) == 0 {
		l.Add(n.Place(), "holds no secret; at least one is needed")
	}
	return all
}
