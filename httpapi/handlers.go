package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/ratelimit"
)

// count answers POST /api/count.
func (s *Server) count(c echo.Context) error {
	x := exchangeOf(c)
	request, err := ParseCount(x.body)
	if err != nil {
		return err
	}
	request.DryRun = isDryRun(c.Request().URL.RawQuery)
	x.bot = request.BotID
	answer, err := s.Aggregator.Count(c.Request().Context(), request, caller(c))
	if err != nil {
		return err
	}
	x.totals = &totals{skipped: len(answer.Skipped)}
	for _, r := range answer.Results {
		x.totals.add(r.OK)
	}
	return s.answerLimited(c, answer.Window, EncodeCount(answer))
}

// bot answers GET /api/bots/:id.
func (s *Server) bot(c echo.Context) error {
	return s.read(c, aggregate.BotRequest{BotID: param(c, "id")})
}

// lookup answers POST /api/bots/:id/lookup, which reads with the caller's keys.
func (s *Server) lookup(c echo.Context) error {
	tokens, err := ParseTokens(exchangeOf(c).body)
	if err != nil {
		return err
	}
	return s.read(c, aggregate.BotRequest{BotID: param(c, "id"), Tokens: tokens})
}

func (s *Server) read(c echo.Context, r aggregate.BotRequest) error {
	x := exchangeOf(c)
	if lists.IsSnowflake(r.BotID) {
		x.bot = r.BotID
	}
	answer, err := s.Aggregator.Bot(c.Request().Context(), r, caller(c))
	if err != nil {
		return err
	}
	x.totals = &totals{skipped: len(answer.Skipped)}
	for _, r := range answer.Lists {
		x.totals.add(r.Status == http.StatusOK)
	}
	c.Response().Header().Set("Age", strconv.Itoa(int(answer.Age/time.Second)))
	return s.answerLimited(c, answer.Window, EncodeBot(answer))
}

func (t *totals) add(ok bool) {
	if ok {
		t.ok++
	} else {
		t.failed++
	}
}

// answerLimited sends the answer of a route that has a rate limit.
func (s *Server) answerLimited(c echo.Context, d *ratelimit.Decision, body []byte) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	s.tellLimit(c, s.policies[c.Path()], d)
	return answerJSON(c, http.StatusOK, body)
}

// answerJSON sends JSON.
func answerJSON(c echo.Context, status int, body []byte) error {
	c.Response().Header().Set("Content-Type", "application/json")
	c.Response().WriteHeader(status)
	_, err := c.Response().Write(body)
	return err
}

func caller(c echo.Context) aggregate.Caller {
	return aggregate.Caller{IP: exchangeOf(c).ip, UserAgent: c.Request().UserAgent()}
}
