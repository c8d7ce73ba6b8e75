package agent

import (
	"strings"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/strictyaml"
)

// tokens returns a bot's tokens, in the order of the file. Each is held against its
// list by check.
func (l *loader) tokens(n *strictyaml.Node, entries map[string]tokenEntry, check func(strictyaml.Place, *lists.List, lists.Token)) []aggregate.NamedToken {
	var all []aggregate.NamedToken
	named := l.listNames()
	for _, f := range n.Fields() {
		list := named.resolve(f)
		token := l.token(f.Value, entries[f.Key])
		if list == nil {
			continue
		}
		if token = list.Recognize(token); token.HasBridgeKey() && !list.TakesBridgeKey() && !list.Defunct {
			l.warn(f.Value.Find("bridge_key").Place(), "the list takes no bridge key; it is sent to nobody")
		}
		check(f.Value.Place(), list, token)
		all = append(all, aggregate.NamedToken{ID: list.ID, Token: token})
	}
	return all
}

// token returns a token and the bridge key beside it. It is zero where something is
// wrong, or a reference is not followed.
func (l *loader) token(n *strictyaml.Node, e tokenEntry) lists.Token {
	if !isNumber(string(e.BotID)) {
		l.Add(n.Find("bot_id").Place(), "must be the list's own number of the bot, 1 to 20 digits")
	}
	if e.Token == "" && e.BridgeKey == "" {
		if n.IsMapping() && n.Get("token") == nil && n.Get("bridge_key") == nil {
			at := n.Place()
			at.Field += ".token"
			l.Add(at, "is required")
		}
		return lists.Token{}
	}
	token, ok := l.credential(n.Find("token"), e.Token, string(e.BotID))
	key, keyOK := l.credential(n.Find("bridge_key"), e.BridgeKey, "")
	switch {
	case !ok || !keyOK:
		return lists.Token{}
	case e.Token == "":
		token = lists.NewToken("", string(e.BotID))
	}
	if e.bare {
		return token
	}
	return token.WithBridgeKey(key.Reveal())
}

// credential returns one that a header can carry; ok is false where something is
// wrong, or a reference is not followed. None is as good.
func (l *loader) credential(n *strictyaml.Node, value text, listBotID string) (token lists.Token, ok bool) {
	if value == "" {
		return lists.Token{}, true
	}
	r := l.resolve(n, value)
	if !r.known {
		return lists.Token{}, false
	}
	return l.checkToken(n.Place(), r.text, listBotID)
}

// isNumber reports whether s can be a list's number of a bot, or is absent.
func isNumber(s string) bool { return len(s) <= 20 && strings.Trim(s, "0123456789") == "" }

// checkList holds a token against its list.
func (l *loader) checkList(bot string, at strictyaml.Place, list *lists.List, token lists.Token) {
	switch {
	case list.Defunct:
		l.warn(at, "the list is gone; no count is posted to it")
		return
	case !list.TakesCounts():
		l.warn(at, "the list takes no count")
		return
	case token.IsZero() && !token.HasBridgeKey(): // a fault, or a reference that is not followed: it may hold a number
		return
	}
	_, why := list.PlanPost(lists.Count{BotID: bot}, token, "")
	switch {
	case why != nil && why.Reason == lists.SkipNoToken:
		l.warn(at, "has no token, only a bridge key; no count is posted to the list")
	case why == nil || why.Reason != lists.SkipBadToken:
	case list.NeedsListBotID():
		l.Add(at, `the list numbers bots itself; write {token: "…", bot_id: "NUMBER"} with its number of the bot`)
	default:
		l.Add(at, "%s", why.Detail)
	}
}
