package agent

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"aggregator/lists"
	"aggregator/strictyaml"
)

// Bounds on the secrets of webhooks, in characters.
const (
	minSecret   = 8
	shortSecret = 16
)

// signingPrefix begins a secret of Standard Webhooks that is written in base64,
// and minSigning and maxSigning bound what that stands for, in bytes.
const (
	signingPrefix = "whsec_"
	minSigning    = 24
	maxSigning    = 64
)

func (l *loader) votes(n *strictyaml.Node, bot botEntry) *Votes {
	v := &Votes{Secrets: map[string][]lists.Token{}}
	if bot.Votes.Secrets != nil {
		named := l.listNames()
		for _, f := range n.Find("secrets").Fields() {
			list := named.resolve(f)
			all := l.secrets(f.Value, bot.Votes.Secrets[f.Key])
			for _, s := range all {
				if have := utf8.RuneCountInString(s.Reveal()); have < minSecret {
					l.Add(f.Value.Place(), "must have %d characters or more, has %d", minSecret, have)
				} else {
					l.warnShort(f.Value.Place(), s)
				}
			}
			if list != nil {
				l.checkVotes(f.Value.Place(), list)
				v.Secrets[list.ID] = all
			}
		}
	}
	switch to := bot.Votes.SendTo; {
	case to != nil:
		v.SendTo = l.sendTo(n, to)
	case bot.Key == "":
		l.Add(n.Place(), "votes have no way out; give send_to, or a key with which the bot can fetch them")
	}
	if l.forgets {
		l.warn(n.Place(), "the store is in memory; votes that were not delivered are lost when the service ends")
	}
	return v
}

// checkVotes holds secrets against their list.
func (l *loader) checkVotes(at strictyaml.Place, list *lists.List) {
	switch {
	case list.Defunct:
		l.warn(at, "the list is gone; it tells of no vote")
	case list.Webhook() == nil:
		l.warn(at, "the list tells of no votes")
	}
}

func (l *loader) sendTo(n *strictyaml.Node, to *sendToEntry) *SendTo {
	at := n.Find("send_to.secret")
	s := &SendTo{Secrets: l.secrets(at, to.Secret)}
	for _, secret := range s.Secrets {
		l.warnShort(at.Place(), secret)
		encoded, is := strings.CutPrefix(secret.Reveal(), signingPrefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if is && (err != nil || len(key) < minSigning || len(key) > maxSigning) {
			l.Add(at.Place(), "begins with %s, and must then be base64 of %d to %d bytes; any text without that is taken as it stands", signingPrefix, minSigning, maxSigning)
		}
	}
	if r := l.resolvePlain(n.Find("send_to.url"), to.URL); r.known {
		s.URL = lists.NewToken(r.text, "")
		if !isURL(r.text) {
			l.Add(n.Find("send_to.url").Place(), badURL)
		}
	}
	return s
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

// warnShort warns of a secret that is not hard to guess.
func (l *loader) warnShort(at strictyaml.Place, secret lists.Token) {
	if have := utf8.RuneCountInString(secret.Reveal()); have < shortSecret {
		l.warn(at, "has %d characters; %d or more are hard to guess", have, shortSecret)
	}
}
