package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/ratelimit"
)

// bearer is the scheme in which a bot shows its key.
const bearer = "Bearer"

// WrongKeys is how many wrong keys a network may show for a bot, before it is
// not heard for a while, right or wrong.
var WrongKeys = ratelimit.Rate{Limit: 20, Period: 10 * time.Minute}

// shownKey returns the key that a request shows. ok is false where it shows none:
// any other Authorization is ignored, for some clients send one.
func shownKey(c echo.Context) (key string, ok bool) {
	scheme, key, _ := strings.Cut(strings.TrimSpace(c.Request().Header.Get(echo.HeaderAuthorization)), " ")
	return strings.TrimSpace(key), strings.EqualFold(scheme, bearer)
}

// keyed returns the operator's own bot that the request is about, if it shows
// that bot's key, and nil if it shows none or the bot has none. The error is
// errWrongKey, or a *aggregate.LimitedError where too many wrong ones were shown.
func (s *Server) keyed(c echo.Context, botID string) (*agent.Bot, error) {
	if s.Agent == nil {
		return nil, nil
	}
	b := s.Agent.Bot(botID)
	key, shown := shownKey(c)
	if !shown || !b.HasKey() {
		return nil, nil
	}
	x, ctx := exchangeOf(c), c.Request().Context()
	scope := ratelimit.Scope{Name: keysPolicy, IP: x.ip, BotID: botID}
	right := b.KeyMatches(key)
	decide := s.KeyLimit.Peek
	if !right {
		decide = s.KeyLimit.Take
	}
	switch d, err := decide(ctx, scope); {
	case err != nil:
		return nil, err
	case d != nil && !d.OK:
		return nil, &aggregate.LimitedError{Scope: scope, Decision: *d}
	case !right:
		return nil, errWrongKey
	}
	if x.refund != nil { // requests of own bots are not counted
		x.refund()
	}
	return b, nil
}

// requireKey is keyed for what only those who show the bot's key may have: the
// error is errNoKey where keyed returns nil.
func (s *Server) requireKey(c echo.Context, botID string) (*agent.Bot, error) {
	b, err := s.keyed(c, botID)
	if err == nil && b == nil {
		err = errNoKey
	}
	return b, err
}

// ownBot is requireKey for a bot that has a key. It returns nil for any other,
// whose requests need none.
func (s *Server) ownBot(c echo.Context, botID string) (*agent.Bot, error) {
	if s.Agent == nil || !s.Agent.Bot(botID).HasKey() {
		return nil, nil
	}
	return s.requireKey(c, botID)
}

// note tells the agent of a count that was posted with a bot's key. That it
// could not be noted is only logged, for the caller's count went out.
func (s *Server) note(c echo.Context, b *agent.Bot, count lists.Count, answer aggregate.CountAnswer, own []string) {
	ctx := context.WithoutCancel(c.Request().Context())
	if err := s.Agent.Noted(ctx, b, count, answer, own); err != nil {
		s.Log.Warn("a count with a key was not noted", "bot", b.ID, "error", err)
	}
}

// posts answers GET /api/bots/:id/posts.
func (s *Server) posts(c echo.Context) error {
	id := pathID(c)
	if !lists.IsSnowflake(id) {
		return invalid("'id' must be a snowflake")
	}
	exchangeOf(c).bot = id
	b, err := s.requireKey(c, id)
	if err != nil {
		return err
	}
	report, err := s.Agent.Report(c.Request().Context(), b)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	c.Response().WriteHeader(http.StatusOK)
	return EncodePosts(c.Response(), report)
}
