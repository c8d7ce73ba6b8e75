package httpapi

import (
	"bytes"
	"io"
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
	bot, err := s.keyed(c, request.BotID)
	if err != nil {
		return err
	}
	var own []string
	if bot != nil {
		request.Tokens, own = bot.WithTokens(s.Catalog.Current(), request.Tokens)
	}
	answer, err := s.Aggregator.Count(c.Request().Context(), request, caller(c))
	if err != nil {
		return err
	}
	if bot != nil && !request.DryRun {
		s.note(c, bot, request.Count, answer, own)
	}
	x.totals = totalsOf(answer)
	s.beginLimited(c, answer.Window)
	return EncodeCount(c.Response(), answer)
}

// shards answers POST /api/shards.
func (s *Server) shards(c echo.Context) error {
	x := exchangeOf(c)
	request, err := ParseShards(x.body)
	if err != nil {
		return err
	}
	request.DryRun = isDryRun(c.Request().URL.RawQuery)
	x.bot = request.BotID
	bot, err := s.ownBot(c, request.BotID)
	if err != nil {
		return err
	}
	var own []string
	if bot != nil {
		request.Tokens, own = bot.WithTokens(s.Catalog.Current(), request.Tokens)
		request.Keyed, request.Whole = true, bot.IsPushed()
	}
	answer, err := s.Aggregator.ReportShards(c.Request().Context(), request, caller(c))
	if err != nil {
		return err
	}
	if bot != nil && !request.DryRun && answer.Complete() && (request.Whole || len(answer.Results)+len(answer.Skipped) > 0) {
		s.note(c, bot, answer.Count, answer.CountAnswer, own)
	}
	x.totals = totalsOf(answer.CountAnswer)
	s.beginLimited(c, answer.Window)
	return EncodeShards(c.Response(), answer)
}

func totalsOf(answer aggregate.CountAnswer) *totals {
	t := &totals{skipped: len(answer.Skipped)}
	for _, r := range answer.Results {
		t.add(r.OK)
	}
	return t
}

// bot answers GET /api/bots/:id.
func (s *Server) bot(c echo.Context) error {
	return s.read(c, aggregate.BotRequest{BotID: pathID(c)})
}

// lookup answers POST /api/bots/:id/lookup, which reads with the caller's keys.
func (s *Server) lookup(c echo.Context) error {
	tokens, err := ParseTokens(exchangeOf(c).body)
	if err != nil {
		return err
	}
	return s.read(c, aggregate.BotRequest{BotID: pathID(c), Tokens: tokens})
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
	s.beginLimited(c, answer.Window)
	return EncodeBot(c.Response(), answer)
}

func (t *totals) add(ok bool) {
	if ok {
		t.ok++
	} else {
		t.failed++
	}
}

// beginLimited begins the answer of a route that has a rate limit.
func (s *Server) beginLimited(c echo.Context, d *ratelimit.Decision) {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	s.tellLimit(c, s.policy(c), d)
	c.Response().WriteHeader(http.StatusOK)
}

// answerJSON sends JSON.
func answerJSON(c echo.Context, status int, body []byte) error {
	c.Response().Header().Set("Content-Type", "application/json")
	c.Response().WriteHeader(status)
	_, err := c.Response().Write(body)
	return err
}

func caller(c echo.Context) aggregate.Caller { return CallerOf(c.Request()) }

// CallerOf returns who has sent a request that the server passes on. It is the
// zero Caller, of no address, for any other.
func CallerOf(r *http.Request) aggregate.Caller {
	x := exchangeIn(r.Context())
	if x == nil {
		return aggregate.Caller{Many: true}
	}
	return aggregate.Caller{IP: x.ip, Many: !x.network.IsValid(), UserAgent: r.UserAgent()}
}

// page answers with a page. Its handler finds the body, which has been read.
func (s *Server) page(c echo.Context) error {
	r := c.Request()
	r.Body = io.NopCloser(bytes.NewReader(exchangeOf(c).body))
	s.Pages.ServeHTTP(c.Response(), r)
	return nil
}

// SchemeOf returns by which scheme the caller sent a request that the server
// passes on, as a trusted proxy tells it.
func SchemeOf(r *http.Request) string {
	if x := exchangeIn(r.Context()); x != nil {
		return x.scheme
	}
	return "http"
}
