package agent

import (
	"net/url"
	"regexp"
	"strings"

	"aggregator/lists"
)

// Target is where a bot's notices go: a Discord webhook, or any URL that takes
// JSON.
type Target struct {
	url     lists.Token
	webhook lists.Token // of a Discord webhook: "/webhooks/ID/TOKEN", with its query; zero for any other URL
}

// webhookPath matches the path of a Discord webhook.
var webhookPath = regexp.MustCompile(`^/api(?:/v[0-9]+)?(/webhooks/[^/]+/[^/]+)/?$`)

// newTarget returns the target at a URL; nil where it is no URL that a request
// can be sent to.
func newTarget(raw string) *Target {
	if !isURL(raw) {
		return nil
	}
	t := &Target{url: lists.NewToken(raw, "")}
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	switch strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")) {
	case "discord.com", "canary.discord.com", "ptb.discord.com", "discordapp.com", "canary.discordapp.com", "ptb.discordapp.com":
	default:
		return t
	}
	if m := webhookPath.FindStringSubmatch(u.EscapedPath()); m != nil {
		path := m[1]
		if u.RawQuery != "" {
			path += "?" + u.RawQuery
		}
		t.webhook = lists.NewToken(path, "")
	}
	return t
}
