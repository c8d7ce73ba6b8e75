package lists

import (
	"encoding/json"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// textField names one text that is read of a bot.
type textField int

const (
	username textField = iota
	discriminator
	invite
	prefix
	website
	github
	support
	library
	textFields // how many there are
)

var textFieldNames = [textFields]string{"username", "discriminator", "invite", "prefix", "website", "github", "support", "library"}

// commonTextKeys are the key names by which lists without a mapping are read.
var commonTextKeys = map[string]textField{
	"name": username, "username": username, "bot_name": username,
	"discrim": discriminator, "discriminator": discriminator, "disc": discriminator,
	"invite": invite, "bot_invite": invite, "botInvite": invite, "bot_invite_link": invite, "oauth_url": invite, "inviteURL": invite,
	"prefix": prefix, "bot_prefix": prefix,
	"website": website, "bot_website": website, "websiteURL": website,
	"github": github, "bot_github_repo": github, "openSource": github, "git": github, "source_code": github,
	"support": support, "supportInvite": support, "support_server": support, "discord": support, "server_invite": support,
	"bot_support_discord": support, "server": support, "supportServer": support,
	"library": library, "libraryName": library, "bot_library": library, "lang": library,
}

var (
	commonOwnerKeys = keySet("owner", "owners", "authors", "bot_owners", "owner_id", "coOwners", "secondaryOwners")
	commonCountKeys = keySet("count", "servers", "server_count", "servercount", "serverCount", "bot_server_count",
		"guilds", "guild_count", "guildcount", "guildCount")
)

func keySet(keys ...string) map[string]bool {
	set := make(map[string]bool, len(keys))
	for _, k := range keys {
		set[k] = true
	}
	return set
}

// facts is what one list's answer says of a bot.
type facts struct {
	text   [textFields][]string // each value that the answer holds, as written
	owners []string
	count  int64 // the largest; -1 when there is none
}

// read finds the facts in a list's answer. Whatever the answer is, nothing but
// what can be understood counts.
func (g *getDialect) read(body json.RawMessage) *facts {
	f := &facts{count: -1}
	if g.root != nil {
		found := walk(body, g.root)
		if len(found) == 0 {
			return f
		}
		body = found[0]
	}
	if g.mapping != nil {
		f.readMapped(body, g.mapping)
	} else {
		f.readCommon(body)
	}
	return f
}

func (f *facts) readMapped(body json.RawMessage, m *mapping) {
	for field, sources := range m.text {
		f.text[field] = firstText(body, sources, textField(field) == discriminator)
	}
	for _, s := range m.owners {
		for _, v := range walk(body, s.steps) {
			f.addOwners(v)
		}
	}
	for _, s := range m.serverCount {
		for _, v := range walk(body, s.steps) {
			f.addCount(v)
		}
		if f.count >= 0 {
			return
		}
	}
}

func firstText(body json.RawMessage, sources []source, numbers bool) []string {
	for _, s := range sources {
		for _, v := range walk(body, s.steps) {
			text := textOf(v, numbers)
			if text == "" {
				continue
			}
			if s.url.parts != nil && !strings.Contains(text, "://") {
				escaped := (&url.URL{Path: text}).EscapedPath()
				text = s.url.fill(func(string) string { return escaped })
			}
			return []string{text}
		}
	}
	return nil
}

func (f *facts) readCommon(body json.RawMessage) {
	all, _ := Pairs(body)
	for _, p := range all {
		if field, ok := commonTextKeys[p.Key]; ok {
			f.addText(field, p.Value)
		}
		switch {
		case commonOwnerKeys[p.Key]:
			f.addOwners(p.Value)
		case commonCountKeys[p.Key]:
			f.addCount(p.Value)
		case p.Key == "stats":
			f.addCount(follow(p.Value, []string{"guilds"}))
		case p.Key == "links":
			f.addText(invite, follow(p.Value, []string{"invite"}))
			f.addText(support, follow(p.Value, []string{"support"}))
		}
	}
}

func (f *facts) addText(field textField, raw json.RawMessage) {
	if text := textOf(raw, field == discriminator); text != "" {
		f.text[field] = append(f.text[field], text)
	}
}

// textOf is a JSON string's text, or a number's digits where numbers pass.
func textOf(raw json.RawMessage, numbers bool) string {
	if len(raw) == 0 || raw[0] != '"' && !(numbers && isDigits(string(raw))) {
		return ""
	}
	return scalar(raw)
}

// addOwners takes ids from a string, a number, an object with id or userId, or
// an array of these.
func (f *facts) addOwners(raw json.RawMessage) {
	all, ok := items(raw)
	if !ok {
		all = []json.RawMessage{raw}
	}
	for _, v := range all {
		id := scalar(v)
		for _, key := range []string{"id", "userId"} {
			if id == "" {
				id = scalar(follow(v, []string{key}))
			}
		}
		if len(id) >= 16 && len(id) <= 20 && isDigits(id) {
			f.owners = append(f.owners, id)
		}
	}
}

// thousands matches a count with commas between its thousands.
var thousands = regexp.MustCompile(`^[0-9]{1,3}(,[0-9]{3})+$`)

func (f *facts) addCount(raw json.RawMessage) {
	text := strings.TrimSpace(scalar(raw))
	if thousands.MatchString(text) {
		text = strings.ReplaceAll(text, ",", "")
	}
	if text == "" || text[0] == '-' || len(raw) > 0 && raw[0] == '"' && !isDigits(text) {
		return
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != math.Trunc(n) || n > MaxNumber {
		return
	}
	f.count = max(f.count, int64(n))
}
