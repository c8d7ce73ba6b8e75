package agent

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"aggregator/lists"
	"aggregator/rawjson"
)

// Outbound is how the agent's requests go out that are for no list.
type Outbound struct {
	DiscordAPI       string // where Discord's API begins, such as "https://discord.com/api/v10"
	DiscordUserAgent string // "DiscordBot (URL, VERSION)", as Discord asks for
	UserAgent        string // for everybody else
}

// discordSource asks Discord for its estimate of the bot's servers.
type discordSource struct{ token lists.Token }

func (discordSource) Name() string { return sourceDiscord }

func (s discordSource) identity() []string { return []string{sourceDiscord, s.token.Reveal()} }

func (s discordSource) request(out Outbound) (lists.Request, bool) {
	return out.askDiscord("/applications/@me", s.token), true
}

// askDiscord returns the request for a path of Discord's API, with a bot's token.
func (out Outbound) askDiscord(path string, token lists.Token) lists.Request {
	secret := token.Reveal()
	if !strings.HasPrefix(secret, "Bot ") {
		secret = "Bot " + secret
	}
	return lists.Request{
		Method: http.MethodGet,
		URL:    out.DiscordAPI + path,
		Header: []lists.Header{
			{Name: "Authorization", Value: secret},
			{Name: "User-Agent", Value: out.DiscordUserAgent},
			{Name: "Accept", Value: "application/json"},
		},
	}
}

const (
	// silentLimit is how long a refusal holds that does not say for how long.
	silentLimit = time.Minute
	// maxLimit is how long any refusal holds.
	maxLimit = 24 * time.Hour
)

// isDiscordFault returns why an answer of Discord's has nothing to read.
func isDiscordFault(a lists.Answer, now time.Time) (reading, bool) {
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return reading{fault: faultRefused, text: "Discord refuses the token: " + status(a.Status)}, true
	case http.StatusTooManyRequests:
		until, said := a.RetryAfter(now)
		if !said {
			until = now.Add(silentLimit)
		}
		if until.Sub(now) > maxLimit {
			until = now.Add(maxLimit)
		}
		return reading{fault: faultLimited, text: "Discord answered " + status(a.Status), until: until}, true
	}
	return isFailed("Discord", a)
}

func (discordSource) read(bot string, a lists.Answer, now time.Time) reading {
	if r, is := isDiscordFault(a, now); is {
		return r
	}
	v, ok := rawjson.Parse(a.Body)
	if !ok || v.Kind() != rawjson.Object {
		return failed("Discord's answer is no JSON object")
	}
	id, ok := v.Get("bot").Get("id").Text()
	if !ok {
		id, _ = v.Get("id").Text()
	}
	if id != bot {
		return failed("Discord says that the token is another bot's" + shownID(id))
	}
	estimate := v.Get("bot_approximate_guild_count")
	if kind := estimate.Kind(); kind == rawjson.None || kind == rawjson.Null {
		estimate = v.Get("approximate_guild_count")
	}
	n, ok := numberOf(estimate)
	if !ok {
		return failed("Discord's answer holds no server count")
	}
	return reading{count: lists.Count{BotID: bot, ServerCount: n}}
}

// shownID returns an id in brackets where it is one.
func shownID(id string) string {
	if !lists.IsSnowflake(id) {
		return ""
	}
	return " (" + id + ")"
}

// status returns an HTTP status as people read it.
func status(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}
