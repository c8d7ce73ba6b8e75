package httpapi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
	"aggregator/ratelimit"
	"aggregator/web"
)

// NewBadges is how many bots that were never asked about a network may have lists
// asked about for a badge.
var NewBadges = ratelimit.Rate{Limit: 30, Period: time.Minute}

// badgePatience is how long a badge waits for lists, so that it is there within
// 3 s.
const badgePatience = 2700 * time.Millisecond

// badge answers GET /api/bots/:id/badge.svg.
func (s *Server) badge(c echo.Context) error {
	id, err := pathBot(c)
	if err != nil {
		return err
	}
	kinds := web.BadgeKinds()
	kind := kinds[0]
	if c.QueryParams().Has("show") {
		kind = c.QueryParam("show")
	}
	if !slices.Contains(kinds, kind) {
		return invalid("'show' must be " + strings.Join(kinds[:len(kinds)-1], ", ") + " or " + kinds[len(kinds)-1])
	}
	answer, err := s.badgeAnswer(c, id)
	if err != nil {
		return err
	}
	web.WriteBadge(c.Response(), c.Request(), web.TextOfBadge(kind, answer, s.now()))
	return nil
}

// badgeAnswer returns what a badge of a bot is made of: what is kept if that is
// recent, else what lists say now, else what is kept; nil if nothing is known. The
// error is that of a reader who has left.
func (s *Server) badgeAnswer(c echo.Context, id string) (*aggregate.BotAnswer, error) {
	last, known := s.Aggregator.Last(id)
	if known && last.Age < aggregate.BadgeRate.Period {
		return &last, nil
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), badgePatience)
	defer cancel()
	var answer aggregate.BotAnswer
	err := s.newBadge(ctx, c, known)
	if err == nil {
		answer, err = s.Aggregator.Badge(ctx, id, caller(c))
	}
	limited := (*aggregate.LimitedError)(nil)
	switch {
	case err == nil:
		return &answer, nil
	case c.Request().Context().Err() != nil:
		return nil, err
	case !errors.As(err, &limited) && !isBusy(err):
		s.Log.Error("a badge has no answer", "id", exchangeOf(c).id, "bot", id, "error", err)
	}
	if known { // it says what it can
		return &last, nil
	}
	return nil, nil
}

// newBadge counts a bot that was never asked about for a badge against what the
// network of a request may have of them. The error is a *aggregate.LimitedError
// where that is used up, or the store's.
func (s *Server) newBadge(ctx context.Context, c echo.Context, known bool) error {
	x := exchangeOf(c)
	if known || !x.network.IsValid() {
		return nil
	}
	scope := ratelimit.Scope{Name: badgesPolicy, IP: x.ip}
	d, err := s.BadgeLimit.Take(ctx, scope)
	if err == nil && d != nil && !d.OK {
		err = &aggregate.LimitedError{Scope: scope, Decision: *d}
	}
	return err
}
